"""p-values and the bound on false discoveries, against slow counts and by simulation."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from kdeviz import Settings, ThresholdRule, analyse, decide
from kdeviz.analysis import drift
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.decision.p_values import p_values
from kdeviz.decision.table import ranking, sample_view
from kdeviz.errors import DataError, OptionError

numbers = st.lists(st.integers(-5, 5), min_size=1, max_size=40)


@given(numbers, numbers)
def test_p_values_are_shares_of_the_calibration(calibration, scores):
    found = p_values(np.sort(np.float32(calibration)), np.float32(scores))
    n = len(calibration)
    expected = [(1 + sum(c <= score for c in calibration)) / (n + 1) for score in scores]
    np.testing.assert_allclose(found, expected)


@given(numbers)
def test_a_row_of_the_calibration_does_not_count_itself(scores):
    calibration = np.sort(np.float32(scores))
    found = p_values(calibration, calibration, np.ones(len(scores), bool))
    for i, p in enumerate(found):
        others = np.delete(calibration, i)
        assert p == pytest.approx(
            max((1 + (others <= calibration[i]).sum()) / len(calibration), 1 / (len(scores) + 1))
        )


def rows(n, seed, d=20, spread=1.0):
    random = np.random.default_rng(seed)
    return (spread * random.standard_normal((n, d)) * np.arange(1, d + 1) ** -0.5).astype(np.float32)


def mixture(n, seed, d=20):
    random = np.random.default_rng(seed)
    return rows(n, seed, d) + random.choice([-3, 3], (n, 1)).astype(np.float32) * (np.arange(d) < 2)


def heavy(n, seed, d=20):
    random = np.random.default_rng(seed)
    return (rows(n, seed, d) / np.sqrt(random.chisquare(4, (n, 1)) / 4)).astype(np.float32)


@pytest.mark.parametrize("kind", [rows, mixture, heavy])
@pytest.mark.parametrize(("n", "k"), [(200, 16), (1000, 16)])
def test_new_normal_rows_and_false_discoveries_are_as_promised(kind, n, k):
    """Shares of p-values up to 5 %, and false alarms among those flagged at q = 10 %."""
    shares, false, drifted = [], [], 0
    for seed in range(12):
        drawn = kind(n + 1000, seed)
        scored = drawn[n:].copy()
        scored[:50] += 2.5 * rows(50, 99 + seed)
        analysis = analyse(drawn[:n], scored, Settings(k), "cpu")
        decision = decide(analysis, ThresholdRule("fdr", 0.1))
        shares.append((decision.p_values[50:] <= 0.05).mean())
        false.append(decision.flagged[50:].sum() / max(decision.n_flagged, 1))
        drifted += drift(analyse(drawn[:n], drawn[n:], Settings(k), "cpu")).found
    assert 0.03 < np.mean(shares) < 0.06
    assert np.mean(false) < 0.12
    assert drifted == 0


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.sampled_from([0.05, 0.1, 0.3, 0.5]))
def test_the_rule_is_that_of_benjamini_and_hochberg(places, q):
    """By exact fractions: the most rows k of which all have p <= q k / M."""
    p = [Fraction(place, 51) for place in places]
    M, bound = len(p), Fraction(q).limit_denominator(100)
    flagged = max((k for k in range(1, M + 1) if sorted(p)[k - 1] <= bound * k / M), default=0)
    scores, values = np.array(places, np.float32), np.array([float(each) for each in p])
    threshold = ThresholdRule("fdr", q).threshold(np.zeros(50), scores, p_values=values)
    assert (scores < threshold).sum() == flagged


@pytest.fixture(scope="module")
def scored():
    shifted = rows(300, 1)
    shifted[:30] += 3 * rows(30, 2)
    return analyse(rows(400, 0), shifted, Settings(5), "cpu")


def test_what_the_rule_says_of_its_outcome(scored):
    decision = decide(scored, ThresholdRule("fdr", 0.1))
    n = decision.n_flagged
    assert 5 < n < 40
    assert decision.remark.startswith(
        f"{n} of 300 are flagged; on average at most 10.0 % of them, here {n / 10:.2g}"
    )
    assert "does not hold for others" in decision.saved_remark
    assert decide(scored).remark == decide(scored).saved_remark == ""


@pytest.mark.parametrize(
    ("q", "words"),
    [
        (0.001, "nothing can be flagged: with 400 training rows no p-value is below 1 in 401"),
        (0.01, "the fewest that can be flagged are 75,"),
    ],
)
def test_where_too_few_rows_were_held_out_it_says_so(q, words):
    decision = decide(analyse(rows(400, 0), rows(300, 1), Settings(5), "cpu"), ThresholdRule("fdr", q))
    assert decision.n_flagged == 0
    assert words in decision.remark


def test_without_held_out_scores_there_are_no_p_values():
    decision = decide(analyse(rows(6, 0), rows(20, 1), Settings(5), "cpu"))
    assert decision.p_values is None
    assert "p_value" not in ranking(decision)
    assert sample_view(decision, 0).p_value is None
    assert decision.n_flagged == 0
    assert decision.expected_alarms[:3] == (0.0, 0.0, 1.0)
    with pytest.raises(DataError, match="fdr rule needs p-values, and this model has no held-out scores"):
        decide(decision.analysis, ThresholdRule("fdr", 0.1))


def test_the_table_and_a_sample_tell_the_p_value(scored):
    decision = decide(scored)
    table = ranking(decision)
    np.testing.assert_array_equal(table["p_value"], decision.p_values[table["row"]])
    assert (np.diff(table["p_value"]) >= 0).all()
    assert sample_view(decision, 3).p_value == decision.p_values[3]


@pytest.mark.parametrize("value", [0, 1, -0.1, float("nan")])
def test_values_the_rule_cannot_take(value):
    with pytest.raises(OptionError, match="fdr rule cannot take"):
        ThresholdRule("fdr", value)


# --- the table of faults: rows that were fitted on, copies, few rows


@pytest.mark.parametrize("n", [200, 500])
@pytest.mark.parametrize("budget", [0.05, 0.01])
def test_a_budget_holds_in_wide_data_and_with_every_row_twice(n, budget):
    for features, new, k in (
        (rows(n, 0, 1000), rows(4000, 1, 1000), 16),
        (np.repeat(rows(n, 2, 12), 2, 0), rows(4000, 3, 12), 3),
    ):
        decision = decide(analyse(features, new, Settings(k), "cpu"), ThresholdRule("quantile", budget))
        low, high = decision.expected_alarms.low, decision.expected_alarms.high
        assert low - 0.01 < decision.flagged.mean() < high + 0.01
        assert decision.expected_alarms.rows == n


@pytest.mark.parametrize("change", ["same", "shuffled", "float64", "half", "merged"])
def test_training_rows_that_are_scored_again_keep_the_budget(change):
    train, order = rows(400, 0), np.random.default_rng(0).permutation(400)
    again = {
        "same": train,
        "shuffled": train[order],
        "float64": train.astype(np.float64),
        "half": train[order[:200]],
        "merged": np.concatenate([train, rows(100, 1)]),
    }[change]
    decision = decide(analyse(train, again, Settings(5), "cpu"), ThresholdRule("quantile", 0.05))
    assert 0.02 < decision.flagged.mean() < 0.09
    assert any("scored by a model that has not seen it" in note for note in decision.analysis.warnings)


def near_copies(n, noise):
    copies = np.repeat(rows(n, 0), 3, axis=0)
    return (copies + noise * np.random.default_rng(9).standard_normal(copies.shape)).astype(np.float32)


@pytest.mark.parametrize("noise", [0, 1e-3])
def test_a_training_row_takes_away_the_score_of_its_copies_only_where_it_counts(noise):
    """Of near copies one is in the calibration; 88 of 300 p-values were too small where it scores higher."""
    analysis = analyse(near_copies(100, noise), None, Settings(4), "cpu")
    copies, calibration = analysis.classifier.copies, analysis.calibration
    found = decide(analysis).p_values
    for row, score in enumerate(analysis.scores):
        first = analysis.held_out_scores[np.flatnonzero(copies == copies[row])[0]]
        own = int(first <= score)
        least = 1 / (len(calibration) + 1)
        expected = max((1 + (calibration <= score).sum() - own) / (len(calibration) + 1 - own), least)
        assert found[row] == pytest.approx(expected, rel=1e-12)


def test_copies_of_a_row_do_not_count_it_whichever_they_are():
    """Equal rows have one score, and each takes it away."""
    analysis = analyse(near_copies(100, 0), None, Settings(4), "cpu")
    assert analysis.in_calibration.all()


# --- drift


def test_drift_is_found_and_told_with_its_size():
    analysis = analyse(rows(500, 0), rows(300, 1, spread=1.3), Settings(5), "cpu")
    found = drift(analysis)
    assert found.found
    tail = np.sort(analysis.held_out_scores)[25]
    assert found.in_tail == (analysis.scores < tail).mean() > 0.08
    pairs = analysis.scores[:, None] < analysis.held_out_scores
    assert found.lower == pytest.approx(pairs.mean(), abs=1e-6)
    assert found.in_words.startswith("The scored samples as a whole look unlike the training samples: ")


def test_drift_is_that_of_scipy_in_ties_too():
    analysis = analyse(rows(200, 0, 2), rows(120, 1, 2, 1.2), Settings(2), "cpu")
    analysis = replace(
        analysis,
        scores=analysis.scores.round(),
        held_out_scores=analysis.held_out_scores.round(),
    )
    expected = mannwhitneyu(
        analysis.scores,
        analysis.calibration,
        alternative="less",
        method="asymptotic",
        use_continuity=False,
    )
    assert drift(analysis).p_value == pytest.approx(expected.pvalue, rel=1e-6)


def test_of_few_rows_of_training_rows_and_of_labelled_anomalies_nothing_is_said():
    assert drift(analyse(rows(500, 0), rows(49, 1, spread=9), Settings(5), "cpu")) is None
    assert drift(analyse(rows(500, 0), None, Settings(5), "cpu")) is None
    assert drift(analyse(rows(500, 0), rows(500, 0), Settings(5), "cpu")) is None
    assert drift(analyse(rows(6, 0), rows(90, 1), Settings(5), "cpu")) is None
    mixed = np.concatenate([rows(100, 1), rows(100, 2, spread=9)])
    labels = np.repeat([NORMAL, ANOMALOUS], 100).astype(np.int8)
    scored = EmbeddingSet(mixed, np.arange(200).astype(str), labels)
    found = drift(analyse(rows(500, 0), scored, Settings(5), "cpu"))
    assert found.rows == 100 and not found.found


def binary(n, seed):
    return (np.random.default_rng(seed).random((n, 20)) < 0.1).astype(np.float32)


@pytest.mark.parametrize(("kind", "times"), [(binary, 1), (binary, 3), (rows, 10)])
def test_rows_of_few_values_and_copies_are_no_drift(kind, times):
    """Scored rows that equal no training row are unusual ones; compared with all, 8 in 10 were warned of."""
    found = [
        drift(
            analyse(kind(400, seed), np.repeat(kind(1200 // times, 99 + seed), times, 0), Settings(6), "cpu")
        ).p_value
        for seed in range(20)
    ]
    assert min(found) > 0.0005
    assert np.mean(np.array(found) < 0.005) <= 0.05


def test_drift_of_rows_of_few_values_is_found():
    scored = (np.random.default_rng(1).random((1200, 20)) < 0.2).astype(np.float32)
    assert drift(analyse(binary(400, 0), scored, Settings(6), "cpu")).found
