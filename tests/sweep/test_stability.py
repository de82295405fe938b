import itertools
import math
import sys
from dataclasses import replace

import numpy as np
import oracles
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr, t

from kdeviz.analysis.analyse import analyse
from kdeviz.data import Rows, row_keys
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.errors import Cancelled, DataError, OptionError
from kdeviz.model.folds import fold_numbers
from kdeviz.settings import Settings
from kdeviz.sweep.stability import agrees, beyond_chance, stability

K, R = 8, 5


@pytest.fixture(scope="module")
def train(make_rows):
    return EmbeddingSet.from_array(make_rows(480, 8, seed=2)[:240].astype(np.float32), "train")


@pytest.fixture(scope="module")
def score(make_rows):
    return EmbeddingSet.from_array(make_rows(480, 8, seed=2)[240:].astype(np.float32), "score")


@pytest.fixture(scope="module")
def found(train, score):
    return stability(train, score, Settings(3, max_training_points=200), K, R, caps=(60, 120))


def top(scores):
    return set(np.argsort(scores, kind="stable")[:K].tolist())


def test_the_full_fit_is_an_analysis(train, score, found):
    full = analyse(train, score, Settings(3, max_training_points=200))
    assert_array_equal(found.scores, full.scores)
    assert_array_equal(found.top, np.argsort(full.scores)[:K])
    assert found.notes == ()


def test_every_repeat_is_an_analysis(train, score, found):
    assert [(each.source, each.cap) for each in found.repeats] == [
        ("seeds", 200),
        ("bootstrap", 200),
        ("cap", 60),
        ("cap", 120),
    ]
    for repeats in found.repeats:
        assert repeats.scores.shape == (R, 240)
        for repeat in range(R):
            settings = Settings(3, max_training_points=repeats.cap, seed=repeat + 1)
            if repeats.source == "bootstrap":
                drawn = np.random.default_rng((0, repeat)).choice(np.arange(240), 240)
                expected = analyse(train.take(drawn), score, replace(settings, max_training_points=200))
            else:
                expected = analyse(train, score, settings)
            assert_array_equal(repeats.scores[repeat], expected.scores)


def test_hits_and_frequency(found):
    full = top(found.scores)
    for repeats in found.repeats:
        tops = [top(scores) for scores in repeats.scores]
        assert_array_equal(repeats.hits, [sum(row in each for each in tops) for row in found.top])
        shares = [len(each & full) / K for each in tops]
        assert_allclose(repeats.found.value, np.mean(shares))
        half_width = t.ppf(0.975, R - 1) * np.std(shares, ddof=1) / math.sqrt(R)
        assert_allclose(repeats.found.interval.low, max(np.mean(shares) - half_width, 0))
        assert_allclose(repeats.found.interval.high, min(np.mean(shares) + half_width, 1))
    tops = [top(scores) for repeats in found.repeats[:2] for scores in repeats.scores]
    assert_allclose(found.frequency, [np.mean([row in each for each in tops]) for row in found.top])


def jackknifed(measure, scores):
    def mean(kept):
        return np.mean([measure(scores[i], scores[j]) for i, j in itertools.combinations(kept, 2)])

    every = list(range(len(scores)))
    without = np.array([mean([i for i in every if i != left]) for left in every])
    error = math.sqrt((len(scores) - 1) / len(scores) * ((without - without.mean()) ** 2).sum())
    return mean(every), error * t.ppf(0.975, len(scores) - 1)


def jaccard(a, b):
    return len(top(a) & top(b)) / len(top(a) | top(b))


@pytest.mark.parametrize(
    ("name", "measure"),
    [("spearman", lambda a, b: spearmanr(a, b).statistic), ("jaccard", jaccard)],
)
def test_pairs_of_repeats_against_scipy_and_sets(found, name, measure):
    for repeats in found.repeats:
        value, half_width = jackknifed(measure, repeats.scores)
        estimate = getattr(repeats, name)
        assert_allclose(estimate.value, value)
        assert_allclose(estimate.interval.low, value - half_width)
        assert_allclose(estimate.interval.high, min(value + half_width, 1))
    assert any(
        getattr(repeats, name).interval.low < getattr(repeats, name).value for repeats in found.repeats
    )


def test_two_repeats_make_one_pair_without_an_interval(train, score):
    repeats = stability(train, score, Settings(3), K, 2, caps=()).repeats[0]
    assert_allclose(repeats.spearman.value, spearmanr(*repeats.scores).statistic)
    assert math.isnan(repeats.spearman.interval.low)


def test_larger_caps_agree_better(train, score):
    caps = stability(train, score, Settings(3), K, R).caps
    assert [each.cap for each in caps] == [60, 120]
    assert caps[0].spearman.value < caps[1].spearman.value
    assert caps[0].found.value <= caps[1].found.value


def test_the_smallest_cap_agrees_as_do_all_larger_ones(train):
    clear = train.features.copy()
    clear[:K] += 40 * (1 + np.arange(K, dtype=np.float32))[:, None]
    inspected = EmbeddingSet.from_array(clear)
    found = stability(train, inspected, Settings(3), K, R, caps=(30, 150))
    assert all(each.found.value == 1 for each in found.repeats)
    # Thirty rows find them too, but rank the others differently.
    assert [each.spearman.value >= 0.9 for each in found.caps] == [False, True]
    assert found.smallest_cap == 150
    assert_array_equal(found.frequency, np.ones(K))
    assert found.repeats[0].jaccard == (1.0, (1.0, 1.0))


def test_no_cap_agrees_where_there_is_nothing_to_find(make_rows):
    noise = EmbeddingSet.from_array(np.random.default_rng(3).uniform(size=(300, 6)))
    found = stability(noise, None, Settings(6), K, R, caps=(20, 40))
    assert found.caps[-1].found.value < 0.95
    assert found.smallest_cap is None


def test_a_larger_cap_that_disagrees_ends_the_search(found):
    smallest = sys.modules[stability.__module__]._smallest  # the function hides the module of its name
    alike = found.repeats[2]._replace(spearman=found.repeats[2].spearman._replace(value=0.9))
    agree = [
        alike._replace(cap=cap, found=alike.found._replace(value=value))
        for cap, value in ((10, 0.96), (20, 0.94), (40, 0.95), (80, 1.0))
    ]
    assert smallest(agree, 0.0) == 40
    rank = [each._replace(spearman=each.spearman._replace(value=0.89)) for each in agree]
    assert smallest(rank, 0.0) is None
    assert smallest(agree, 0.5) == 80  # 0.95 is then 0.9 beyond chance


@pytest.mark.parametrize("rows", [1, 4, 15, 20])
def test_nothing_can_be_seen_where_all_are_in_the_top(train, score, rows):
    found = stability(train, score.take(np.arange(rows)), Settings(3), 20, 2, caps=(60,))
    assert found.unseen == (
        f"all {rows} scored samples are among the top {rows}: follow fewer, or score more"
    )
    assert found.notes[-1] == f"nothing can be seen: {found.unseen}"
    assert np.isnan(found.frequency).all() and found.smallest_cap is None


def test_nothing_can_be_seen_where_all_scores_are_equal(train, score):
    equal = score.take(np.zeros(40, np.int64))
    found = stability(train, equal, Settings(3), 10, 3, caps=(60,))
    assert found.unseen.startswith("all samples have the same score")
    assert np.isnan(found.frequency).all() and found.smallest_cap is None
    # By chance: ten of forty.
    assert [each.found.value for each in found.repeats] == [0.25, 0.25]
    assert np.isnan(found.caps[0].spearman.value)


def test_nothing_can_be_seen_where_more_tie_than_are_followed(train, score):
    far = score.features.copy()
    far[:12] = far.max(0) * 50
    found = stability(train, EmbeddingSet.from_array(far), Settings(3), 10, 2, caps=())
    assert found.unseen == "12 samples share the lowest score, so there is no top 10"
    np.testing.assert_allclose(found.repeats[0].found.value, 10 / 12)


def test_fits_that_know_nothing_agree_by_chance_alone():
    rng = np.random.default_rng(0)
    compared = sys.modules[stability.__module__]._compared
    for rows, top in ((15, 14), (40, 20), (400, 20)):
        noise = compared("cap", 62, rng.normal(size=(300, rows)), np.arange(top), 0.95)
        assert abs(beyond_chance(noise.found.value, top / rows)) < 0.05
        assert not agrees(noise, top / rows)
    assert beyond_chance(1.0, 0.9) == 1 and math.isnan(beyond_chance(1.0, 1.0))


def test_caps_are_halved_down_to_some_fifty_rows(train, score):
    assert [each.cap for each in stability(train, score, Settings(2), 3, 2).caps] == [60, 120]
    # Four rows for each of seven components.
    assert [each.cap for each in stability(train, score, Settings(8), 3, 2).caps] == [60, 120]


def test_the_seed_changes_nothing_where_all_rows_are_used(train, score):
    found = stability(train, score, Settings(3), K, 2, caps=())
    assert [each.source for each in found.repeats] == ["bootstrap"]
    assert found.notes == ("the cap leaves no row out: the seed changes nothing",)


def resampled_scores(rows, own):
    """(M,) of rows under the model of those drawn; a row that was drawn, under one without its copies."""
    folds = fold_numbers(row_keys(Rows(rows[own])))
    scores = oracles.Classifier(rows[own], 2).log_density(rows)
    scores[own] = oracles.held_out(rows[own], folds, 2)
    return scores


def test_resampled_rows_are_scored_without_their_copies(make_rows):
    rows = make_rows(70, 5, seed=4)
    found = stability(EmbeddingSet.from_array(rows), None, Settings(2), K, 2, caps=())
    for repeat in range(2):
        drawn = np.random.default_rng((0, repeat)).choice(np.arange(70), 70)
        expected = resampled_scores(rows, drawn)
        assert_allclose(found.repeats[0].scores[repeat], expected, **oracles.LOG_DENSITY)


def test_resamples_of_a_capped_fit_know_their_rows(make_rows):
    rows = make_rows(90, 5, seed=5)
    excluded = np.zeros(90, bool)
    excluded[::9] = True
    train = EmbeddingSet(rows, np.arange(90).astype(str), excluded=excluded)
    settings = Settings(2, max_training_points=40)
    found = next(
        each for each in stability(train, None, settings, K, 2, caps=()).repeats if each.source == "bootstrap"
    )
    for repeat in range(2):
        drawn = np.random.default_rng((0, repeat)).choice(np.flatnonzero(~excluded), 80)
        analysis = analyse(EmbeddingSet.from_array(rows[drawn]), None, replace(settings, seed=repeat + 1))
        expected = resampled_scores(rows, drawn[analysis.fitted_on])
        assert_allclose(found.scores[repeat], expected, **oracles.LOG_DENSITY)


def test_progress_and_cancelling(train, score):
    told = []
    stability(train, score, Settings(3), K, 2, caps=(60,), on_progress=lambda *given: told.append(given))
    assert told == [
        ("Resampled training rows", 0.0),
        ("Resampled training rows", 0.25),
        ("At most 60 rows", 0.5),
        ("At most 60 rows", 0.75),
        ("Comparing", 1.0),
    ]
    seen = []
    with pytest.raises(Cancelled):
        stability(
            train,
            score,
            Settings(3),
            on_progress=lambda *given: seen.append(given),
            cancelled=lambda: len(seen) > 2,
        )
    assert len(seen) == 3


def test_repeats_that_fail_leave_a_note(train, score, monkeypatch):
    def failing(rows, inspected, settings, *rest):
        if settings.max_training_points == 60 or (settings.max_training_points == 100 and settings.seed == 2):
            raise DataError("no such luck")
        return analyse(rows, inspected, settings, *rest)

    monkeypatch.setattr(sys.modules[stability.__module__], "analyse", failing)
    found = stability(train, score, Settings(3), K, 3, caps=(60, 100))
    assert [(each.cap, len(each.scores)) for each in found.caps] == [(100, 2)]
    assert found.notes[1:] == (
        "3 of 3 fits failed (At most 60 rows): no such luck",
        "1 of 3 fits failed (At most 100 rows): no such luck",
    )


def test_fewer_rows_than_the_top_asks_for(train, score):
    few = score.take(np.arange(5))
    found = stability(train, few, Settings(3), 20, 2, caps=())
    assert len(found.top) == 5 and found.repeats[0].jaccard.value == 1


def test_what_cannot_be_done(train, score):
    for wrong in ({"top": 0}, {"repeats": 1}):
        with pytest.raises(OptionError, match="give top >= 1 and repeats >= 2"):
            stability(train, score, **wrong)
    with pytest.raises(OptionError, match="training cap=1 is not possible"):
        stability(train, score, Settings(3), caps=(1,))
    with pytest.raises(DataError, match="fewer than 999 components"):
        stability(train, score, Settings(999))


def test_nothing_to_count(train, score):
    found = stability(train, score, Settings(3), K, 2, caps=(100,))._replace(repeats=())
    assert np.isnan(found.frequency).all() and found.caps == ()
