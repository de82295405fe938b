"""What is typical, what is usual, and how far a sample lies from its nearest one."""

import numpy as np
import pytest

from kdeviz import EmbeddingSet, Settings, ThresholdRule, analyse, decide
from kdeviz.analysis import analysis_of_model
from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.errors import OptionError
from kdeviz.explain import beside_normal, explain, times_as_far, typical, usual_distance, usual_range
from kdeviz.output.story import why


@pytest.fixture(scope="module")
def groups():
    """Four groups of 60 rows, and one row far away."""
    random = np.random.default_rng(3)
    middles = 12 * np.eye(4, 6)
    rows = np.concatenate([middle + random.standard_normal((60, 6)) for middle in middles])
    train = EmbeddingSet.from_array(rows)
    score = EmbeddingSet.from_array(np.array([[0.0, 0, 0, 0, 0, 40], rows[0] + 0.01]))
    return analyse(train, score, Settings(4))


def test_every_group_has_its_typical_sample_and_none_is_an_edge_of_it(groups):
    points = typical(groups, 4)
    assert sorted((groups.fitted_on[points] // 60).tolist()) == [0, 1, 2, 3]
    scores = groups.held_out_scores
    for point in points:
        own = groups.fitted_on // 60 == groups.fitted_on[point] // 60
        assert scores[point] > np.median(scores[own])


def test_typical_samples_are_different_rows_and_the_same_each_time(groups):
    assert len(set(typical(groups, 12).tolist())) == 12
    again = analyse(groups.train, groups.inspected, groups.settings)
    assert typical(again, 12).tolist() == typical(groups, 12).tolist()
    with pytest.raises(OptionError, match="names nothing"):
        typical(groups, 0)


def test_fewer_different_rows_than_wanted_are_all_there_is():
    rows = np.repeat(np.random.default_rng(0).standard_normal((5, 3)), 4, axis=0)
    found = analyse(EmbeddingSet.from_array(rows), None, Settings(2))
    points = typical(found, 8)
    assert 1 <= len(points) <= 5
    assert len({tuple(rows[row]) for row in found.fitted_on[points]}) == len(points)


def test_different_rows_in_fewer_places_than_wanted_have_one_typical_sample_for_each():
    """One component without its length is 1 or -1."""
    rows = np.random.default_rng(0).standard_normal((200, 5))
    found = analyse(EmbeddingSet.from_array(rows), None, Settings(1, "norm"))
    points = typical(found, 4)
    assert sorted(np.sign(found.train_coordinates[points, 0]).tolist()) == [-1, 1]


def test_distances_are_told_in_those_of_training_samples(groups):
    points = groups.classifier.kde_model.dataset.double().cpu().numpy()
    between = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(between, np.inf)
    assert usual_distance(groups) == pytest.approx(np.median(between.min(1)), rel=1e-6)
    far, near = (times_as_far(groups, explain(groups, row)) for row in (0, 1))
    assert near < 0.2 < 1 < far


def test_where_the_training_rows_are_not_here_no_distance_is_told(groups):
    kept = decide(groups).fitted_model
    opened = analysis_of_model(kept, groups.inspected)
    assert np.isnan(times_as_far(opened, explain(opened, 0)))
    assert [each for each in why(decide(opened), 0) if "as far away" in each] == []
    assert [each for each in why(decide(groups), 0) if "as far away" in each] != []


def test_usual_is_where_nine_in_ten_training_rows_lie(groups):
    low, high = usual_range(groups)
    inside = (groups.train.features >= low) & (groups.train.features <= high)
    assert inside.mean(0) == pytest.approx(np.full(6, 0.9), abs=0.01)


def test_the_normal_sample_most_like_one_is_neither_flagged_nor_labelled_anomalous():
    data = EmbeddingSet(np.random.default_rng(0).normal(size=(200, 2)), np.arange(200).astype(str))
    decision = decide(analyse(data, None, Settings(2), device="cpu"), ThresholdRule("top_k", 60))
    flagged = np.flatnonzero(decision.flagged)
    alike = [row for row in flagged if decision.flagged[explain(decision.analysis, row).neighbours.rows[0]]]
    assert len(alike) > 5  # so that the nearest row of all would often be a flagged one
    for row in alike[:5]:
        (nearest,) = beside_normal(decision, row).neighbours.rows
        others = explain(decision.analysis, row, neighbours=200).neighbours
        assert nearest == next(other for other in others.rows if not decision.flagged[other])
        labels = np.where(np.arange(200) == nearest, ANOMALOUS, NORMAL).astype(np.int8)
        told = decide(decision.analysis.relabelled(labels), decision.rule)
        (second,) = beside_normal(told, row).neighbours.rows
        assert second != nearest and not decision.flagged[second]


def test_where_all_are_flagged_the_nearest_of_all_is_shown():
    data = EmbeddingSet(np.random.default_rng(0).normal(size=(30, 2)), np.arange(30).astype(str))
    decision = decide(analyse(data, None, Settings(2), device="cpu"), ThresholdRule("log_density", 1e3))
    assert decision.flagged.all()
    one = beside_normal(decision, 0).neighbours
    assert one.rows.tolist() == explain(decision.analysis, 0, neighbours=1).neighbours.rows.tolist()
    assert one.shares.sum() + one.others == pytest.approx(1)
