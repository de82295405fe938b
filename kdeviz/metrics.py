"""How well scores separate labelled samples. Lower is more anomalous; unlabelled rows are left out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, NORMAL

__all__ = ["Confusion", "auroc", "average_precision", "confusion", "has_both_labels"]


class Confusion(NamedTuple):
    """Counts of labelled samples at a threshold; "positive" means flagged as anomalous."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int


def has_both_labels(labels: NDArray[np.int8] | None) -> bool:
    """Whether there are normal and anomalous samples: what every metric here needs."""
    return labels is not None and bool((labels == NORMAL).any() and (labels == ANOMALOUS).any())


def auroc(scores: NDArray[Any], labels: NDArray[np.int8]) -> float:
    """Chance that a random anomalous sample scores lower than a random normal one (ties count half)."""
    from sklearn.metrics import roc_auc_score

    known, anomalous = _known(labels)
    return float(roc_auc_score(anomalous, -_ranks(scores[known])))


def average_precision(scores: NDArray[Any], labels: NDArray[np.int8]) -> float:
    """Mean precision over the anomalous samples, from the most to the least suspicious (scikit-learn's)."""
    from sklearn.metrics import average_precision_score

    known, anomalous = _known(labels)
    return float(average_precision_score(anomalous, -_ranks(scores[known])))


def confusion(scores: NDArray[Any], labels: NDArray[np.int8], threshold: float) -> Confusion:
    """Counts when every score below the threshold is flagged."""
    known, anomalous = _known(labels)
    flagged = scores[known] < threshold
    return Confusion(
        int((flagged & anomalous).sum()),
        int((flagged & ~anomalous).sum()),
        int((~flagged & anomalous).sum()),
        int((~flagged & ~anomalous).sum()),
    )


def _ranks(scores: NDArray[Any]) -> NDArray[np.intp]:
    """Ascending, equal for equal scores: scikit-learn refuses the -inf of a very far float32 outlier."""
    return np.unique(scores, return_inverse=True)[1]


def _known(labels: NDArray[np.int8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    known = (labels == NORMAL) | (labels == ANOMALOUS)
    return known, labels[known] == ANOMALOUS
