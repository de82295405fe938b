import numpy as np
import pytest
from figure_steps import spec, subtitle, title
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from kdeviz.charts.f1 import draw_f1
from kdeviz.charts.operating import OperatingNumbers
from kdeviz.charts.precision_recall import draw_precision_recall
from kdeviz.charts.reliability import draw_reliability
from kdeviz.charts.roc import draw_roc, roc_of
from kdeviz.charts.theme import DARK, LIGHT
from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.decision.curve_fitting import PlattFit, Reliability
from kdeviz.decision.metrics.bootstrap import bootstrap
from kdeviz.decision.metrics.operating_points import OperatingPoints, operating_points
from kdeviz.decision.metrics.separation import confusion
from kdeviz.wording import number, percent

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
RANGE = (-6.0, 3.0)


def sample(n=150, p=30, apart=2.0, seed=0):
    """Scores, and which of them are anomalous."""
    random = np.random.default_rng(seed)
    truth = np.arange(n) < p
    return random.normal(-apart * truth), truth


def view_of(scores, truth, threshold):
    """As `operating_numbers` makes it, from scores alone."""
    labels = np.where(truth, ANOMALOUS, NORMAL).astype(np.int8)
    counts = confusion(scores, labels, threshold)
    normal, anomalous = int((~truth).sum()), int(truth.sum())
    here = OperatingPoints(
        np.array([-np.inf, threshold, np.inf]),
        np.array([0, counts.true_positives, anomalous]),
        np.array([0, counts.false_positives, normal]),
    )
    metrics = bootstrap(scores, labels, threshold, resamples=200)
    return OperatingNumbers(
        operating_points(scores, labels).thinned(), threshold, here, metrics, normal, anomalous, RANGE
    )


def roc_figure(view, theme, log_fpr=False):
    return draw_roc(roc_of(view, log_fpr), theme)


def f1_figure(view, theme, lowest, highest):
    return draw_f1(view._replace(bulk=(lowest, highest)), theme)


SCORES, TRUTH = sample()
THRESHOLD = -1.25
VIEW = view_of(SCORES, TRUTH, THRESHOLD)


def flagged_at(threshold):
    return np.less(SCORES, threshold)


FLAGGED = flagged_at(THRESHOLD)

FIGURES = {
    "roc": roc_figure,
    "roc, log": lambda view, theme: roc_figure(view, theme, log_fpr=True),
    "precision": draw_precision_recall,
    "f1": lambda view, theme: f1_figure(view, theme, *RANGE),
}
EVERY = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)


def trace(figure, name):
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


def present(figure):
    """Where the present threshold is marked, or None."""
    found = [trace for trace in figure.data if trace.name == "present threshold"]
    if not found:
        return None
    (ring,) = found
    assert (ring.mode, len(ring.x)) == ("markers+text", 1)
    return ring.x[0], ring.y[0]


# --- every chart, every awkward case

CASES = {
    "plain": (*sample(), THRESHOLD),
    "many": (*sample(5000, 500), THRESHOLD),
    "two samples": (np.array([0.0, 1.0]), np.array([True, False]), 0.5),
    "perfect": (*sample(apart=50), -20.0),
    "perfectly wrong": (*sample(apart=-50), -20.0),
    "equal scores": (np.zeros(6), np.arange(6) < 2, 0.0),
    "infinitely far": (np.array([-np.inf, -np.inf, 0, 1, 2]), np.arange(5) < 2, -1e20),
    "heavy tail": (-np.geomspace(1, 1e30, 50), np.arange(50) > 30, -1e9),
    "nothing flagged": (*sample(), -np.inf),
    "everything flagged": (*sample(), np.inf),
}


@THEMES
@EVERY
@pytest.mark.parametrize("case", CASES)
def test_every_chart_of_every_case(draw, theme, case):
    figure = draw(view_of(*CASES[case]), theme)
    spec(figure)
    assert "nan" not in title(figure) + subtitle(figure)
    assert title(figure) and subtitle(figure)
    shown = figure.layout.xaxis.range
    assert np.isfinite(shown).all() and shown[0] < shown[1]
    assert figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert figure.layout.font.color == theme.muted


def test_equal_scores_and_a_range_without_width():
    figure = f1_figure(view_of(np.zeros(6), np.arange(6) < 2, 0.0), LIGHT, 0.0, 0.0)
    assert figure.layout.xaxis.range[0] < 0 < figure.layout.xaxis.range[1]


@THEMES
@EVERY
def test_curves_guesses_and_marks_have_their_own_colours(draw, theme):
    figure = draw(VIEW, theme)
    curve = trace(figure, "F1") if draw is FIGURES["f1"] else trace(figure, "thresholds")
    assert curve.line.color == theme.normal
    assert trace(figure, "present threshold").marker.line.color == theme.text
    others = [t.line.color for t in figure.data if t.name in ("guessing", "precision", "recall")]
    assert set(others) == {theme.muted}


@EVERY
def test_every_point_of_a_curve_brings_the_threshold_that_a_click_sets(draw):
    figure = draw(VIEW, LIGHT)
    curves = [t for t in figure.data if t.name not in ("guessing", "present threshold")]
    for curve in curves:
        assert len(curve.customdata) == len(curve.x)
        np.testing.assert_array_equal(np.asarray(curve.customdata)[:, 0], VIEW.points.thresholds)
        assert "%{customdata[0]" in curve.hovertemplate
    clickable = [curve for curve in curves if "markers" in curve.mode]
    assert len(clickable) == 1
    for name in ("guessing", "present threshold"):
        assert all(t.customdata is None and t.hoverinfo == "skip" for t in figure.data if t.name == name)


# --- ROC


def test_the_roc_curve_is_scikit_learns():
    figure = roc_figure(VIEW, LIGHT)
    fpr, tpr, _ = roc_curve(TRUTH, -SCORES, drop_intermediate=False)
    curve = trace(figure, "thresholds")
    np.testing.assert_allclose(curve.x, fpr)
    np.testing.assert_allclose(curve.y, tpr)
    assert figure.layout.xaxis.type is None
    assert present(figure) == pytest.approx((FLAGGED[~TRUTH].mean(), FLAGGED[TRUTH].mean()))
    assert list(trace(figure, "guessing").x) == list(trace(figure, "guessing").y) == [0, 1]


@pytest.mark.parametrize("log_fpr", [False, True])
@pytest.mark.parametrize("threshold", [-np.inf, -1e9, -3.5, THRESHOLD, 1.0, np.inf])
def test_the_rocs_title_says_the_rates(log_fpr, threshold):
    figure = roc_figure(view_of(SCORES, TRUTH, threshold), LIGHT, log_fpr)
    flagged = flagged_at(threshold)
    caught, alarms = percent(flagged[TRUTH].mean()), percent(flagged[~TRUTH].mean())
    assert title(figure) == f"{caught} of the anomalous caught, {alarms} of the normal flagged"
    assert f"(AUROC) {number(roc_auc_score(TRUTH, -SCORES))} (" in subtitle(figure)
    low, high = VIEW.metrics.auroc.interval
    assert low < VIEW.metrics.auroc.value < high


def test_an_interval_that_is_not_known_is_left_out():
    figure = roc_figure(view_of(*sample(apart=50), -20.0), LIGHT)
    assert subtitle(figure) == "ROC curve · area (AUROC) 1.00"


@pytest.mark.parametrize("threshold", [-np.inf, -5.0, THRESHOLD, np.inf])
def test_on_a_logarithmic_axis_nothing_is_zero_or_less(threshold):
    view = view_of(SCORES, TRUTH, threshold)
    assert (view.points.fpr == 0).sum() > 1
    figure = roc_figure(view, LIGHT, log_fpr=True)
    assert figure.layout.xaxis.type == "log"
    for drawn in figure.data:
        assert (np.asarray(drawn.x) > 0).all()
    half_a_sample = 0.5 / (~TRUTH).sum()
    curve = trace(figure, "thresholds")
    np.testing.assert_allclose(curve.x, np.where(view.points.fpr > 0, view.points.fpr, half_a_sample))
    np.testing.assert_array_equal(curve.y, view.points.tpr)
    np.testing.assert_array_equal(curve.customdata[:, 1], view.points.fpr)  # the hover does not pretend
    assert "%{x" not in curve.hovertemplate
    expected = max(flagged_at(threshold)[~TRUTH].mean(), half_a_sample)
    assert present(figure) == pytest.approx((expected, flagged_at(threshold)[TRUTH].mean()))
    assert 10 ** figure.layout.xaxis.range[0] == pytest.approx(half_a_sample)
    assert 10 ** figure.layout.xaxis.range[1] >= 1
    np.testing.assert_array_equal(trace(figure, "guessing").x, trace(figure, "guessing").y)


# --- precision and recall


@pytest.mark.parametrize("threshold", [-3.0, THRESHOLD, np.inf])
def test_precision_and_recall(threshold):
    flagged = flagged_at(threshold)
    figure = draw_precision_recall(view_of(SCORES, TRUTH, threshold), LIGHT)
    recall, precision = recall_score(TRUTH, flagged), precision_score(TRUTH, flagged)
    curve = trace(figure, "thresholds")
    for x, y, limit in zip(curve.x, curve.y, curve.customdata[:, 0], strict=True):
        assert x == pytest.approx(recall_score(TRUTH, flagged_at(limit)))
        assert y == pytest.approx(precision_score(TRUTH, flagged_at(limit), zero_division=1))
    assert present(figure) == pytest.approx((recall, precision))
    assert list(trace(figure, "guessing").y) == pytest.approx([TRUTH.mean()] * 2)
    assert title(figure) == f"{percent(precision)} of the flagged are anomalous"
    average = number(average_precision_score(TRUTH, -SCORES))
    assert subtitle(figure).startswith(
        f"{percent(recall)} of all anomalous caught · average precision {average} ("
    )


def test_where_nothing_is_flagged_there_is_no_share_of_it():
    figure = draw_precision_recall(view_of(SCORES, TRUTH, -100.0), LIGHT)
    assert title(figure) == "No labelled sample is flagged at this threshold"
    assert present(figure) == (0, 1)  # where the curve begins


# --- F1


def test_f1_precision_and_recall_against_the_threshold():
    figure = f1_figure(VIEW, LIGHT, *RANGE)
    for name, score, none in (
        ("F1", f1_score, 0),
        ("precision", precision_score, 1),
        ("recall", recall_score, 0),
    ):
        curve = trace(figure, name)
        np.testing.assert_array_equal(curve.x, VIEW.points.thresholds)
        expected = [score(TRUTH, flagged_at(limit), zero_division=none) for limit in curve.x]
        np.testing.assert_allclose(curve.y, expected)
    assert present(figure) == pytest.approx((THRESHOLD, f1_score(TRUTH, FLAGGED)))
    assert trace(figure, "present threshold").text == (f"threshold {number(THRESHOLD)}",)


def test_the_steps_of_f1_are_right_between_the_thresholds_too():
    """A step is drawn up first, then along: a threshold flags as many as the next distinct score does."""
    curve = trace(f1_figure(VIEW, LIGHT, *RANGE), "F1")
    assert curve.line.shape == "vh"
    distinct = curve.x[:-1]  # the last threshold is the next number after the highest score
    between = (distinct[:-1] + distinct[1:]) / 2
    expected = [f1_score(TRUTH, flagged_at(limit)) for limit in between]
    np.testing.assert_allclose(curve.y[1:-1], expected)


def test_f1s_title_names_the_best():
    figure = f1_figure(VIEW, LIGHT, *RANGE)
    values = {limit: f1_score(TRUTH, flagged_at(limit)) for limit in SCORES}
    best = max(values, key=values.get)
    assert title(figure) == (
        f"F1 is {number(f1_score(TRUTH, FLAGGED))}; the best, {number(values[best])}, "
        f"is at {number(best)} nats"
    )


@pytest.mark.parametrize(
    ("threshold", "expected"), [(-1.0, RANGE), (-20.0, (-20, 3)), (8.0, (-6, 8)), (np.inf, RANGE)]
)
def test_the_present_threshold_is_in_sight_unless_it_is_infinite(threshold, expected):
    figure = f1_figure(view_of(SCORES, TRUTH, threshold), LIGHT, *RANGE)
    assert figure.layout.xaxis.range == expected
    assert (present(figure) is None) == np.isinf(threshold)


@pytest.mark.parametrize(
    ("draw", "threshold", "side"),
    [
        ("f1", -5.9, "right"),
        ("f1", 2.9, "left"),
        ("roc", -2.0, "right"),
        ("roc", 2.0, "left"),
        ("roc, log", -9.0, "right"),
        ("roc, log", -0.7, "left"),
        ("precision", -3.5, "right"),
        ("precision", 1.0, "left"),
    ],
)
def test_the_marks_name_points_to_the_middle(draw, threshold, side):
    mark = trace(FIGURES[draw](view_of(SCORES, TRUTH, threshold), LIGHT), "present threshold")
    assert mark.textposition.endswith(side)


def test_a_low_marks_name_is_above_it():
    low, high = (roc_figure(view_of(SCORES, TRUTH, at), LIGHT) for at in (-np.inf, THRESHOLD))
    assert trace(low, "present threshold").textposition == "top right"
    assert trace(high, "present threshold").textposition == "bottom right"


# --- reliability

BEFORE = Reliability(
    np.array([0.05, 0.55]),
    np.array([0.1, 0.4]),
    np.array([30, 10]),
    np.array([0.02, 0.2]),
    np.array([0.3, 0.7]),
)
AFTER = Reliability(np.array([0.3]), np.array([0.25]), np.array([40]), np.array([0.1]), np.array([0.5]))


def fit(before=0.25, after=0.125):
    return PlattFit(None, before, after, BEFORE, AFTER)


@THEMES
def test_reliability_draws_the_bins_with_their_intervals(theme):
    figure = draw_reliability(fit(), theme)
    spec(figure)
    for name, bins, colour in (
        ("present curve", BEFORE, theme.muted),
        ("fitted to the labels", AFTER, theme.normal),
    ):
        drawn = trace(figure, name)
        np.testing.assert_array_equal(drawn.x, bins.mean_prediction)
        np.testing.assert_array_equal(drawn.y, bins.observed)
        np.testing.assert_array_equal(drawn.customdata, bins.counts)
        np.testing.assert_allclose(drawn.y + drawn.error_y.array, bins.high)
        np.testing.assert_allclose(drawn.y - drawn.error_y.arrayminus, bins.low)
        assert drawn.line.color == colour
        assert drawn.showlegend is not False
    guess = trace(figure, "guessing")
    assert list(guess.x) == list(guess.y) == [0, 1]
    assert guess.showlegend is False
    assert figure.layout.showlegend


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0.25, 0.125, "Fitting lowers the probability error from 0.250 to 0.125"),
        (0.1, 0.125, "Fitting does not lower the probability error, 0.100"),
        (0.125, 0.125, "Fitting does not lower the probability error, 0.125"),
        (0.12501, 0.125, "Fitting does not lower the probability error, 0.125"),
    ],
)
def test_reliabilitys_title_says_whether_the_fit_helps(before, after, words):
    assert title(draw_reliability(fit(before, after), LIGHT)) == words
