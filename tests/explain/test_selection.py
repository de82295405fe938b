"""What a selection has in common: planted values and words are found, chance ones are not."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from kdeviz.analysis import analyse
from kdeviz.data import EmbeddingSet
from kdeviz.decision import decide, sample_columns
from kdeviz.errors import OptionError
from kdeviz.explain import MOST_READ, describe
from kdeviz.explain.standouts import by_chance, log_odds, some_of, standouts, word_counts
from kdeviz.settings import Settings

ROWS = 600


def made(rng):
    """The first 60 rows lie apart, are about leaks, and mostly of batch B; half the words are unique."""
    features = rng.normal(size=(ROWS, 4))
    features[:60] += 5
    words = [[f"w{rng.integers(0, 40)}" for _ in range(6)] + [f"rare{row}"] for row in range(ROWS)]
    for row in range(60):
        words[row].append("Leak" if row % 4 else "leaks")
    table = pd.DataFrame(
        {
            "text": [" ".join(each) for each in words],
            "batch": np.where(rng.random(ROWS) < np.where(np.arange(ROWS) < 60, 0.8, 0.1), "B", "A"),
            "size": rng.normal(size=ROWS) + np.where(np.arange(ROWS) < 60, 3, 0),
            "noise": rng.normal(size=ROWS),
        }
    )
    ids = np.array([f"s{row}" for row in range(ROWS)])
    return EmbeddingSet(features, ids, labels=(np.arange(ROWS) < 40).astype(np.int8), metadata=table)


@pytest.fixture(scope="module")
def decision():
    return decide(analyse(made(np.random.default_rng(0)), None, Settings(3, "scale")))


@pytest.fixture(scope="module")
def samples(decision):
    return sample_columns(decision, decision.analysis, {})


def mask(rows):
    selected = np.zeros(ROWS, bool)
    selected[rows] = True
    return selected


def test_what_was_planted_is_found_with_its_counts(decision, samples):
    table = decision.analysis.inspected.metadata
    found = describe(decision, samples, mask(range(60)))
    assert (found.size, found.total) == (60, ROWS)
    assert found.flagged == decision.flagged[:60].sum()
    assert found.flagged_outside == decision.flagged[60:].sum()
    assert found.share_flagged == decision.flagged[:60].mean()
    assert found.share_flagged_outside == decision.flagged[60:].mean()
    assert [word.name for word in found.words] == ["leak", "leaks"]
    assert [(word.column, word.inside, word.outside) for word in found.words] == [
        ("word", 45, 0),
        ("word", 15, 0),
    ]
    assert found.read == (60, ROWS - 60)
    values = {(value.column, value.name): value for value in found.values}
    assert {("batch", "B"), ("label", "anomalous")} <= set(values)
    batch = values["batch", "B"]
    is_b = (table["batch"] == "B").to_numpy()
    assert (batch.inside, batch.outside) == (is_b[:60].sum(), is_b[60:].sum())
    (size,) = [value for value in found.values if value.column == "size"]
    assert size.name.startswith("above ")
    top = table["size"] > np.quantile(table["size"], 0.75)
    assert (size.inside, size.outside) == (top[:60].sum(), top[60:].sum())
    assert not any(value.column == "noise" for value in found.values)
    assert [value.z for value in found.values] == sorted((value.z for value in found.values), reverse=True)


def test_of_random_selections_nothing_is_said(decision, samples):
    rng, said = np.random.default_rng(1), 0
    for size in (3, 10, 60, 300) * 10:
        found = describe(decision, samples, mask(rng.choice(np.arange(60, ROWS), size, replace=False)))
        said += len(found.words) > 0
        said += any(value.column in ("batch", "size", "noise") for value in found.values if value.name != "A")
    assert said <= 8  # 5 % each of 80 tests, and room for luck


def test_a_rare_word_of_one_sample_does_not_win():
    # Both words are twice as frequent inside as among all; only of one is that sure.
    named = [("text", "rare"), ("text", "common")]
    found = standouts(named, np.array([1, 60]), np.array([0, 240]), 100, 900, 8)
    assert [each.name for each in found] == ["common"]
    alone = log_odds(np.array([1, 60]), np.array([0, 240]), 100, 900)
    assert alone[1][0] < alone[1][1]


def test_log_odds_are_those_of_the_paper_sample_by_sample():
    inside, outside, size, rest = np.array([0, 3, 20]), np.array([5, 0, 20]), 20, 1000
    delta, z = log_odds(inside, outside, size, rest)
    for i in range(3):
        prior = 0.5 + 10 * (inside[i] + outside[i]) / 1020
        parts = [inside[i] + prior, size - inside[i] + 11 - prior]
        parts += [outside[i] + prior, rest - outside[i] + 11 - prior]
        expected = np.log(parts[0] / parts[1]) - np.log(parts[2] / parts[3])
        assert delta[i] == pytest.approx(expected, rel=1e-12)
        assert z[i] == pytest.approx(expected / np.sqrt(sum(1 / part for part in parts)), rel=1e-12)


def test_the_tail_is_binomial():
    inside, outside = np.array([0, 1, 3, 20]), np.array([5, 0, 40, 0])
    share = (inside + outside) / 1020
    np.testing.assert_allclose(
        by_chance(inside, outside, 20, 1000), binom.sf(inside - 1, 20, share), rtol=1e-10
    )


def test_without_others_or_values_nothing_stands_out(decision, samples):
    assert describe(decision, samples, mask(range(ROWS))).values == ()
    assert np.isnan(describe(decision, samples, mask(range(ROWS))).share_flagged_outside)
    assert standouts([], np.empty(0, np.int64), np.empty(0, np.int64), 2, 3, 8) == ()
    with pytest.raises(OptionError, match="no sample is selected"):
        describe(decision, samples, mask([]))


def test_the_middle_and_the_usual_sample_are_the_nearest_ones(decision, samples):
    analysis, kde = decision.analysis, decision.analysis.classifier.kde_model
    whitening, mean = kde.bw_transform.double().cpu().numpy(), kde.mean.double().cpu().numpy()
    places = (analysis.coordinates.astype(float) - mean) @ whitening
    centre = places[:60].mean(0)
    found = describe(decision, samples, mask(range(60)))
    assert found.middle == np.argmin(((places[:60] - centre) ** 2).sum(1))
    usual = analysis.held_out_scores >= np.median(analysis.held_out_scores)
    distances = np.where(usual, ((kde.dataset.double().cpu().numpy() - centre) ** 2).sum(1), np.inf)
    assert found.typical == analysis.fitted_on[np.argmin(distances)]
    assert found.typical >= 60


def test_words_are_counted_once_a_sample():
    assert word_counts(["a Bee bee_bee", "", "bee, 3 x42 Ärger"]) == Counter(bee=2, x42=1, ärger=1)


def test_large_sides_are_read_in_part():
    rows = np.arange(5, 50_000)
    some = some_of(rows)
    assert len(some) == MOST_READ
    assert (some[0], some[-1]) == (5, 49_999)
    assert np.unique(some).size == MOST_READ
    assert some_of(rows[:7]) is not None and len(some_of(rows[:7])) == 7


def test_words_of_the_column_that_is_chosen(decision, samples):
    inspected = decision.analysis.inspected
    table = inspected.metadata.assign(
        short=np.where(np.arange(ROWS) < 60, "on the left side", "on the right")
    )
    both = decide(analyse(replace(inspected, metadata=table), None, Settings(3)))
    columns = sample_columns(both, both.analysis, {})
    assert [word.name for word in describe(both, columns, mask(range(60))).words] == ["leak", "leaks"]
    chosen = describe(both, columns, mask(range(60)), "short").words
    assert [word.name for word in chosen] == ["left", "side"]


def test_without_texts_no_words_are_counted():
    features = np.random.default_rng(0).normal(size=(50, 3))
    bare = decide(analyse(EmbeddingSet.from_array(features), None, Settings(2)))
    plain = sample_columns(bare, bare.analysis, {})
    assert describe(bare, plain, np.arange(50) < 9).read == (0, 0)
