"""The scores of a selection, and where the map has to look to see it."""

from dataclasses import replace

import numpy as np
import pytest
import test_map_pictures as samples
from figure_steps import title

from kdeviz import charts
from kdeviz.decision.decision import Decision
from kdeviz.model.curve import ProbabilityCurve

ANALYSIS = samples.make(metadata=samples.METADATA)
DECISION = Decision(ANALYSIS, None, ProbabilityCurve(), float(np.median(ANALYSIS.scores)))
SELECTED = np.arange(len(ANALYSIS.scores)) % 3 == 0


def test_both_sides_are_counted_whole_and_apart():
    numbers = charts.selection_scores_numbers(DECISION, SELECTED, 12)
    last = len(numbers.edges) - 2
    assert last in (11, 12)
    assert DECISION.threshold in numbers.edges
    assert numbers.sizes == {"selected": SELECTED.sum(), "all others": (~SELECTED).sum()}
    for name, mask in (("selected", SELECTED), ("all others", ~SELECTED)):
        scores = ANALYSIS.scores[mask]
        for i, (low, high) in enumerate(zip(numbers.edges[:-1], numbers.edges[1:], strict=True)):
            inside = (scores >= low if i else scores > -np.inf) & (
                scores < high if i < 11 else scores < np.inf
            )
            assert numbers.counts[name][i] == inside.sum()
        assert numbers.medians[name] == np.median(scores)
        assert numbers.shares[name].sum() == pytest.approx(1)
    np.testing.assert_array_equal(numbers.flagged, numbers.middles < DECISION.threshold)
    flagged = (ANALYSIS.scores < DECISION.threshold) & SELECTED
    assert numbers.counts["selected"][numbers.flagged].sum() == flagged.sum()


def test_without_a_threshold_the_range_is_cut_evenly():
    numbers = charts.selection_scores_numbers(replace(DECISION, threshold=-np.inf), SELECTED, 12)
    assert len(numbers.edges) == 13
    assert not numbers.flagged.any()


def test_the_title_says_how_the_selection_differs():
    assert title(charts.selection_scores(DECISION, SELECTED)).startswith("Median ")
    everything = charts.selection_scores(DECISION, np.ones(len(SELECTED), bool))
    assert title(everything).startswith("Median ")


def test_bars_have_the_colour_of_their_side_of_the_threshold():
    bars = charts.selection_scores(DECISION, SELECTED, charts.LIGHT).data[0]
    flagged = charts.selection_scores_numbers(DECISION, SELECTED).flagged
    assert 0 < flagged.sum() < len(flagged)
    assert {colour for colour, low in zip(bars.marker.color, flagged, strict=True) if low} == {
        "rgba(213,94,0,0.75)"
    }


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_box_holds_its_rows_with_room_around_them(dimensions):
    points = np.random.default_rng(0).normal(size=(50, dimensions)).astype(np.float32)
    rows = np.array([3, 17, 20])
    box = np.array(charts.box_around(points, rows))
    low, high = points[rows].min(0), points[rows].max(0)
    assert box.shape == (dimensions, 2)
    assert (box[:, 0] < low).all() and (box[:, 1] > high).all()
    assert (box[:, 1] - box[:, 0] <= 1.2 * (high - low)).all()


def test_a_box_around_one_row_or_none():
    points = np.array([[0.0, 0], [10, 10], [4, 4]])
    (left, right), _ = charts.box_around(points, np.array([2]))
    assert left < 4 < right
    assert right - left < 1
    assert charts.box_around(points, np.empty(0, int)) is None
    (left, right), _ = charts.box_around(np.ones((3, 2)), np.array([0, 1]))
    assert left < 1 < right
