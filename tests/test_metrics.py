import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from kdeviz.data import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.metrics import Confusion, auroc, average_precision, confusion, has_both_labels

# Few different scores, so that ties are common.
SAMPLES = st.lists(
    st.tuples(st.integers(-5, 5), st.sampled_from([NORMAL, ANOMALOUS, UNKNOWN])), min_size=2, max_size=30
).filter(lambda samples: {NORMAL, ANOMALOUS} <= {label for _, label in samples})


def arrays(samples):
    scores, labels = zip(*samples, strict=True)
    return np.array(scores, np.float32), np.array(labels, np.int8)


@given(SAMPLES)
def test_against_scikit_learn_on_the_labelled_rows(samples):
    scores, labels = arrays(samples)
    known = labels != UNKNOWN
    truth, suspicion = labels[known] == ANOMALOUS, -scores[known]
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(truth, suspicion))
    assert average_precision(scores, labels) == pytest.approx(average_precision_score(truth, suspicion))


@given(SAMPLES)
def test_auroc_counts_pairs(samples):
    scores, labels = arrays(samples)
    expected = oracles.auroc(scores[labels == NORMAL], scores[labels == ANOMALOUS])
    assert auroc(scores, labels) == pytest.approx(expected)


@given(SAMPLES, st.integers(-6, 6))
def test_confusion_counts_one_by_one(samples, threshold):
    counted = dict.fromkeys([(flag, label) for flag in (True, False) for label in (NORMAL, ANOMALOUS)], 0)
    for score, label in samples:
        if label != UNKNOWN:
            counted[score < threshold, label] += 1
    found = confusion(*arrays(samples), threshold)
    assert found == Confusion(
        true_positives=counted[True, ANOMALOUS],
        false_positives=counted[True, NORMAL],
        false_negatives=counted[False, ANOMALOUS],
        true_negatives=counted[False, NORMAL],
    )


def test_confusion_agrees_with_scikit_learn():
    random = np.random.default_rng(0)
    scores, labels = random.standard_normal(200), random.integers(0, 2, 200).astype(np.int8)
    (tn, fp), (fn, tp) = confusion_matrix(labels == ANOMALOUS, scores < 0.3)
    assert confusion(scores, labels, 0.3) == (tp, fp, fn, tn)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_score_of_minus_infinity_is_only_very_low(dtype):
    scores = np.array([-np.inf, -3, -np.inf, 0, 1], dtype)
    labels = np.array([ANOMALOUS, NORMAL, NORMAL, ANOMALOUS, NORMAL], np.int8)
    finite = np.where(np.isinf(scores), -1e6, scores)
    assert auroc(scores, labels) == auroc(finite, labels) == pytest.approx(3.5 / 6)
    assert average_precision(scores, labels) == average_precision(finite, labels)


@pytest.mark.parametrize(
    ("labels", "both"),
    [
        (None, False),
        ([], False),
        ([NORMAL, NORMAL], False),
        ([ANOMALOUS, UNKNOWN], False),
        ([ANOMALOUS, UNKNOWN, NORMAL], True),
    ],
)
def test_has_both_labels(labels, both):
    assert has_both_labels(None if labels is None else np.array(labels, np.int8)) is both
