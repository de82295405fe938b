from dataclasses import replace

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from kdeviz import charts
from kdeviz.analysis.analyse import analyse
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision.decision import Decision
from kdeviz.errors import OptionError
from kdeviz.explain import separating
from kdeviz.explain.discriminant import pulled_apart
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings


def groups(seed=0, k=5, anomalous=12, others=80):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(k, k)) * 10.0 ** rng.uniform(-2, 2, k)
    return (rng.normal(size=(anomalous, k)) + rng.normal(size=k)) @ mix, rng.normal(size=(others, k)) @ mix


def embeddings(features, labels=None):
    return EmbeddingSet(features, np.arange(len(features)).astype(str), labels=labels)


# --- against a slow obvious version


@given(st.integers(0, 10_000), st.integers(2, 7), st.integers(1, 30), st.integers(10, 90))
def test_directions_are_those_of_the_definition(seed, k, anomalous, others):
    one, rest = groups(seed, k, anomalous, others)
    centre, directions = pulled_apart(one, rest)
    expected_centre, expected = oracles.pulled_apart(one, rest)
    np.testing.assert_allclose(centre, expected_centre, rtol=1e-9)
    size = np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(directions[:, 0] / size[0], expected[:, 0] / size[0], atol=1e-7)
    if anomalous > 2:  # else little or nothing is left beside the first
        along = directions[:, 1] / size[1] @ expected[:, 1] / size[1]
        assert abs(along) == pytest.approx(1, abs=1e-6)


def test_the_oracles_shrinkage_is_that_of_ledoit_and_wolf():
    _, rest = groups(3, 6, 1, 25)
    z = (rest - rest.mean(0)) / rest.std(0)
    np.testing.assert_allclose(oracles.ledoit_wolf(z), LedoitWolf(assume_centered=True).fit(z).covariance_)


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_the_first_direction_is_fishers_and_the_two_are_uncorrelated(seed, k):
    rng = np.random.default_rng(seed)
    units = 10.0 ** rng.uniform(-2, 2, k)
    rest, one = rng.normal(size=(4000, k)) * units, (rng.normal(size=(15, k)) + rng.normal(size=k)) * units
    centre, directions = pulled_apart(one, rest)
    covariance = np.cov(rest.T)
    fisher = np.linalg.solve(covariance, one.mean(0) - rest.mean(0))
    first = directions[:, 0]
    whitened = first @ covariance @ fisher / np.sqrt(fisher @ covariance @ fisher)
    assert whitened == pytest.approx(np.sqrt(first @ covariance @ first), rel=1e-3)
    spread = np.cov(((rest - centre) @ directions).T)
    np.testing.assert_allclose(spread, np.eye(2), atol=0.05)  # shrinkage, and as many rows
    assert ((one - centre) @ first).mean() > 0


@pytest.mark.parametrize("unit", [1e-30, 1e-3, 1e20])
def test_units_of_the_components_do_not_matter(unit):
    one, rest = groups()
    units = unit ** np.linspace(0, 1, 5)
    centre, directions = pulled_apart(one * units, rest * units)
    expected_centre, expected = pulled_apart(one, rest)
    np.testing.assert_allclose(
        (one * units - centre) @ directions, (one - expected_centre) @ expected, rtol=1e-6, atol=1e-8
    )


def test_a_wider_spread_without_a_shift_is_the_second_direction():
    rng = np.random.default_rng(0)
    rest, one = rng.normal(size=(3000, 6)), rng.normal(size=(400, 6))
    one[:, 0] += 3
    one[:, 4] *= 9
    _, directions = pulled_apart(one, rest)
    assert np.argmax(np.abs(directions), axis=0).tolist() == [0, 4]


# --- which rows are pulled apart


def scored(labels=None, split=True, n=200, k=4):
    rng = np.random.default_rng(1)
    train, new = rng.normal(size=(n, 9)), rng.normal(size=(60, 9)) * 1.5
    if split:
        return analyse(train, embeddings(new, labels), Settings(k), "cpu")
    return analyse(embeddings(train, labels), None, Settings(k), "cpu")


def test_the_flagged_against_all_others():
    analysis = scored()
    threshold = float(np.quantile(analysis.scores, 0.2))
    found = separating(analysis, threshold)
    flagged = analysis.scores < threshold
    assert (found.anomalous, found.others, found.by_labels) == (flagged.sum(), 200 + (~flagged).sum(), False)
    others = np.concatenate([analysis.train_coordinates, analysis.coordinates[~flagged]])
    _, expected = oracles.pulled_apart(analysis.coordinates[flagged], others)
    np.testing.assert_allclose(found.directions[:, 0], expected[:, 0], rtol=1e-6)


def test_the_labelled_anomalous_against_the_labelled_normal_whatever_the_threshold():
    labels = np.array([ANOMALOUS] * 10 + [NORMAL] * 30 + [UNKNOWN] * 20, np.int8)
    analysis = scored(labels)
    found = separating(analysis, -3.0)
    assert (found.anomalous, found.others, found.by_labels) == (10, 230, True)
    assert separating(analysis, 5.0) is found


def test_labelled_anomalous_training_rows_are_not_among_the_others():
    train = embeddings(np.random.default_rng(0).normal(size=(90, 6)))
    labels = np.array([ANOMALOUS] * 7 + [UNKNOWN] * 83, np.int8)
    analysis = analyse(replace(train, labels=labels), train.take(np.arange(20)), Settings(3), "cpu")
    threshold = float(np.median(analysis.scores))
    flagged = int((analysis.scores < threshold).sum())
    assert separating(analysis, threshold).others == 83 + 20 - flagged


def test_inspected_training_rows_are_counted_once():
    analysis = scored(split=False)
    found = separating(analysis, float(np.quantile(analysis.scores, 0.1)))
    assert (found.anomalous, found.others) == (20, 180)


def test_one_flagged_sample_is_far_along_the_first_direction_only():
    analysis = scored()
    order = np.sort(analysis.scores)
    found = separating(analysis, float(order[1]))
    assert found.anomalous == 1
    at = (analysis.coordinates[analysis.scores.argmin()] - found.centre) @ found.directions
    assert at[0] > 3
    assert at[1] == pytest.approx(0, abs=1e-4)
    assert np.isfinite(found.directions).all()
    assert np.linalg.matrix_rank(found.directions) == 2


@pytest.mark.parametrize(
    ("threshold", "split", "words"),
    [
        (-np.inf, True, "no sample is flagged, so there is none to pull apart: raise the threshold"),
        (-np.inf, False, "no sample is flagged"),
        (np.inf, False, "every sample is flagged, so there is none to pull apart: lower the threshold"),
    ],
)
def test_nothing_to_pull_apart(threshold, split, words):
    with pytest.raises(OptionError, match=words):
        separating(scored(split=split), threshold)


def test_all_scored_samples_may_be_flagged_where_there_are_training_samples_beside_them():
    assert separating(scored(), np.inf).others == 200


def test_a_model_of_one_component_has_no_such_axes():
    with pytest.raises(OptionError, match="axes that separate need two components, and this model keeps one"):
        separating(scored(k=1), 0.0)


def test_others_that_are_all_equal():
    centre, directions = pulled_apart(np.ones((3, 4)), np.zeros((5, 4)))
    assert np.isfinite(directions).all()
    np.testing.assert_allclose((np.ones(4) - centre) @ directions, [2, 0], atol=1e-12)


def test_the_strongest_components_are_named():
    rng = np.random.default_rng(2)
    train = rng.normal(size=(900, 8)) * np.arange(8, 0, -1)
    new = rng.normal(size=(40, 8)) * np.arange(8, 0, -1)
    labels = np.array([ANOMALOUS] * 20 + [NORMAL] * 20, np.int8)
    new[:20, 5] += 15
    found = separating(analyse(train, embeddings(new, labels), Settings(8), "cpu"), 0.0)
    assert found.strongest[0][0] == 5


# --- what they are for


@pytest.fixture(scope="module")
def texts():
    """Rows as an encoder of texts gives them: 60 topics of which none stands out, on the unit sphere.

    The anomalies are of six topics that no training row has.
    """
    rng = np.random.default_rng(0)
    topics = rng.normal(size=(66, 128))

    def of(first, last, n):
        rows = topics[rng.integers(first, last, n)] + 0.6 * rng.normal(size=(n, 128))
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    labels = np.array([NORMAL] * 1000 + [ANOMALOUS] * 120, np.int8)
    return of(0, 60, 3000), np.concatenate([of(0, 60, 1000), of(60, 66, 120)]), labels


def test_separating_axes_pull_out_what_lies_in_the_centre_of_the_first_components(texts):
    train, rows, labels = texts
    seen = np.arange(len(rows)) % 2 == 0  # the axes are chosen on these and judged on the others
    chosen = analyse(train, embeddings(rows[seen], labels[seen]), Settings(48), "cpu")
    shares = charts.scree_numbers(Decision(chosen, None, ProbabilityCurve(), 0.0)).shares
    assert shares[:2].sum() < 0.08
    found = separating(chosen, 0.0)
    new, anomalous = chosen.classifier.transform(rows[~seen]).numpy(), labels[~seen] == ANOMALOUS
    for component in (0, 1):
        assert roc_auc_score(anomalous, new[:, component]) == pytest.approx(0.5, abs=0.1)
        assert roc_auc_score(anomalous, np.abs(new[:, component])) < 0.6
    first, _ = ((new - found.centre) @ found.directions).T
    assert roc_auc_score(anomalous, first) > 0.9


def test_also_by_the_flagged_where_nobody_has_labelled(texts):
    train, rows, _ = texts
    analysis = analyse(train, embeddings(rows), Settings(48), "cpu")
    threshold = float(np.quantile(analysis.scores, 0.1))
    found, flagged = separating(analysis, threshold), analysis.scores < threshold
    first, _ = ((analysis.coordinates - found.centre) @ found.directions).T
    assert roc_auc_score(flagged, first) > 0.9
    assert roc_auc_score(flagged, analysis.coordinates[:, 0]) == pytest.approx(0.5, abs=0.1)
