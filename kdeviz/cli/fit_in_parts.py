"""`kdeviz fit` on files that are read in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kdeviz.cli.inputs import example_of
from kdeviz.cli.output import say
from kdeviz.errors import DataError, OptionError

if TYPE_CHECKING:
    from kdeviz.analysis import Analysis
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
        from kdeviz.data import is_beyond_memory, is_remote

        self._data, self._asked = data, bool(asked)
        why_not = next(_reasons(data, need_all, rule, score), None)
        if asked and why_not is not None:
            raise OptionError(f"{why_not}: leave out --in-parts, or that")
        guessed = asked is None and why_not is None and is_beyond_memory(data)
        self.chosen = bool(asked) or guessed
        if guessed:
            why = "is on another machine" if any(map(is_remote, data)) else "is large beside the free memory"
            say("note", f"DATA {why}, so it is read in parts, as by --in-parts")

    def analyse(
        self,
        score: EmbeddingSet | None,
        settings: Settings,
        device: str,
        said: Corrections,
        tell: Callable[[str, float], None],
    ) -> Analysis:
        """Fit on DATA; what was noted on reading goes to stderr."""
        from kdeviz.batch import analyse_in_parts

        try:
            done = analyse_in_parts(self._data, score, settings, device, said=said, on_progress=tell)
        except DataError as error:
            if self._asked:
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
