"""The normal sample that is most like an inspected one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS
from kdeviz.decision import Decision
from kdeviz.explain.row import Explanation, explain


def beside_normal(decision: Decision, row: int) -> Explanation:
    """`explain`, with one neighbour: the nearest training row that is not anomalous itself.

    Anomalous is what is labelled so, and what this decision flags by its held-out score. Where all training
    rows are, it is the nearest one of them.

    Args:
        decision: whose model explains the row.
        row: which inspected row.

    Raises:
        OptionError: there is no such row.
    """
    odd = decision.analysis.fitted_on[_odd(decision)]
    explanation = explain(decision.analysis, row, neighbours=1 + len(odd))
    near = explanation.neighbours
    normal = np.flatnonzero(~np.isin(near.rows, odd))[:1]
    chosen = normal if len(normal) else np.arange(len(near.rows))[:1]
    one = near._replace(
        rows=near.rows[chosen],
        distances=near.distances[chosen],
        shares=near.shares[chosen],
        others=1 - float(near.shares[chosen].sum()),
    )
    return explanation._replace(neighbours=one)


def _odd(decision: Decision) -> NDArray[np.bool_]:
    """(n,) which rows of the fit are no example of what is normal."""
    analysis = decision.analysis
    fitted, scores = analysis.fitted_on, analysis.held_out_scores
    low = scores < decision.threshold if len(scores) == len(fitted) else np.zeros(len(fitted), bool)
    labels = analysis.train.labels
    return low if labels is None else low | (labels[fitted] == ANOMALOUS)
