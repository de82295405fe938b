from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import LOG_DENSITY
from scipy.stats import gaussian_kde
from sklearn.metrics import roc_auc_score

from kdeviz import charts
from kdeviz.analysis.analyse import analyse
from kdeviz.charts.score_ranges import apart, score_range
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision import table
from kdeviz.decision.decision import Decision
from kdeviz.errors import OptionError
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.wording import percent

CURVE = ProbabilityCurve()


def rows(n, d=6, seed=0, dtype=np.float32):
    random = np.random.default_rng(seed)
    return (random.standard_normal((n, d)) * np.arange(d, 0, -1)).astype(dtype)


def embeddings(features, **known):
    return EmbeddingSet(features, np.array([f"id-{i}" for i in range(len(features))]), **known)


def make(train=None, score=None, k=3, scaling="scale", bandwidth="scott", cap=40000, **known):
    """An analysis; what is `known` belongs to the inspected rows."""
    train = rows(120) if train is None else train
    settings = Settings(k, scaling, cap, bandwidth)
    if score is None:
        return analyse(embeddings(train, **known), None, settings, "cpu")
    return analyse(train, embeddings(score, **known), settings, "cpu")


# Each of these at a threshold, which `decided` makes a decision.


def decided(analysis, threshold=0.0, curve=CURVE):
    return Decision(analysis, None, curve, threshold)


def projection(analysis, components, colour_by, threshold, most=5000):
    return charts.projection_numbers(decided(analysis, threshold), components, colour_by, most)


def contours(analysis, components):
    return charts.contours_numbers(decided(analysis), components)


def histograms(analysis, threshold):
    return charts.densities_numbers(decided(analysis, threshold))


def scree(analysis):
    return charts.scree_numbers(decided(analysis))


def colour_choices(analysis):
    return charts.colour_choices(decided(analysis))


def rows_inside(analysis, components, **region):
    return charts.rows_inside(decided(analysis), components, **region)


def ranking(analysis, threshold, curve=CURVE):
    return table.ranking(decided(analysis, threshold, curve))


def sample_view(analysis, row, threshold, curve=CURVE):
    return table.sample_view(decided(analysis, threshold, curve), row)


def placed(analysis, points, scores):
    """The same model, with inspected samples at these places and with these scores."""
    inspected = embeddings(np.zeros((len(points), analysis.inspected.features.shape[1]), np.float32))
    places = SimpleNamespace(inspected=np.asarray(points), fitted=analysis.train_coordinates)
    return replace(analysis, inspected=inspected, scores=np.asarray(scores), places=places)


def with_scores(train_scores, scores, **known):
    model = make(score=np.zeros((len(scores), 6), np.float32), **known)
    train_scores, scores = (np.asarray(values, np.float32) for values in (train_scores, scores))
    return replace(model, held_out_scores=train_scores, scores=scores)


@pytest.fixture(scope="module")
def scored():
    return make(score=rows(60, seed=1) * 1.5)


# --- headline numbers


def test_summary_counts_one_by_one():
    labels = np.array([NORMAL] * 30 + [ANOMALOUS] * 20 + [UNKNOWN] * 10, np.int8)
    analysis = make(score=rows(60, seed=1) * 1.5, labels=labels)
    threshold = float(np.median(analysis.scores))
    found = decided(analysis, threshold)
    assert found.n_flagged == sum(score < threshold for score in analysis.scores) == 30
    assert len(found.flagged) == 60
    alarms = sum(score < threshold for score in analysis.held_out_scores)
    assert found.expected_alarms.rate == pytest.approx(alarms / 120)
    assert found.auroc == pytest.approx(roc_auc_score(labels[:50] == ANOMALOUS, -analysis.scores[:50]))


@pytest.mark.parametrize("labels", [None, [NORMAL] * 5, [UNKNOWN, ANOMALOUS] * 2 + [UNKNOWN]])
def test_no_separation_without_labels_of_both_kinds(labels):
    labels = None if labels is None else np.array(labels, np.int8)
    assert decided(make(score=rows(5), labels=labels)).auroc is None


@pytest.mark.parametrize(("threshold", "flagged"), [(-np.inf, 0), (np.inf, 60)])
def test_summary_at_infinite_thresholds(scored, threshold, flagged):
    found = decided(scored, threshold)
    assert (found.n_flagged, found.expected_alarms.rate) == (flagged, flagged / 60)


def test_summary_with_a_sample_infinitely_far_away():
    labels = np.array([ANOMALOUS, NORMAL, NORMAL], np.int8)
    analysis = make(score=np.vstack([rows(1) * 1e25, rows(2)]), labels=labels)
    assert analysis.scores[0] == -np.inf
    assert decided(analysis, -50.0).auroc == 1
    view = histograms(analysis, -50.0)
    assert np.isfinite(view.edges).all()
    assert view.below_range == 1
    assert charts.curve_numbers(decided(analysis, -50.0)).saturated == pytest.approx(1 / 3)


# --- the map


def test_below_the_limit_every_sample_is_drawn(scored):
    view = projection(scored, (2, 0), "log density", -5.0)
    np.testing.assert_array_equal(view.rows, np.arange(60))
    np.testing.assert_array_equal(view.coordinates, scored.coordinates[:, [2, 0]])
    np.testing.assert_array_equal(view.colour, scored.scores)
    np.testing.assert_array_equal(view.flagged, scored.scores < -5.0)
    assert (view.total, view.n_placed, view.background) == (60, 60, None)
    shares = [percent(float(share)) for share in scree(scored).shares[[2, 0]]]
    titles = [f"component {c} · {share} of variance" for c, share in zip((3, 1), shares, strict=True)]
    assert view.placed.titles == tuple(titles)


def test_three_components(scored):
    view = projection(scored, (2, 0, 1), "verdict", -5.0, most=10)
    np.testing.assert_array_equal(view.coordinates, scored.coordinates[view.rows][:, [2, 0, 1]])
    assert view.deep
    assert len(view.rows) < view.total
    assert view.background is None


def crowd():
    """2 000 samples in a dense patch and 300 thinly spread, a tenth of all flagged."""
    random = np.random.default_rng(3)
    points = np.vstack([random.normal(0, 0.02, (2000, 2)), random.uniform(-1, 1, (300, 2))])
    points = np.hstack([points, np.zeros((2300, 1))])
    scores = random.permutation(2300).astype(np.float32)
    return placed(make(k=3), points, scores), points[:, :2], scores < 230


def test_thinning_keeps_every_flagged_sample_and_at_most_the_limit():
    analysis, points, flagged = crowd()
    view = projection(analysis, (0, 1), "verdict", 230.0, most=700)
    assert len(view.rows) == 700
    assert view.total == 2300
    assert set(np.flatnonzero(flagged)) <= set(view.rows)
    assert (np.diff(view.rows) > 0).all()
    np.testing.assert_array_equal(view.coordinates, points[view.rows])
    np.testing.assert_array_equal(view.flagged, flagged[view.rows])
    np.testing.assert_array_equal(view.colour == "flagged", flagged[view.rows])


def test_thinning_takes_from_the_fullest_cell():
    analysis, points, flagged = crowd()
    drawn = set(projection(analysis, (0, 1), "verdict", 230.0, most=700).rows)
    others = points[~flagged]
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    cell_of = [
        tuple(min(max(int(64 * (p[i] - low[i]) / (high[i] - low[i])), 0), 63) for i in (0, 1)) for p in others
    ]
    kept, lost = dict.fromkeys(cell_of, 0), dict.fromkeys(cell_of, 0)
    for row, cell in zip(np.flatnonzero(~flagged), cell_of, strict=True):
        (kept if row in drawn else lost)[cell] += 1
    # A cell that lost anything holds as much as the fullest, give or take the last sample.
    assert sum(lost.values()) == 2300 - 700
    fullest = max(kept.values())
    assert all(kept[cell] >= fullest - 1 for cell in kept if lost[cell])
    assert min(lost[cell] for cell in kept if kept[cell] + lost[cell] > 100) > 50


def test_thinning_is_deterministic():
    one, other = (projection(crowd()[0], (0, 1), "verdict", 230.0, most=700) for _ in range(2))
    np.testing.assert_array_equal(one.rows, other.rows)


@pytest.mark.parametrize(("most", "drawn"), [(100, 230), (230, 230), (231, 231), (2299, 2299), (2300, 2300)])
def test_flagged_samples_are_drawn_even_above_the_limit(most, drawn):
    assert len(projection(crowd()[0], (0, 1), "verdict", 230.0, most=most).rows) == drawn


def test_a_background_counts_every_sample_of_the_bulk():
    analysis, points, _ = crowd()
    x, y, counts = projection(analysis, (0, 1), "verdict", 230.0, most=700).background
    expected = np.zeros((80, 80), int)
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    for point in points[((points >= low) & (points <= high)).all(1)]:
        column, row = np.minimum((80 * (point - low) / (high - low)).astype(int), 79)
        expected[row, column] += 1
    assert np.abs(counts - expected).sum() <= 4  # points on a cell's very edge
    assert counts.sum() >= 0.99 * 2300
    np.testing.assert_allclose(np.diff(x), (high[0] - low[0]) / 80)
    np.testing.assert_allclose(y[0], low[1] + (high[1] - low[1]) / 160)


@pytest.mark.parametrize("spread", [0.0, 1e-20])
def test_thinning_samples_in_one_place_with_one_far_away(spread):
    points = np.random.default_rng(0).normal(0, 1, (2000, 2)) * spread
    points[0] = 1e20
    view = projection(placed(make(k=2), points, np.zeros(2000)), (0, 1), "verdict", -1.0, most=1500)
    assert len(view.rows) == 1500
    assert 0 in view.rows


@pytest.mark.parametrize("components", [(0,), (0, 1, 2, 3), (0, 3), (-1, 0), (1, 1), (0, 1, 0), ()])
def test_components_that_are_not_there(scored, components):
    for draw in (
        lambda: projection(scored, components, "verdict", 0.0),
        lambda: contours(scored, components),
        lambda: rows_inside(scored, components, box=((0, 1), (0, 1))),
    ):
        with pytest.raises(OptionError, match=r"cannot be drawn: choose 2.* from 0 to 2"):
            draw()


def test_a_map_of_three_components_has_no_contours(scored):
    assert contours(scored, (0, 1, 2)) is None


def test_a_model_of_one_component_has_no_map_but_all_else():
    analysis = make(k=1, score=rows(9))
    for draw in (lambda: projection(analysis, (0, 1), "verdict", 0.0), lambda: contours(analysis, (0, 1))):
        with pytest.raises(OptionError, match="this model keeps one: raise the number of components"):
            draw()
    assert scree(analysis).kept == 1
    assert histograms(analysis, 0.0).sizes == {"training": 120, "scored": 9}
    assert len(ranking(analysis, 0.0, CURVE)) == 9


# --- colours


METADATA = pd.DataFrame(
    {
        "height": [1.5, None, -3.0, 2.0],
        "count": [1, 2, 3, 4],
        "nullable": pd.array([1, None, 3, 4], dtype="Int64"),
        "broken": [True, False, True, True],
        "maybe": pd.array([True, None, False, True], dtype="boolean"),
        "camera": ["b", None, "a", "b"],
        "kind": pd.Categorical(["x", "y", None, "x"]),
        "when": pd.to_datetime(["2024-01-01", None, "2024-01-03", "2024-01-04"]),
        "mixed": [1, "a", None, [1, 2]],
        5: [1.0, 2.0, 3.0, 4.0],
    }
)


@pytest.fixture(scope="module")
def described():
    labels = np.array([NORMAL, ANOMALOUS, UNKNOWN, NORMAL], np.int8)
    return make(score=rows(4, seed=2), labels=labels, metadata=METADATA)


def test_colour_choices(described, scored):
    assert colour_choices(scored) == ["log density", "verdict", "residual"]
    assert colour_choices(described) == [
        "log density",
        "verdict",
        "label",
        "residual",
        *(str(column) for column in METADATA.columns),
    ]


@pytest.mark.parametrize(
    ("colour_by", "expected"),
    [
        ("label", ["normal", "anomalous", "not labelled", "normal"]),
        ("height", [1.5, np.nan, -3, 2]),
        ("count", [1.0, 2, 3, 4]),
        ("nullable", [1, np.nan, 3, 4]),
        ("broken", ["True", "False", "True", "True"]),
        ("maybe", ["True", "(none)", "False", "True"]),
        ("camera", ["b", "(none)", "a", "b"]),
        ("kind", ["x", "y", "(none)", "x"]),
        ("when", ["2024-01-01", "(none)", "2024-01-03", "2024-01-04"]),
        ("mixed", ["1", "a", "(none)", "[1, 2]"]),
        ("5", [1.0, 2, 3, 4]),
    ],
)
def test_colours(described, colour_by, expected):
    view = projection(described, (0, 1), colour_by, 0.0)
    np.testing.assert_array_equal(view.colour, np.array(expected), strict=True)
    assert view.colour_name == colour_by


def test_colour_of_the_verdict(scored):
    threshold = float(np.median(scored.scores))
    view = projection(scored, (0, 1), "verdict", threshold)
    assert [c == "flagged" for c in view.colour] == [score < threshold for score in scored.scores]
    assert set(view.colour) == {"flagged", "not flagged"}


def test_colour_of_the_residual(scored):
    pca = scored.classifier.pca_model
    rows = scored.inspected.features.astype(np.float64)
    kept = pca.inverse_transform(pca.transform(rows)).numpy()
    view = projection(scored, (0, 1), "residual", 0.0)
    np.testing.assert_allclose(view.colour, np.linalg.norm(rows - kept, axis=1)[view.rows], rtol=1e-6)


@pytest.mark.parametrize("colour_by", ["weight", "label", "6", ""])
def test_unknown_colours(scored, colour_by):
    with pytest.raises(OptionError, match=r"choose from \['log density', 'verdict', 'residual'\]"):
        projection(scored, (0, 1), colour_by, 0.0)


def test_columns_named_like_our_own_stay_apart():
    names = ["verdict", "label", "log density", "verdict_in_file", "twice", "twice", "id"]
    metadata = pd.DataFrame([list("abcdefg")] * 4, columns=names)
    labels = np.array([NORMAL, ANOMALOUS, NORMAL, NORMAL], np.int8)
    analysis = make(score=rows(4), labels=labels, metadata=metadata)
    choices = colour_choices(analysis)
    assert len(set(choices)) == len(choices) == 4 + len(names)
    choices.remove("residual")
    colours = {name: projection(analysis, (0, 1), name, np.inf).colour[0] for name in choices[1:]}
    assert list(colours.values()) == ["flagged", "normal", *"abcdefg"]
    unlabelled = make(score=rows(4), metadata=metadata)
    assert projection(unlabelled, (0, 1), "label", 0.0).colour[0] == "b"


# --- selections


def inside_by_winding(point, corners):
    """Odd winding number: the angle under which the outline is seen, summed up edge by edge."""
    seen = (corners - point) @ np.array([1, 1j])
    turns = np.angle(np.roll(seen, -1) / seen).sum() / (2 * np.pi)
    return round(turns) % 2 == 1


CORNER = st.tuples(st.integers(-4, 4), st.integers(-4, 4))


@given(st.lists(CORNER, min_size=3, max_size=9), st.integers(0, 2**32 - 1))
def test_lasso_against_winding_numbers(corners, seed):
    points = np.random.default_rng(seed).uniform(-5, 5, (20, 2))
    points[0, 1] = corners[0][1]  # level with a corner
    points[0, 0] += 0.123e-3
    analysis = placed(_TWO, points, np.zeros(20))
    expected = [i for i, point in enumerate(points) if inside_by_winding(point, np.array(corners, float))]
    np.testing.assert_array_equal(rows_inside(analysis, (0, 1), lasso=np.array(corners)), expected)


@given(st.integers(3, 12), st.integers(0, 2**32 - 1), st.booleans())
def test_lasso_round_a_centre(n, seed, convex):
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, n))
    radius = 3 if convex else random.uniform(1, 4, n)
    corners = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    points = random.uniform(-4, 4, (20, 2))
    expected = [i for i, point in enumerate(points) if inside_by_winding(point, corners)]
    np.testing.assert_array_equal(
        rows_inside(placed(_TWO, points, np.zeros(20)), (0, 1), lasso=corners), expected
    )


_TWO = make(k=2)


@given(*[st.tuples(st.integers(-4, 4), st.integers(-4, 4)) for _ in range(2)])
def test_box_either_way_round_and_with_its_edges(x, y):
    points = np.array([(i, j) for i in range(-4, 5) for j in range(-4, 5)], np.float32)
    expected = [row for row, (i, j) in enumerate(points) if min(x) <= i <= max(x) and min(y) <= j <= max(y)]
    np.testing.assert_array_equal(
        rows_inside(placed(_TWO, points, np.zeros(81)), (0, 1), box=(x, y)), expected
    )


def test_a_selection_finds_samples_that_are_not_drawn():
    analysis, points, _ = crowd()
    drawn = projection(analysis, (1, 0), "verdict", 230.0, most=300).rows
    found = rows_inside(analysis, (1, 0), box=((-0.01, 0.01), (-0.05, 0.0)))
    expected = [i for i, (x, y) in enumerate(points) if -0.05 <= x <= 0 and -0.01 <= y <= 0.01]
    np.testing.assert_array_equal(found, expected)
    assert len(set(found) - set(drawn)) > 100


@pytest.mark.parametrize("lasso", [None, np.empty((0, 2)), np.zeros((2, 2))])
def test_nothing_selected(scored, lasso):
    found = rows_inside(scored, (0, 1, 2), lasso=lasso)
    assert found.shape == (0,)
    assert found.dtype == np.int64


# --- contours


@pytest.mark.parametrize("bandwidth", ["scott", "silverman", 0.5])
@pytest.mark.parametrize(("k", "components"), [(2, (0, 1)), (3, (2, 0)), (4, (1, 3))])
@pytest.mark.parametrize("scaling", ["scale", "norm"])
def test_contours_are_the_exact_marginal(bandwidth, k, components, scaling):
    train = rows(150, dtype=np.float64)
    analysis = make(train, rows(20, seed=1, dtype=np.float64), k, scaling, bandwidth)
    view = contours(analysis, components)
    kde = gaussian_kde(analysis.train_coordinates.T)
    factor = {"scott": kde.scotts_factor(), "silverman": kde.silverman_factor()}.get(bandwidth)
    kde.set_bandwidth(factor or kde.scotts_factor() * bandwidth)
    marginal = kde.marginal(components)
    x, y = np.meshgrid(view.x, view.y)
    expected = marginal.logpdf(np.stack([x.ravel(), y.ravel()])).reshape(x.shape)
    np.testing.assert_allclose(view.log_density, expected, **LOG_DENSITY)

    at_train = marginal.logpdf(analysis.train_coordinates[:, components].T)
    for share, level in zip(view.shares, view.levels, strict=True):
        assert share <= (at_train >= level - 1e-9).mean() <= share + 1 / 150
    assert view.shares == (0.5, 0.9, 0.99)
    assert view.levels[0] > view.levels[1] > view.levels[2]


@pytest.mark.parametrize("n", [4, 150, 5000])
def test_contours_hold_their_share_and_close_on_the_grid(n):
    analysis = make(rows(n), score=rows(9), k=3)
    view = contours(analysis, (0, 1))
    at_train = analysis.classifier.kde_model.marginal((0, 1)).log_prob(analysis.train_coordinates[:, :2])
    for share, level in zip(view.shares, view.levels, strict=True):
        assert (at_train.numpy() >= level).mean() >= share - (0.01 if n > 2000 else 0)
    border = np.concatenate([view.log_density[[0, -1]].ravel(), view.log_density[:, [0, -1]].ravel()])
    assert border.max() < min(view.levels)
    assert view.log_density.max() > max(view.levels)


@pytest.mark.parametrize("bandwidth", [1.0, 0.1, 0.001])
def test_corners_hold_the_widest_region(bandwidth):
    analysis = make(score=rows(9), bandwidth=bandwidth)
    view = contours(analysis, (0, 1))
    train = analysis.train_coordinates[:, :2]
    within = train[analysis.classifier.kde_model.marginal((0, 1)).log_prob(train).numpy() >= view.levels[-1]]
    row, column = np.nonzero(view.log_density >= view.levels[-1])
    x = np.concatenate([within[:, 0], view.x[column]])
    y = np.concatenate([within[:, 1], view.y[row]])
    np.testing.assert_allclose(view.corners, [[x.min(), y.min()], [x.max(), y.max()]])


def test_contours_beside_a_far_outlier():
    analysis = make(score=np.vstack([rows(9), rows(1) * 1e4]))
    view = contours(analysis, (0, 1))
    assert (view.log_density > view.levels[-1]).sum() > 200


# --- scree


def test_scree_is_the_spectrum_of_the_training_rows(scored):
    lengths = np.linalg.svd(rows(120, dtype=np.float64) - rows(120).mean(0), compute_uv=False)
    view = scree(scored)
    np.testing.assert_allclose(view.shares, lengths**2 / (lengths**2).sum(), rtol=1e-5)
    np.testing.assert_allclose(view.cumulative, np.cumsum(view.shares))
    assert view.kept == 3
    assert scree(make(k=0.9)).kept == int((view.cumulative < 0.9).sum()) + 1


# --- log-density histogram


def brute_counts(scores, edges):
    counts = [0] * (len(edges) - 1)
    for score in np.asarray(scores, np.float64):
        at = next((i for i in range(len(counts)) if score < edges[i + 1]), len(counts) - 1)
        counts[at] += 1
    return counts


@pytest.mark.parametrize("threshold", [-np.inf, -20.0, -3.5, 0.0, 40.0, np.inf])
def test_histogram_counts_one_by_one(threshold):
    labels = np.array([NORMAL] * 25 + [ANOMALOUS] * 20 + [UNKNOWN] * 15, np.int8)
    analysis = make(score=rows(60, seed=1) * 3, labels=labels)
    view = histograms(analysis, threshold)
    expected = {
        "training": analysis.held_out_scores,
        "scored, normal": analysis.scores[:25],
        "scored, anomalous": analysis.scores[25:45],
        "scored, not labelled": analysis.scores[45:],
    }
    assert list(view.counts) == list(view.sizes) == list(expected)
    for name, scores in expected.items():
        assert view.counts[name].tolist() == brute_counts(scores, view.edges)
        assert view.sizes[name] == view.counts[name].sum() == len(scores)
    everything = [*analysis.held_out_scores, *analysis.scores]
    assert view.below_range == sum(score < view.edges[0] for score in everything)
    assert view.alarm_rate == pytest.approx(np.mean([s < threshold for s in analysis.held_out_scores]))
    if np.isfinite(threshold):
        assert view.edges[0] < threshold < view.edges[-1]
    assert np.isfinite(view.edges).all()
    assert len(view.edges) == 49


def test_histogram_of_training_samples_alone():
    assert list(histograms(make(), -5.0).sizes) == ["training"]
    assert list(histograms(make(score=rows(5)), -5.0).sizes) == ["training", "scored"]


def test_labelled_training_samples_beyond_the_range_are_counted_once():
    train = np.vstack([rows(300), 400 * np.ones((1, 6), np.float32)])
    labels = np.array([NORMAL] * 300 + [ANOMALOUS], np.int8)
    analysis = make(train, labels=labels)
    view = histograms(analysis, float(np.quantile(analysis.scores, 0.1)))
    assert view.sizes == {"training": 301, "scored, normal": 300, "scored, anomalous": 1}
    assert view.below_range == (analysis.scores < view.edges[0]).sum() == 1


def test_a_heavy_tail_does_not_squash_the_bulk():
    random = np.random.default_rng(0)
    train = random.normal(-3, 1, 1000)
    scores = np.concatenate([random.normal(-4, 1.5, 500), -np.geomspace(50, 1e5, 40)])
    view = histograms(with_scores(train, scores), -6.0)
    assert view.below_range == 40
    assert (view.counts["training"] > 0).sum() > 8
    assert view.counts["scored"][0] >= 40
    low, high = score_range(with_scores(train, scores))
    assert -40 < low < train.min()
    assert train.max() <= high < 10


def test_a_tail_upwards_does_not_squash_the_bulk_either():
    random = np.random.default_rng(0)
    view = histograms(with_scores(random.normal(-3, 1, 1000), [0.0, 1e5]), -6.0)
    assert (view.counts["training"] > 0).sum() > 8
    assert view.counts["scored"][-1] == 1


@pytest.mark.parametrize("threshold", [-np.inf, -2.0, 7.0, np.inf])
@pytest.mark.parametrize("value", [-2.0, -1e5, 40.0])
def test_equal_scores(value, threshold):
    view = histograms(with_scores([value] * 120, [value] * 7), threshold)
    assert (np.diff(view.edges) > 0).all()
    assert (view.counts["training"].max(), view.counts["scored"].max()) == (120, 7)
    assert view.below_range == 0


def test_two_training_rows():
    view = histograms(make(rows(2), k=1), -np.inf)
    assert view.edges[-1] - view.edges[0] == pytest.approx(1)
    assert set(view.counts) == {"scored"} and view.counts["scored"].sum() == 2  # neither can be held out
    assert view.alarm_rate is None and view.few


def test_colours_do_not_tell_apart_what_rounding_does():
    for low, high in ((0.4637647713377880, 0.4637647713377903), (-3.0, -3.0), (0.0, 0.0)):
        ends = apart(low, high)
        assert ends[0] < low <= high < ends[1]
        assert ends[1] - ends[0] == pytest.approx(abs(low) or 1.0)
    assert ends == (-0.5, 0.5)
    assert apart(1.7e9, 1.7e9 + 10) == (1.7e9, 1.7e9 + 10)  # seconds of one minute


def test_histogram_with_one_scored_sample():
    analysis = make(score=rows(1, seed=4))
    assert histograms(analysis, -3.0).counts["scored"].sum() == 1
    assert projection(analysis, (0, 1), "log density", -3.0).rows.tolist() == [0]


# --- probability curve


def test_curve_over_the_histograms_range(scored):
    curve = ProbabilityCurve(-4.0, 1.5)
    view = charts.curve_numbers(decided(scored, -4.0, curve), (-30, 5))
    assert (view.log_density[0], view.log_density[-1]) == (-30, 5)
    np.testing.assert_allclose(view.probability, 1 / (1 + np.exp(1.5 * (view.log_density + 4))))
    texts = [f"{1 / (1 + np.exp(1.5 * (float(score) + 4))):.3f}" for score in scored.scores]
    assert view.saturated == pytest.approx(np.mean([text in ("0.000", "1.000") for text in texts]))
    assert 0 < view.saturated < 1
    assert (view.threshold, view.threshold_probability) == (-4, 0.5)


@pytest.mark.parametrize(("threshold", "probability"), [(-np.inf, 1), (np.inf, 0), (12.0, 0.5)])
def test_probability_at_the_threshold(scored, threshold, probability):
    view = charts.curve_numbers(decided(scored, threshold), (-1.0, 1.0))
    assert view.threshold_probability == probability


# --- table


def test_ranking_is_a_stable_sort():
    analysis = with_scores(np.zeros(120), [3, -1, 3, -7, -1, 0])
    table = ranking(analysis, -0.5, CURVE)
    assert list(table) == ["row", "rank", "id", "log_density", "probability", "p_value", "flagged"]
    assert table["row"].tolist() == [3, 1, 4, 5, 0, 2]
    assert table["rank"].tolist() == [1, 2, 2, 4, 5, 5]
    assert table["id"].tolist() == ["id-3", "id-1", "id-4", "id-5", "id-0", "id-2"]
    assert table["log_density"].tolist() == [-7, -1, -1, 0, 3, 3]
    assert table["flagged"].tolist() == [True, True, True, False, False, False]
    expected = 1 / (1 + np.exp(0.05 * (table["log_density"] - 12)))
    np.testing.assert_allclose(table["probability"], expected, rtol=1e-6)
    assert table.index.tolist() == list(range(6))


def test_equal_scores_have_the_same_rank_in_the_table_and_alone():
    analysis = with_scores(np.zeros(120), [3, -np.inf, 3, -np.inf, -1, 3])
    table = ranking(analysis, 0.0, CURVE)
    alone = [sample_view(analysis, row, 0.0, CURVE).rank for row in table["row"]]
    assert table["rank"].tolist() == alone == [1, 1, 3, 4, 4, 4]


def test_ranking_says_labels_in_words_and_brings_the_metadata(described):
    table = ranking(described, 0.0, CURVE)
    words = ["normal", "anomalous", "not labelled", "normal"]
    assert table["label"].tolist() == [words[row] for row in table["row"]]
    for column in METADATA:
        shown = table[str(column)]
        assert shown.dtype == METADATA[column].dtype
        expected = METADATA[column].iloc[table["row"]].reset_index(drop=True)
        pd.testing.assert_series_equal(shown, expected, check_names=False)
    ours = ["row", "rank", "id", "label", "log_density", "probability", "p_value", "flagged"]
    assert list(table) == [*ours, *map(str, METADATA.columns)]
    assert not table[ours].isna().any().any()


def test_metadata_columns_named_like_ours_stay_apart():
    names = ["id", "id_in_file", "rank", "rank", 7]
    metadata = pd.DataFrame([list("abcde")] * 3, columns=names, index=[9, 9, 9])
    table = ranking(make(score=rows(3), metadata=metadata), 0.0, CURVE)
    extra = ["id_in_file", "id_in_file_in_file", "rank_in_file", "rank_in_file_in_file", "7"]
    assert list(table)[-5:] == extra
    assert table[extra].iloc[0].tolist() == list("abcde")
    assert table.columns.is_unique


def test_ranking_does_not_share_the_callers_metadata(described):
    before = METADATA.copy(deep=True)
    table = ranking(described, 0.0, CURVE)
    table.loc[:, "count"] = 0
    pd.testing.assert_frame_equal(METADATA, before)


def test_ranking_has_no_nan_with_infinite_scores():
    table = ranking(with_scores(np.zeros(120), [-np.inf, 0, -1e5]), np.inf, CURVE)
    assert table["probability"].tolist()[0] == 1
    assert not table.isna().any().any()
    assert table["flagged"].all()


# --- one sample


def test_sample_view_counts_one_by_one(described):
    threshold = float(np.median(described.scores))
    for row in range(4):
        view = sample_view(described, row, threshold, CURVE)
        score = described.scores[row]
        assert view.rank == 1 + sum(other < score for other in described.scores)
        assert (view.name, view.total, view.log_density) == (f"id-{row}", 4, float(score))
        assert view.label == ["normal", "anomalous", "not labelled", "normal"][row]
        assert view.flagged == (score < threshold) == (view.above_threshold < 0)
        assert view.probability == pytest.approx(1 / (1 + np.exp(0.05 * (float(score) - 12))), rel=1e-6)
        assert view.more_unusual_than == pytest.approx(
            np.mean([t > score for t in described.held_out_scores])
        )


def test_sample_view_without_labels(scored):
    assert sample_view(scored, 0, 0.0, CURVE).label == ""
