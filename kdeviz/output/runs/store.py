"""The folder of kept runs. Any number of processes may use it at once."""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import platformdirs

from kdeviz.analysis import Analysis
from kdeviz.atomic import delete_folder, held, hidden_folder, put_in_place, write_whole
from kdeviz.data import MarkBook, marks_bytes, sample_keys
from kdeviz.decision import Decision, average_precision
from kdeviz.errors import DataError, OptionError
from kdeviz.output.formats.native import model_bytes
from kdeviz.output.runs.record import RunRecord, checked_name, record_bytes
from kdeviz.output.runs.run import (
    FILES,
    MARKS,
    MODEL,
    RECORD,
    SCORES,
    TRAIN_SCORES,
    Run,
    digest_of,
    held_out_bytes,
    read_run,
)
from kdeviz.output.scores import score_bytes
from kdeviz.wording import number, one_line

_LONGEST_SLUG = 60
_MOST_LISTED = 8
_LONGEST_DATA_NAME = 60


class DamagedRun(NamedTuple):
    """A run that cannot be opened."""

    id: str
    folder: Path
    reason: str


def default_folder() -> Path:
    """Where runs are kept when nobody says otherwise: in the user's data folder."""
    return platformdirs.user_data_path("kdeviz") / "runs"


class RunStore:
    """Runs as folders in one folder, which is the list of them: whole runs are added to it, one at a time.

    A run is written into a hidden folder and renamed into place, so that it is there whole or not at all, and
    stays after a power cut. Names are given out under a lock. There is no other list that could disagree: a
    run that was copied here by hand is one more run. The folder is made when the first run is kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = default_folder() if folder is None else folder

    def check_writable(self) -> None:
        """See whether a run could be kept, before what is to be kept is computed.

        Raises:
            OptionError: the folder cannot be written to, or not be made.
        """
        with self._must_be("changed"):
            there = next(folder for folder in (self.folder, *self.folder.parents) if folder.exists())
            with tempfile.TemporaryFile(dir=there):
                pass

    def keep(
        self,
        decision: Decision,
        name: str | None = None,
        fixes: Sequence[str] = (),
        marks: MarkBook | None = None,
        owner: str = "",
    ) -> Run:
        """Keep a decision with its model and scores; no run is ever overwritten.

        Args:
            decision: what to keep.
            name: for people; if None `proposed_name`, with a number if another run has it.
            fixes: what was applied to the data, in order.
            marks: what was decided about samples; those of the inspected ones are kept.
            owner: who keeps it, see `rename`.

        Raises:
            OptionError: the name is not possible, or the folder cannot be written to.
        """
        analysis = decision.analysis
        name = None if name is None else checked_name(name)
        contents = {
            MODEL: model_bytes(decision),
            SCORES: score_bytes(decision, ".parquet", marks=_columns(analysis, marks)),
            TRAIN_SCORES: held_out_bytes(analysis.held_out_scores),
            **_marks_file(analysis, marks),
        }
        record = replace(_record(decision, fixes, contents), owner=owner)
        with self._must_be("changed"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with hidden_folder(self.folder) as hidden:
                for file, content in contents.items():
                    (hidden / file).write_bytes(content)
                with held(self.folder):
                    return self._add(hidden, replace(record, name=name or self._unused(record.name)))

    def _add(self, hidden: Path, record: RunRecord) -> Run:
        (hidden / RECORD).write_bytes(record_bytes(record))
        read_run(hidden)
        place = self.folder / f"{_slug(record.name)}-{secrets.token_hex(4)}"
        put_in_place(hidden, place)
        return read_run(place)

    def _unused(self, name: str) -> str:
        """A name that no run has: with a number after it, if need be."""
        taken = {run.name for run in self.runs() if isinstance(run, Run)}
        numbered = (f"{name} ({i})" for i in range(2, len(taken) + 2))
        return next(each for each in (name, *numbered) if each not in taken)

    def runs(self) -> tuple[Run | DamagedRun, ...]:
        """All runs, the newest first, then the damaged ones.

        Raises:
            OptionError: the folder cannot be read.
        """
        opened: list[Run] = []
        damaged: list[DamagedRun] = []
        for folder in self._folders():
            try:
                opened.append(read_run(folder))
            except DataError as error:
                if folder.exists():  # and not deleted meanwhile
                    damaged.append(DamagedRun(folder.name, folder, str(error)))
        opened.sort(key=lambda run: (run.record.kept, run.id), reverse=True)
        return (*opened, *sorted(damaged))

    def open(self, id: str) -> Run:  # noqa: A002 (it is what everybody calls it)
        """One run, every byte of it checked.

        Raises:
            OptionError: there is no such run.
            DataError: it is damaged.
        """
        run = read_run(self._existing(id))
        run.check()
        return run

    def match(self, text: str) -> str:
        """The id of the run that is meant: by its id or name, else by the beginning of its name or id.

        Raises:
            OptionError: no run is meant, or several are, and then they are named.
        """
        known = [(run.id, run.name if isinstance(run, Run) else "") for run in self.runs()]
        wanted = " ".join(text.split()).casefold()
        ways: list[Callable[[str, str], bool]] = [
            lambda run, _: run == text,
            lambda _, name: name.casefold() == wanted,
            lambda _, name: name.casefold().startswith(wanted),
            lambda run, _: run.casefold().startswith(wanted),  # it may begin with a name of before
        ]
        for is_meant in ways:
            meant = [run for run in known if wanted and is_meant(*run)]
            if len(meant) == 1:
                return meant[0][0]
            if meant:
                raise OptionError(f"{text!r} may mean each of these runs, say more: {_listed(meant)}")
        raise OptionError(
            f"there is no run {text!r}, nor one whose name begins so, in {self.folder}: "
            "see `kdeviz runs list`"
        )

    def rename(self, id: str, name: str, by: str | None = None) -> Run:  # noqa: A002
        """Give a run another name; its id and folder stay.

        Args:
            id: of the run.
            name: the new one.
            by: who asks for it, which must be its owner if it has one; None for somebody who has the files.

        Raises:
            OptionError: there is no such run, it is another's, the name is not possible, or the folder cannot
                be written to.
            DataError: the run is damaged.
        """
        run = read_run(self._existing(id))
        _check_owner(run, by)
        with self._must_be("changed"):
            write_whole(run.folder / RECORD, record_bytes(replace(run.record, name=checked_name(name))))
        return read_run(run.folder)

    def delete(self, id: str, by: str | None = None) -> None:  # noqa: A002
        """Delete a run, damaged or not; `by` is as for `rename`.

        Raises:
            OptionError: there is no such run, it is another's, it holds files that are not a run's, or it
                cannot be deleted.
        """
        folder = self._existing(id)
        with suppress(DataError):  # a damaged one is nobody's
            _check_owner(read_run(folder), by)
        with self._must_be("changed"):
            if folder.is_symlink():
                folder.unlink()
                return
            foreign = sorted(path.name for path in folder.iterdir() if not _is_part_of_a_run(path))
            if foreign:
                raise OptionError(
                    f"{folder} holds {foreign[0]}, which is no part of a run: delete it by hand"
                )
            delete_folder(folder)

    def _folders(self) -> list[Path]:
        """Every folder that a run may be in; other folders that somebody put there are none of ours."""
        if not self.folder.is_dir():
            return []
        with self._must_be("read"):
            inside = sorted(self.folder.iterdir())
        folders = [path for path in inside if path.is_dir() and not path.name.startswith(".")]
        return list(filter(_may_be_run, folders))

    def _existing(self, id: str) -> Path:  # noqa: A002
        # Compared with what is there, so that no id can lead out of the folder.
        for folder in self._folders():
            if folder.name == id:
                return folder
        raise OptionError(f"there is no run {id!r} in {self.folder}: see `kdeviz runs list`")

    @contextmanager
    def _must_be(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise OptionError(f"{self.folder} cannot be {done} ({reason}): choose another folder") from None


def _listed(runs: Sequence[tuple[str, str]]) -> str:
    """Ids and names, of the first few."""
    first = [f"{run} ({name})" if name else run for run, name in runs[:_MOST_LISTED]]
    more = len(runs) - len(first)
    return "; ".join(first) + (f"; and {more} more" if more else "")


def _check_owner(run: Run, by: str | None) -> None:
    if by is not None and run.owner not in ("", by):
        raise OptionError(f"the run {run.name!r} was kept by {run.owner}: only they can change or delete it")


def proposed_name(decision: Decision) -> str:
    """What a run may be called: data set, components and threshold."""
    analysis = decision.analysis
    data = one_line(analysis.inspected.name or analysis.train.name, _LONGEST_DATA_NAME)
    components = analysis.classifier.n_components_
    # A hyphen in place of the minus sign, which nobody can type at a prompt.
    threshold = number(decision.threshold).replace("\N{MINUS SIGN}", "-")
    named = f"{data}, {components} component{'s' * (components != 1)}, threshold {threshold}"
    return checked_name(named.lstrip(", "))


def _record(decision: Decision, fixes: Sequence[str], contents: Mapping[str, bytes]) -> RunRecord:
    """Of a decision and the files that it is kept as, under the name that is proposed."""
    analysis = decision.analysis
    return RunRecord(
        name=proposed_name(decision),
        kept=datetime.now(UTC),
        settings=analysis.settings,
        rule=decision.rule_here,
        threshold=decision.threshold,
        curve=decision.curve,
        metrics=_headline(decision),
        provenance=analysis.provenance,
        timings=analysis.timings,
        warnings=analysis.warnings,
        fixes=tuple(fixes),
        has_labels=analysis.inspected.labels is not None,
        inspected_digest=analysis.inspected.digest,
        files={file: digest_of(content) for file, content in contents.items()},
    )


def _columns(analysis: Analysis, marks: MarkBook | None) -> dict[str, list[str]] | None:
    return None if marks is None else marks.columns(sample_keys(analysis.inspected.ids))


def _marks_file(analysis: Analysis, marks: MarkBook | None) -> dict[str, bytes]:
    """The marks of the inspected samples, by the name of their file; none without any."""
    own = {} if marks is None else marks.of(sample_keys(analysis.inspected.ids))
    return {MARKS: marks_bytes(own)} if own else {}


def _headline(decision: Decision) -> dict[str, float | None]:
    scores, labels, model = decision.analysis.scores, decision.labels, decision.analysis.classifier
    always: dict[str, float | None] = {
        "training_rows": len(model.training_rows),
        "components_kept": model.n_components_,
        "variance_kept": float(model.pca_model.explained_variance_ratio.sum()),
        "inspected": len(scores),
        "flagged": decision.n_flagged,
        "expected_alarm_rate": decision.expected_alarms.known_rate,
        "auroc": decision.auroc,
    }
    counts = decision.confusion
    if labels is None or counts is None:
        return always
    return {
        **always,
        "average_precision": average_precision(scores, labels),
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
    }


def _may_be_run(folder: Path) -> bool:
    try:
        return any((folder / name).exists() for name in FILES)
    except OSError:  # nobody may look inside: it will be told as damaged
        return True


def _slug(name: str) -> str:
    """For the name of a folder on any system."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return plain[:_LONGEST_SLUG].strip("-") or "run"


def _is_part_of_a_run(path: Path) -> bool:
    """Hidden files are what a crash, or a file browser, leaves."""
    return not path.is_dir() and (path.name in FILES or path.name.startswith("."))
