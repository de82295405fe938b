"""The sample that a person picked: ringed on every chart."""

from __future__ import annotations

from typing import NamedTuple

from kdeviz.decision import Decision


class PickedNumbers(NamedTuple):
    """Where one inspected sample lies."""

    name: str
    log_density: float
    probability: float
    row: int
    """Among the inspected."""


def picked_numbers(decision: Decision, row: int | None) -> PickedNumbers | None:
    """Where this inspected row is to be ringed; None if none is picked."""
    if row is None:
        return None
    analysis = decision.analysis
    return PickedNumbers(
        str(analysis.inspected.ids[row]),
        float(analysis.scores[row]),
        float(decision.curve(analysis.scores[row : row + 1])[0]),
        row,
    )
