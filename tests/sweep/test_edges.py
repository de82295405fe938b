"""The first grid follows the data, and a best row at the edge of a grid is told."""

import sys

import numpy as np
import pytest
import torch

from kdeviz.analysis.analyse import analyse
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.samples import load_sample
from kdeviz.decision import Estimate, Interval, ThresholdRule
from kdeviz.errors import OptionError
from kdeviz.settings import Settings
from kdeviz.sweep.choice import best
from kdeviz.sweep.edges import edge_words, edges, extended, next_words
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.proposal import proposed_components, proposed_grid, sweep_seconds, variances_of
from kdeviz.sweep.sweep import Sweep, SweepRow, sweep


def made(grid, auroc):
    """A sweep whose AUROC is said."""
    value = {settings: auroc(settings) for settings in grid.settings}
    rows = [
        SweepRow(each, each.n_pca_components, 500, 0.5, auroc=Estimate(value[each], Interval(0.1, 1.0)))
        for each in grid.settings
    ]
    return Sweep(tuple(rows), len(grid), ThresholdRule(), True)


def beyond(grid, auroc, rows=1000, dimensions=200):
    found = made(grid, auroc)
    return {edge.field: edge.more for edge in edges(found, best(found), rows, dimensions)}


GRID = Grid((4, 8, 16), bandwidths=(0.5, "scott", 2.0), caps=(300, 600))


@pytest.mark.parametrize(
    ("auroc", "expected"),
    [
        (lambda s: 0.5 + s.n_pca_components / 100, {"components": (20, 24, 28), "caps": ()}),
        (lambda s: 0.9 - s.n_pca_components / 100, {"components": (1, 2)}),
        (lambda s: 0.9 - (s.n_pca_components - 8) ** 2 / 1e3, {}),
        (
            lambda s: 0.6 + 0.1 * (s.bandwidth == 0.5) - abs(s.n_pca_components - 8) / 1e3,
            {"bandwidths": (0.25, 0.125)},
        ),
        (
            lambda s: 0.6 + 0.1 * (s.bandwidth == 2) - abs(s.n_pca_components - 8) / 1e3,
            {"bandwidths": (4, 8)},
        ),
        (lambda s: 0.6 + s.max_training_points / 1e4 - abs(s.n_pca_components - 8) / 1e3, {"caps": (1000,)}),
        (lambda s: 1.0, {}),
    ],
    ids=["most", "fewest", "within", "narrowest", "widest", "cap", "perfect"],
)
def test_it_goes_on_where_the_best_is_at_the_edge(auroc, expected):
    def inner(settings):  # nothing but what is asked about may prefer an edge
        small = 1e-5 * (settings.bandwidth == "scott")
        return min(auroc(settings) + small, 1.0)

    found = beyond(GRID, inner)
    expected = {field: more for field, more in expected.items() if more}
    assert found == expected


def test_it_says_so_and_extends_the_grid():
    found = made(GRID, lambda s: 0.5 + s.n_pca_components / 100 + 0.01 * (s.bandwidth == 0.5))
    there = edges(found, best(found), 1000, 200)
    assert edge_words(there) == (
        "The best lies at the edge of what was tried: 16 components are the most tried, and bandwidth "
        "Scott × 0.5 is the narrowest tried."
    )
    assert next_words(there) == "20, 24 and 28 components, and bandwidth Scott × 0.25 and 0.125"
    grid = extended(GRID, there)
    assert grid.components == (4, 8, 16, 20, 24, 28) and grid.bandwidths == (0.5, "scott", 2.0, 0.25, 0.125)
    assert grid.caps == GRID.caps and edge_words(()) == ""


@pytest.mark.parametrize(("rows", "dimensions"), [(1000, 16), (20, 200)])
def test_data_that_allow_no_more_have_no_edge(rows, dimensions):
    assert "components" not in beyond(GRID, lambda s: 0.5 + s.n_pca_components / 100, rows, dimensions)


def test_a_count_that_the_rank_cut_is_no_edge():
    found = made(Grid((4, 8)), lambda s: 0.5 + s.n_pca_components / 100)
    cut = found._replace(rows=tuple(row._replace(components=4) for row in found.rows))
    assert edges(cut, best(cut), 1000, 200) == ()


def test_one_value_is_no_grid():
    assert beyond(Grid((8,)), lambda s: 0.7) == {}
    assert beyond(Grid((0.5, 0.9)), lambda s: 0.7) == {}


def test_without_labels_the_most_components_may_not_be_enough():
    rows = np.random.default_rng(0).normal(size=(300, 30))
    found = sweep(EmbeddingSet.from_array(rows), None, Grid((2, 4)))
    assert [edge.more for edge in edges(found, best(found), 300, 30)] == [(6, 8, 12)]


def test_what_was_done_is_not_done_again(monkeypatch):
    train, score = load_sample().train_and_test()
    first = sweep(train, score, Grid((2, 4)))
    asked = []
    monkeypatch.setattr(
        sys.modules[sweep.__module__], "analyse", lambda *given: asked.append(given[2]) or analyse(*given)
    )
    more = sweep(train, score, Grid((2, 4, 6)), known=first.rows)
    assert asked == [Settings(6)]
    assert more.rows[:2] == first.rows and len(more.rows) == 3


# --- the first grid


def falling(r, power):
    return torch.arange(1, r + 1).double() ** power


@pytest.mark.parametrize(
    ("variances", "n", "d", "most"),
    [
        (falling(384, -0.2), 5000, 384, 128),
        (torch.tensor([1.0] * 48 + [1e-9] * 100), 5000, 384, 48),
        (torch.tensor([1.0, 1e-6, 1e-6]), 500, 3, 1),
        (falling(64, -0.1), 60, 64, 53),
        (falling(5, 0.0), 500, 5, 5),
    ],
)
def test_counts_reach_what_keeps_99_per_cent_or_128(variances, n, d, most):
    found = proposed_components(variances, n, d)
    assert found[-1] == most and list(found) == sorted(set(found))


def test_the_best_count_of_a_text_set_lies_within():
    assert {28, 32, 48, 64} <= set(proposed_components(falling(384, -0.7), 4000, 384))


@pytest.mark.parametrize(("components", "n", "d"), [(7, 800, 64), (8, 600, 8), (7, 600, 8), (53, 60, 64)])
def test_the_first_grid_holds_the_settings_in_use(components, n, d):
    settings = Settings(components, "norm", 900, 0.3, seed=3, standardise=True)
    grid = proposed_grid(falling(d, -1.0), settings, n, d, components)
    assert settings in grid.settings and all(each.standardise for each in grid.settings)


def test_as_many_components_as_the_largest_proposal_can_be_held_out():
    rng = np.random.default_rng(0)
    for n, d in ((60, 64), (200, 5)):
        data = EmbeddingSet(rng.normal(size=(n, d)), np.arange(n).astype(str))
        most = proposed_components(falling(d, 0.0), n, d)[-1]
        found = sweep(data, None, Grid((most,)))
        assert [row.error for row in found.rows] == [None] and found.rows[0].components == most


def test_the_first_grid_is_smaller_where_it_would_take_minutes():
    sizes = [
        len(proposed_grid(falling(512, -0.3), Settings(), n, 512, 16))
        for n in (1000, 10_000, 40_000, 200_000)
    ]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > sizes[-1]


def test_its_cost_grows_with_the_grid():
    small, large = Grid((2, 4)), Grid((2, 4, 8, 16))
    assert 0 < sweep_seconds(small, 1000, 64, "cpu") < sweep_seconds(large, 1000, 64, "cpu")
    assert sweep_seconds(large, 1000, 64, "cpu", known=4) == 0


@pytest.mark.parametrize("standardise", [False, True])
def test_the_variances_are_those_of_the_fit(standardise):
    train, score = load_sample().train_and_test()
    settings = Settings(4, max_training_points=300, standardise=standardise)
    expected = analyse(train, score, settings).classifier.pca_model.spectrum.cpu()
    torch.testing.assert_close(variances_of(train, settings)[:20], expected[:20], rtol=1e-9, atol=0)


# --- standardised or not


def test_a_grid_can_try_both():
    grid = Grid.parse(components="2,4", standardise="no,yes")
    assert [each.standardise for each in grid.settings] == [False, False, True, True]
    rows = np.random.default_rng(0).normal(size=(200, 6)) * [1, 1, 1, 1, 1, 300]
    found = sweep(EmbeddingSet.from_array(rows), None, grid)
    choice = best(found)
    assert not choice.best.settings.standardise and "not to standardise is the default" in choice.sentence
    assert choice.as_good(found.rows[-1]) is None
    only = best(sweep(EmbeddingSet.from_array(rows), None, Grid((2, 4), standardise=(True,))))
    assert only.best.settings.standardise and "standardised" in only.sentence


def test_other_words_than_yes_and_no_are_refused():
    with pytest.raises(OptionError, match="maybe"):
        Grid.parse(standardise="maybe")
