"""What a component stands for, which features matter, one sentence for one row: against brute force."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.analysis.analyse import analyse
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.decision.decision import Decision, decide
from kdeviz.errors import OptionError
from kdeviz.explain.matters import features_that_matter
from kdeviz.explain.meaning import component_meaning, meaning_words
from kdeviz.explain.reason import reason, strongest_of
from kdeviz.explain.row import Components, explain
from kdeviz.explain.spread import feature_spread
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings

NAMES = ("mean area", "texture", "edges", "hue", "depth", "nothing")


def table(n, seed=0, ids="train"):
    """Named columns of very different units, the last of which never changes."""
    random = np.random.default_rng(seed)
    rows = random.gamma(2.0, size=(n, 3)) @ random.normal(size=(3, 5)) + random.normal(size=(n, 5)) / 4
    rows = np.column_stack([rows * [1000, 1, 0.01, 5, 1], np.full(n, 7.0)])
    return EmbeddingSet(rows, np.array([f"{ids}-{i}" for i in range(n)]), feature_names=NAMES)


@pytest.fixture(scope="module", params=["scale", "norm"])
def analysis(request):
    far = table(40, 1, "new")
    far = replace(far, features=far.features * 1.6)
    return analyse(table(150), far, Settings(3, request.param), "cpu")


def test_the_spread_of_each_feature(analysis):
    expected = analysis.train.features[analysis.fitted_on].std(0, ddof=1)
    np.testing.assert_allclose(feature_spread(analysis), expected, rtol=1e-12)


# --- components


@pytest.mark.parametrize("component", [0, 1, 2])
def test_a_component_by_its_ends_and_by_correlation(analysis, component):
    found = component_meaning(analysis, component, ends=4, features=6)
    along = analysis.train_coordinates[:, component].astype(np.float64)
    order = np.argsort(along, kind="stable")
    np.testing.assert_array_equal(found.low, analysis.fitted_on[order[:4]])
    np.testing.assert_array_equal(found.high, analysis.fitted_on[order[::-1][:4]])
    z = (along - along.mean()) / along.std(ddof=1)
    np.testing.assert_allclose(found.low_z, np.sort(z)[:4])
    np.testing.assert_allclose(found.high_z, np.sort(z)[::-1][:4])

    features = analysis.train.features[analysis.fitted_on]
    centred = features - features.mean(0)
    score = centred @ analysis.classifier.pca_model.singular_vectors[:, component].double().numpy()
    expected = np.array([np.corrcoef(score, feature)[0, 1] for feature in features.T[:5]] + [0.0])
    np.testing.assert_allclose(found.correlations, expected[found.features], atol=1e-6)
    assert list(np.abs(found.correlations)) == sorted(np.abs(found.correlations), reverse=True)
    assert found.features[-1] == 5  # what never changes goes with nothing
    assert found.variance_share == pytest.approx(score.var() / centred.var(0).sum())


def test_few_rows_are_never_at_both_ends():
    few = component_meaning(analyse(table(5), table(3, 1), Settings(1), "cpu"), 0, ends=4)
    assert len(few.low) == len(few.high) == 2
    assert not set(few.low) & set(few.high)


def test_a_component_in_words(analysis):
    meaning = component_meaning(analysis, 0)
    words = meaning_words(meaning, analysis)
    first, correlation = NAMES[meaning.features[0]], meaning.correlations[0]
    assert f"A high value means {'more' if correlation > 0 else 'less'} {first} (" in words
    turned = meaning._replace(correlations=-meaning.correlations)
    assert f"A high value means {'less' if correlation > 0 else 'more'} {first} (" in meaning_words(
        turned, analysis
    )
    weak = meaning._replace(correlations=meaning.correlations * 0.01)
    assert meaning_words(weak, analysis).endswith("No single feature goes with it.")


@pytest.mark.parametrize("component", [-1, 3])
def test_there_is_no_such_component(analysis, component):
    with pytest.raises(OptionError, match="choose one from 0 to 2"):
        component_meaning(analysis, component)


# --- many rows


def test_which_features_matter_for_many_rows(analysis):
    rows = np.array([3, 30, 7, 12])
    found = features_that_matter(analysis, rows, features=6)
    spread = analysis.train.features[analysis.fitted_on].std(0, ddof=1)
    shifts = np.array([explain(analysis, row).direction.feature_shift for row in rows])
    each = np.divide(shifts, spread, out=np.zeros_like(shifts), where=spread > 0)
    change = np.sqrt((each**2).mean(0))
    np.testing.assert_array_equal(found.features, np.argsort(-change, kind="stable"))
    np.testing.assert_allclose(found.change, change[found.features])
    mean = each.mean(0)[found.features]
    np.testing.assert_allclose(found.direction * found.change, mean, atol=1e-12)
    assert (found.rows, found.looked_at) == (4, 4)


def test_of_many_rows_some_are_looked_at_evenly_spaced_by_score(analysis):
    found = features_that_matter(analysis, np.arange(40), most=3)
    order = np.argsort(analysis.scores, kind="stable")
    same = features_that_matter(analysis, order[[0, 20, 39]])
    assert (found.rows, found.looked_at) == (40, 3)
    np.testing.assert_allclose(found.change, same.change)


def test_rows_of_the_fit_matter_as_their_own_models_say():
    alone = analyse(table(80), None, Settings(2), "cpu")
    rows = np.argsort(alone.scores)[:9]
    one_by_one = [explain(alone, row).direction.feature_shift / 1 for row in rows]
    spread = feature_spread(alone)
    each = np.divide(one_by_one, spread, out=np.zeros((9, 6)), where=spread > 0)
    found = features_that_matter(alone, rows, features=6)
    np.testing.assert_allclose(found.change, np.sqrt((each**2).mean(0))[found.features])


def test_no_row_has_no_features(analysis):
    with pytest.raises(OptionError, match="no row is given"):
        features_that_matter(analysis, np.array([], np.int64))


# --- one sentence


@given(st.lists(st.floats(-20, 100), min_size=1, max_size=9).filter(lambda parts: sum(parts) > 1))
def test_the_fewest_components_that_make_half_of_the_distance(parts):
    parts = np.array(parts)
    found = strongest_of(Components(parts, parts, parts, float(parts.sum()), parts))
    ordered = np.sort(parts)[::-1]
    assert found.share == pytest.approx(ordered[: len(found.components)].sum() / parts.sum())
    assert found.share >= 0.5 - 1e-9
    assert ordered[: len(found.components) - 1].sum() < parts.sum() / 2


def test_the_reason_names_component_share_and_feature(analysis):
    threshold = float(np.sort(analysis.scores)[10])
    decision = Decision(analysis, None, ProbabilityCurve(), threshold)
    for row in range(40):
        found = explain(analysis, row)
        words = reason(decision, row, found)
        assert "\n" not in words
        if analysis.scores[row] < threshold:
            first = int(found.components.contribution.argmax())
            assert words.startswith(f"Flagged because component {first + 1} is ")
            assert NAMES[found.direction.features[0]] in words
        else:
            assert words.startswith("Not flagged: ")


def test_each_component_is_told_from_the_nearest_training_samples(analysis):
    for row in range(5):
        found, model = explain(analysis, row).components, analysis.classifier
        points = analysis.train_coordinates.astype(np.float64)
        widths = (points - found.value) @ model.kde_model.bw_transform.double().numpy()
        shares = np.exp(-(widths**2).sum(1) / 2 + (widths**2).sum(1).min() / 2)
        nearest = shares @ points / shares.sum()
        np.testing.assert_allclose(found.apart, (found.value - nearest) / points.std(0, ddof=1), atol=1e-3)


@pytest.mark.parametrize(
    ("z", "apart", "words"),
    [
        ([-0.013, 0.5], [-2.1, 0.1], "component 1 is 2.1 standard deviations lower than in the nearest"),
        ([-0.013, 0.5], [1.2, 0.1], "component 1 is 1.2 standard deviations higher than in the nearest"),
        ([3.0, 0.5], [-1.4, 0.1], "component 1 is 1.4 standard deviations lower than in the nearest"),
        ([2.5, 0.5], [3.5, 0.1], "component 1 is 3.5 standard deviations higher than in the nearest"),
        ([3.0, 0.5], [1.4, 0.1], "component 1 is 3.0 standard deviations above the training mean"),
        ([3.0, 0.5], [0.01, 0.1], "component 1 is unlike what its other components lead to expect"),
    ],
)
def test_the_reason_gives_the_distance_that_made_its_component_the_strongest(analysis, z, apart, words):
    parts = Components(np.zeros(2), np.array(z), np.array([8.0, 2.0]), 10.0, np.array(apart))
    decision = Decision(analysis, None, ProbabilityCurve(), np.inf)
    unusual = explain(analysis, 0)._replace(components=parts)
    told = reason(decision, 0, unusual)
    assert told.startswith(f"Flagged because {words}") and "80.0 % of its distance from" in told


def test_no_feature_is_named_without_names(analysis):
    nameless = replace(analysis, inspected=replace(analysis.inspected, feature_names=None))
    decision = Decision(nameless, None, ProbabilityCurve(), np.inf)
    assert "feature" not in reason(decision, 0, explain(nameless, 0))


# --- what the components leave out


def test_where_all_components_are_kept_nothing_is_left_out():
    rows = table(60).features[:, :5]
    whole = analyse(rows, rows[:5] * 2, Settings(5), "cpu")
    assert not any(explain(whole, row).residual.something for row in range(5))
    cut = analyse(rows, rows[:5] * 2, Settings(2), "cpu")
    assert all(explain(cut, row).residual.something for row in range(5))


def test_a_row_outside_of_all_training_rows_is_left_out_of_something():
    rows = np.column_stack([table(60).features[:, :3], np.zeros(60)])
    new = rows[:2].copy()
    new[1, 3] = 5
    found = analyse(rows, new, Settings(3), "cpu")
    assert not explain(found, 0).residual.something
    assert explain(found, 1).residual.something


# --- the training rows as the inspected ones


def test_training_rows_are_looked_at_as_if_they_were_inspected():
    train = table(70)
    both = analyse(train, table(5, 1), Settings(2), "cpu").training_view
    alone = analyse(train, None, Settings(2), "cpu")
    np.testing.assert_allclose(both.scores, alone.scores)
    np.testing.assert_array_equal(both.points, alone.points)
    np.testing.assert_allclose(decide(both).p_values, decide(alone).p_values)
    for row in (0, 33):
        one, other = explain(both, row), explain(alone, row)
        np.testing.assert_array_equal(one.neighbours.rows, other.neighbours.rows)
        np.testing.assert_allclose(one.components.contribution, other.components.contribution)
        assert row not in one.neighbours.rows
    assert alone.training_view is alone


def test_rows_beyond_the_cap_have_no_score():
    capped = analyse(table(70), table(5, 1), Settings(2, max_training_points=30), "cpu").training_view
    known = np.zeros(70, bool)
    known[capped.fitted_on] = True
    np.testing.assert_array_equal(np.isfinite(capped.scores), known)


def test_below_the_lowest_training_sample_no_share_of_zero_is_told(analysis):
    decision = Decision(analysis, None, ProbabilityCurve(), -1e6)
    for row in range(len(analysis.scores)):
        words, lower = (
            reason(decision, row, explain(analysis, row)),
            analysis.reference < analysis.scores[row],
        )
        assert "0 % of" not in words
        if not lower.any() and "score" in words:
            assert words.startswith("Not flagged: no training sample scores lower; most unusual is that ")
