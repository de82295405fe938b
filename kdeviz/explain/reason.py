"""Why one row has its verdict, in one sentence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision import Decision
from kdeviz.explain.row import Components, Explanation
from kdeviz.wording import count, number, percent

_MOST_OF_IT = 0.5
_MOST_NAMED = 3
_NO_DISTANCE = 1e-12
_OUTSIDE = 2.0
"""Standard deviations from the mean within which most samples lie, so that they explain nothing."""
_AS_FAR = 0.5
_NEAREST = "the nearest training samples"


class Strongest(NamedTuple):
    """The fewest components that add half of a row's squared distance to the nearest usual samples."""

    components: NDArray[np.int64]
    """(S,) 0-based, the one that adds most first; none where there is no distance."""
    share: float
    """Of the squared distance."""
    z: float
    """Standard deviations of the first from its training mean."""
    apart: float
    """Standard deviations of the first from the nearest usual samples."""
    plain: bool
    """Whether the first is far in itself; under "norm" it may be odd only beside the other components."""


def strongest_of(components: Components) -> Strongest:
    """The components that a sentence has to name."""
    if components.squared_distance <= _NO_DISTANCE:
        return Strongest(np.empty(0, np.int64), 0.0, 0.0, 0.0, False)
    order = np.argsort(-components.contribution, kind="stable")
    shares = np.cumsum(components.contribution[order]) / components.squared_distance
    needed = int(np.argmax(shares >= _MOST_OF_IT)) + 1
    z, apart = float(components.z[order[0]]), float(components.apart[order[0]])
    plain = abs(apart) >= _AS_FAR * float(np.abs(components.apart).max())
    return Strongest(order[:needed], float(shares[needed - 1]), z, apart, plain)


def reason(decision: Decision, row: int, explanation: Explanation) -> str:
    """Why one inspected row is flagged, or what is most unusual about it; it may hold names of features.

    `explanation` is that of this row.
    """
    score, flagged = decision.analysis.scores[row], bool(decision.flagged[row])
    strongest = strongest_of(explanation.components)
    if explanation.residual.unusual and not flagged:
        return "Not flagged: usual in the kept components, though unusual in what they leave out."
    if not len(strongest.components):
        return "It lies where training samples lie."
    where = _where(strongest)
    if flagged:
        return f"Flagged because {where}{_feature(decision, explanation)}."
    lower = float((decision.analysis.reference < score).mean())
    share = f"{percent(lower)} of the training samples score" if lower else "no training sample scores"
    return f"Not flagged: {share} lower; most unusual is that {where}."


def _where(strongest: Strongest) -> str:
    first, *others = (int(component) + 1 for component in strongest.components)
    far = f"component {first} is {_far(strongest)}"
    whom = "them" if far.endswith(_NEAREST) else _NEAREST
    distance = f"{percent(strongest.share)} of its distance from {whom}"
    if not others:
        return f"{far}, which makes {distance}"
    if len(others) < _MOST_NAMED:
        plural = "s" * (len(others) > 1)
        return f"{far}; with component{plural} {' and '.join(map(str, others))} that makes {distance}"
    return f"{far}; with {count(len(others))} more components that makes {distance}"


def _far(strongest: Strongest) -> str:
    """From the mean where that is far on the same side; else from the samples that it is compared with."""
    z, apart = strongest.z, strongest.apart
    if not strongest.plain:
        return "unlike what its other components lead to expect"
    if z * apart > 0 and abs(z) >= max(_OUTSIDE, abs(apart)):
        return f"{number(abs(z), 2)} standard deviations {'above' if z > 0 else 'below'} the training mean"
    side = "higher" if apart > 0 else "lower"
    return f"{number(abs(apart), 2)} standard deviations {side} than in {_NEAREST}"


def _feature(decision: Decision, explanation: Explanation) -> str:
    """The change of a feature with a name that would help most."""
    direction, inspected = explanation.direction, decision.analysis.inspected
    if inspected.feature_names is None or not len(direction.features):
        return ""
    change = float(direction.change_in_spreads[0])
    if change == 0:
        return ""
    less = "lower" if change < 0 else "higher"
    name = inspected.feature_name(int(direction.features[0]))
    return f"; with {name} {number(abs(change), 2)} standard deviations {less} it would be more usual"
