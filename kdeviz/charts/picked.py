"""The sample that a person looks at: ringed on every chart."""

from __future__ import annotations

from typing import NamedTuple

from kdeviz.decision import Decision


class PickedNumbers(NamedTuple):
    """Where one sample lies."""

    name: str
    log_density: float
    """NaN for a training sample that nobody has scored."""
    probability: float
    row: int
    """Among the inspected; of a training sample among those of the fit, -1 for none."""
    training: bool = False


def picked_numbers(decision: Decision, row: int | None, neighbour: int | None = None) -> PickedNumbers | None:
    """Where this inspected row is to be ringed, or in its place this training row; None for neither."""
    training = neighbour is not None
    analysis = decision.analysis.training_view if training else decision.analysis
    at = neighbour if training else row
    if at is None:
        return None
    score = analysis.scores[at : at + 1]
    place = int(analysis.points[at]) if training else at
    name, probability = str(analysis.inspected.ids[at]), float(decision.curve(score)[0])
    return PickedNumbers(name, float(score[0]), probability, place, training)
