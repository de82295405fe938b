"""What a map can have as its axes, and where everything is drawn then."""

import numpy as np
import pandas as pd
import pytest
from figure_steps import spec, subtitle
from oracles import LOG_DENSITY
from scipy.stats import multivariate_normal

from kdeviz import charts
from kdeviz.analysis.analyse import analyse
from kdeviz.charts import ColumnAxes, ComponentAxes, SeparatingAxes
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.decision.decision import Decision
from kdeviz.errors import OptionError
from kdeviz.explain import separating
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.model.kde import GaussianKDE
from kdeviz.settings import Settings


def rows(n, seed=0):
    return (np.random.default_rng(seed).standard_normal((n, 6)) * np.arange(6, 0, -1)).astype(np.float32)


NAMES = ("mean <b>area</b>", "b", "c", "d", "height", "f")
METADATA = pd.DataFrame(
    {
        "height": np.arange(60.0),
        "gap": pd.array([None, *range(59)], dtype="Int64"),
        "far": [np.inf, *range(59)],
        "empty": [np.nan] * 60,
        "yes": [True, False] * 30,
        "word": list("ab") * 30,
    }
)


def decided(labels=None, threshold=None, k=4, names=NAMES, metadata=METADATA, train_metadata=None):
    train = EmbeddingSet(rows(150), np.arange(150).astype(str), feature_names=names, metadata=train_metadata)
    new = EmbeddingSet(
        rows(60, 1) * 1.5, np.arange(60).astype(str), labels, feature_names=names, metadata=metadata
    )
    analysis = analyse(train, new, Settings(k), "cpu")
    if threshold is None:
        threshold = float(np.quantile(analysis.scores, 0.2))
    return Decision(analysis, None, ProbabilityCurve(), threshold)


@pytest.fixture(scope="module")
def decision():
    return decided()


# --- columns of the file


def test_which_columns_can_be_axes(decision):
    assert charts.axis_choices(decision) == ["height_in_file", "gap", "far", *NAMES]


def test_without_names_and_metadata_there_are_none():
    assert charts.axis_choices(decided(names=None, metadata=None)) == []


def test_columns_are_drawn_as_the_file_has_them(decision):
    view = charts.projection_numbers(decision, ColumnAxes(("height_in_file", "height")))
    features = decision.analysis.inspected.features
    np.testing.assert_array_equal(view.coordinates[:, 0], METADATA["height"])
    np.testing.assert_array_equal(view.coordinates[:, 1], features[:, 4])
    assert view.placed.titles == ("height_in_file", "height")


@pytest.mark.parametrize("name", ["gap", "far"])
def test_samples_without_a_number_are_not_drawn_and_counted(decision, name):
    axes = ColumnAxes((name, "b"))
    view = charts.projection_numbers(decision, axes)
    np.testing.assert_array_equal(view.rows, np.arange(1, 60))
    assert (view.total, view.n_placed) == (60, 59)
    assert view.n_flagged == decision.n_flagged
    figure = charts.projection(decision, axes, picked=0)
    assert "Columns of the file · 59 of 60 drawn · 1 without a value" in subtitle(figure)
    assert not [trace for trace in figure.data if trace.name == "picked"]
    assert [trace for trace in charts.projection(decision, axes, picked=1).data if trace.name == "picked"]


def test_names_from_files_are_escaped_on_the_axes(decision):
    figure = charts.projection(decision, ColumnAxes((NAMES[0], "b", "gap")))
    assert spec(figure)["layout"]["scene"]["xaxis"]["title"]["text"] == "mean &lt;b&gt;area&lt;/b&gt;"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("word", "b"), "'word' is no column of numbers: choose from"),
        (("nothing", "b"), "'nothing' is no column of numbers"),
        (("b",), "choose two or three different ones"),
        (("b", "b"), "choose two or three different ones"),
    ],
)
def test_columns_that_cannot_be_axes(decision, columns, words):
    with pytest.raises(OptionError, match=words):
        charts.projection_numbers(decision, ColumnAxes(columns))


def test_a_box_on_columns_selects_by_their_numbers(decision):
    found = charts.rows_inside(decision, ColumnAxes(("height_in_file", "gap")), box=((-1, 20.5), (-9, 99)))
    np.testing.assert_array_equal(found, np.arange(1, 21))


def test_a_map_on_which_nothing_has_a_place_is_empty(decision):
    metadata = pd.DataFrame({"a": [1.0] * 30 + [np.nan] * 30, "z": [np.nan] * 30 + [2.0] * 30})
    figure = charts.projection(decided(metadata=metadata), ColumnAxes(("a", "z")))
    assert spec(figure)
    assert "0 of 60 drawn" in subtitle(figure)


# --- training points


def test_training_points_are_a_layer_behind_the_samples(decision):
    assert not len(charts.projection_numbers(decision).training)
    figure = charts.projection(decision, training=True)
    names = [trace.name for trace in figure.data]
    layer = figure.data[names.index("training samples")]
    np.testing.assert_array_equal(
        np.column_stack([layer.x, layer.y]), decision.analysis.train_coordinates[:, :2]
    )
    assert names.index("training samples") < names.index("not flagged")
    assert (layer.hoverinfo, layer.customdata) == ("skip", None)
    assert layer.marker.size < min(trace.marker.size for trace in figure.data if trace.name == "not flagged")


def test_training_points_are_thinned(decision, monkeypatch):
    monkeypatch.setattr("kdeviz.charts.map_numbers._MOST_TRAINING", 40)
    layer = charts.projection_numbers(decision, training=True).training
    np.testing.assert_array_equal(layer, decision.analysis.train_coordinates[::4, :2])


def test_training_points_of_columns_that_only_the_scored_file_has(decision):
    view = charts.projection_numbers(decision, ColumnAxes(("gap", "b")), training=True)
    assert len(view.training) == 0
    both = decided(train_metadata=pd.DataFrame({"gap": np.arange(150.0)}))
    view = charts.projection_numbers(both, ColumnAxes(("gap", "b")), training=True)
    np.testing.assert_array_equal(view.training[:, 0], np.arange(150))


# --- the axes that separate


def test_the_separating_map_is_the_projection_on_its_directions(decision):
    view = charts.projection_numbers(decision, SeparatingAxes(), training=True)
    found = separating(decision.analysis, decision.threshold)
    for drawn, points in (
        (view.coordinates, decision.analysis.coordinates),
        (view.training, decision.analysis.train_coordinates),
    ):
        np.testing.assert_allclose(drawn, (points - found.centre) @ found.directions, atol=1e-5)


@pytest.mark.parametrize(("labelled", "words"), [(False, "flagged"), (True, "labelled anomalous")])
def test_the_separating_map_says_what_it_was_chosen_for(labelled, words):
    labels = np.array([ANOMALOUS] * 10 + [NORMAL] * 50, np.int8) if labelled else None
    figure = charts.projection(decided(labels), SeparatingAxes())
    assert subtitle(figure).startswith(f"Axes chosen to pull the {words} apart; not neutral")


def test_with_labels_another_threshold_does_not_turn_the_map():
    labels = np.array([ANOMALOUS] * 10 + [NORMAL] * 50, np.int8)
    for decision, turns in ((decided(labels), False), (decided(), True)):
        other = Decision(decision.analysis, None, decision.curve, decision.threshold + 1)
        keys = [charts.axes_key(one.analysis, one.threshold, SeparatingAxes()) for one in (decision, other)]
        assert (keys[0] != keys[1]) is turns
        assert charts.axes_key(decision.analysis, 1.0, ComponentAxes()) == (ComponentAxes(), 0.0)


def test_contours_of_the_separating_map_are_the_models_density_along_it(decision):
    view = charts.contours_numbers(decision, SeparatingAxes())
    found = separating(decision.analysis, decision.threshold)
    train = decision.analysis.train_coordinates.astype(np.float64)
    along = (train - found.centre) @ found.directions
    covariance = found.directions.T @ np.cov(train.T) @ found.directions * len(train) ** (-2 / (4 + 4))
    at = (view.x[10], view.y[30])
    density = np.mean([multivariate_normal(point, covariance).pdf(at) for point in along])
    np.testing.assert_allclose(view.log_density[30, 10], np.log(density), rtol=1e-3)


def test_three_columns_and_columns_of_the_file_have_no_contours(decision):
    assert charts.contours_numbers(decision, ColumnAxes(("gap", "b"))) is None
    assert charts.contours_numbers(decision, ComponentAxes((0, 1, 2))) is None


def test_a_density_along_directions_is_that_of_the_mapped_points():
    rng = np.random.default_rng(0)
    points, directions = rng.normal(size=(80, 5)) + 3, rng.normal(size=(5, 2))
    factor = 80 ** (-1 / 9)
    import torch

    along = GaussianKDE().fit(points).along(torch.from_numpy(directions))
    mapped = points @ directions
    covariance = directions.T @ np.cov(points.T) @ directions * factor**2
    queries = mapped[:9] + 0.3
    density = [np.mean([multivariate_normal(p, covariance).pdf(q) for p in mapped]) for q in queries]
    np.testing.assert_allclose(along.log_prob(queries), np.log(density), **LOG_DENSITY)
