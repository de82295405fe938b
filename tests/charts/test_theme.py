import numpy as np
import pytest
from figure_steps import spec

from kdeviz.charts.theme import DARK, LIGHT, drawn

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
LINE = {"type": "scatter", "x": [1, 2], "y": [3, 4]}


def draw(trace=LINE, theme=LIGHT, **layout):
    return drawn([trace], theme, "found", "shown", layout)


@THEMES
def test_every_chart_has_the_shared_look(theme):
    layout = spec(draw(theme=theme))["layout"]
    assert (layout["title"]["text"], layout["title"]["subtitle"]["text"]) == ("found", "shown")
    assert layout["title"]["font"]["color"] == layout["legend"]["font"]["color"] == theme.text
    assert layout["font"]["color"] == theme.muted
    assert "xaxis" not in layout


def test_what_a_chart_adds_is_merged_into_the_shared_look():
    layout = draw(
        margin={"r": 56}, legend={"x": 0, "font": {"size": 11}}, hoverlabel={"align": "right"}
    ).layout
    assert (layout.margin.r, layout.margin.t) == (56, 80)
    assert (layout.legend.x, layout.legend.font.size, layout.legend.font.color) == (0, 11, LIGHT.text)
    assert (layout.hoverlabel.align, layout.hoverlabel.bgcolor) == ("right", LIGHT.paper)


@THEMES
def test_every_flat_axis_has_the_shared_look(theme):
    own = {
        "xaxis": {"title": {"text": "a"}},
        "yaxis2": {"linecolor": "red"},
        "scene": {"xaxis": {"nticks": 3}},
    }
    layout = spec(draw(theme=theme, **own))["layout"]
    assert layout["xaxis"] == {
        "title": {"text": "a", "font": {"size": 13}},
        "linecolor": theme.line,
        "tickcolor": theme.line,
    }
    assert (layout["yaxis2"]["linecolor"], layout["yaxis2"]["tickcolor"]) == ("red", theme.line)
    assert layout["scene"] == own["scene"]


def test_drawing_changes_nothing_that_it_is_given():
    x, axis, margin = np.arange(3.0), {"title": {"text": "a"}}, {"r": 1}
    trace = {"type": "bar", "x": x, "marker": {"color": "red"}}
    figure = draw(trace, xaxis=axis, margin=margin)
    figure.update_layout(height=5, margin={"r": 9}, xaxis={"title": {"text": "b"}})
    figure.data[0].marker.color = "blue"
    figure.data[0].x[0] = 7
    assert (trace["type"], trace["marker"], list(x)) == ("bar", {"color": "red"}, [0, 1, 2])
    assert (axis, margin) == ({"title": {"text": "a"}}, {"r": 1})
    again = spec(draw())["layout"]
    assert again == spec(draw())["layout"]
    assert (again["margin"]["r"], "height" in again) == (8, False)


def test_a_page_sets_the_height():
    figure = draw()
    figure.update_layout(height=240)
    assert spec(figure)["layout"] == {**spec(draw())["layout"], "height": 240}


@pytest.mark.parametrize(
    ("trace", "layout"),
    [
        ({**LINE, "colour": "red"}, {}),
        ({**LINE, "marker": {"size": "large"}}, {}),
        (LINE, {"xaxis": {"title": {"font": {"seize": 3}}}}),
        (LINE, {"xaxis": {"title_font_size": 3}}),
        (LINE, {"yaxis": {"range": "all"}}),
        (LINE, {"shapes": [{"type": "lin"}]}),
        (LINE, {"annotations": [{"tekst": "a"}]}),
        (LINE, {"xaxis": {"tickformat": None}}),
    ],
)
def test_the_tests_see_what_the_fast_path_does_not(trace, layout):
    figure = draw(trace, **layout)
    with pytest.raises((ValueError, AssertionError)):
        spec(figure)
