"""`kdeviz fit` on files that are read in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import kdeviz.batch
import kdeviz.data
from kdeviz.cli.inputs import example_of
from kdeviz.cli.output import say
from kdeviz.errors import DataError, OptionError

if TYPE_CHECKING:
    from kdeviz.analysis import Analysis, OnProgress
    from kdeviz.data import Corrections, EmbeddingSet
    from kdeviz.decision import ThresholdRule
    from kdeviz.settings import Settings


class InParts:
    """Whether DATA is read in parts, as was asked for or as its size tells.

    Args:
        asked: True or False where a person has said it, or None.
        data: what to read.
        need_all: options that need all rows in memory, and their values.
        rule: of the threshold.
        score: the file to score, or None.

    Raises:
        OptionError: it was asked for, and something else with it that needs all rows.
    """

    def __init__(
        self,
        asked: bool | None,
        data: Sequence[str],
        need_all: Mapping[str, object],
        rule: ThresholdRule,
        score: str | None,
    ) -> None:
        self._data, self._asked, self._at_once = data, bool(asked), asked is False
        why_not = next(_reasons(data, need_all, rule, score), None)
        if asked and why_not is not None:
            raise OptionError(f"{why_not}: leave out --in-parts, or that")
        guessed = asked is None and why_not is None and kdeviz.data.is_beyond_memory(data)
        self.chosen, self._why_not = bool(asked) or guessed, why_not
        self._axes: dict[str, Any] = {}
        if guessed:
            remote = any(map(kdeviz.data.is_remote, data))
            why = "is on another machine" if remote else "is large beside the free memory"
            say("note", f"DATA {why}, so it is read in parts, as by --in-parts")

    def take_axes(self, axes: str, engine: str, workers: int | None, address: str | None) -> None:
        """Which rows the principal axes come from; with all of them DATA is read in parts.

        Raises:
            OptionError: there is no such choice, or something else that was asked for does not go with it.
        """
        if axes not in ("sample", "all"):
            raise OptionError(f"--axes {axes}: choose sample or all")
        if axes == "sample":
            if engine != "none" or workers or address:
                raise OptionError("--engine, --workers and --address add up all rows: give --axes all, too")
            return
        if self._why_not is not None:
            raise OptionError(f"{self._why_not}: leave out --axes all, or that")
        if self._at_once:
            raise OptionError("--axes all reads DATA in parts: leave out --at-once")
        self.chosen = True
        self._axes = {"axes_of_all": True, "engine": engine, "plan": kdeviz.batch.Plan(workers, address)}

    def analyse(
        self, score: EmbeddingSet | None, settings: Settings, device: str, said: Corrections, tell: OnProgress
    ) -> Analysis:
        """Fit on DATA; what was noted on reading goes to stderr."""
        try:
            done = kdeviz.batch.analyse_in_parts(
                self._data, score, settings, device, said=said, on_progress=tell, **self._axes
            )
        except DataError as error:
            if self._asked or self._axes:
                raise
            raise DataError(f"{error}; --at-once reads all rows into memory") from None
        for note in done.found.notes:
            say("note", note)
        kept = len(done.analysis.train)
        if score is None and kept < done.found.rows:
            rest = done.found.rows - kept
            say("note", f"{rest} rows that were not fitted were not scored: kdeviz score scores them")
        return done.analysis


def _reasons(
    data: Sequence[str], need_all: Mapping[str, object], rule: ThresholdRule, score: str | None
) -> Iterator[str]:
    """Why DATA has to be in memory as a whole."""
    if len(data) == 1 and example_of(data[0]) is not None:
        yield "a built-in example is small"
    for option, value in need_all.items():
        if value:
            yield f"{option} needs all rows in memory"
    if score is None and not rule.rule.of_training:
        yield (
            f"--threshold-rule {rule.kind} looks at rows beside those that are fitted, which are not kept "
            "(name some with --score)"
        )
