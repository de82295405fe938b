"""The charts for a room: their numbers are those of the decision, and plotly accepts each of them."""

import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from kdeviz import EmbeddingSet, Settings, ThresholdRule, analyse, charts, decide, load_sample
from kdeviz.analysis import drift
from kdeviz.charts import DARK, LIGHT, how_it_works
from kdeviz.decision import rate_interval
from kdeviz.errors import DataError, OptionError
from kdeviz.model import GaussianKDE
from kdeviz.wording import count

JARGON = re.compile(r"density|kernel|nats|PCA|component|ROC|recall|precision|p-value|quantile", re.IGNORECASE)


@pytest.fixture(scope="module")
def analysis():
    train, score = load_sample("breast_cancer").train_and_test()
    return analyse(train, score, Settings(8))


@pytest.fixture(scope="module")
def decision(analysis):
    return decide(analysis)


@pytest.fixture(scope="module")
def unlabelled():
    rows = np.random.default_rng(5).standard_normal((300, 6))
    return decide(
        analyse(EmbeddingSet.from_array(rows[:200]), EmbeddingSet.from_array(rows[200:]), Settings(3))
    )


def pictures(decision, theme):
    found = [
        charts.normal_map(decision, ringed=[0, 3, 3], theme=theme),
        charts.found_map(decision, picked=5, theme=theme),
        charts.shaded_map(decision, theme=theme),
        charts.plain_histogram(decision, 5, theme),
        charts.plain_line(decision, theme),
        charts.dots(decision, theme),
        charts.alike(decision, theme),
        charts.plain_features(decision, 5, theme),
    ]
    return found + ([charts.plain_roc(decision, theme)] if decision.labelled else [])


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_each_picture_is_valid_has_a_title_for_screen_readers_and_no_jargon(decision, unlabelled, theme):
    for one in (decision, unlabelled):
        for figure in pictures(one, theme):
            assert go.Figure(figure.to_dict()).data
            assert figure.layout.meta["title"]
            written = figure.to_plotly_json()
            texts = json.dumps([written["layout"].get("annotations"), figure.layout.meta["title"]])
            names = [str(trace.name) for trace in figure.data]
            axes = [str(figure.layout[axis].title.text) for axis in ("xaxis", "yaxis")]
            assert not JARGON.search(" ".join([texts, *names, *axes]))


def test_the_line_parts_the_samples_as_the_decision_does(decision):
    figure = charts.plain_line(decision, LIGHT)
    words = " ".join(note.text for note in figure.layout.annotations)
    assert f"flagged: {decision.n_flagged}" in words
    assert f"not flagged: {len(decision.flagged) - decision.n_flagged}" in words
    assert sum(figure.data[0].y) == len(decision.flagged)
    assert figure.layout.shapes[0].x0 == decision.threshold


def test_a_thousand_dots_show_the_expected_alarms(decision):
    numbers, expected = charts.dots_numbers(decision), decision.expected_alarms
    assert (numbers.total, numbers.bound) == (1000, False)
    assert numbers.marked == round(1000 * expected.rate)
    assert numbers.marked + numbers.doubtful == round(1000 * expected.high)
    assert len(np.unique(numbers.places, axis=0)) == 1000


def test_under_the_rule_of_false_discoveries_the_dots_are_the_flagged(analysis):
    decision = decide(analysis, ThresholdRule("fdr", 0.2))
    numbers = charts.dots_numbers(decision)
    assert numbers.bound and numbers.total == decision.n_flagged > 20
    assert numbers.marked == round(0.2 * decision.n_flagged)


def test_of_thousands_of_flagged_a_dot_says_for_how_many_it_stands():
    rng = np.random.default_rng(6)
    train = EmbeddingSet.from_array(rng.standard_normal((300, 2)))
    far = EmbeddingSet.from_array(9 + rng.standard_normal((2500, 2)))
    decision = decide(analyse(train, far, Settings(2)), ThresholdRule("fdr", 0.1))
    assert decision.n_flagged == 2500
    numbers = charts.dots_numbers(decision)
    assert (numbers.total, numbers.marked) == (1000, 100)
    assert numbers.marked_words == "false alarms among them, at most 250"
    assert numbers.rest_words == f"flagged ({count(2500)}; each dot stands for 2.5)"


def test_the_curve_has_exact_intervals_at_the_present_line(decision):
    numbers, counts = charts.plain_roc_numbers(decision), decision.confusion
    normal = counts.false_positives + counts.true_negatives
    assert numbers.here == pytest.approx((counts.false_positives / normal, counts.recall))
    assert numbers.alarms_interval == rate_interval(counts.false_positives, normal)
    low, high = numbers.caught_interval
    assert low < counts.recall < high
    with pytest.raises(OptionError, match="labelled"):
        charts.plain_roc_numbers(decide(analyse(decision.analysis.train, None, Settings(4))))


def test_scored_samples_are_counted_by_tenths_of_the_training_samples(unlabelled):
    numbers, analysis = charts.alike_numbers(unlabelled), unlabelled.analysis
    lower = [int((analysis.calibration < score).sum()) for score in analysis.scores]
    tenths = [min(10 * rank // 200, 9) for rank in lower]
    assert numbers.counts.tolist() == [tenths.count(tenth) for tenth in range(10)]
    assert numbers.counts.sum() == numbers.total == 100 == drift(analysis).rows
    with pytest.raises(DataError, match="no scored samples"):
        charts.alike_numbers(decide(analyse(analysis.train, None, Settings(3))))


def test_measurements_stand_where_they_lie_beside_what_is_usual(decision):
    row = int(decision.analysis.scores.argmin())
    numbers = charts.plain_features_numbers(decision, row)
    values = decision.analysis.inspected.features[row]
    assert numbers.values == pytest.approx(values[numbers.features])
    assert (np.diff(np.abs(numbers.places)) <= 0).all()
    edges = numbers.low + (numbers.places + 1) / 2 * (numbers.high - numbers.low)
    assert edges == pytest.approx(numbers.values)
    assert numbers.names[0] == decision.analysis.inspected.feature_names[numbers.features[0]]


def test_rings_on_the_map_are_where_the_model_sees_the_samples(decision):
    numbers = charts.normal_map_numbers(decision, ringed=[4, 9])
    assert numbers.ringed == pytest.approx(decision.analysis.train_coordinates[[4, 9], :2])
    assert numbers.names == ("1", "2")
    picked = charts.found_map_numbers(decision, picked=7)
    assert picked.ringed == pytest.approx(decision.analysis.coordinates[[7], :2])


@pytest.mark.parametrize("draw", [charts.found_map, charts.shaded_map])
def test_of_many_flagged_the_most_unusual_are_drawn_and_all_are_counted(draw):
    rng = np.random.default_rng(7)
    train, score = (EmbeddingSet.from_array(rng.standard_normal((n, 2))) for n in (300, 12_000))
    decision = decide(analyse(train, score, Settings(2)), ThresholdRule("top_k", 6000))
    lowest = np.argsort(decision.analysis.scores, kind="stable")[:100]
    few, all_of_them = (
        {row for trace in figure.data if trace.customdata is not None for row in trace.customdata}
        for figure in (draw(decision, most_flagged=100), draw(decision))
    )
    assert set(lowest.tolist()) <= few
    assert len(few) <= 5000 < 6000 <= len(all_of_them)
    names = [trace.name for trace in charts.found_map(decision, most_flagged=100).data]
    assert f"flagged ({count(6000)})" in names


def test_the_bumps_add_up_to_the_density_of_the_model(decision):
    numbers = charts.how_it_works_numbers(decision)
    kde = decision.analysis.classifier.kde_model.marginal((numbers.component,))
    exact = kde.log_prob(torch.from_numpy(numbers.grid[:, None])).exp().cpu().numpy()
    assert numbers.sums[-1] == pytest.approx(exact, rel=1e-6, abs=1e-9 * exact.max())
    assert (np.diff(numbers.sums, axis=0) >= 0).all()
    points = decision.analysis.train_coordinates[:, numbers.component].astype(np.float64)
    factor = len(points) ** (-1 / (numbers.components + 4))
    assert numbers.width == pytest.approx(factor * points.std(ddof=1), rel=1e-4)
    assert numbers.bumps.min() == pytest.approx(points.min(), rel=1e-4, abs=1e-6)


def test_the_drawn_threshold_cuts_off_the_expected_alarms(decision):
    numbers = charts.how_it_works_numbers(decision)
    kde = decision.analysis.classifier.kde_model.marginal((numbers.component,))
    points = torch.from_numpy(decision.analysis.train_coordinates[:, [numbers.component]].astype(np.float64))
    below = (kde.log_prob(points).exp().cpu().numpy() < numbers.level).mean()
    assert below == pytest.approx(decision.expected_alarms.rate, abs=1.5 / len(points))
    assert numbers.threshold == decision.threshold
    assert numbers.flagged.any() and not numbers.flagged.all()


def test_the_density_at_many_points_is_asked_for_once_and_at_few_places(monkeypatch):
    rows = np.random.default_rng(8).standard_t(4, (5000, 3))
    analysis = analyse(
        EmbeddingSet.from_array(rows[:4900]), EmbeddingSet.from_array(rows[4900:]), Settings(2)
    )
    asked, exactly = [], GaussianKDE.log_prob

    def note(kde, places, *arguments, **options):
        asked.append(len(places))
        return exactly(kde, places, *arguments, **options)

    monkeypatch.setattr(GaussianKDE, "log_prob", note)
    found = [charts.how_it_works_numbers(decide(analysis, ThresholdRule("top_k", k))) for k in (5, 5, 6)]
    assert len(asked) == len({numbers.component for numbers in found})
    assert max(asked) <= 1000
    for component in (0, 1):
        along = np.sort(analysis.train_coordinates[:, component]).astype(np.float64)
        kde = analysis.classifier.kde_model.marginal((component,))
        exact = exactly(kde, torch.from_numpy(along[:, None])).exp().cpu().numpy()
        assert how_it_works._at_points(analysis, component) == pytest.approx(exact, rel=0.01)


def test_flagged_samples_above_the_drawn_line_are_told_apart(decision):
    numbers = charts.how_it_works_numbers(decision)
    kde = decision.analysis.classifier.kde_model.marginal((numbers.component,))
    along = torch.from_numpy(decision.analysis.coordinates[:, [numbers.component]].astype(np.float64))
    below = kde.log_prob(along).exp().cpu().numpy() < numbers.level
    assert numbers.n_flagged == decision.n_flagged
    assert numbers.n_below == pytest.approx((below & decision.flagged).sum(), abs=1)
    assert numbers.below.sum() == pytest.approx(below.sum(), abs=1)
    assert 0 < (numbers.flagged & ~numbers.below).sum() == numbers.n_flagged - numbers.n_below


@pytest.mark.parametrize("threshold", [None, -2.0, 1e4])
def test_with_one_component_the_drawn_line_is_the_threshold(decision, threshold):
    analysis = analyse(decision.analysis.train, decision.analysis.inspected, Settings(1))
    rule = ThresholdRule() if threshold is None else ThresholdRule("log_density", threshold)
    one = decide(analysis, rule)
    numbers = charts.how_it_works_numbers(one)
    assert np.log(numbers.level) == pytest.approx(min(one.threshold, 700))
    assert (numbers.below == numbers.flagged)[numbers.flagged].all()
    assert numbers.n_below == numbers.n_flagged
