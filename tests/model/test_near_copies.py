"""Near copies are held out together, as equal rows are: they are no more independent."""

import numpy as np
import oracles
import pytest
import torch

from kdeviz import EmbeddingSet, Settings, ThresholdRule, analyse, decide
from kdeviz.analysis import analysis_of_model
from kdeviz.batch import score_file
from kdeviz.data import Rows, load_sample, row_keys
from kdeviz.model import KDEClassifier, near_points
from kdeviz.model.folds import copies
from kdeviz.output import export, model_format
from kdeviz.sweep import Grid, best, sweep

DEVIATIONS = np.arange(1, 21) ** -0.5


def drawn(n, seed=0, d=20):
    return np.random.default_rng(seed).standard_normal((n, d)) * DEVIATIONS[:d]


def each_three_times(n, noise, seed=0, kind=np.float32, rows=drawn, times=3):
    rows = np.repeat(rows(n, seed), times, axis=0)
    return (rows + noise * np.random.default_rng(9).standard_normal(rows.shape)).astype(kind)


def heavy_tails(n, seed):
    return np.random.default_rng(seed).standard_t(3, (n, 20)) * DEVIATIONS


def moved_apart(n, seed):
    rows = drawn(n, seed)
    rows[::2] += 30
    return rows


ORDINARY = {
    "normal": drawn,
    "heavy tails": heavy_tails,
    "far groups": moved_apart,
    "integers": lambda n, seed: np.random.default_rng(seed).poisson(2, (n, 20)),
    "few integers": lambda n, seed: np.random.default_rng(seed).integers(0, 3, (n, 20)),
    "no negative numbers": lambda n, seed: np.maximum(drawn(n, seed), 0),
    "a curve": lambda n, seed: (
        np.sin(np.random.default_rng(seed).uniform(0, 6, (n, 1)) * np.arange(1, 21) / 3)
        + 0.001 * drawn(n, seed)
    ),
    "tight clusters": lambda n, seed: drawn(10, 1)[np.arange(n) % 10] + 0.01 * drawn(n, seed),
}


@pytest.mark.parametrize("noise", [1e-6, 1e-3, 0.03])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_alarm_budget_holds_with_near_copies(noise, kind):
    """Held out without its near copies, 30 % of new normal rows were flagged at a budget of 5 %."""
    shares, told = [], set()
    for seed in range(6):
        rows, new = each_three_times(200, noise, seed, kind), drawn(2000, 100 + seed).astype(kind)
        decision = decide(analyse(rows, new, Settings(4), "cpu"), ThresholdRule("quantile", 0.05))
        shares.append(decision.flagged.mean())
        told.update(decision.analysis.warnings)
        assert 0.035 < decision.expected_alarms.rate <= 0.05
        assert 180 <= decision.expected_alarms.rows <= 320  # 200 are independent
    assert 0.035 < np.mean(shares) < 0.065
    assert all("training rows are near copies of others" in note for note in told)


@pytest.mark.parametrize(("n", "times"), [(120, 7), (120, 20), (120, 40), (40, 10), (30, 3)])
def test_there_may_be_many_copies_of_each_or_few_rows(n, times):
    """Of more than six copies, or of 90 rows, none were found, and half of all new rows were flagged."""
    shares = []
    for seed in range(4):
        rows, new = each_three_times(n, 1e-3, seed, times=times), drawn(2000, 100 + seed).astype(np.float32)
        decision = decide(analyse(rows, new, Settings(4), "cpu"), ThresholdRule("quantile", 0.05))
        model = decision.analysis.classifier
        assert len(np.unique(model.copies)) == n
        assert (np.ptp(model.copies.reshape(n, times), axis=1) == 0).all()
        shares.append(decision.flagged.mean())
    assert np.mean(shares) < 0.09, shares


def test_of_thousands_a_part_tells_how_far_apart_points_are():
    rows = each_three_times(3000, 1e-3)
    model = analyse(rows, None, Settings(4), "cpu").classifier
    groups = model.copies.reshape(3000, 3)
    assert (np.ptp(groups, axis=1) == 0).all()
    assert len(np.unique(groups)) > 2800  # some are near others by chance


def test_another_component_count_finds_the_same_near_copies_and_takes_no_pca(decomposed):
    train = EmbeddingSet.from_array(each_three_times(300, 1e-4), "rows")
    for k in (6, 8, 5):
        analyse(train, None, Settings(k), "cpu")
    assert len(decomposed) == 2  # with equal rows together, then with near copies


def test_scores_are_those_of_models_without_the_near_copies():
    rows = each_three_times(50, 1e-3, kind=np.float64)
    analysis = analyse(rows, None, Settings(4), "cpu")
    folds = analysis.classifier.folds
    assert (folds.reshape(50, 3) == folds[::3, None]).all()
    assert 8 <= len(np.unique(folds)) <= 10
    np.testing.assert_allclose(analysis.held_out_scores, oracles.held_out(rows, folds, 4), atol=1e-6)


@pytest.mark.parametrize("scaling", ["scale", "norm"])
@pytest.mark.parametrize(("n", "k"), [(100, 8), (600, 2), (600, 16)])
@pytest.mark.parametrize("name", ORDINARY)
def test_rows_of_ordinary_data_are_no_near_copies(name, n, k, scaling):
    rows = ORDINARY[name](n, 3).astype(np.float32)
    model = analyse(rows, None, Settings(k, scaling), "cpu").classifier
    assert not model.training_groups.numel()
    np.testing.assert_array_equal(model.copies, copies(row_keys(Rows(rows))))


@pytest.mark.parametrize("scaling", ["scale", "norm"])
@pytest.mark.parametrize("k", [2, 4, 16, 32])
@pytest.mark.parametrize("name", ["digits", "sentences", "breast_cancer"])
def test_samples_of_one_kind_are_no_near_copies_of_those_of_a_fit(name, k, scaling):
    analysis = analyse(*load_sample(name).train_and_test(), Settings(k, scaling), "cpu")
    assert not analysis.classifier.training_groups.numel()
    assert not any("near copies" in note for note in analysis.warnings)


@pytest.mark.parametrize("n", [0, 1, 2, 47])
def test_of_few_rows_nothing_is_said(n):
    rows = each_three_times(16, 1e-3)[: max(n, 6)]
    assert not analyse(rows, None, Settings(2), "cpu").classifier.training_groups.numel()


def test_order_does_not_matter():
    rows = each_three_times(100, 1e-3)
    order = np.random.default_rng(0).permutation(300)
    one, other = (analyse(each, None, Settings(4), "cpu") for each in (rows, rows[order]))
    np.testing.assert_array_equal(other.classifier.folds, one.classifier.folds[order])


def test_the_model_file_keeps_them(tmp_path):
    rows, new = each_three_times(100, 1e-3), drawn(50, 1)
    decision = decide(analyse(rows, new, Settings(4), "cpu"))
    decision.fitted_model.save(tmp_path / "m.safetensors")
    model = KDEClassifier.load(tmp_path / "m.safetensors", "cpu")
    assert torch.equal(model.training_groups, decision.analysis.classifier.training_groups)
    np.testing.assert_array_equal(model.folds, decision.analysis.classifier.folds)
    np.testing.assert_array_equal(model.copies, decision.analysis.classifier.copies)


def test_a_sweep_without_labels_is_not_drawn_to_the_narrowest_bandwidth():
    train = EmbeddingSet.from_array(each_three_times(200, 1e-4), "near copies")
    found = sweep(train, None, Grid((4,), ("scale",), (40000,), (0.001, 0.01, 0.1, "scott"), (0,)))
    assert best(found).best.settings.bandwidth == "scott"


def test_a_sweep_judges_a_cap_by_rows_that_it_has_not_seen():
    """Of near copies a cap leaves some out, and these are no more news to its model than equal rows are."""
    equal, near = (
        sweep(
            EmbeddingSet.from_array(rows, "rows"), None, Grid((4,), ("scale",), (200, 1200), ("scott",), (0,))
        )
        for rows in (each_three_times(400, 0.0), each_three_times(400, 1e-4))
    )
    for one, other in zip(equal.rows, near.rows, strict=True):
        assert other.log_density.value == pytest.approx(one.log_density.value, abs=0.03)


def test_groups_that_lie_far_apart_are_offered_a_bandwidth_that_copies_do_not_choose():
    rows = each_three_times(100, 1e-5, rows=moved_apart)
    once = analyse(moved_apart(100, 0), None, Settings(4), "cpu").groups
    thrice = analyse(rows, None, Settings(4), "cpu").groups
    assert once.offer.changes["bandwidth"] / thrice.offer.changes["bandwidth"] < 4


ROUNDED = {
    "float16": lambda rows: rows.astype(np.float16),
    "three digits": lambda rows: np.round(rows.astype(np.float64), 3),
    "six digits, and twice as many new rows": lambda rows: np.concatenate(
        [np.round(rows.astype(np.float64), 6), drawn(2 * len(rows), 8)]
    ),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_training_rows_that_were_rounded_are_told(name, tmp_path):
    """They are not recognised, and none of them was flagged without a word."""
    rows = drawn(300).astype(np.float32)
    analysis, other = (
        analyse(rows, each, Settings(6), "cpu") for each in (ROUNDED[name](rows), drawn(300, 8))
    )
    how_many = "many" if "new rows" in name else "nearly all"
    note = f"{how_many} of the scored rows are near copies of rows that the model was fitted on"
    assert [note in each for each in analysis.warnings] == [True]
    assert not other.warnings
    opened = analysis_of_model(analysis.classifier, analysis.inspected)
    assert opened.warnings[1:] == analysis.warnings  # after what is said of names
    np.save(tmp_path / "rows.npy", ROUNDED[name](rows))
    scored = score_file(analysis.classifier, tmp_path / "rows.npy", tmp_path / "s.parquet")
    assert opened.warnings[-1] in scored.notes


def test_a_script_without_torch_counts_near_copies_once(tmp_path):
    decision = decide(analyse(each_three_times(100, 1e-3), drawn(50, 1), Settings(4), "cpu"))
    done = export(decision, model_format("numpy"), tmp_path / "m.py")
    assert len(decision.analysis.calibration) < 150
    assert done.verification.max_p_value_difference == 0


def test_near_copies_that_a_cap_left_out_are_told():
    rows = each_three_times(300, 1e-4)
    told = analyse(rows, None, Settings(4, max_training_points=450), "cpu").warnings
    assert any("of the others are near copies of rows that the model was fitted on" in note for note in told)
    once = analyse(drawn(900), None, Settings(4, max_training_points=450), "cpu")
    assert not once.warnings


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_card_finds_the_same_near_copies():
    """They were looked for on the CPU, wherever the model was."""
    rows, new = each_three_times(300, 1e-3), drawn(50, 7).astype(np.float32)
    seen = np.concatenate([new, rows[:200] + np.float32(1e-4)])
    found = []
    for device in ("cpu", "cuda"):
        analysis = analyse(rows, seen, Settings(4), device)
        model = analysis.classifier
        assert model.training_groups.device.type == model.kde_model.dataset.device.type == device
        found.append((model.training_groups.cpu(), near_points(model, seen), analysis.warnings[:1]))
    (groups, points, words), (groups_there, points_there, words_there) = found
    assert torch.equal(groups, groups_there)
    np.testing.assert_array_equal(points, points_there)
    assert words == words_there
    assert (points[50:] >= 0).mean() > 0.9
