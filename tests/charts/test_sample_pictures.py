import html
import re

import numpy as np
import pytest
from figure_steps import spec, strings, subtitle, title
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.analysis.analyse import analyse
from kdeviz.charts.sample import draw_sample, sample_of
from kdeviz.charts.sample_features import draw_sample_features, sample_features_of
from kdeviz.charts.sample_slice import SampleSliceNumbers, draw_sample_slice, sample_slice_numbers
from kdeviz.charts.theme import DARK, LIGHT
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.decision.decision import Decision
from kdeviz.explain.row import Components, Direction, explain
from kdeviz.explain.slice import Slice
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.wording import number, percent

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
NASTY = "<script>alert(1)</script> <img src=http://x>& <a href='x'>y</a> %{x}"


def rows(n, d=6, seed=0, stretch=1.0):
    random = np.random.default_rng(seed)
    return (stretch * random.gamma(2, size=(n, d)) * np.arange(d, 0, -1)).astype(np.float32)


def make(k=3, scaling="scale", train=None, score=None):
    train = rows(120) if train is None else train
    return analyse(train, rows(4, seed=1) if score is None else score, Settings(k, scaling), "cpu")


def components_figure(components, theme):
    return draw_sample(sample_of(components), theme)


def features_figure(direction, theme, names=None):
    dimensions = 1 + int(direction.features.max())
    samples = EmbeddingSet(np.zeros((1, dimensions)), np.array(["a"]), feature_names=names)
    return draw_sample_features(sample_features_of(direction, samples), theme)


def cut_through(analysis, row, components, threshold):
    decision = Decision(analysis, None, ProbabilityCurve(), threshold)
    return sample_slice_numbers(decision, row, components)


def components_of(contribution, z=None):
    contribution = np.asarray(contribution, np.float64)
    z = np.arange(len(contribution), dtype=np.float64) - 1.5 if z is None else np.asarray(z, np.float64)
    return Components(np.zeros(len(contribution)), z, contribution, float(contribution.sum()), z)


def direction_of(features, present, change):
    present, change = np.asarray(present, np.float64), np.asarray(change, np.float64)
    nothing = np.zeros(2)
    features = np.asarray(features)
    return Direction(nothing, nothing, nothing, nothing, features, present, change, change / 2)


def assert_tame(figure):
    """Strict JSON that plotly reads back, with no tag but plotly's own, and every other < and & escaped."""
    decoded = spec(figure)
    decoded["layout"].pop("template", None)
    for text in strings(decoded):
        assert not re.search(r"<(?!/?(br|extra)\b[^<>]*>)", text), text
        assert not re.search(r"&(?!(amp|lt|gt|quot|#x27|#39);)", text), text


# --- every chart, every awkward case

TWINS = rows(60)
TWINS[:2] = 500
CASES = {
    "plain": lambda: make(),
    "norm": lambda: make(scaling="norm"),
    "one component": lambda: make(1),
    "one component, norm": lambda: make(1, train=rows(120) - 10),
    "two components": lambda: make(2),
    "many components": lambda: make(20, train=rows(300, 25), score=rows(3, 25, 1)),
    "far": lambda: make(score=rows(1, seed=1, stretch=1e6)),
    "very far": lambda: make(score=rows(1, seed=1, stretch=1e15)),
    "infinitely far": lambda: make(score=rows(1, seed=1, stretch=1e25)),
    "infinitely far, norm": lambda: make(scaling="norm", score=rows(1, seed=1, stretch=1e25)),
    "a training row": lambda: analyse(rows(60), None, Settings(3), "cpu"),
    "a training row with a twin": lambda: analyse(TWINS, None, Settings(3), "cpu"),
}


@THEMES
@pytest.mark.parametrize("threshold", [-np.inf, -5.0, np.inf])
@pytest.mark.parametrize("case", CASES)
def test_every_chart_of_every_case(case, threshold, theme):
    analysis = CASES[case]()
    found = explain(analysis, 0)
    figures = [components_figure(found.components, theme), features_figure(found.direction, theme)]
    if analysis.classifier.n_components_ > 1:
        figures.append(draw_sample_slice(cut_through(analysis, 0, (1, 0), threshold), theme, NASTY))
    for figure in figures:
        assert_tame(figure)
        assert title(figure) and subtitle(figure)
        assert "nan" not in title(figure) + subtitle(figure)
        assert figure.layout.font.color == theme.muted
        for trace in figure.data:
            if trace.type == "heatmap":
                assert np.isfinite([trace.zmin, trace.zmax]).all()
                assert trace.zmin < trace.zmax
            if trace.type == "bar":
                assert all(len(text) < 40 for text in trace.text)


# --- components


@given(st.lists(st.floats(-100, 1000), min_size=1, max_size=30))
def test_bars_are_sorted_by_magnitude_and_add_up_to_the_squared_distance(contribution):
    view = components_of(contribution)
    (bars,) = components_figure(view, LIGHT).data
    values = np.array(bars.x)
    assert values.sum() == pytest.approx(view.squared_distance, abs=1e-6)
    named = values[:10]
    assert len(values) == min(len(contribution), 11)
    assert (np.diff(np.abs(named)) <= 0).all()
    for name, value, text in zip(bars.y[:10], named, bars.text, strict=False):
        component = int(name) - 1
        assert value == contribution[component]
        assert text == f"{view.z[component]:+.1f} σ".replace("-", "−")
    if len(contribution) > 10:
        assert bars.y[10] == f"{len(contribution) - 10} more"
        assert bars.text[10] == ""
        assert values[10] == pytest.approx(sum(sorted(contribution, key=abs)[:-10]), abs=1e-6)


@THEMES
def test_the_bars_of_a_real_row(theme):
    analysis = make(12, train=rows(300, 25), score=rows(2, 25, 1))
    found = explain(analysis, 1).components
    figure = components_figure(found, theme)
    (bars,) = figure.data
    assert len(bars.x) == len(set(bars.y)) == 11
    assert bars.y[10] == "2 more"
    assert sum(bars.x) == pytest.approx(found.squared_distance)
    assert bars.x[0] == max(found.contribution)
    assert figure.layout.yaxis.autorange == "reversed"  # the first one on top
    assert figure.layout.yaxis.type == "category"  # "10" is a name
    assert number(found.squared_distance) in subtitle(figure)


@THEMES
def test_the_colour_of_a_bar_is_its_sign(theme):
    (bars,) = components_figure(components_of([5.0, -2.0, 1.0]), theme).data
    assert bars.x == (5.0, -2.0, 1.0)
    assert bars.marker.color == (theme.anomalous, theme.normal, theme.anomalous)


@pytest.mark.parametrize(
    ("contribution", "words"),
    [
        ([3, 1], "Component 1 adds most: 75.0 % of the squared distance"),
        ([1, 2, 1], "Component 2 adds most: 50.0 % of the squared distance"),
        # The longest bar may point the other way.
        ([-5, 4, 3], "Component 2 adds most: 200 % of the squared distance"),
        # All small ones together are no component.
        ([1] * 30, "Component 1 adds most: 3.33 % of the squared distance"),
        ([0, 0], "No distance to the nearest usual samples"),
        ([1e-190, 2e-190], "No distance to the nearest usual samples"),
    ],
)
def test_the_title_names_the_component_that_adds_most(contribution, words):
    assert title(components_figure(components_of(contribution), LIGHT)) == words


def test_the_title_of_a_real_row():
    found = explain(make(scaling="norm"), 2).components
    share = percent(found.contribution.max() / found.squared_distance)
    expected = f"Component {found.contribution.argmax() + 1} adds most: {share} of the squared distance"
    assert title(components_figure(found, LIGHT)) == expected


def test_huge_deviations_stay_short():
    z = [-12345.678, -1.5e37, 2e5]
    (bars,) = components_figure(components_of([3, 2, 1], z), LIGHT).data
    assert bars.text == ("−12345.7 σ", "−1.50e+37 σ", f"+{number(2e5)} σ")


def test_the_hover_of_the_rest_names_no_component():
    (bars,) = components_figure(components_of(range(12, 0, -1)), LIGHT).data
    assert bars.y[-1] == "2 more"
    assert all(hover.startswith("component %{y} adds") for hover in bars.hovertemplate[:10])
    assert bars.hovertemplate[10].startswith("%{y} add ")


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12))
def test_every_bar_ends_inside(values):
    figure = components_figure(components_of(values), LIGHT)
    low, high = figure.layout.xaxis.range
    drawn = np.array(figure.data[0].x)
    assert low <= min(drawn.min(), 0)
    assert high >= max(drawn.max(), 0)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12))
def test_the_text_of_every_bar_stands_right_of_all_bars_in_its_row(values):
    figure = components_figure(components_of(values), LIGHT)
    (bars,) = figure.data
    assert bars.textposition == "none"
    beside = {note.y: note for note in figure.layout.annotations}
    for place, text in enumerate(bars.text):  # not by their names: "16" would be another place
        if text:
            beyond = beside[place]
            assert (beyond.text, beyond.xref, beyond.xanchor) == (text, "paper", "left")
            assert beyond.x > 1
    assert figure.layout.margin.r > 6 * max(map(len, bars.text))


# --- features


def test_features_have_signed_bars_and_their_values_now_and_then():
    figure = features_figure(direction_of([7, 0, 3], [10, -2, 0.5], [-4, 2.5, 1]), LIGHT)
    (bars,) = figure.data
    assert bars.y == ("feature 7", "feature 0", "feature 3")
    assert bars.x == (-2, 1.25, 0.5)  # in standard deviations
    assert bars.text == ("10.0 → 6.00", "−2.00 → 0.500", "0.500 → 1.50")
    assert title(figure) == "Feature 7 would have to change most, by −2.00 σ"
    assert figure.layout.yaxis.type == "category"
    assert figure.layout.xaxis.range[0] < -2
    assert figure.layout.xaxis.range[1] > 1.25


def test_features_have_their_names_in_full_on_hovering_and_short_at_the_axis():
    names = (
        "mean area",
        "a <b>very</b> long name of a column, the first",
        "a <b>very</b> long name, the second",
    )
    figure = features_figure(direction_of([1, 2, 0], [1, 1, 1], [3, 2, 1]), LIGHT, names)
    (bars,) = figure.data
    assert bars.y[2] == "mean area"
    assert all(len(html.unescape(name)) <= 25 for name in bars.y)
    assert len(set(bars.y)) == 3  # two that are cut to the same are still two bars
    assert bars.hovertext == tuple(html.escape(names[i]) for i in (1, 2, 0))
    assert title(figure).startswith("A &lt;b&gt;very&lt;/b&gt; long")
    assert_tame(figure)


@THEMES
@pytest.mark.parametrize("scaling", ["scale", "norm"])
def test_the_features_of_a_real_row(theme, scaling):
    analysis = make(scaling=scaling)
    found = explain(analysis, 2).direction
    (bars,) = features_figure(found, theme).data
    values = analysis.inspected.features[2].astype(np.float64)
    assert sorted(bars.y) == [f"feature {feature}" for feature in range(6)]
    spread = analysis.train.features.astype(np.float64).std(0, ddof=1)
    assert list(np.abs(bars.x)) == sorted(np.abs(bars.x), reverse=True)
    for name, change, text in zip(bars.y, bars.x, bars.text, strict=True):
        feature = int(name.removeprefix("feature "))
        shift = found.feature_shift[feature]
        assert change == pytest.approx(shift / spread[feature])
        assert text == f"{number(values[feature])} → {number(values[feature] + shift)}"
    assert set(bars.marker.color) == {theme.normal}


@pytest.mark.parametrize("change", [[0, 0], [1e-90, -1e-95]])
def test_a_row_without_a_direction(change):
    assert title(features_figure(direction_of([0, 1], [50, -3], change), LIGHT)) == (
        "No feature would have to change"
    )


# --- the slice


def slice_of(log_density, threshold, marginal=None):
    log_density = np.asarray(log_density, np.float64)
    x, y = np.arange(log_density.shape[1], dtype=float), np.arange(log_density.shape[0]) + 10.0
    cut = Slice((2, 0), x, y, log_density, (0.5, 10.25))
    return SampleSliceNumbers(cut, log_density - 1 if marginal is None else marginal, threshold)


DENSITY = np.array([[-8.0, -6.0, -7.0], [-5.0, -2.0, -9.0]])


@THEMES
def test_both_densities_are_drawn_with_the_sample_in_its_place(theme):
    view = cut_through(make(), 1, (2, 0), -5.0)
    figure = draw_sample_slice(view, theme, "id-1")
    heats = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [heat.xaxis for heat in heats] == ["x", "x2"]
    for heat, values in zip(heats, (view.slice.log_density, view.marginal), strict=True):
        np.testing.assert_array_equal(heat.x, view.slice.x)
        np.testing.assert_array_equal(heat.y, view.slice.y)
        np.testing.assert_array_equal(heat.z, values)
        assert heat.zmax == values.max()
        assert heat.zmin == max(values.max() - 30, np.quantile(values, 0.15))
        assert [colour for _, colour in heat.colorscale] == list(theme.scale)
    places = [trace for trace in figure.data if trace.type == "scatter"]
    assert [(place.x[0], place.y[0], place.xaxis) for place in places] == [
        (*view.slice.place, "x"),
        (*view.slice.place, "x2"),
    ]
    assert {place.marker.color for place in places} == {theme.text}
    assert figure.layout.xaxis.title.text == figure.layout.xaxis2.title.text == "component 3"
    assert figure.layout.yaxis.title.text == "component 1"
    assert subtitle(figure).startswith("Components 3 and 1 · ")
    assert title(figure) == "Density around id-1"
    assert [note.text for note in figure.layout.annotations] == [
        "through this sample",
        "averaged over the rest",
    ]


@THEMES
@pytest.mark.parametrize(
    ("threshold", "words", "drawn"),
    [
        (-5.5, "the dashed line is the threshold", True),
        (-8.9, "the dashed line is the threshold", True),
        (-2.0, "below the threshold everywhere on the left", False),
        (3.0, "below the threshold everywhere on the left", False),
        (np.inf, "below the threshold everywhere on the left", False),
        (-9.0, "above the threshold everywhere on the left", False),
        (-40.0, "above the threshold everywhere on the left", False),
        (-np.inf, "above the threshold everywhere on the left", False),
    ],
)
def test_the_slice_says_whether_the_threshold_is_in_sight(theme, threshold, words, drawn):
    figure = draw_sample_slice(slice_of(DENSITY, threshold), theme, "a")
    assert subtitle(figure) == f"Components 3 and 1 · {words}"
    lines = [trace for trace in figure.data if trace.type == "contour"]
    assert len(lines) == drawn
    for line in lines:
        assert (line.contours.start, line.contours.end) == (threshold, threshold)
        assert (line.contours.coloring, line.line.dash, line.line.color) == ("none", "dash", theme.text)
        assert line.xaxis == "x"
        np.testing.assert_array_equal(line.z, DENSITY)


def test_the_threshold_is_never_drawn_on_the_marginal():
    """It belongs to the density of all components."""
    figure = draw_sample_slice(slice_of(DENSITY, -100.0, np.linspace(-200, 0, 6).reshape(2, 3)), LIGHT, "a")
    assert not [trace for trace in figure.data if trace.type == "contour"]


def test_the_samples_name_is_never_html():
    name = "<img src=http://x>&"
    figure = draw_sample_slice(slice_of(DENSITY, -5.0), LIGHT, name)
    assert title(figure) == "Density around &lt;img src=http://x&gt;&amp;"
    assert_tame(figure)


def test_a_density_that_overflows_in_places_leaves_gaps():
    values = np.array([[-np.inf, -6.0, -7.0], [-5.0, -2.0, -1e300]])
    figure = draw_sample_slice(slice_of(values, -5.5), LIGHT, "a")
    assert_tame(figure)
    heat = figure.data[0]
    np.testing.assert_array_equal(heat.z, values)
    assert (heat.zmin, heat.zmax) == (-32, -2)


@pytest.mark.parametrize("value", [-np.inf, -3.0, -1e25])
def test_a_flat_slice_has_a_colour_scale(value):
    figure = draw_sample_slice(slice_of(np.full((2, 2), value), -5.0, np.zeros((2, 2))), LIGHT, "a")
    assert_tame(figure)
    assert np.isfinite([figure.data[0].zmin, figure.data[0].zmax]).all()
    assert figure.data[0].zmin < figure.data[0].zmax
