"""run.json: what a kept run says about itself. Nothing in it is believed before it is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from kdeviz.decision import ThresholdRule
from kdeviz.errors import OptionError
from kdeviz.model import ProbabilityCurve
from kdeviz.settings import Settings

FORMAT = 1
MOST_BYTES = 2**20
"""The most that a run.json may take."""
_MOST_NAME = 200
_YEARS = range(1970, 9999)
"""Times outside cannot be told in every time zone."""


@dataclass(frozen=True)
class StoredFile:
    """What a file of the run must be."""

    bytes: int
    digest: str
    """32 hexadecimal digits, blake2b."""


@dataclass(frozen=True)
class RunRecord:
    """What is known about a run without opening its files.

    Attributes:
        name: for people; the name of the folder is the run's id.
        rule: how the threshold was chosen.
        threshold: on log density, in nats.
        curve: log density to probability.
        metrics: headline numbers; None where one is not known.
        timings: seconds per stage.
        fixes: names of the fixes that were applied to the data, in order.
        has_labels: whether the inspected samples have labels.
        inspected_digest: of the features of the inspected samples.
        files: every other file of the run.
        owner: who kept it, by the name they have on a shared server; "" for nobody in particular.
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
    owner: str = ""


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


class _Format(msgspec.Struct):
    format: int


class _Stored(msgspec.Struct):
    """The content of run.json; msgspec refuses what is of another type, and whatever is not JSON."""

    name: str
    kept: Annotated[datetime, msgspec.Meta(tz=True)]
    settings: dict[str, Any]
    rule: dict[str, Any]
    threshold: float | Literal["inf", "-inf"]
    """JSON has no infinity, and where everything is very far out the threshold is one."""
    curve: dict[str, float]
    metrics: dict[str, Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | float | None]
    provenance: dict[str, Any]
    timings: dict[str, float]
    warnings: tuple[str, ...]
    fixes: tuple[str, ...]
    has_labels: bool
    inspected_digest: str
    files: dict[str, StoredFile]
    owner: str = ""


def record_bytes(record: RunRecord) -> bytes:
    """What `parsed` reads back exactly."""
    content = msgspec.to_builtins(record, enc_hook=_plain)
    if math.isinf(record.threshold):
        content["threshold"] = str(record.threshold)
    return msgspec.json.format(msgspec.json.encode({"format": FORMAT, **content}), indent=1)


def _plain(value: Any) -> Any:
    """A number of numpy's as one of Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is of a type that JSON does not know")


def parsed(content: bytes) -> RunRecord:
    """Read what `record_bytes` wrote.

    Raises:
        ValueError: it is damaged, or of another format; the message says what is wrong.
    """
    try:
        version = msgspec.json.decode(content, type=_Format).format
        if version != FORMAT:
            raise ValueError(f"format {version}, this kdeviz reads {FORMAT}: update kdeviz")
        stored = msgspec.json.decode(content, type=_Stored)
        if stored.kept.year not in _YEARS:
            raise ValueError(f"the time {stored.kept} is not possible")
        return RunRecord(
            **{
                **msgspec.structs.asdict(stored),
                "name": checked_name(stored.name),
                "kept": stored.kept.astimezone(UTC),
                "settings": Settings(**stored.settings),
                "rule": ThresholdRule(**stored.rule),
                "threshold": float(stored.threshold),
                "curve": ProbabilityCurve(**stored.curve),
            }
        )
    except (TypeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from None
