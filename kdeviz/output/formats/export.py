"""export: write a decision in some format, have its runtime load it back, and compare."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kdeviz.analysis import OnProgress
from kdeviz.atomic import hidden_folder, sync
from kdeviz.decision import Decision
from kdeviz.errors import ExportError, KdevizError, OptionError
from kdeviz.output.formats.card import model_card
from kdeviz.output.formats.model_format import ModelFormat
from kdeviz.output.formats.probes import probe_rows, sample_rows
from kdeviz.output.formats.verification import Expected, SamplesFlagged, Verification, verify
from kdeviz.wording import one_line

CARD, RECORD = ".card.md", ".verification.json"
"""What is added to an export's name for the files beside it."""


class Exported(NamedTuple):
    """What was written."""

    paths: tuple[Path, ...]
    """The file or folder itself, what belongs to it, the card and the record."""
    verification: Verification
    card: str


def export(
    decision: Decision, kind: ModelFormat, path: str | Path, on_progress: OnProgress | None = None
) -> Exported:
    """Write a decision, with a model card and a verification record beside it; all of it or nothing.

    They are named after `path`, the file or folder. What is there is overwritten.

    Raises:
        OptionError: the runtime is not installed, the format cannot hold this decision, there is a folder
            of that name, or the name has not the suffix that the format takes.
        ExportError: the runtime cannot write or load it, or gives other scores; no file is left.
        OSError: it cannot be written.
    """
    tell = on_progress or (lambda stage, fraction: None)
    path = Path(path)
    kind.check_installed()
    if reason := kind.refusal(decision):
        raise OptionError(f"cannot be written as {kind.name}: {reason}")
    check_name(path, kind)
    with hidden_folder(path.parent) as hidden:
        tell("Choosing rows to compare", 0.0)
        samples = _samples(kind, decision)
        expected = Expected.of(decision, probe_rows(decision), len(sample_rows(decision)))
        tell("Writing", 0.3)
        _write(kind, decision, hidden / path.name)
        tell("Loading it back and comparing", 0.6)
        verification = _verified(kind, hidden / path.name, expected, samples)
        card = model_card(decision, kind, verification, path.name)
        (hidden / f"{path.name}{CARD}").write_text(card, encoding="utf-8")
        (hidden / f"{path.name}{RECORD}").write_text(verification.to_json(), encoding="utf-8")
        return Exported(_moved(hidden, beside(path, kind)), verification, card)


def check_name(path: Path, kind: ModelFormat) -> None:
    """See that a file or folder of this format may have this name.

    Raises:
        OptionError: there is a folder of this name; or its suffix is not that of a format of several files,
            which are named after its stem.
    """
    if path.is_dir():
        raise OptionError(f"{path} is a folder that exists already: choose another name, or delete it first")
    if kind.companions and path.suffix != kind.suffix:
        raise OptionError(
            f"{path}: {kind.name} writes NAME{kind.suffix} and NAME{' and NAME'.join(kind.companions)}: give "
            f"a name that ends in {kind.suffix}"
        )


def beside(path: Path, kind: ModelFormat) -> list[Path]:
    """Every name that an export to `path` takes."""
    names = [path.name, *(path.with_suffix(suffix).name for suffix in kind.companions)]
    return [path.with_name(name) for name in (*names, f"{path.name}{CARD}", f"{path.name}{RECORD}")]


def _samples(kind: ModelFormat, decision: Decision) -> SamplesFlagged | None:
    try:
        return SamplesFlagged.of(decision, kind.takes_float32, kind.for_kdeviz)
    except ExportError as error:
        raise ExportError(f"{kind.name}: {error}") from None


def _write(kind: ModelFormat, decision: Decision, file: Path) -> None:
    try:
        kind.write(decision, file)
    except (KdevizError, OSError, MemoryError):
        raise
    except Exception as error:  # whatever a runtime raises
        raise _failed(kind, "does not write it", error) from error


def _verified(
    kind: ModelFormat, file: Path, expected: Expected, samples: SamplesFlagged | None
) -> Verification:
    try:
        found = kind.check(expected.decision, file, expected.rows)
    except (KdevizError, OSError, MemoryError) as error:
        raise ExportError(f"{kind.name}: {one_line(error, 300)}: nothing was written") from error
    except Exception as error:  # whatever a runtime raises
        raise _failed(kind, "does not load it", error) from error
    try:
        return verify(kind.name, expected, found, samples)
    except ExportError as error:
        raise ExportError(f"{error}. {kind.limits}" if kind.limits else str(error)) from None


def _failed(kind: ModelFormat, what: str, error: Exception) -> ExportError:
    why = f"{type(error).__name__}: {one_line(error, 300)}"
    return ExportError(f"{kind.name}: its runtime {what} ({why}): nothing was written")


def _moved(hidden: Path, places: list[Path]) -> tuple[Path, ...]:
    """Everything in its place, the file itself, which is the first, last."""
    for place in reversed(places):
        sync(hidden / place.name)
        (hidden / place.name).replace(place)
    sync(places[0].parent)
    return tuple(places)
