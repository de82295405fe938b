"""Rows whose log densities compare: without labels, one kind of rows has to be chosen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from kdeviz.settings import Settings
from kdeviz.sweep.sweep import SweepRow
from kdeviz.wording import count, percent

ENOUGH_VARIANCE = 0.9
"""Without labels, component counts that carry this share of the variance are looked at."""

STABLE = 0.5
"""Of those the fewest are taken that name this share of the top anomalies of the next larger count."""


class Step(NamedTuple):
    """From one component count to the next larger one."""

    fewer: int
    more: int
    pairs: int
    """How many rows of each differ in nothing but the components."""
    top: int
    """How many top anomalies a row has."""
    common: int
    """Of these, how many are in both rows of a pair; the sum over the pairs."""

    @property
    def agreement(self) -> float:
        """Mean share of the larger count's top anomalies that the smaller one names."""
        return self.common / (self.top * self.pairs)


class Narrowed(NamedTuple):
    """How rows were narrowed down to those whose log densities compare; see `best`."""

    components: int
    carried: float
    """Share of the variance that these carry."""
    enough: bool
    """Whether that is `ENOUGH_VARIANCE`; otherwise they are the most tried."""
    stable: Step | None = None
    """To the next larger count, which names the same samples; None where no count is `STABLE`."""
    first: Step | None = None
    """Between the two smallest counts that carry enough; None where there are no two to compare."""
    from_more_counts: bool = False
    """Whether there were rows of other component counts."""
    scaling: str | None = None
    """The one that was taken; None where all rows have one."""
    scaling_is_default: bool = False
    standardised: bool | None = None
    """Whether rows with standardised features were taken; None where all are, or none."""

    def sentences(self) -> Iterator[str]:
        """Why these rows were chosen, in plain words."""
        if self.from_more_counts:
            reason = self._of_components
            yield f"Likelihoods with different components do not compare, so the components {reason}."
        if self.standardised is not None:
            default = "not to standardise is the default"
            yield f"Those of standardised and other features do not compare: {default}."
        if self.scaling is not None:
            which = f"{self.scaling} {'is the default' if self.scaling_is_default else 'was left'}"
            nor = "Nor do those of norm and scale" if self.from_more_counts else ""
            yield f"{nor or 'Those of norm and scale do not compare'}: {which}."

    @property
    def _of_components(self) -> str:
        """By what the components were chosen."""
        k, carried = count(self.components), percent(self.carried)
        if not self.enough:
            return f"were chosen by explained variance: {k} are the most tried, which carry {carried}"
        if (step := self.stable) is not None:
            average = "on average " if step.pairs > 1 else ""
            named = f"{average}{step.common / step.pairs:.3g} of the {step.top} samples"
            stable = f" and name {named} that {count(step.more)} name as most anomalous"
        elif self.first is not None:
            stable = (
                f"; of the counts that do, none names {percent(STABLE)} of the {self.first.top} samples "
                "that the next larger one names as most anomalous"
            )
        else:
            stable = ", and no larger count was tried that shows whether it names the same samples"
        fewest = f"{k} are the fewest that carry {carried}"
        return f"were chosen by explained variance and stability: {fewest}{stable}"


def kind_of(row: SweepRow) -> tuple[bool, str, int]:
    """Whether standardised, scaling and components: log densities compare where these are equal."""
    settings = row.settings
    return settings.standardise, settings.feature_scaling_method.value, row.components


def comparable(rows: Sequence[SweepRow]) -> tuple[list[SweepRow], Narrowed]:
    """Rows of one kind, and how it was chosen; see `best`."""
    as_they_are = [row for row in rows if not row.settings.standardise]
    differ = 0 < len(as_they_are) < len(rows)
    rows = as_they_are or rows
    narrowed = _components(rows)
    # A cap that leaves many rows out finds other axes: of one count, some may carry enough and others not.
    least = ENOUGH_VARIANCE if narrowed.enough else -math.inf
    chosen = [
        row for row in rows if row.components == narrowed.components and row.explained_variance >= least
    ]
    default = Settings().feature_scaling_method
    usual = [row for row in chosen if row.settings.feature_scaling_method is default]
    scalings = {row.settings.feature_scaling_method for row in rows}
    return usual or chosen, narrowed._replace(
        from_more_counts=any(row.components != narrowed.components for row in rows),
        scaling=(usual or chosen)[0].settings.feature_scaling_method.value if len(scalings) > 1 else None,
        scaling_is_default=bool(usual),
        standardised=False if differ else None,
    )


def _components(rows: Sequence[SweepRow]) -> Narrowed:
    """How many components to take, and by what they were chosen; see `best`."""
    enough = [row for row in rows if row.explained_variance >= ENOUGH_VARIANCE]
    if not enough:
        most = max(rows, key=lambda row: (row.components, row.explained_variance))
        return Narrowed(most.components, most.explained_variance, False)
    steps = _steps(enough)
    step = next((step for step in steps if step.agreement >= STABLE), None)
    k = min(row.components for row in enough) if step is None else step.fewer
    carried = max(row.explained_variance for row in enough if row.components == k)
    return Narrowed(k, carried, True, step, steps[0] if steps else None)


def _steps(rows: Sequence[SweepRow]) -> list[Step]:
    """Between successive component counts, where there are rows that are equal but for the components."""
    tops: dict[int, dict[Settings, set[int]]] = {}
    for row in rows:
        others = replace(row.settings, n_pca_components=1)
        tops.setdefault(row.components, {})[others] = set(row.top)
    steps = []
    for fewer, more in pairwise(sorted(tops)):
        both = tops[fewer].keys() & tops[more].keys()
        common = sum(len(tops[fewer][others] & tops[more][others]) for others in both)
        top = max((len(tops[more][others]) for others in both), default=0)
        if top:
            steps.append(Step(fewer, more, len(both), top, common))
    return steps
