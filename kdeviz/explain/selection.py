"""What a selection of samples has in common, against all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.analysis import Analysis
from kdeviz.data import EmbeddingSet
from kdeviz.decision import Column, Decision, Mask, Numbers, Samples, Values
from kdeviz.errors import OptionError
from kdeviz.explain.place import density_of
from kdeviz.explain.standouts import Counts, Standout, some_of, standouts, word_counts
from kdeviz.wording import plain_number

MOST_SHOWN = 8
_OURS = frozenset({"id", "verdict", "rank", "log density", "probability", "p-value"})
_QUARTERS = (0.25, 0.5, 0.75)
_LOOKED_AT = 100_000


class SelectionView(NamedTuple):
    """What there is to say about a selection."""

    size: int
    """Samples selected."""
    total: int
    """Inspected samples in all."""
    flagged: int
    """Of those selected."""
    flagged_outside: int
    """Of the others."""
    values: tuple[Standout, ...]
    """Values that are over-represented among those selected, the surest first."""
    words: tuple[Standout, ...]
    """Words that are, in the texts that people read."""
    read: tuple[int, int]
    """In the texts of how many samples words were counted: of those selected, of the others."""
    middle: int
    """The selected inspected row nearest to the selection's mean, in kernel widths."""
    typical: int | None
    """The training row nearest to that mean among the more usual half; None where they are not here."""

    @property
    def share_flagged(self) -> float:
        """Of the samples selected."""
        return self.flagged / self.size

    @property
    def share_flagged_outside(self) -> float:
        """Of the others; NaN without any."""
        rest = self.total - self.size
        return self.flagged_outside / rest if rest else float("nan")


def describe(
    decision: Decision, samples: Samples, selected: Mask, text_column: str | None = None
) -> SelectionView:
    """Describe the samples that are (M,) selected, by their columns and texts and by what is decided on them.

    Words are counted in at most `MOST_READ` samples of the selection and of the others, evenly spread: in
    the texts of this column, the longest ones if None.

    Raises:
        OptionError: none is selected.
    """
    size, total = int(selected.sum()), len(selected)
    if not size:
        raise OptionError("no sample is selected, so there is nothing to describe: widen the selection")
    inside, outside = np.flatnonzero(selected), np.flatnonzero(~selected)
    flagged = int(decision.flagged[inside].sum())
    words, read = _words(decision.analysis.inspected, text_column, inside, outside)
    middle, typical = _nearest(decision.analysis, inside)
    return SelectionView(
        size=size,
        total=total,
        flagged=flagged,
        flagged_outside=decision.n_flagged - flagged,
        values=_values(samples.columns, selected),
        words=words,
        read=read,
        middle=middle,
        typical=typical,
    )


def _values(columns: Mapping[str, Column], selected: Mask) -> tuple[Standout, ...]:
    named: list[tuple[str, str]] = []
    counts = []
    for name, values in _of_few_values(columns):
        places = values.codes % (len(values.names) + 1)
        both = np.bincount(2 * places + selected, minlength=2 * len(values.names) + 2).reshape(-1, 2)
        named += [(name, value) for value in (*values.names, "no value")]
        counts.append(both)
    outside, inside = np.concatenate(counts).T if counts else np.zeros((2, 0), np.int64)
    size = int(selected.sum())
    return standouts(named, inside, outside, size, len(selected) - size, MOST_SHOWN)


def _of_few_values(columns: Mapping[str, Column]) -> Iterator[tuple[str, Values]]:
    """Columns of few values, and numbers of the file by the quarter of the samples they are in."""
    for name, column in columns.items():
        if name in _OURS:
            continue
        if isinstance(column, Values):
            yield name, column
        elif isinstance(column, Numbers):
            yield name, _quarters(column)


def _quarters(column: Numbers) -> Values:
    values = column.values
    known = some_of(np.flatnonzero(np.isfinite(values)), _LOOKED_AT)
    edges = np.unique(np.quantile(values[known], _QUARTERS)) if len(known) else np.empty(0)
    ends = [plain_number(edge) for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(ends)]
    names = (f"at most {ends[0]}", *between, f"above {ends[-1]}") if ends else ()
    codes = np.searchsorted(edges, values, side="left")
    return Values(np.where(np.isnan(values) | (not names), -1, codes), tuple(names))


def _words(
    texts: EmbeddingSet, column: str | None, inside: Counts, outside: Counts
) -> tuple[tuple[Standout, ...], tuple[int, int]]:
    if not texts.text_columns:
        return (), (0, 0)
    inside, outside = some_of(inside), some_of(outside)
    found, others = (word_counts(texts.texts(rows, column)) for rows in (inside, outside))
    words = sorted(found)
    here, there = (np.array([side[word] for word in words], np.int64) for side in (found, others))
    read = (len(inside), len(outside))
    return standouts([("word", word) for word in words], here, there, *read, MOST_SHOWN), read


def _nearest(analysis: Analysis, inside: Counts) -> tuple[int, int | None]:
    """The selected row, and the usual training row, that lie nearest to the middle of the selection."""
    density = density_of(analysis.classifier)
    points = torch.from_numpy(analysis.coordinates[inside]).to(density.points)
    places = (points - density.mean) @ density.whitening
    middle = places.mean(0)
    row = int(inside[int((places - middle).square().sum(1).argmin())])
    if not len(analysis.fitted_on):
        return row, None
    usual = _usual(analysis)
    distances = (density.points[torch.from_numpy(usual)] - middle).square().sum(1)
    return row, int(analysis.fitted_on[usual[int(distances.argmin())]])


def _usual(analysis: Analysis) -> NDArray[np.int64]:
    """Which of the rows that were fitted on score at or above the median of them."""
    scores = analysis.held_out_scores
    if not len(scores):
        return np.arange(len(analysis.fitted_on))
    return np.flatnonzero(scores >= np.median(scores))
