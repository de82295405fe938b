"""Ranks in float32 are those of float64, however wide or narrow the kernels are."""

import numpy as np
import oracles
import pytest
import torch
from scipy.stats import rankdata, spearmanr

from kdeviz.analysis.analyse import analyse
from kdeviz.decision import ThresholdRule, decide
from kdeviz.model.classifier import KDEClassifier
from kdeviz.settings import Settings

FACTORS = [1e-3, 1e-2, 0.1, 1.0, 5.0, 10.0, 30.0, 100.0, 1000.0]
N, M, D = 300, 200, 12
ULPS = 4
"""Of float32: scores that are closer than this may trade places."""


def rows(n, seed):
    random = np.random.default_rng(seed)
    spread = np.arange(1, D + 1) ** -0.6 * 40
    return (random.normal(size=(n, D)) * spread + random.normal(size=(n, D)) ** 2 + 7).astype(np.float32)


TRAIN, NEW = rows(N, 0), rows(M, 1)
NEW[: M // 8] *= 1.5
ANOMALOUS = np.arange(M) < M // 8


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("method", ["scale", "norm"])
def test_ranks_are_those_of_float64(method, k, factor):
    if method == "norm" and k == 1:
        k = 2
    settings = Settings(k, method, bandwidth=factor)
    single, double = (analyse(TRAIN.astype(kind), NEW.astype(kind), settings) for kind in ("f4", "f8"))
    for one, other in (
        (single.scores, double.scores),
        (single.held_out_scores, double.held_out_scores),
    ):
        moved = np.abs(rankdata(one) - rankdata(other))
        assert moved.max() <= 1 and spearmanr(one, other).statistic > 1 - 1e-5
        for row in np.flatnonzero(moved):  # only where two scores are the same but for rounding
            gaps = np.delete(np.abs(other - other[row]), row)
            assert gaps.min() < ULPS * np.spacing(np.float32(np.abs(other).max()))
    separations = [
        oracles.auroc(each.scores[~ANOMALOUS], each.scores[ANOMALOUS]) for each in (single, double)
    ]
    assert abs(separations[0] - separations[1]) < 2e-4
    flagged = [decide(each, ThresholdRule("quantile", 0.1)).n_flagged for each in (single, double)]
    assert flagged[0] == flagged[1]


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("method", ["scale", "norm"])
def test_ranks_are_those_of_the_slow_formulas(method, factor):
    model = KDEClassifier(3, method, bandwidth=factor)
    model.fit(TRAIN)
    # The model's own rows too; under narrow kernels nothing but their own one is left, in any precision.
    for given in (NEW, TRAIN) if factor >= 1 else (NEW,):
        expected = oracles.Classifier(TRAIN, 3, method, factor).log_density(given)
        scores = model.log_density(given).numpy()
        np.testing.assert_allclose(scores, expected, **oracles.LOG_DENSITY)
        moved = np.abs(rankdata(scores) - rankdata(expected))
        # At the wide end the formulas themselves round away the last digits of differences.
        assert np.quantile(moved, 0.9) <= 1


def test_scores_of_usual_kernels_stay_in_float32():
    for factor in ("scott", "silverman", 1e-3, 0.3, 2.0):
        model = KDEClassifier(3, bandwidth=factor)
        model.fit(TRAIN)
        assert model.log_density(NEW).dtype == model.result_dtype == torch.float32
        assert model.kernel == "fused attention"


def test_rows_that_one_far_row_makes_look_alike_are_ranked_too():
    far = TRAIN.copy()
    far[0] *= 1e6
    single, double = (KDEClassifier(3) for _ in range(2))
    single.fit(far)
    double.fit(far.astype(np.float64))
    one, other = single.log_density(NEW).numpy(), double.log_density(NEW.astype(np.float64)).numpy()
    assert spearmanr(one, other).statistic > 1 - 1e-6


def test_a_model_with_wide_kernels_comes_back_from_its_file(tmp_path):
    model = KDEClassifier(3, bandwidth=300.0)
    model.fit(TRAIN)
    model.save(tmp_path / "wide.safetensors")
    again = KDEClassifier.load(tmp_path / "wide.safetensors", "cpu")
    assert again.result_dtype == torch.float64
    np.testing.assert_array_equal(again.log_density(NEW), model.log_density(NEW))


@pytest.mark.parametrize(("n", "k"), [(100, 8), (300, 4), (800, 16)])
@pytest.mark.parametrize(
    ("factor", "told"), [(0.1, False), (1.0, False), (3.0, False), (10.0, True), (100.0, True)]
)
def test_a_bandwidth_that_covers_everything_is_told(n, k, factor, told):
    rows = np.random.default_rng(n).normal(size=(n, 20))
    warnings = analyse(rows, None, Settings(k, bandwidth=factor)).warnings
    assert any("the bandwidth is so wide" in warning for warning in warnings) == told
