import comparison_steps
import numpy as np
import pytest
from comparison_steps import some_model
from sklearn.metrics import roc_curve

from kdeviz.analysis.analyse import analyse
from kdeviz.charts.compared_roc import compared_roc_numbers
from kdeviz.charts.percentiles import shares_below
from kdeviz.charts.ranks import ranks_numbers
from kdeviz.comparison.compare import compare
from kdeviz.comparison.disagreements import disagreement_table, settings_table, why_words
from kdeviz.comparison.scored import scored_decision
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.samples import load_sample
from kdeviz.decision.decision import Decision, decide
from kdeviz.decision.rules import ThresholdRule
from kdeviz.decision.table import sample_view
from kdeviz.errors import OptionError
from kdeviz.explain.row import explain
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.wording import count

CURVE, RULE = ProbabilityCurve(), ThresholdRule("quantile", 0.05)
THIN = "\u202f"


def side(scores, threshold=0.0, ids=None, labels=None, **others):
    return comparison_steps.side(np.asarray(scores, np.float32), ids, labels, threshold, **others)


@pytest.fixture(scope="module")
def analyses():
    digits = load_sample().train_and_test()
    return [
        analyse(*digits, Settings(components, scaling), device="cpu")
        for components, scaling in ((16, "scale"), (20, "norm"))
    ]


@pytest.fixture(scope="module")
def compared(analyses):
    sides = [scored_decision(decide(one, RULE, CURVE)) for one in analyses]
    return compare(*sides, resamples=20)


# The samples that only one flags


def test_disagreements_on_samples_in_another_order():
    """By hand: 2 and 1 are flagged by the first alone, 4 by the second, 9 and 8 are in one only."""
    first = side([-1, -5, 3, 2, -9], 0.0, ["1", "2", "3", "4", "9"], [0, 1, -1, 1, 0])
    second = side([-2.5, 7, 8, 6, 0], -2.0, ["4", "3", "2", "1", "8"])
    found = disagreement_table(compare(first, second), "first")
    assert found.to_dict("list") == {
        "sample": [1, 0],
        "first_row": [1, 0],
        "second_row": [2, 3],
        "id": ["2", "1"],
        "label": ["anomalous", "normal"],
        "first_rank": [1, 2],
        "second_rank": [4, 2],
        "first_log_density": [-5, -1],
        "second_log_density": [8, 6],
        "first_above_threshold": [-5, -1],
        "second_above_threshold": [10, 8],
    }
    (other,) = disagreement_table(compare(first, second), "second").to_dict("records")
    assert (other["id"], other["first_row"], other["second_row"]) == ("4", 3, 0)
    assert (other["first_above_threshold"], other["second_above_threshold"]) == (2, -0.5)


@pytest.mark.parametrize(("one", "flags", "passes"), [("first", 0, 1), ("second", 1, 0)])
def test_disagreements_on_the_sample_set(analyses, compared, one, flags, passes):
    found = disagreement_table(compared, one)
    sides = compared.first, compared.second
    expected = (analyses[flags].scores < sides[flags].decision.threshold) & (
        analyses[passes].scores >= sides[passes].decision.threshold
    )
    assert set(found[f"{one}_row"]) == set(np.flatnonzero(expected))
    assert found[f"{one}_rank"].is_monotonic_increasing
    assert (found[f"{one}_above_threshold"] < 0).all()
    other = "second" if one == "first" else "first"
    assert (found[f"{other}_above_threshold"] >= 0).all()
    for place, analysis in zip(("first", "second"), analyses, strict=True):
        rows = found[f"{place}_row"].to_numpy()
        np.testing.assert_array_equal(found["id"], analysis.inspected.ids[rows])
        np.testing.assert_array_equal(found[f"{place}_log_density"], analysis.scores[rows])


def test_no_flips_and_no_labels():
    found = disagreement_table(compare(side([1, -1]), side([2, -3])), "second")
    assert len(found) == 0
    assert list(found) == [
        "sample", "first_row", "second_row", "id", "first_rank", "second_rank", "first_log_density",
        "second_log_density", "first_above_threshold", "second_above_threshold",
    ]  # fmt: skip


def test_there_is_no_third_side():
    with pytest.raises(OptionError, match="'third' is not possible: choose first or second"):
        disagreement_table(compare(side([1]), side([1])), "third")


# Settings in words


def test_settings_as_people_read_them():
    first = side(
        [1.0],
        -1234.5678,
        settings=Settings(0.95, "scale", 40000, 0.5, 12345),
        rule=RULE,
        fixes=("drop constant columns", "drop copies"),
        inspected_digest="0123456789abcdef",
    )
    second = side(
        [1.0], 2.0, settings=Settings(8, "norm", 500, "silverman"), fixes=(), inspected_digest="fedcba9876"
    )
    found = {row.name: row[1:] for row in settings_table(compare(first, second))}
    assert found == {
        "components": ("95 % of the variance", "8", True),
        "components kept": ("1", "1", False),
        "scaling": ("scale", "norm", True),
        "standardised": ("no", "no", False),
        "training cap": (f"40{THIN}000", "500", True),
        "training samples": ("8", "8", False),
        "rows of the axes": ("8", "8", False),
        "bandwidth": ("Scott × 0.5", "Silverman", True),
        "seed": ("12345", "0", True),
        "threshold rule": ("quantile 0.05", "not known", False),
        "threshold": (f"−1{THIN}235 nats", "2.00 nats", True),
        "curve midpoint": ("12.0 nats", "12.0 nats", False),
        "curve steepness": ("0.0500 per nat", "0.0500 per nat", False),
        "fixes": ("drop constant columns, drop copies", "none", True),
        "training data": (some_model().data_digest[:8],) * 2 + (False,),
        "inspected data": ("01234567", "fedcba98", True),
    }


def test_what_differs_never_reads_the_same():
    first = side([1.0], 1.00001, inspected_digest="0" * 32)
    second = side([1.0], 1.00002, inspected_digest="0" * 31 + "1")
    found = {row.name: row[1:] for row in settings_table(compare(first, second))}
    assert found["threshold"] == ("1.00001", "1.00002", True)
    assert found["inspected data"] == (repr("0" * 32), repr("0" * 31 + "1"), True)


def test_a_models_own_settings(compared, analyses):
    found = {row.name: row[1:] for row in settings_table(compared)}
    assert found["training samples"] == (f"1{THIN}051", f"1{THIN}051", False)
    assert found["components kept"] == ("16", "20", True)
    digest = analyses[0].train.digest[:8]
    assert found["training data"] == (digest, digest, False)


# Why


@pytest.mark.parametrize("which", [0, 1])
def test_why_in_words(analyses, which):
    analysis = analyses[which]
    row, threshold = int(np.argsort(analysis.scores)[11]), 25.0
    place, components, nearest, outside = why_words(Decision(analysis, RULE, CURVE, threshold), row)
    below = threshold - float(analysis.scores[row])
    probability = 1 / (1 + np.exp(0.05 * (float(analysis.scores[row]) - 12)))
    lower = (analysis.calibration <= analysis.scores[row]).sum()
    rare = (len(analysis.calibration) + 1) // (lower + 1)
    assert place == (
        f"Rank 12 of 756, {below:#.3g} nats below its threshold; at most 1 in {count(rare)} normal samples "
        f"score this low; uncalibrated probability {probability:#.3g}."
    )
    parts = explain(analysis, row).components
    share = 100 * parts.contribution.max() / parts.contribution.sum()
    assert components == (
        f"Component {parts.contribution.argmax() + 1} adds most: {share:#.3g} % of the squared distance to "
        "the nearest usual samples."
    )
    # The nearest in the Mahalanobis distance of the training rows in the model's space.
    train, point = analysis.train_coordinates.astype(float), analysis.coordinates[row].astype(float)
    gaps = np.linalg.solve(np.cov(train.T), (train - point).T)
    closest = np.argmin(((train - point).T * gaps).sum(0))
    assert nearest == f"Nearest training sample: {analysis.train.ids[analysis.fitted_on[closest]]}."

    def left_over(rows):
        axes = analysis.classifier.pca_model.singular_vectors.double().numpy()
        centred = rows.astype(float) - analysis.classifier.pca_model.mean.double().numpy()
        return np.linalg.norm(centred - centred @ axes @ axes.T, axis=1)

    own = left_over(analysis.inspected.features[row : row + 1])
    larger = 100 * (left_over(analysis.train.features) < own).mean()
    assert (
        outside == f"What the components leave out is larger than in {larger:#.3g} % of the training samples."
    )


def test_why_above_or_at_the_threshold(analyses):
    analysis = analyses[0]
    row = int(np.argmax(analysis.scores))
    score = float(analysis.scores[row])
    assert why_words(Decision(analysis, RULE, CURVE, score - 1.5), row)[0].startswith(
        "Rank 756 of 756, 1.50 nats above its threshold; "
    )
    assert "exactly at its threshold" in why_words(Decision(analysis, RULE, CURVE, score), row)[0]


def test_why_says_nothing_about_what_nothing_is_left_of(rows32):
    """With all 12 components, what they leave out is rounding."""
    train = EmbeddingSet(rows32, np.array([f"<b>{i}</b>" for i in range(len(rows32))]))
    words = why_words(Decision(analyse(train, settings=Settings(12), device="cpu"), RULE, CURVE, 0.0), 3)
    assert len(words) == 3
    assert words[2].startswith("Nearest training sample: <b>")  # plain text: who shows it escapes it
    assert (
        len(why_words(Decision(analyse(train, settings=Settings(11), device="cpu"), RULE, CURVE, 0.0), 3))
        == 4
    )


def test_a_near_copy_of_a_training_sample_is_at_no_distance():
    """Far from all others, the nearest mass is the training sample itself."""
    rows = np.random.default_rng(0).normal(size=(40, 3))
    rows[7] = 50
    train = EmbeddingSet.from_array(rows)
    analysis = analyse(
        train, EmbeddingSet.from_array(rows[7:8] * (1 + 1e-14)), Settings(3, bandwidth=0.05), device="cpu"
    )
    words = why_words(Decision(analysis, RULE, CURVE, 0.0), 0)
    assert words[1:] == ("No distance to the nearest usual samples.", "Nearest training sample: 7.")


def test_why_of_a_row_that_is_not_there(analyses):
    with pytest.raises(OptionError, match="there is no row 756"):
        why_words(Decision(analyses[0], RULE, CURVE, 0.0), 756)


def test_why_agrees_with_the_panel(analyses):
    sample = sample_view(Decision(analyses[0], RULE, CURVE, 20.0), 5)
    assert (
        f"Rank {sample.rank} of {sample.total}" in why_words(Decision(analyses[0], RULE, CURVE, 20.0), 5)[0]
    )


def test_why_from_an_explanation_that_is_there(analyses, monkeypatch):
    analysis = analyses[0]
    words, ready = why_words(Decision(analysis, RULE, CURVE, 20.0), 5), explain(analysis, 5)
    monkeypatch.setattr("kdeviz.comparison.disagreements.explain", None)
    assert why_words(Decision(analysis, RULE, CURVE, 20.0), 5, ready) == words


# What is drawn


def test_all_samples_are_drawn_when_they_are_few(compared):
    view = ranks_numbers(compared)
    np.testing.assert_array_equal(view.samples, np.arange(756))
    np.testing.assert_array_equal(view.first_ranks, compared.first_ranks)
    np.testing.assert_array_equal(view.second_ranks, compared.second_ranks)
    np.testing.assert_array_equal(view.anomalous, compared.labels == ANOMALOUS)
    np.testing.assert_array_equal(view.only_first, compared.first.flagged & ~compared.second.flagged)
    np.testing.assert_array_equal(view.only_second, compared.second.flagged & ~compared.first.flagged)
    assert view.first_flagged == compared.first.flagged.sum()
    assert view.second_flagged == compared.second.flagged.sum()
    # What a line at this many must part: flagged are exactly the samples that rank this high.
    np.testing.assert_array_equal(compared.first_ranks <= view.first_flagged, compared.first.flagged)


@pytest.mark.parametrize("most", [0, 10, 80, 81, 300, 755, 756])
def test_thinning_keeps_flips_and_the_top(compared, most):
    view = ranks_numbers(compared, most)
    flips = np.concatenate(compared.disagreements)
    assert len(view.samples) == max(most, len(flips))
    assert len(np.unique(view.samples)) == len(view.samples)
    assert set(flips) <= set(view.samples)
    assert set(view.samples[view.only_first]) == set(compared.disagreements.only_first)
    assert set(view.samples[view.only_second]) == set(compared.disagreements.only_second)
    assert view.total == 756
    assert (view.first_flagged, view.second_flagged) == (
        compared.first.flagged.sum(), compared.second.flagged.sum(),
    )  # fmt: skip
    if most >= 300:
        assert {1, 2, 3} <= set(view.first_ranks) & set(view.second_ranks)
        # The rest is not forgotten: the share that is drawn falls smoothly towards the last ranks.
        best = np.minimum(compared.first_ranks, compared.second_ranks)
        drawn = np.isin(np.arange(756), view.samples)
        shares = [drawn[(best > low) & (best <= low + 150)].mean() for low in (0, 150, 300, 450)]
        assert shares[0] > 0.9 and shares[-1] > 0.1
        assert (np.diff(shares) <= 0.05).all()


def test_shares_below_a_percentile():
    train = np.arange(1000.0)
    # Percentiles by hand: -1 is at 0, 9 at 0.95, 10 at 1.05, 500 at 50.05.
    found = compare(side([-1, 9, 10, 500], train=train), side([-1, 500, 600, 700], train=train))
    assert shares_below(found) == (0.5, 0.25)
    assert shares_below(found, 51) == (1.0, 0.5)


def test_both_roc_curves_and_the_verdicts_on_them(compared, analyses):
    view = compared_roc_numbers(compared)
    labels = analyses[0].inspected.labels
    assert (view.normal, view.anomalous) == ((labels == NORMAL).sum(), (labels == ANOMALOUS).sum())
    for points, at, one in (
        (view.first, view.first_at, compared.first),
        (view.second, view.second_at, compared.second),
    ):
        fpr, tpr, _ = roc_curve(labels == ANOMALOUS, -one.scores, drop_intermediate=False)
        assert len(points.thresholds) <= 500
        assert set(zip(points.fpr, points.tpr, strict=True)) <= set(zip(fpr, tpr, strict=True))
        assert at == pytest.approx(
            (one.flagged[labels == NORMAL].mean(), one.flagged[labels == ANOMALOUS].mean())
        )


def test_verdicts_count_on_common_labelled_samples_only():
    first = side([-1, -1, 1, 1, -1], 0, list("abcde"), [1, 0, 0, 1, UNKNOWN])
    second = side([9, -1, 9, -1], 0, list("xbcd"))
    view = compared_roc_numbers(compare(first, second, resamples=2))
    assert (view.normal, view.anomalous) == (2, 1)
    assert (view.first_at, view.second_at) == ((0.5, 0.0), (0.5, 1.0))


def test_no_roc_curves_without_labels():
    with pytest.raises(OptionError, match="load labels, or mark some"):
        compared_roc_numbers(compare(side([1, 2]), side([1, 2])))
    only_normal = side([1, 2], labels=[0, 0])
    with pytest.raises(OptionError, match="load labels, or mark some"):
        compared_roc_numbers(compare(only_normal, side([1, 2])))
