import copy
import json

import comparison_steps
import numpy as np
import pytest
from figure_steps import spec, subtitle, title
from sklearn.metrics import roc_auc_score

from kdeviz.charts import DARK, LIGHT, side_colours
from kdeviz.charts.compared_roc import compared_roc
from kdeviz.charts.percentiles import percentiles
from kdeviz.charts.ranks import ranks
from kdeviz.comparison.compare import compare
from kdeviz.comparison.words import interval_words, separation_finding
from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.errors import OptionError

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
THIN = "\u202f"
TRAIN = np.arange(200.0)  # scores of training samples


def side(scores, threshold, ids=None, labels=None, train=TRAIN):
    return comparison_steps.side(np.asarray(scores, float), ids, labels, threshold, train=train)


def pair(n=300, p=60, noise=1.0, seed=0, better=1.0, labelled=True, thresholds=(20.0, 20.0), **others):
    """Two noisy views of the same samples, the first p of which are anomalous."""
    random = np.random.default_rng(seed)
    truth = np.arange(n) < p
    place = random.normal(100, 20, n) - 60 * truth
    scores = [place + 20 * noise * random.normal(size=n) - move * truth for move in (0, 60 * (better - 1))]
    labels = np.where(truth, ANOMALOUS, NORMAL) if labelled else None
    sides = [side(s, t, labels=labels, **others) for s, t in zip(scores, thresholds, strict=True)]
    return compare(*sides, resamples=60)


def rank_figure(comparison, theme, most=4000):
    return ranks(comparison, most, theme)


def percentile_figure(comparison, theme):
    return percentiles(comparison, theme)


def compared_roc_figure(comparison, theme, log_fpr=False):
    return compared_roc(comparison, log_fpr, theme)


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def numbers(figure, name):
    found = [trace.customdata for trace in traces(figure, name)]
    return set(np.concatenate(found)) if found else set()


def words(figure):
    return [annotation.text for annotation in figure.layout.annotations]


FIGURES = {
    "ranks": rank_figure,
    "percentiles": percentile_figure,
    "roc": compared_roc_figure,
    "roc, log": lambda comparison, theme: compared_roc_figure(comparison, theme, log_fpr=True),
}
CASES = {
    "plain": pair(),
    "the same": pair(noise=0),
    "far": compare(side([-np.inf, -1e30, 5, 6], 0, labels=[1, 1, 0, 0]), side([1, 2, 3, 4], 0), resamples=2),
    "two samples": compare(side([1, 2], 1.5, labels=[1, 0]), side([2, 1], 1.5), resamples=2),
    "equal scores": compare(side([1, 1, 1], 0, labels=[1, 0, 0]), side([1, 1, 1], 2), resamples=2),
    "nothing flagged": pair(thresholds=(-np.inf, -np.inf)),
    "all flagged": pair(thresholds=(np.inf, np.inf)),
    "one flags all": pair(thresholds=(np.inf, -np.inf)),
}


@THEMES
@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
@pytest.mark.parametrize("case", CASES)
def test_every_chart_of_every_case(draw, theme, case):
    figure = draw(CASES[case], theme)
    spec(figure)
    assert title(figure) and subtitle(figure)
    assert "nan" not in title(figure) + subtitle(figure) + "".join(words(figure))
    assert figure.layout.xaxis.title.text and figure.layout.yaxis.title.text
    shown = figure.layout.xaxis.range
    assert np.isfinite(shown).all() and shown[0] < shown[1]
    assert figure.layout.font.color == theme.muted


@THEMES
def test_the_two_have_the_same_colours_everywhere(theme):
    first, second = side_colours(theme)
    assert {first, second} <= set(theme.categories)
    assert len({first, second, theme.normal, theme.anomalous}) == 4
    comparison = CASES["plain"]
    ranks = rank_figure(comparison, theme)
    assert {t.marker.color for t in traces(ranks, "only the first flags")} == {first}
    assert {t.marker.color for t in traces(ranks, "only the second flags")} == {second}
    assert [t.marker.color for t in percentile_figure(comparison, theme).data] == [first, second]
    roc = compared_roc_figure(comparison, theme)
    for name, colour in (("first", first), ("second", second)):
        assert traces(roc, name)[0].line.color == colour
        assert traces(roc, f"{name} at its threshold")[0].marker.line.color == colour


@THEMES
def test_no_text_of_one_appearance_in_the_other(theme):
    other = DARK if theme is LIGHT else LIGHT
    for draw in FIGURES.values():
        drawn = json.dumps(spec(draw(CASES["plain"], theme)))
        for colour in (other.text, other.muted, other.line, other.paper):
            assert colour not in drawn


# --- ranks


def test_every_sample_is_drawn_once_and_can_be_picked():
    comparison = CASES["plain"]
    figure = rank_figure(comparison, LIGHT)
    seen = []
    for trace in figure.data:
        if trace.name == "equal ranks":
            assert (trace.hoverinfo, list(trace.x), list(trace.y)) == ("skip", [1, 300], [1, 300])
            continue
        seen += list(trace.customdata)
        np.testing.assert_array_equal(trace.x, comparison.first_ranks[trace.customdata])
        np.testing.assert_array_equal(trace.y, comparison.second_ranks[trace.customdata])
        assert list(trace.hovertext) == comparison.ids[trace.customdata].tolist()
        symbols = {ANOMALOUS: "x", NORMAL: "circle"}
        assert {symbols[label] for label in comparison.labels[trace.customdata]} == {trace.marker.symbol}
        assert ("labelled anomalous" in trace.hovertemplate) == (trace.marker.symbol == "x")
    assert sorted(seen) == list(range(300))
    assert numbers(figure, "only the first flags") == set(comparison.disagreements.only_first)
    assert numbers(figure, "only the second flags") == set(comparison.disagreements.only_second)
    assert len(comparison.disagreements.only_first) and len(comparison.disagreements.only_second)


def test_axes_are_logarithmic_and_show_every_rank():
    figure = rank_figure(CASES["plain"], LIGHT)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert axis.type == "log"
        assert axis.range[0] < 0 and axis.range[1] > np.log10(300)


def test_thinning_keeps_all_flips():
    comparison = pair(n=3000, p=300, noise=3)
    figure = rank_figure(comparison, LIGHT, most=1500)
    drawn = [trace for trace in figure.data if trace.name != "equal ranks"]
    assert sum(len(trace.x) for trace in drawn) == 1500
    assert numbers(figure, "only the first flags") == set(comparison.disagreements.only_first)
    assert numbers(figure, "only the second flags") == set(comparison.disagreements.only_second)
    assert subtitle(figure).startswith(f"1{THIN}500 of 3{THIN}000 samples · ")
    assert figure.layout.xaxis.range[1] > np.log10(3000)
    again = rank_figure(comparison, LIGHT, most=1500)
    assert figure.to_json() == again.to_json()


@pytest.mark.parametrize(("n", "kind"), [(300, "scatter"), (3000, "scattergl")])
def test_many_points_are_all_drawn_by_the_graphics_card(n, kind):
    figure = rank_figure(pair(n=n), LIGHT)
    assert {trace.type for trace in figure.data if trace.name != "equal ranks"} == {kind}


@pytest.mark.parametrize(
    ("scores", "words_"),
    [
        ([1, 2, 3, 4, 5, 6], "Both rank the samples much alike (rank correlation 1.00)"),
        ([1, 2, 3, 6, 5, 4], "Both rank the samples fairly alike (rank correlation 0.771)"),
        ([1, 4, 5, 2, 3, 6], "Both rank the samples somewhat alike (rank correlation 0.543)"),
        ([4, 3, 1, 6, 2, 5], "The two rank the samples differently (rank correlation 0.200)"),
        ([6, 5, 4, 3, 2, 1], "The two rank the samples in opposite order (rank correlation −1.00)"),
        ([1, 1, 1, 1, 1, 1], "There is no order to compare: one gives every sample the same score"),
    ],
)
def test_the_title_says_how_alike(scores, words_):
    figure = rank_figure(compare(side([1, 2, 3, 4, 5, 6], 0), side(scores, 0)), LIGHT)
    assert title(figure) == words_


def test_ids_are_no_html():
    ids = ["<img src=x onerror=alert(1)>", "a&b", 'q"', "two\nlines"]
    comparison = compare(side([1, 2, 3, 4], 1.5, ids), side([4, 3, 2, 1], 1.5, ids))
    shown = [
        text for t in rank_figure(comparison, LIGHT).data if t.hovertext is not None for text in t.hovertext
    ]
    assert set(shown) == {
        "&lt;img src=x onerror=alert(1)&gt;", "a&amp;b", "q&quot;", "two lines",
    }  # fmt: skip
    assert "<img" not in rank_figure(comparison, LIGHT).to_json()


def test_one_side_without_flips():
    comparison = compare(side([-1, 1, 2, 3], 0), side([1, 2, 3, 4], 0))
    figure = rank_figure(comparison, LIGHT)
    assert numbers(figure, "only the first flags") == {0}
    assert not traces(figure, "only the second flags")
    assert subtitle(figure) == "4 samples · flagged by one only: 1 + 0"
    assert words(figure) == ["first flags 1"]  # there is no line at zero


def test_no_flips_and_no_labels():
    comparison = compare(side([-1, 1, 2], 0), side([-1, 2, 1], 0))
    figure = rank_figure(comparison, LIGHT)
    assert {trace.name for trace in figure.data} == {"equal ranks", "same verdict"}
    assert subtitle(figure) == "3 samples · the same are flagged by both"
    assert {trace.marker.symbol for trace in traces(figure, "same verdict")} == {"circle"}
    assert "crosses" in subtitle(rank_figure(CASES["plain"], LIGHT))


def test_the_legend_names_each_side_once():
    for case in ("plain", "one flags all"):
        figure = rank_figure(CASES[case], LIGHT)
        legend = [trace.name for trace in figure.data if trace.showlegend]
        drawn = {trace.name for trace in figure.data} - {"equal ranks", "same verdict"}
        assert sorted(legend) == sorted(drawn)


def test_lines_part_what_each_one_flags():
    comparison = CASES["plain"]
    figure = rank_figure(comparison, LIGHT)
    vertical, horizontal = figure.layout.shapes
    assert (vertical.x0, horizontal.y0) == (
        comparison.first.flagged.sum() + 0.5,
        comparison.second.flagged.sum() + 0.5,
    )
    for trace in traces(figure, "only the first flags"):
        assert (trace.x < vertical.x0).all() and (trace.y > horizontal.y0).all()
    for trace in traces(figure, "only the second flags"):
        assert (trace.x > vertical.x0).all() and (trace.y < horizontal.y0).all()
    # On a logarithmic axis annotations are placed by the logarithm, shapes are not.
    assert figure.layout.annotations[0].x == pytest.approx(np.log10(vertical.x0))
    assert figure.layout.annotations[1].y == pytest.approx(np.log10(horizontal.y0))


# --- percentiles


def test_percentile_bars_are_shares_of_the_common_samples():
    comparison = CASES["plain"]
    figure = percentile_figure(comparison, LIGHT)
    for bars, places in zip(figure.data, comparison.percentiles[:2], strict=True):
        expected = np.histogram(places, 20, (0, 100))[0]
        np.testing.assert_array_equal(bars.customdata, expected)
        np.testing.assert_allclose(bars.y, expected / 300)
        assert sum(bars.y) == pytest.approx(1)
        assert bars.hovertext[0] == "0 to 5"
        assert bars.x[0] == 2.5
    assert figure.layout.shapes[0].y0 == pytest.approx(0.05)
    assert list(figure.layout.xaxis.range) == [0, 100]


def test_the_title_counts_what_is_below_percentile_1():
    train = np.arange(1000.0)
    first, second = [-1, 5, 100, 500], [-1, 20, 100, 500]
    comparison = compare(side(first, 0, train=train), side(second, 0, train=train))
    figure = percentile_figure(comparison, LIGHT)
    assert title(figure) == "Below percentile 1: 50.0 % by the first, 25.0 % by the second"
    assert subtitle(figure) == "4 samples by their place among the training samples of each"
    figure = percentile_figure(compare(comparison.first, comparison.first), LIGHT)
    assert title(figure) == "Below percentile 1: 50.0 % by either"


def test_the_legend_stands_above_bars_that_fill_the_chart_and_its_words_below_the_edge():
    scores = TRAIN + 0.5  # spread as evenly as the training samples
    figure = percentiles(compare(side(scores, 20.0), side(scores[::-1], 20.0), resamples=60), LIGHT)
    assert figure.layout.legend.y >= 1 and figure.layout.legend.yanchor == "bottom"
    highest = max(max(bars.y) for bars in figure.data)
    assert figure.layout.yaxis.range[0] == 0 and figure.layout.yaxis.range[1] > 1.1 * highest


def test_what_the_percentiles_refer_to_is_said():
    shown = subtitle(percentile_figure(CASES["plain"], LIGHT))
    assert shown.endswith("among the training samples of each")


@pytest.mark.parametrize(("digests", "rows", "itself"), [("aa", 9, True), ("ab", 9, False), ("aa", 8, False)])
def test_of_training_samples_it_is_said_that_they_spread_evenly_by_themselves(digests, rows, itself):
    model = copy.copy(comparison_steps.some_model())
    model.data_digest = "a"
    first, second = (
        comparison_steps.side(np.arange(n), model=model, inspected_digest=digest)
        for digest, n in zip(digests, (9, rows), strict=True)
    )
    (said,) = words(percentiles(compare(first, second), LIGHT))
    assert ("these are the training samples" in said) == itself
    assert ("normal samples alone" in said) == (not itself)


# --- ROC


@pytest.mark.parametrize("log_fpr", [False, True])
def test_roc_curves_of_both(log_fpr):
    comparison = CASES["plain"]
    figure = compared_roc_figure(comparison, LIGHT, log_fpr)
    anomalous = comparison.labels == ANOMALOUS
    for name, one in (("first", comparison.first), ("second", comparison.second)):
        (curve,) = traces(figure, name)
        thresholds, fpr = np.asarray(curve.customdata).T
        expected = [(one.scores[~anomalous] < t).mean() for t in thresholds]
        np.testing.assert_allclose(fpr, expected)
        np.testing.assert_allclose(curve.y, [(one.scores[anomalous] < t).mean() for t in thresholds])
        lowest = 0.5 / 240 if log_fpr else 0
        np.testing.assert_allclose(curve.x, np.maximum(expected, lowest))
        (ring,) = traces(figure, f"{name} at its threshold")
        at = one.flagged[~anomalous].mean(), one.flagged[anomalous].mean()
        assert (ring.x[0], ring.y[0]) == pytest.approx((max(at[0], lowest), at[1]))
        assert tuple(ring.customdata[0]) == pytest.approx(at)
    if log_fpr:
        assert figure.layout.xaxis.type == "log"
        assert all((np.asarray(trace.x) > 0).all() for trace in figure.data)
    else:
        assert figure.layout.xaxis.type is None


def test_areas_are_labelled_in_the_colours_of_the_curves():
    comparison = CASES["plain"]
    anomalous = comparison.labels == ANOMALOUS
    (text,) = words(compared_roc_figure(comparison, DARK))
    for line, name, one, colour in zip(
        text.split("<br>"),
        ("first", "second"),
        (comparison.first, comparison.second),
        side_colours(DARK),
        strict=True,
    ):
        area = roc_auc_score(anomalous, -one.scores)
        assert line.endswith(f" {name}: AUROC {area:.3f}")
        assert f"color:{colour}" in line


@pytest.mark.parametrize(
    ("comparison", "start", "interval"),
    [
        (pair(n=600, p=200, noise=2, better=2), "The second separates better: AUROC 0.9", True),
        (pair(n=600, p=200, noise=2, better=0.2), "The second separates worse: AUROC 0.", True),
        (pair(), "No clear difference: AUROC 0.9", True),
        (pair(noise=0), "Both separate equally well: AUROC 0.9", False),
        (CASES["two samples"], "Resampling cannot tell which separates better: AUROC 1.00 and 0", False),
    ],
)
def test_the_title_claims_no_more_than_the_interval(comparison, start, interval):
    figure = compared_roc_figure(comparison, LIGHT)
    assert title(figure).startswith(start)
    assert title(figure) == separation_finding(comparison.separation)
    first = interval_words(comparison.separation) if interval else "ROC curves"
    assert subtitle(figure) == f"{first} · rings: thresholds"
    assert ("95 % interval of the difference" in subtitle(figure)) == interval
    low, high = comparison.separation.interval
    assert ("The second separates" in title(figure)) == (low > 0 or high < 0)


def test_areas_that_differ_do_not_read_the_same():
    scores = np.arange(400.0)
    labels = (scores < 60).astype(int)
    labels[59], labels[60] = 0, 1  # AUROC 0.99995 against 1
    swapped = scores.copy()
    swapped[[59, 60]] = 60, 59
    figure = compared_roc_figure(
        compare(side(scores, 50, labels=labels), side(swapped, 50), resamples=40), LIGHT
    )
    assert title(figure) == "No clear difference: AUROC 0.99995 and 1.0000"
    (areas,) = words(figure)
    assert "first: AUROC 0.99995<br>" in areas and areas.endswith("second: AUROC 1.0000")


def test_no_roc_curves_without_labels():
    with pytest.raises(OptionError, match="load labels, or mark some"):
        compared_roc_figure(pair(labelled=False), LIGHT)
    for draw in (rank_figure, percentile_figure):
        spec(draw(pair(labelled=False), LIGHT))
