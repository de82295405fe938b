import html
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from figure_steps import spec, strings, title

from kdeviz import charts
from kdeviz.analysis.analyse import analyse
from kdeviz.charts.densities import draw_densities
from kdeviz.charts.picked import PickedNumbers
from kdeviz.charts.projection import draw_projection
from kdeviz.charts.scree import draw_scree
from kdeviz.charts.theme import DARK, LIGHT, faint
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision.decision import Decision
from kdeviz.explain.residual import residuals
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.wording import count, number, percent

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)


@pytest.fixture
def theme():
    """Where the colours do not matter."""
    return LIGHT


NASTY = "<script>alert(1)</script> <img src=http://example.com/x.png> & <a href='x'>y</a> %{x} \n"


def rows(n, d=5, seed=0):
    random = np.random.default_rng(seed)
    return (random.standard_normal((n, d)) * np.arange(d, 0, -1)).astype(np.float32)


def make(n=60, k=3, train=None, **known):
    train = rows(150) if train is None else train
    features = rows(n, seed=1) * 1.5
    ids = np.array([f"id-{i}" for i in range(n)])
    return analyse(train, EmbeddingSet(features, ids, **known), Settings(k), "cpu")


def labels(n):
    return np.resize(np.array([NORMAL, NORMAL, ANOMALOUS, UNKNOWN], np.int8), n)


METADATA = pd.DataFrame(
    {
        NASTY: [NASTY, "plain", None, "a & b"] * 15,
        "height": [0.5, None, -2, np.inf] * 15,
        "ok": [True, False, True, True] * 15,
        "many": [f"group {i}" for i in range(60)],
        "verdict": ["normal", "flagged", "other", "anomalous"] * 15,
    }
)


def decided(analysis, threshold=-5.0, curve=None):
    return Decision(analysis, None, curve or ProbabilityCurve(), threshold)


def projection(analysis, components, colour_by, threshold, most=5000):
    return charts.projection_numbers(decided(analysis, threshold), components, colour_by, most)


def contours(analysis, components):
    return charts.contours_numbers(decided(analysis), components)


def histograms(analysis, threshold):
    return charts.densities_numbers(decided(analysis, threshold))


def scree(analysis):
    return charts.scree_numbers(decided(analysis))


def draw_map(
    analysis,
    theme,
    components=(0, 1),
    colour_by="log density",
    threshold=-5.0,
    most=5000,
    colour_range=None,
    **more,
):
    view = projection(analysis, components, colour_by, threshold, most)
    if colour_range is not None:
        view = view._replace(colour_range=colour_range)
    names = [str(analysis.inspected.ids[row]) for row in view.rows]
    return draw_projection(view, theme, names, **more)


def draw_density(analysis, theme, threshold=-5.0, picked=None, curve=None):
    curve = None if curve is None else charts.curve_numbers(decided(analysis, threshold, curve))
    return draw_densities(histograms(analysis, threshold), theme, curve, picked)


def mark_of(analysis, row=0, name=None):
    name = str(analysis.inspected.ids[row]) if name is None else name
    score = float(analysis.scores[row])
    return PickedNumbers(name, score, float(ProbabilityCurve()(np.array(score))), row)


def assert_tame(figure):
    """No tag but plotly's own harmless ones, and every other < and & escaped."""
    decoded = spec(figure)
    decoded["layout"].pop("template", None)
    for text in strings(decoded):
        assert not re.search(r"<(?!/?(br|extra|b|i|sub|sup|span)\b[^<>]*>)", text), text
        assert not re.search(r"&(?!(amp|lt|gt|quot|#x27|#39);)", text), text
    return decoded


def rings(figure):
    symbols = [(trace, getattr(getattr(trace, "marker", None), "symbol", None)) for trace in figure.data]
    return [trace for trace, symbol in symbols if isinstance(symbol, str) and symbol == "circle-open"]


# --- every chart, every awkward case


FEW = rows(3)
CASES = {
    "plain": lambda: make(),
    "labelled": lambda: make(labels=labels(60), metadata=METADATA),
    "one scored row": lambda: make(1),
    "one labelled row": lambda: make(1, labels=labels(1)),
    "two components": lambda: make(k=2),
    "three training rows": lambda: make(k=2, train=FEW),
    "training only": lambda: analyse(rows(60), None, Settings(3), "cpu"),
    "capped training only": lambda: analyse(rows(60), None, Settings(3, max_training_points=20), "cpu"),
    "labelled training only": lambda: analyse(
        EmbeddingSet(rows(60), np.arange(60).astype(str), labels=labels(60)), None, Settings(3), "cpu"
    ),
    "equal scores": lambda: replace(
        make(), scores=np.full(60, -3, np.float32), held_out_scores=np.full(150, -3, np.float32)
    ),
    "infinitely far": lambda: replace(make(), scores=np.full(60, -np.inf, np.float32)),
    "heavy tail": lambda: replace(make(), scores=-np.geomspace(1, 1e5, 60).astype(np.float32)),
    "numeric metadata": lambda: make(metadata=pd.DataFrame({"x": [None] * 60}, dtype=float)),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]()


@pytest.mark.parametrize(("theme", "threshold"), [(LIGHT, -5.0), (DARK, np.inf)], ids=["light", "dark"])
def test_every_chart_of_every_case(case, theme, threshold):
    mark = mark_of(case)
    for curve in (None, ProbabilityCurve()):
        assert_tame(draw_density(case, theme, threshold, mark, curve))
    assert_tame(draw_scree(scree(case), theme))
    lines = contours(case, (1, 0))
    assert_tame(draw_map(case, theme, (1, 0), threshold=threshold, contours=lines, picked=mark))
    assert_tame(draw_map(case, theme, (1, 0), "verdict", threshold, most=20, colour_range=(-9, 1)))
    if case.inspected.labels is not None:
        assert_tame(draw_map(case, theme, (1, 0), "label", threshold))
    if case.classifier.n_components_ > 2:
        for colour_by in ("log density", "verdict"):
            assert_tame(draw_map(case, theme, (2, 0, 1), colour_by, threshold, most=20, picked=mark))


@THEMES
def test_one_component(theme):
    analysis = make(k=1)
    assert_tame(draw_density(analysis, theme))
    assert title(draw_scree(scree(analysis), theme)).startswith("1 component keep")


@pytest.mark.parametrize("colour_by", [*METADATA.columns[:-1], "verdict_in_file"])
@pytest.mark.parametrize("components", [(0, 1), (0, 1, 2)])
def test_metadata_colours_draw_every_sample_once(theme, colour_by, components):
    figure = draw_map(make(metadata=METADATA), theme, components, colour_by)
    assert_tame(figure)
    drawn = np.concatenate([trace.customdata for trace in figure.data])
    np.testing.assert_array_equal(np.sort(drawn), np.arange(60))


# --- titles


@pytest.mark.parametrize(("threshold", "most"), [(-5.0, 5000), (-np.inf, 5000), (np.inf, 5000), (-5.0, 20)])
def test_the_maps_title_is_the_finding(theme, threshold, most):
    analysis = make()
    figure = draw_map(analysis, theme, threshold=threshold, most=most)
    flagged = sum(score < threshold for score in analysis.scores)
    assert title(figure) == f"{count(flagged)} of 60 samples fall below the threshold"
    drawn = len(projection(analysis, (0, 1), "verdict", threshold, most).rows)
    subtitle = figure.layout.title.subtitle.text
    assert ("drawn" in subtitle) == (drawn < 60)
    if drawn < 60:
        assert f"{drawn} of 60 drawn" in subtitle


def test_the_maps_axes_name_components_from_1_and_their_variance(theme):
    analysis = make()
    shares = [percent(share) for share in scree(analysis).shares]
    flat = draw_map(analysis, theme, (2, 0)).layout
    assert "component 3" in flat.xaxis.title.text and shares[2] in flat.xaxis.title.text
    assert "component 1" in flat.yaxis.title.text and shares[0] in flat.yaxis.title.text
    scene = draw_map(analysis, theme, (1, 2, 0)).layout.scene
    found = [axis.title.text for axis in (scene.xaxis, scene.yaxis, scene.zaxis)]
    assert all(f"component {c + 1}" in text for c, text in zip((1, 2, 0), found, strict=True))


def test_the_density_charts_title_is_the_finding(theme):
    analysis = make()
    threshold = float(np.quantile(analysis.held_out_scores, 0.1))
    figure = draw_density(analysis, theme, threshold)
    share = np.mean([score < threshold for score in analysis.held_out_scores])
    assert title(figure) == f"{percent(share)} of training samples fall below the threshold"


def test_what_lies_outside_the_density_chart_is_said(theme):
    analysis = CASES["heavy tail"]()
    hidden = histograms(analysis, -5.0).below_range
    assert hidden > 10
    assert f"{hidden} further left" in draw_density(analysis, theme).layout.title.subtitle.text
    assert "further left" not in draw_density(make(train=rows(2000)), theme).layout.title.subtitle.text


def test_saturation_is_said(theme):
    analysis = make()
    curve = ProbabilityCurve(-6.0, 4.0)
    share = charts.curve_numbers(decided(analysis, -5.0, curve)).saturated
    assert 0 < share < 1
    assert f"{percent(share)} of" in draw_density(analysis, theme, curve=curve).layout.title.subtitle.text


@pytest.mark.parametrize(("k", "words"), [(1, "1 component keeps"), (4, "4 components keep")])
def test_the_scree_plots_title_is_the_finding(theme, k, words):
    analysis = make(k=k)
    kept = percent(float(scree(analysis).shares[:k].sum()))
    assert title(draw_scree(scree(analysis), theme)).startswith(words)
    assert kept in title(draw_scree(scree(analysis), theme))


def test_no_share_is_said_where_all_components_are_kept(theme):
    assert title(draw_scree(scree(make(k=5)), theme)) == "All 5 components are kept"


def test_the_scree_plot_cuts_after_the_kept_components(theme):
    view = scree(make(k=2))
    figure = draw_scree(view, theme)
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == 2.5
    assert list(figure.data[0].marker.color) == [theme.normal] * 2 + [theme.line] * 3
    assert not draw_scree(scree(make(k=5)), theme).layout.shapes
    short = draw_scree(view, theme, most=3)
    assert len(short.data[0].x) == 3
    assert "first 3" in short.layout.title.subtitle.text
    np.testing.assert_array_equal(short.data[0].y, view.shares[:3])


# --- text from files


@pytest.mark.parametrize("colour_by", [NASTY, "log density", "label"])
@pytest.mark.parametrize("components", [(0, 1), (0, 1, 2)])
def test_text_from_files_is_escaped_on_the_map(theme, colour_by, components):
    analysis = make(metadata=METADATA, labels=labels(60))
    view = projection(analysis, components, colour_by, -5.0)
    figure = draw_projection(view, theme, [NASTY] * 60, picked=mark_of(analysis, name=NASTY))
    texts = list(strings(assert_tame(figure)))
    assert any(html.escape("<script>alert(1)</script>") in text for text in texts)


def test_text_from_files_is_escaped_as_a_colour_bars_title(theme):
    metadata = METADATA.rename(columns={"height": "<img src=http://example.com/y.png>"})
    analysis = make(metadata=metadata)
    figure = draw_map(analysis, theme, colour_by="<img src=http://example.com/y.png>")
    texts = list(strings(assert_tame(figure)))
    assert any("&lt;img src=" in text for text in texts)


def test_text_from_files_is_escaped_on_the_density_chart(theme):
    analysis = make()
    figure = draw_density(analysis, theme, picked=mark_of(analysis, name=NASTY))
    assert any("&lt;script&gt;" in text for text in strings(assert_tame(figure)))


def test_an_id_is_no_hover_template():
    analysis = make()
    for trace in draw_density(analysis, LIGHT, picked=mark_of(analysis, name="100 %{x} wool")).data:
        assert "wool" not in (trace.hovertemplate or "")


# --- what is drawn where


def numbers_as_lists(node, path=""):
    """Paths of lists of three or more numbers: what should be a typed array."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield from numbers_as_lists(child, f"{path}.{key}")
    elif isinstance(node, list):
        if len(node) > 2 and all(isinstance(value, (int, float)) for value in node):
            yield path
        for child in node:
            yield from numbers_as_lists(child, path)


@pytest.mark.parametrize("components", [(0, 1), (0, 1, 2)])
@pytest.mark.parametrize("colour_by", ["log density", "label", "height"])
def test_arrays_travel_as_typed_arrays(theme, components, colour_by):
    analysis = make(labels=labels(60), metadata=METADATA)
    lines = contours(analysis, components) if len(components) == 2 else None
    for most in (20, 5000):
        figure = draw_map(analysis, theme, components, colour_by, contours=lines, most=most)
        data = spec(figure)["data"]
        assert not list(numbers_as_lists(data))
        assert all("bdata" in trace[axis] for trace in data for axis in "xy" if len(trace.get("x", ())) > 2)
    for figure in (
        draw_density(analysis, theme, curve=ProbabilityCurve()),
        draw_scree(scree(analysis), theme),
    ):
        data = spec(figure)["data"]
        assert not list(numbers_as_lists(data))
        assert all("bdata" in trace["x"] and "bdata" in trace["y"] for trace in data)


def test_the_map_draws_the_views_own_points(theme):
    analysis = make()
    for components in ((1, 2), (1, 2, 0)):
        figure = draw_map(analysis, theme, components, "verdict")
        for trace in figure.data:
            drawn = np.stack([getattr(trace, axis) for axis in "xyz"[: len(components)]], axis=1)
            np.testing.assert_array_equal(drawn, analysis.coordinates[trace.customdata][:, components])
            assert list(trace.hovertext) == [f"id-{row}" for row in trace.customdata]


@pytest.mark.parametrize(("n", "kind"), [(60, go.Scatter), (2500, go.Scattergl)])
def test_many_points_are_drawn_by_the_graphics_card(theme, n, kind):
    figure = draw_map(make(n), theme, colour_by="verdict")
    assert {type(trace) for trace in figure.data} == {kind}


@pytest.mark.parametrize(("components", "sizes"), [((0, 1), (6, 9)), ((0, 1, 2), (3, 5))])
def test_points_that_look_alike_say_so_once(theme, components, sizes):
    analysis = make(metadata=METADATA)
    threshold = float(np.median(analysis.scores))
    for trace in draw_map(analysis, theme, components, "log density", threshold).data:
        flagged = trace.name == "flagged"
        assert (trace.marker.size, trace.marker.symbol) == (
            sizes[flagged],
            "diamond" if flagged else "circle",
        )
        assert trace.marker.line.width == (1.2 if flagged and len(components) == 2 else 0)
        assert len(trace.x) == 30
    for trace in draw_map(analysis, theme, components, "verdict_in_file", threshold).data:
        flagged = analysis.scores[trace.customdata] < threshold
        assert flagged.any() and not flagged.all()
        np.testing.assert_array_equal(trace.marker.size, np.where(flagged, sizes[1], sizes[0]))
        np.testing.assert_array_equal(trace.marker.symbol, np.where(flagged, "diamond", "circle"))


def test_thinned_maps_have_a_background_of_all_samples(theme):
    figure = draw_map(make(), theme, most=20)
    (heat,) = [trace for trace in figure.data if isinstance(trace, go.Heatmap)]
    assert 55 <= np.expm1(np.nan_to_num(heat.z)).sum() <= 60
    assert figure.data[0] is heat


@pytest.mark.parametrize(
    ("shares", "words", "opacities"),
    [((0.5, 0.9, 0.99), "50, 90, 99 %", [0.9, 0.54, 0.46]), ((0.25, 0.999), "25, 99.9 %", [1.0, 0.45])],
)
def test_contours_say_which_shares_they_hold(theme, shares, words, opacities):
    analysis = make()
    view = contours(analysis, (0, 1))
    view = view._replace(shares=shares, levels=view.levels[: len(shares)])
    figure = draw_map(analysis, theme, contours=view)
    assert f"lines hold {words} of training samples" in figure.layout.title.subtitle.text
    drawn = [trace for trace in figure.data if isinstance(trace, go.Contour)]
    assert [trace.line.color for trace in drawn] == [faint(theme.normal, value) for value in opacities]


def test_contours_are_drawn_at_the_views_levels(theme):
    analysis = make()
    view = contours(analysis, (0, 1))
    drawn = [
        trace for trace in draw_map(analysis, theme, contours=view).data if isinstance(trace, go.Contour)
    ]
    assert [(trace.contours.start, trace.contours.end) for trace in drawn] == [(v, v) for v in view.levels]
    for trace in drawn:
        np.testing.assert_array_equal(trace.z, view.log_density)


@pytest.mark.parametrize("components", [(1, 0), (2, 0, 1)])
def test_the_picked_sample_is_ringed_on_the_map(theme, components):
    analysis = make()
    (ring,) = rings(draw_map(analysis, theme, components, picked=mark_of(analysis, 7)))
    at = [getattr(ring, axis)[0] for axis in "xyz"[: len(components)]]
    np.testing.assert_array_equal(at, analysis.coordinates[7][list(components)])
    assert ring.marker.color == theme.text
    assert not rings(draw_map(analysis, theme, components))


def test_a_neighbour_is_ringed_in_place_of_the_picked_sample(theme):
    few = Settings(3, max_training_points=90)
    analysis = analyse(rows(150), EmbeddingSet(rows(60, seed=1), np.arange(60).astype(str)), few, "cpu")
    decision, row = decided(analysis), int(analysis.fitted_on[4])
    (ring,) = rings(charts.projection(decision, picked=7, neighbour=row, theme=theme))
    np.testing.assert_array_equal([ring.x[0], ring.y[0]], analysis.train_coordinates[4][:2])
    (ring,) = rings(charts.densities(decision, 7, theme, row))
    assert ring.text[0] == str(analysis.train.ids[row])
    left_out = int(np.setdiff1d(np.arange(150), analysis.fitted_on)[0])
    for draw in (charts.projection, charts.densities):  # it has no place, and nobody has scored it
        assert not rings(draw(decision, picked=7, neighbour=left_out, theme=theme))


def test_the_picked_sample_is_ringed_on_the_density_chart(theme):
    analysis = make()
    (ring,) = rings(draw_density(analysis, theme, picked=mark_of(analysis, 7)))
    edges = histograms(analysis, -5.0).edges
    assert ring.x[0] == pytest.approx(np.clip(analysis.scores[7], edges[0], edges[-1]))
    far = replace(analysis, scores=np.append(analysis.scores[:-1], np.float32(-1e6)))
    figure = draw_density(far, theme, picked=mark_of(far, 59))
    assert rings(figure)[0].x[0] == figure.layout.xaxis.range[0]
    assert not rings(draw_density(analysis, theme))


@pytest.mark.parametrize("threshold", [-1000.0, -5.25, 30.0])
def test_the_threshold_is_one_dashed_line_with_its_value(theme, threshold):
    figure = draw_density(make(), theme, threshold)
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == threshold
    assert line.line.color == theme.text
    assert line.line.dash not in (None, "solid")
    assert figure.layout.xaxis.range[0] < threshold < figure.layout.xaxis.range[1]
    (note,) = figure.layout.annotations
    assert number(threshold) in note.text


@pytest.mark.parametrize("threshold", [-np.inf, np.inf])
def test_an_infinite_threshold_has_no_line(theme, threshold):
    figure = draw_density(make(), theme, threshold)
    assert not figure.layout.shapes
    assert not figure.layout.annotations


def test_histograms_are_shares_of_their_group(theme):
    analysis = make(labels=labels(60))
    view = histograms(analysis, -5.0)
    figure = draw_density(analysis, theme)
    assert len(figure.data) == 4
    for trace, (name, size) in zip(figure.data, view.sizes.items(), strict=True):
        np.testing.assert_allclose(trace.y, view.counts[name] / size)
        assert trace.y.sum() == pytest.approx(1)
        np.testing.assert_allclose(trace.x, (view.edges[1:] + view.edges[:-1]) / 2)
        assert name in trace.name and count(size) in trace.name


# --- colours


def rgb(colour):
    if colour.startswith("#"):
        return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return tuple(int(value) for value in re.findall(r"\d+", colour)[:3])


@THEMES
def test_normal_and_anomalous_have_their_own_colours_everywhere(theme):
    analysis = make(labels=labels(60))
    threshold = float(np.median(analysis.scores))
    normal, anomalous = rgb(theme.normal), rgb(theme.anomalous)
    for components in ((0, 1), (0, 1, 2)):
        verdict = draw_map(analysis, theme, components, "verdict", threshold).data
        assert {t.name: rgb(t.marker.color) for t in verdict} == {
            "not flagged": normal,
            "flagged": anomalous,
        }
        label = {
            t.name: rgb(t.marker.color)
            for t in draw_map(analysis, theme, components, "label", threshold).data
        }
        assert (label["normal"], label["anomalous"]) == (normal, anomalous)
        assert label["not labelled"] not in (normal, anomalous)
    training, *others = draw_density(analysis, theme).data
    assert rgb(training.marker.color) == normal
    lines = {trace.name.split(" (")[0]: rgb(trace.line.color) for trace in others}
    assert lines["scored, normal"] == normal
    assert lines["scored, anomalous"] == anomalous
    assert lines["scored, not labelled"] not in (normal, anomalous)


@THEMES
def test_other_categories_never_borrow_the_anomalous_colour(theme):
    figure = draw_map(make(metadata=METADATA), theme, colour_by="many")
    assert rgb(theme.anomalous) not in {rgb(trace.marker.color) for trace in figure.data}


@THEMES
def test_a_category_that_means_something_keeps_its_colour(theme):
    figure = draw_map(make(metadata=METADATA), theme, colour_by="verdict_in_file")
    found = {trace.name: rgb(trace.marker.color) for trace in figure.data}
    assert found.pop("normal") == rgb(theme.normal)
    assert found.pop("anomalous") == found.pop("flagged") == rgb(theme.anomalous)
    assert found.pop("other") not in (rgb(theme.normal), rgb(theme.anomalous))


@THEMES
def test_rare_categories_share_one_entry(theme):
    figure = draw_map(make(metadata=METADATA), theme, colour_by="many")
    colours = [trace.marker.color for trace in figure.data]
    assert len(set(colours)) == len(colours) <= len(theme.categories) + 1
    assert sum(len(trace.x) for trace in figure.data) == 60


@THEMES
def test_the_low_end_of_the_scale_stands_out_from_the_paper(theme):
    def brightness(colour):
        return np.dot(rgb(colour), [0.2126, 0.7152, 0.0722])

    low, high, paper = (brightness(colour) for colour in (theme.scale[0], theme.scale[-1], theme.paper))
    assert abs(low - paper) > abs(high - paper)
    for trace in draw_map(make(), theme).data:
        assert [rgb(colour) for _, colour in trace.marker.colorscale] == [rgb(c) for c in theme.scale]


@THEMES
def test_both_halves_of_a_numeric_map_share_one_range(theme):
    analysis = make()
    threshold = float(np.median(analysis.scores))
    own = draw_map(analysis, theme, threshold=threshold).data
    assert {(trace.marker.cmin, trace.marker.cmax) for trace in own} == {charts.score_range(analysis)}
    left_out = draw_map(analysis, theme, (0, 1), "residual", threshold).data
    expected = {(float(residuals(analysis).min()), float(residuals(analysis).max()))}
    assert {(trace.marker.cmin, trace.marker.cmax) for trace in left_out} == expected
    given = draw_map(analysis, theme, threshold=threshold, colour_range=(-9, 2)).data
    assert {(trace.marker.cmin, trace.marker.cmax) for trace in given} == {(-9, 2)}
    assert sum(trace.marker.showscale is True for trace in own) == 1


def test_faint():
    assert faint("#0072B2", 0.25) == "rgba(0,114,178,0.25)"


@THEMES
def test_missing_numbers_are_grey_and_named(theme):
    colour = np.random.default_rng(0).uniform(20, 60, 60)
    colour[:7] = np.nan
    analysis = make(labels=labels(60), metadata=pd.DataFrame({"age": colour}))
    figure = draw_map(analysis, theme, (0, 1), "age", -np.inf)
    missing, known, _ = figure.data
    assert (missing.name, len(missing.x), missing.marker.color) == ("no value", 7, theme.line)
    assert len(known.x) == 53
    assert (known.marker.cmin, known.marker.cmax) == (np.nanmin(colour), np.nanmax(colour))


@THEMES
def test_the_strong_end_of_a_residual_is_the_high_one(theme):
    analysis = make()
    low_end, high_end = (
        draw_map(analysis, theme, (0, 1), name, -np.inf).data[0].marker.colorscale
        for name in ("log density", "residual")
    )
    assert low_end[0][1] == high_end[-1][1] == theme.scale[0]
