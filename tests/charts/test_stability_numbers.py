import numpy as np
import pytest

from kdeviz.charts import MEASURES, agreement_numbers, strip_numbers
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.settings import Settings
from kdeviz.sweep.stability import stability


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(1)
    spread = np.arange(8, 0, -1)
    train = EmbeddingSet.from_array(random.normal(size=(160, 8)) * spread)
    score = EmbeddingSet.from_array(random.normal(size=(40, 8)) * spread * 1.5)
    return train, score


@pytest.fixture(scope="module")
def seeds(data):
    """A cap that leaves rows out, so that other seeds say something."""
    return stability(*data, Settings(2, max_training_points=120), top=5, repeats=4, caps=(30, 60))


def brute_frequency(found):
    """Count by sorting every repeat's scores again."""
    full = [scores for each in found.repeats if each.source != "cap" for scores in each.scores]
    named = [np.argsort(scores, kind="stable")[: len(found.top)] for scores in full]
    return np.array([np.mean([row in names for names in named]) for row in found.top])


def test_agreement_is_what_the_repeats_say(seeds):
    view = agreement_numbers(seeds)
    assert view.sources == ("cap", "cap", "seeds", "bootstrap")
    assert view.caps.tolist() == [30, 60, 120, 120]
    assert view.repeats.tolist() == [4] * 4
    assert (view.top, view.agrees) == (5, 0.95)
    assert view.smallest_cap == seeds.smallest_cap
    by_source = {(each.source, each.cap): each for each in seeds.repeats}
    for place, key in enumerate(zip(view.sources, view.caps.tolist(), strict=True)):
        for measure, name in enumerate(MEASURES):
            value, (low, high) = getattr(by_source[key], name)
            assert view.values[measure, place] == value
            assert (view.low[measure, place], view.high[measure, place]) == (low, high)


def test_found_again_by_hand(seeds):
    view = agreement_numbers(seeds)
    caps = [each for each in seeds.repeats if each.source == "cap" and each.cap == 30]
    top = set(np.argsort(seeds.scores, kind="stable")[:5].tolist())
    shares = [len(top & set(np.argsort(scores, kind="stable")[:5].tolist())) / 5 for scores in caps[0].scores]
    assert view.values[0, 0] == pytest.approx(np.mean(shares))


def test_the_strip_is_the_top_with_its_frequency(data, seeds):
    score = data[1]
    view = strip_numbers(seeds, score)
    assert view.rows.tolist() == np.argsort(seeds.scores, kind="stable")[:5].tolist()
    assert view.names == tuple(str(row) for row in view.rows)
    np.testing.assert_array_equal(view.scores, seeds.scores[view.rows])
    np.testing.assert_allclose(view.frequency, brute_frequency(seeds))
    assert view.repeats == 8
    assert view.returning == (brute_frequency(seeds) >= 0.95).sum()


def test_exactly_the_share_counts(data, seeds):
    hits = seeds.repeats[0].hits
    scores = np.zeros((20, 40))
    full = seeds.repeats[0]._replace(source="seeds", scores=scores, hits=np.array([20, 19, 18, 0, 19]))
    view = strip_numbers(seeds._replace(repeats=(full,)), data[1])
    assert len(hits) == 5
    assert view.returning == 3
    assert view.repeats == 20


def test_no_repeats(data, seeds):
    nothing = seeds._replace(repeats=(), smallest_cap=None)
    view = strip_numbers(nothing, data[1])
    assert np.isnan(view.frequency).all()
    assert (view.repeats, view.returning) == (0, 0)
    agreement = agreement_numbers(nothing)
    assert agreement.values.shape == agreement.low.shape == (3, 0)
    only_caps = seeds._replace(repeats=seeds.caps)
    assert np.isnan(strip_numbers(only_caps, data[1]).frequency).all()
    assert agreement_numbers(only_caps).sources == ("cap", "cap")
