import sys

import numpy as np
import pytest
from figure_steps import spec, subtitle
from sklearn.neighbors import NearestNeighbors

from kdeviz import charts
from kdeviz.analysis.analyse import analyse
from kdeviz.charts import neighbour_map
from kdeviz.charts.neighbour_map import NeighbourAxes, has_neighbour_maps, neighbour_fit, neighbour_places
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.decision.decision import Decision
from kdeviz.errors import Cancelled, OptionError
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings

pytest.importorskip("openTSNE", reason="the neighbour map is an extra")


@pytest.fixture(autouse=True, scope="module")
def few_steps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbour_map, "_EARLY", 60)
        patch.setattr(neighbour_map, "_LATE", 60)
        yield


def clusters(n, seed):
    rng = np.random.default_rng(seed)
    return (5 * np.eye(8)[rng.integers(0, 4, n)] + rng.normal(size=(n, 8))).astype(np.float32)


def analysed(n=160, new=40, split=True, cap=40000, train=None):
    train = clusters(n, 0) if train is None else train
    ids = np.arange(n).astype(str)
    return analyse(
        EmbeddingSet(train, ids), clusters(new, 1) if split else None, Settings(4, "scale", cap), "cpu"
    )


@pytest.fixture(scope="module")
def made():
    analysis = analysed()
    fit = neighbour_fit(analysis)
    return analysis, fit, neighbour_places(fit, analysis)


def test_it_comes_out_the_same_again(made):
    analysis, fit, places = made
    again = neighbour_fit(analysis)
    np.testing.assert_array_equal(again.positions, fit.positions)
    np.testing.assert_array_equal(neighbour_places(again, analysis).inspected, places.inspected)


def test_new_rows_are_placed_and_nothing_else_moves(made):
    analysis, fit, places = made
    before = fit.positions.copy()
    other = analysed(new=7)
    found = neighbour_places(fit, other)
    np.testing.assert_array_equal(found.training, places.training)
    np.testing.assert_array_equal(fit.positions, before)
    # A row lies where it lies, whichever rows are placed with it.
    rows = neighbour_map._whitened(analysis, analysis.coordinates)
    np.testing.assert_allclose(fit.place(rows[3:5]), fit.place(rows)[3:5], atol=1e-6)


def test_rows_lie_among_their_neighbours_as_the_model_measures_them(made):
    analysis, fit, places = made
    points = analysis.classifier.kde_model.dataset.numpy()
    rows = neighbour_map._whitened(analysis, analysis.coordinates)
    rows = rows - neighbour_map._whitened(analysis, analysis.classifier.kde_model.mean.numpy()[None])
    near = NearestNeighbors(n_neighbors=8).fit(points).kneighbors(rows, return_distance=False)
    drawn = NearestNeighbors(n_neighbors=40).fit(fit.positions)
    on_map = drawn.kneighbors(places.inspected, return_distance=False)
    shared = [len(set(a) & set(b)) / 8 for a, b in zip(near, on_map, strict=True)]
    assert np.mean(shared) > 0.7  # a quarter by chance


def test_samples_of_the_fit_are_where_the_fit_has_them():
    analysis = analysed(split=False)
    fit = neighbour_fit(analysis)
    places = neighbour_places(fit, analysis)
    np.testing.assert_array_equal(places.inspected[analysis.fitted_on], places.training)
    np.testing.assert_array_equal(places.training, fit.positions.astype(np.float32))


def test_bounded_rows(monkeypatch):
    monkeypatch.setattr(neighbour_map, "MOST_FITTED", 50)
    monkeypatch.setattr(neighbour_map, "MOST_PLACED", 20)
    analysis = analysed()
    fit = neighbour_fit(analysis)
    assert len(fit.points) == len(set(fit.points)) == 50
    places = neighbour_places(fit, analysis)
    assert np.isfinite(places.training).all(1).sum() == 50
    placed = np.flatnonzero(np.isfinite(places.inspected).all(1))
    assert len(placed) == 20
    assert set(np.argsort(analysis.scores)[:10]) <= set(placed)
    decision = Decision(analysis, None, ProbabilityCurve(), -5.0)
    figure = charts.projection(decision, NeighbourAxes(places), training=True)
    assert "20 of 40 drawn · 20 not placed" in subtitle(figure)
    assert spec(figure)


def test_progress_and_cancelling():
    told = []
    analysis = analysed()
    fit = neighbour_fit(analysis, lambda *said: told.append(said))
    neighbour_places(fit, analysis, lambda *said: told.append(said))
    stages = [neighbour_map.ARRANGING, neighbour_map.PLACING]
    assert list(dict.fromkeys(stage for stage, _ in told)) == stages
    shares = [share for stage, share in told if stage == stages[0]]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert len(shares) > 10
    with pytest.raises(Cancelled):
        neighbour_fit(analysis, None, lambda: True)
    with pytest.raises(Cancelled):
        neighbour_places(fit, analysis, None, lambda: True)
    asked = []
    with pytest.raises(Cancelled):
        neighbour_fit(analysis, None, lambda: asked.append(0) or len(asked) > 3)
    assert len(asked) == 4


def test_few_training_samples():
    assert len(neighbour_fit(analysed(12)).positions) == 12
    with pytest.raises(OptionError, match="needs 10 training samples or more, there are 9"):
        neighbour_fit(analysed(9))


def test_equal_training_samples():
    train = np.repeat(clusters(8, 0), 20, axis=0)
    places = neighbour_places(neighbour_fit(analysed(train=train)), analysed(train=train))
    assert np.isfinite(places.inspected).all()


def test_without_the_extra(monkeypatch):
    assert has_neighbour_maps()
    analysis = analysed()
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(OptionError, match=r"openTSNE is not installed: pip install 'kdeviz\[map\]'"):
        neighbour_fit(analysis)


def test_different_maps_are_different(made):
    _, _, places = made
    one = NeighbourAxes(places)
    assert one == one != NeighbourAxes(places)
    assert repr(one) != repr(NeighbourAxes(places))
    assert hash(one) == hash(one)
