"""run.json: what a kept run says about itself. Nothing in it is believed before it is checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from kdeviz.decision import ThresholdRule
from kdeviz.errors import OptionError
from kdeviz.model import ProbabilityCurve
from kdeviz.settings import Settings

FORMAT = 1
MOST_BYTES = 2**20
"""The most that a run.json may take."""
_MOST_NAME = 200


class StoredFile(NamedTuple):
    """What a file of the run must be."""

    bytes: int
    digest: str
    """32 hexadecimal digits, blake2b."""


@dataclass(frozen=True)
class RunRecord:
    """What is known about a run without opening its files.

    Attributes:
        name: for people; the name of the folder is the run's id.
        kept: when.
        settings: of the model.
        rule: how the threshold was chosen.
        threshold: on log density, in nats.
        curve: log density to probability.
        metrics: headline numbers; None where one is not known.
        provenance: of the analysis.
        timings: seconds per stage.
        warnings: of the analysis.
        fixes: names of the fixes that were applied to the data, in order.
        has_labels: whether the inspected samples have labels.
        inspected_digest: of the features of the inspected samples.
        files: every other file of the run.
    """

    name: str
    kept: datetime
    settings: Settings
    rule: ThresholdRule
    threshold: float
    curve: ProbabilityCurve
    metrics: Mapping[str, float | None]
    provenance: Mapping[str, Any]
    timings: Mapping[str, float]
    warnings: tuple[str, ...]
    fixes: tuple[str, ...]
    has_labels: bool
    inspected_digest: str
    files: Mapping[str, StoredFile]


def checked_name(name: str) -> str:
    """A name in one line.

    Raises:
        OptionError: nothing to see, too long, or with control characters.
    """
    line = " ".join(name.split())
    if not line or len(line) > _MOST_NAME or not line.isprintable():
        raise OptionError(
            f"the name {line[:40]!r} of a run is not possible: give 1 to {_MOST_NAME} printable characters"
        )
    return line


def record_bytes(record: RunRecord) -> bytes:
    """What `parsed` reads back exactly."""
    content = {
        "format": FORMAT,
        **{name: getattr(record, name) for name in ("name", "warnings", "fixes", "has_labels")},
        "inspected_digest": record.inspected_digest,
        "kept": record.kept.isoformat(),
        "settings": record.settings.to_dict(),
        "rule": asdict(record.rule),
        # JSON has no infinity, and where everything is very far out the threshold is one.
        "threshold": record.threshold if math.isfinite(record.threshold) else str(record.threshold),
        "curve": asdict(record.curve),
        "metrics": {name: _or_none(value) for name, value in record.metrics.items()},
        "provenance": dict(record.provenance),
        "timings": dict(record.timings),
        "files": {name: file._asdict() for name, file in record.files.items()},
    }
    return json.dumps(content, indent=1, allow_nan=False).encode()


def parsed(content: bytes) -> RunRecord:
    """Read what `record_bytes` wrote.

    Raises:
        ValueError: it is damaged, or of another format; the message says what is wrong.
    """
    try:
        found = json.loads(content)
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']!r}, this kdeviz reads {FORMAT}: update kdeviz")
        return RunRecord(
            name=checked_name(_text(found["name"])),
            kept=_time(found["kept"]),
            settings=Settings(**found["settings"]),
            rule=ThresholdRule(**found["rule"]),
            threshold=_threshold(found["threshold"]),
            curve=ProbabilityCurve(**found["curve"]),
            metrics={_text(name): _or_none(value) for name, value in found["metrics"].items()},
            provenance=dict(found["provenance"]),
            timings={_text(name): float(value) for name, value in found["timings"].items()},
            warnings=tuple(map(_text, found["warnings"])),
            fixes=tuple(map(_text, found["fixes"])),
            has_labels=bool(found["has_labels"]),
            inspected_digest=_text(found["inspected_digest"]),
            files={_text(name): _file(file) for name, file in found["files"].items()},
        )
    except KeyError as error:
        raise ValueError(f"{error} is missing") from None
    except (TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(_text(value))
    if time.tzinfo is None:
        raise ValueError(f"the time {value!r} has no time zone")
    return time


def _threshold(value: Any) -> float:
    threshold = float(value)
    if math.isnan(threshold):
        raise ValueError("the threshold is not a number")
    return threshold


def _or_none(value: Any) -> float | None:
    """A number as it is; what JSON cannot hold is not known."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if isinstance(value, int) else float(value)


def _file(value: Any) -> StoredFile:
    return StoredFile(int(value["bytes"]), _text(value["digest"]))
