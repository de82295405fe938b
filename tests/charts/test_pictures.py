"""What holds for every picture: plotly finds nothing wrong with it, and no number is computed in it."""

import ast
import inspect
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import test_comparison_pictures as comparisons
import test_map_pictures as samples
import test_sweep_pictures as tuning
from figure_steps import spec, subtitle, title

import kdeviz
from kdeviz import charts
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.decision.decision import Decision
from kdeviz.decision.rules import ThresholdRule
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.sweep.choice import best
from kdeviz.sweep.stability import stability

GRID = tuning.GRIDS["plain"]
ANALYSIS = samples.make(metadata=samples.METADATA)
# Some of the lowest scores are labelled anomalous, so that a curve can be fitted to the labels.
ANALYSIS = ANALYSIS.relabelled(
    np.where(
        (ANALYSIS.scores < np.median(ANALYSIS.scores)) & (np.arange(60) % 3 > 0), ANOMALOUS, NORMAL
    ).astype(np.int8)
)
DECISION = Decision(ANALYSIS, ThresholdRule(), ProbabilityCurve(), float(np.median(ANALYSIS.scores)))
TRAIN, SCORE = (EmbeddingSet.from_array(samples.rows(n, seed=n)) for n in (90, 30))
SCORED = Decision(
    samples.make(metadata=pd.DataFrame({"true log density": np.linspace(-9, -2, 60)})),
    ThresholdRule(),
    ProbabilityCurve(),
    DECISION.threshold,
)
STABILITY = stability(TRAIN, SCORE, Settings(2, max_training_points=80), top=5, repeats=2, caps=(30,))

DRAWN = {
    "agreement": (STABILITY,),
    "alike": (SCORED,),
    "compared_roc": (comparisons.CASES["plain"], True),
    "curve": (DECISION,),
    "densities": (DECISION, 3),
    "dots": (DECISION,),
    "f1": (DECISION,),
    "flagged_features": (DECISION,),
    "found_map": (DECISION, (0, 1), 3),
    "heat_map": (GRID, "auroc", "components", "bandwidth", None, best(GRID)),
    "normal_map": (DECISION, (0, 1), [0, 0, 5]),
    "percentiles": (comparisons.CASES["plain"],),
    "plain_features": (DECISION, 3),
    "plain_histogram": (DECISION, 3),
    "plain_line": (DECISION,),
    "plain_roc": (DECISION,),
    "precision_recall": (DECISION,),
    "projection": (DECISION, (2, 0, 1), "height"),
    "ranks": (comparisons.CASES["plain"],),
    "reliability": (DECISION,),
    "roc": (DECISION, True),
    "sample": (DECISION, 3),
    "sample_features": (DECISION, 3),
    "sample_slice": (DECISION, 3, (2, 0)),
    "scree": (DECISION,),
    "selection_scores": (DECISION, np.arange(60) % 4 == 0),
    "shaded_map": (DECISION, (0, 1), 3),
    "strip": (STABILITY, SCORE),
    "truth": (SCORED, 3),
    "tuning_lines": (GRID, "auroc", "components", None, best(GRID)),
}
THEMES = pytest.mark.parametrize("theme", [charts.LIGHT, charts.DARK, charts.NOTEBOOK], ids=lambda t: t.name)


def pictures():
    """The public functions that return a figure, of anything but another figure."""
    functions = {name: getattr(charts, name) for name in charts.__all__}
    types = {
        name: list(get_type_hints(inspect.unwrap(one)).items())
        for name, one in functions.items()
        if inspect.isfunction(one)
    }
    return {
        name
        for name, hints in types.items()
        if ("return", go.Figure) in hints and go.Figure not in [hint for of, hint in hints if of != "return"]
    }


def module_of(name):
    return inspect.getmodule(inspect.unwrap(getattr(charts, name)))


def is_plain(name):
    """Whether it is drawn for a room: in strong colours, its title only for screen readers."""
    return hasattr(module_of(name), "plain")


def test_no_picture_is_forgotten():
    assert set(DRAWN) == pictures()


@THEMES
@pytest.mark.parametrize("name", DRAWN)
def test_plotly_finds_nothing_wrong(name, theme):
    figure = getattr(charts, name)(*DRAWN[name], theme=theme)
    spec(figure)
    go.Figure(figure.to_dict())
    if is_plain(name):
        assert figure.layout.meta["title"] and not title(figure)
    else:
        assert title(figure) and subtitle(figure)
    assert figure.layout.font.color == (theme.text if is_plain(name) else theme.muted)


@THEMES
@pytest.mark.parametrize("colour_by", ["log density", "verdict_in_file"])
def test_every_option_of_the_projection(theme, colour_by):
    options = {"picked": 4, "region": np.arange(9), "tool": "lasso"}
    figure = charts.projection(DECISION, colour_by=colour_by, **options, theme=theme)
    spec(figure)
    assert figure.layout.dragmode == "lasso"
    selected = [
        trace["selectedpoints"]
        for trace in figure.data
        if "selectedpoints" in trace and trace["selectedpoints"] is not None
    ]
    assert sum(map(len, selected)) == 9


@pytest.mark.parametrize("name", DRAWN)
def test_a_notebook_gets_a_figure_on_paper_of_its_own(name):
    figure = getattr(charts, name)(*DRAWN[name])
    assert figure.layout.paper_bgcolor == charts.LIGHT.paper
    assert figure.layout.title.font.color == charts.LIGHT.text


def test_charts_are_there_without_another_import():
    assert kdeviz.charts is charts


def test_the_curve_alone():
    numbers = charts.curve_numbers(DECISION)
    figure = charts.curve(DECISION)
    (line,) = figure.data
    np.testing.assert_array_equal(line.x, numbers.log_density)
    np.testing.assert_allclose(line.y, 1 / (1 + np.exp(0.05 * (line.x - 12))))
    assert figure.layout.shapes[0].x0 == DECISION.threshold
    assert f"{numbers.threshold_probability:.3f}" in title(figure)
    assert not charts.curve(replace(DECISION, threshold=np.inf)).layout.shapes


# --- no number is computed in a picture

ROOM = Path(charts.__file__).parent
LOOKS = {"theme.py", "parts.py", "panels.py"}
COMPUTING = {
    *("sum", "mean", "min", "max", "std", "var", "argmin", "argmax", "argsort", "sort", "cumsum"),
    *("any", "all", "clip", "dot", "log_prob", "ravel", "nonzero"),
}


def functions_of(path):
    return {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def drawing_functions():
    """Functions of the room's modules that draw or write: they take numbers or a theme, and give none."""
    for path in sorted(ROOM.glob("*.py")):
        for name, node in functions_of(path).items():
            taken = [*node.args.args, *node.args.kwonlyargs]
            draws = any(one.arg == "theme" or "Numbers" in ast.unparse(one.annotation) for one in taken)
            if draws and path.name not in LOOKS and "Numbers" not in ast.unparse(node.returns):
                yield f"{path.stem}.{name}", node


def computed(function):
    """What a function computes: a library of numbers, or a method that makes one number of many."""
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id in ("np", "torch", "pd", "scipy"):
                yield node.id
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in COMPUTING:
                yield called.attr


DRAWING = dict(drawing_functions())


@pytest.mark.parametrize("name", DRAWING)
def test_no_number_is_computed_in_a_picture(name):
    assert not list(computed(DRAWING[name]))


def test_the_check_sees_numbers_and_pictures():
    assert {"roc.draw_roc", "heat_map._panel", "strip._hover", "points.draw_points"} <= set(DRAWING)
    for path, function in (("thinning.py", "thinned"), ("sample.py", "sample_of")):
        bodies = {
            node.name: node for node in ast.parse((ROOM / path).read_text()).body if hasattr(node, "name")
        }
        assert list(computed(bodies[function]))


@pytest.mark.parametrize("name", sorted(pictures()))
def test_a_picture_is_drawn_from_numbers_alone(name):
    """What takes the noun only fetches numbers, names and pictures, and hands them on."""
    bodies = functions_of(Path(module_of(name).__file__))
    assert not list(computed(bodies[name]))
    taken = [argument.arg for argument in bodies[f"draw_{name}"].args.args]
    assert taken[:2] == ["numbers", "theme"]
    assert not {"decision", "analysis", "sweep", "comparison", "stability"} & set(taken)
