from dataclasses import replace

import numpy as np
import pytest
import torch
from held_out_steps import calibrated

from kdeviz.analysis.analyse import analyse
from kdeviz.analysis.opened import analysis_of_model
from kdeviz.analysis.scoring import known_note, known_points, log_densities, points_at, rows_fitted_on
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.samples import load_sample
from kdeviz.errors import DataError
from kdeviz.model.classifier import KDEClassifier
from kdeviz.settings import Settings


@pytest.fixture(scope="module")
def sample():
    return load_sample()


@pytest.fixture(scope="module")
def sample_analysis(sample):
    return analyse(*sample.train_and_test(), device="cpu")


def blob(rows=80, dtype=np.float32):
    features = np.random.default_rng(0).normal(size=(rows, 6)).astype(dtype)
    return EmbeddingSet.from_array(features, "blob")


def fitted(data, most=40000):
    model = KDEClassifier(3, max_training_points=most)
    assert model.fit(data.features)
    return calibrated(model, data.features)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("most", [80, 50])
def test_rows_of_the_fit_have_their_held_out_scores(most, dtype):
    data = blob(dtype=dtype)
    model = fitted(data, most)
    used = rows_fitted_on(model, data)
    np.testing.assert_array_equal(used, model.training_rows)
    others = np.setdiff1d(np.arange(80), used)
    scores = log_densities(model, data, known_points(model, data))
    assert scores.dtype == dtype
    np.testing.assert_array_equal(scores[used], model.held_out_scores)
    np.testing.assert_allclose(scores[others], model.log_density(data.features)[others], rtol=1e-5)


@pytest.mark.parametrize("most", [80, 50])
def test_it_is_what_analyse_says(most):
    said = analyse(blob(), settings=Settings(3, max_training_points=most), device="cpu")
    scores = log_densities(said.classifier, blob(), known_points(said.classifier, blob()))
    np.testing.assert_array_equal(scores, said.scores)


def test_rows_of_the_fit_are_found_by_the_split(sample, sample_analysis):
    train = sample.split == "train"
    used = rows_fitted_on(sample_analysis.classifier, sample)
    np.testing.assert_array_equal(used, np.flatnonzero(train))
    scores = log_densities(sample_analysis.classifier, sample, points_at(used, len(sample)))
    np.testing.assert_array_equal(scores[train], sample_analysis.held_out_scores)
    np.testing.assert_array_equal(scores[~train], sample_analysis.scores)


def test_rows_of_another_fit_are_not_taken_for_ours(sample, sample_analysis):
    changed = replace(sample, features=sample.features + np.float32(1))
    for other in (changed, replace(changed, split=None)):
        used = rows_fitted_on(sample_analysis.classifier, other)
        assert len(used) == 0
    scores = log_densities(
        sample_analysis.classifier, changed, known_points(sample_analysis.classifier, changed)
    )
    np.testing.assert_array_equal(scores, sample_analysis.classifier.log_density(changed.features))


SPLITS = {"no split": None, "split": np.where(np.arange(80) % 3 == 2, "test", "train")}


def labelled(split):
    """80 rows of each label in turn, and which of them are normal or unknown training rows."""
    labels = np.resize([NORMAL, ANOMALOUS, UNKNOWN, NORMAL, NORMAL], 80).astype(np.int8)
    train = np.ones(80, bool) if split is None else split == "train"
    return replace(blob(), labels=labels, split=split), train & (labels != ANOMALOUS)


@pytest.mark.parametrize("most", [80, 20])
@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_a_model_fitted_without_the_labelled_anomalies_is_recognised(split, most):
    data, fit = labelled(split)
    model = fitted(data.take(fit), most)
    used = rows_fitted_on(model, data)
    np.testing.assert_array_equal(used, np.flatnonzero(fit)[model.training_rows])
    scores = log_densities(model, data, known_points(model, data))
    np.testing.assert_array_equal(scores[used], model.held_out_scores)
    others = np.setdiff1d(np.arange(80), used)
    np.testing.assert_array_equal(scores[others], model.log_density(data.features[others]))


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_excluded_rows_are_recognised_whatever_their_labels(split):
    data = replace(labelled(split)[0], excluded=np.arange(80) % 7 == 0)
    fit = (~data.excluded) if split is None else ~data.excluded & (split == "train")
    model = fitted(data.take(fit))
    np.testing.assert_array_equal(rows_fitted_on(model, data), np.flatnonzero(fit))
    said = analyse(*data.train_and_test(), settings=Settings(3), device="cpu")
    used = rows_fitted_on(said.classifier, data)
    np.testing.assert_array_equal(used, np.flatnonzero(fit))
    scores = log_densities(said.classifier, data, known_points(said.classifier, data))
    np.testing.assert_array_equal(scores[fit], said.held_out_scores)
    inspected = np.ones(80, bool) if split is None else ~fit
    np.testing.assert_array_equal(scores[inspected], said.scores)


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_a_model_fitted_on_some_other_rows_is_not_recognised(split):
    data, fit = labelled(split)
    fit[np.flatnonzero(fit)[0]] = False
    assert len(rows_fitted_on(fitted(data.take(fit)), data)) == 0


def test_labels_that_are_all_anomalous_or_none_are_no_obstacle():
    model = fitted(blob())
    for labels in (np.full(80, ANOMALOUS, np.int8), np.full(80, NORMAL, np.int8)):
        np.testing.assert_array_equal(rows_fitted_on(model, replace(blob(), labels=labels)), np.arange(80))
        assert len(rows_fitted_on(model, replace(blob(), labels=labels, features=blob().features + 1))) == 0


def test_known_scores_are_used_as_they_are():
    data = blob()
    model = fitted(data, 50)
    used, known = rows_fitted_on(model, data), torch.arange(50, dtype=torch.float32)
    model.held_out_scores = known
    np.testing.assert_array_equal(log_densities(model, data, points_at(used, 80))[used], known)


def test_progress_never_falls_back_and_counts_the_rows_to_score(monkeypatch):
    monkeypatch.setattr("kdeviz.data.rows._BLOCK_BYTES", 0)
    monkeypatch.setattr("kdeviz.data.rows._FEWEST_ROWS", 8)
    data = blob()
    model, told = fitted(data, 50), []
    log_densities(model, data, known_points(model, data), lambda *progress: told.append(progress))
    assert told == [(rows, 30) for rows in (8, 16, 24, 30)]


def test_a_row_that_is_not_finite_is_named_by_its_own_number():
    data = blob()
    model = fitted(data.take(np.arange(60)))
    broken = data.features.copy()
    broken[70, 2] = np.nan
    with pytest.raises(DataError, match="rows 70"):
        log_densities(model, EmbeddingSet.from_array(broken), points_at(np.arange(60), 80))
    assert torch.isfinite(model.log_density(data.features)).all()


# --- rows of the fit among others


@pytest.mark.parametrize("stored", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("most", [400, 300])
def test_training_rows_are_known_by_content_wherever_they_stand(dtype, stored, most):
    data, rng = blob(400, dtype), np.random.default_rng(1)
    model = fitted(data, most)
    left_out = dict(zip(model.training_rows.tolist(), model.held_out_scores.tolist(), strict=True))
    order = rng.permutation(np.resize(np.arange(150), 200))
    strange = rng.normal(size=(70, 6)).astype(dtype)
    merged = np.concatenate([data.features[order], strange]).astype(stored)
    new = EmbeddingSet.from_array(merged)
    points = known_points(model, new)
    plain = model.log_density(merged).numpy()
    expected = [left_out.get(row, plain[i]) for i, row in enumerate([*order, *[-1] * 70])]
    np.testing.assert_allclose(log_densities(model, new, points), expected, rtol=1e-5)
    known = sum(row in left_out for row in order)
    found = f"the model was fitted on {known} of these 270 rows"
    assert known_note(model, points) == f"{found}: each is scored by a model that has not seen it"


def test_rows_of_a_model_without_keys_are_known_when_all_are_there():
    data, model = blob(), fitted(blob(), 50)
    model.training_keys = torch.empty(0, 2, dtype=torch.int64)
    np.testing.assert_array_equal(known_points(model, data)[model.training_rows], np.arange(50))
    assert (known_points(model, data) >= 0).sum() == 50
    shuffled = data.take(np.arange(80)[::-1])
    assert known_note(model, known_points(model, shuffled)) is None


@pytest.mark.parametrize("most", [80, 50])
def test_scoring_the_training_rows_is_scoring_nothing_else(most):
    settings = Settings(3, max_training_points=most)
    once = analyse(blob(), settings=settings, device="cpu")
    twice = analyse(blob(), blob(), settings, device="cpu")
    np.testing.assert_array_equal(twice.scores, once.scores)
    assert (
        f"the model was fitted on {most} of these 80 rows: each is scored by a model that has not seen it"
        in twice.warnings
    )
    assert not any("of these" in warning for warning in once.warnings)


def test_a_copy_beyond_the_cap_is_scored_as_its_twin():
    features = np.repeat(blob(100).features, 2, axis=0)
    said = analyse(features, settings=Settings(3, max_training_points=60), device="cpu")
    np.testing.assert_allclose(
        said.scores[known_points(said.classifier, said.train) >= 0],
        said.held_out_scores[
            known_points(said.classifier, said.train)[known_points(said.classifier, said.train) >= 0]
        ],
        rtol=1e-5,
    )


# --- columns by name


def named(*names, rows=80):
    features = blob(rows).features[:, : len(names)]
    return replace(EmbeddingSet.from_array(features, "-".join(names)), feature_names=names)


def test_columns_are_matched_by_name():
    train = named("a", "b", "c")
    new = train.take_columns(np.array([2, 0, 1]))
    said = analyse(train, new, Settings(2), device="cpu")
    assert said.classifier.feature_names == ("a", "b", "c")
    np.testing.assert_array_equal(said.scores, said.held_out_scores)
    assert any("another order" in warning for warning in said.warnings)
    np.testing.assert_array_equal(said.inspected.features, train.features)
    with pytest.raises(DataError, match=r"no column of numbers .c.*.d."):
        analyse(train, named("a", "b", "d"), Settings(2), device="cpu")


@pytest.mark.parametrize("fit_is_named", [True, False])
def test_a_warning_says_when_only_the_position_is_left(fit_is_named):
    sides = named("a", "b", "c"), replace(named("a", "b", "c"), feature_names=None)
    train, new = sides if fit_is_named else sides[::-1]
    said = analyse(train, new, Settings(2), device="cpu")
    assert any("matched by position" in warning for warning in said.warnings)


@pytest.mark.parametrize("most", [60, 200])
def test_of_equal_rows_that_were_fitted_on_each_is_its_own_point(most):
    """And a copy that was not fitted on is one of theirs."""
    rows = np.concatenate([blob().features, blob().features])
    found = analyse(rows, None, Settings(3, max_training_points=most), device="cpu")
    np.testing.assert_array_equal(found.points[found.fitted_on], np.arange(len(found.fitted_on)))
    others = np.setdiff1d(np.arange(160), found.fitted_on)
    assert len(others) == max(160 - most, 0)
    for row in others:
        point = found.points[row]
        twins = [i for i in (row % 80, row % 80 + 80) if i in found.fitted_on]
        assert point == -1 if not twins else found.fitted_on[point] in twins


def test_an_older_model_whose_rows_are_near_copies_says_so_once_they_are_found():
    rows = np.repeat(blob(100).features, 3, axis=0)
    rows += 1e-4 * np.random.default_rng(1).standard_normal(rows.shape).astype(np.float32)
    older = KDEClassifier(3)
    assert older.fit(rows)
    older.training_keys = torch.empty(0, 2, dtype=torch.int64)
    told = analysis_of_model(older, EmbeddingSet.from_array(rows)).warnings
    expected = analyse(rows, settings=Settings(3), device="cpu").warnings
    assert [note for note in told if "are near copies of others" in note] == list(expected)
