"""Analyses of random samples that grow while the rest is scored."""

from itertools import pairwise

import numpy as np
import pytest

from kdeviz.analysis import preview
from kdeviz.analysis.analyse import analyse
from kdeviz.analysis.drift import drift
from kdeviz.analysis.estimate import Estimate
from kdeviz.analysis.preview import estimated_total, parts_of, quick_settings
from kdeviz.data import EmbeddingSet
from kdeviz.decision import ThresholdRule, decide
from kdeviz.errors import Cancelled
from kdeviz.settings import Settings

SETTINGS = Settings(3, max_training_points=150)
ROWS = 900


@pytest.fixture(autouse=True)
def small_samples(monkeypatch):
    monkeypatch.setattr(preview, "FIRST_ROWS", 100)


def blob(n=ROWS, seed=0):
    random = np.random.default_rng(seed)
    rows = (random.standard_normal((n, 5)) * np.arange(1, 6)).astype(np.float32)
    ids = np.array([f"row {i}" for i in range(n)])
    return EmbeddingSet(rows, ids, labels=(random.random(n) < 0.1).astype(np.int8))


def watched(*given, **options):
    """An analysis, and the previews before it."""
    seen = []
    return analyse(*given, SETTINGS, "cpu", on_preview=seen.append, **options), seen


INSPECTED = pytest.mark.parametrize("score", [None, blob(seed=1)], ids=["training rows", "others"])


@INSPECTED
def test_previews_change_nothing(score):
    found, seen = watched(blob(), score)
    alone = analyse(blob(), score, SETTINGS, "cpu")
    assert [len(each.scores) for each in seen] == [100, 200, 400]
    np.testing.assert_array_equal(found.scores, alone.scores)
    np.testing.assert_array_equal(found.points, alone.points)
    assert found.warnings == alone.warnings
    assert found.preview is None
    assert found.inspects_training == (score is None)


@INSPECTED
def test_a_preview_is_about_some_of_the_rows_as_the_whole_will_be(score):
    found, seen = watched(blob(), score)
    for each in seen:
        rows = each.preview.rows
        assert each.classifier is found.classifier
        assert len(np.unique(rows)) == len(rows) == len(each.scores)
        assert each.preview.whole is found.inspected
        assert each.scores_training == (score is None)
        assert (drift(each) is None) == (score is None)
        np.testing.assert_array_equal(each.scores, found.scores[rows])
        np.testing.assert_array_equal(each.points, found.points[rows])
        np.testing.assert_array_equal(each.inspected.ids, found.inspected.ids[rows])
        np.testing.assert_allclose(each.coordinates, found.coordinates[rows], rtol=1e-4, atol=1e-6)
    for before, after in pairwise(seen):
        np.testing.assert_array_equal(before.preview.rows, after.preview.rows[: len(before.scores)])


def test_the_first_sample_is_from_everywhere():
    parts = parts_of(10_000, seed=3)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(10_000))
    assert [len(part) for part in parts] == [100, 100, 200, 400, 800, 1600, 3200, 3600]
    assert all((np.diff(part) > 0).all() for part in parts)
    assert abs(parts[0].mean() - 5000) < 4 * 10_000 / np.sqrt(12 * 100)
    assert not np.array_equal(parts[0], parts_of(10_000, seed=4)[0])


def test_few_rows_are_scored_at_once():
    assert watched(blob(), blob(130))[1] == []
    (part,) = parts_of(130, seed=0)
    np.testing.assert_array_equal(part, np.arange(130))


def test_a_first_preview_may_have_learnt_from_fewer_rows():
    first = Settings(3, max_training_points=60)
    found, seen = watched(blob(), None, first=first)
    assert [len(each.fitted_on) for each in seen] == [60, 150, 150, 150]
    assert seen[0].settings == first
    np.testing.assert_array_equal(seen[0].preview.rows, seen[1].preview.rows)
    np.testing.assert_array_equal(found.scores, analyse(blob(), None, SETTINGS, "cpu").scores)


@INSPECTED
def test_cancelled_work_goes_on_from_its_last_preview(score, monkeypatch):
    seen, stages = [], []
    with pytest.raises(Cancelled):
        analyse(blob(), score, SETTINGS, "cpu", on_preview=seen.append, cancelled=lambda: len(seen) == 2)
    found = analyse(blob(), score, SETTINGS, "cpu", lambda stage, _: stages.append(stage), so_far=seen[-1])
    alone = analyse(blob(), score, SETTINGS, "cpu")
    assert set(stages) == {"Scoring the other samples"}
    np.testing.assert_array_equal(found.scores, alone.scores)
    np.testing.assert_array_equal(found.points, alone.points)
    assert (found.warnings, found.preview) == (alone.warnings, None)
    assert found.inspects_training == (score is None)


def test_progress_counts_all_rows_and_never_falls_back():
    told = []
    analyse(blob(), None, SETTINGS, "cpu", lambda stage, part: told.append((stage, part)))
    scoring = [part for stage, part in told if stage.startswith("Scoring the other")]
    assert scoring == sorted(scoring)
    assert scoring[-1] == 1


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5])
def test_a_count_in_all_rows_is_held_by_its_interval(share):
    random, total, of = np.random.default_rng(0), 2000, 1500
    events = round(share * total)
    inside = 0
    for found in random.hypergeometric(events, total - events, of, 1000).tolist():
        known = estimated_total(found, of, total)
        assert known.low <= known.value <= known.high
        inside += known.low <= events <= known.high
    assert inside / 1000 >= 0.94
    assert estimated_total(7, total, total) == (7, 7, 7)


def test_the_interval_narrows_as_rows_come():
    widths = [np.ptp(estimated_total(of // 50, of, 100_000)) for of in (1000, 10_000, 50_000, 99_000)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] < 2000


def test_a_rule_asks_of_a_preview_what_it_asks_of_the_whole():
    found, seen = watched(blob(), blob(seed=1))
    rule = ThresholdRule("top_k", 90)
    shown, exact = decide(seen[-1], rule), decide(found, rule)
    assert (shown.rule, shown.n_flagged, exact.n_flagged) == (rule, 40, 90)
    assert shown.flagged_in_all.low <= 90 <= shown.flagged_in_all.high
    assert exact.flagged_in_all == (90, 90, 90)
    budgets = {decide(each, ThresholdRule("quantile", 0.05)).threshold for each in (*seen, found)}
    assert len(budgets) == 1


def test_a_long_fit_is_first_tried_with_fewer_rows(monkeypatch):
    monkeypatch.setattr(preview, "estimate", lambda points, *rest: Estimate(points / 10_000, 0))
    assert quick_settings(1_000_000, 128, Settings()).max_training_points == 5000
    assert quick_settings(4000, 128, Settings()) == Settings()
    assert quick_settings(1_000_000, 128, Settings(1000)).max_training_points == 10_000
