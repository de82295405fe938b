"""One probability: what `predict` says is what decisions, tables and files hold, to the last bit."""

import io

import numpy as np
import oracles
import pandas as pd
import pytest
import torch

from kdeviz.analysis.analyse import analyse
from kdeviz.charts.picked import picked_numbers
from kdeviz.decision import decide, ranking, sample_view
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.scores import score_bytes, scores_table
from kdeviz.settings import Settings

CURVES = [ProbabilityCurve(), ProbabilityCurve(-60.0, 2.5), ProbabilityCurve(-2000.0, 0.3)]
TAILS = [-700.0, -321.0, -62.0, -30.0, -17.26, -1.0, 0.0, 1.0, 17.26, 30.0, 62.0, 87.0, 300.0, 700.0]


@pytest.fixture(scope="module", params=["float32", "float64"])
def analysis(request):
    random = np.random.default_rng(0)
    rows = random.normal(size=(200, 6))
    scored = random.normal(size=(97, 6)) * np.geomspace(0.1, 60, 97)[:, None]
    return analyse(rows.astype(request.param), scored.astype(request.param), Settings(4))


@pytest.mark.parametrize("curve", CURVES)
def test_the_same_everywhere(analysis, curve):
    model, features = analysis.classifier, analysis.inspected.features
    model.curve = curve
    predicted = model.predict(features).cpu().numpy()
    decision = decide(analysis, curve=curve)
    expected = oracles.probability(analysis.scores, curve.midpoint, curve.steepness)
    rtol, smallest = 1e-6 if predicted.dtype == "f4" else 1e-11, np.finfo(predicted.dtype).tiny
    np.testing.assert_allclose(predicted, expected, rtol=rtol, atol=smallest)
    for found in (
        decision.probabilities,
        model.predict(torch.from_numpy(features)).cpu().numpy(),
        np.concatenate([curve(analysis.scores[i : i + 1]) for i in range(len(features))]),
        scores_table(decision).frame["probability"].to_numpy(),
        ranking(decision).sort_values("row")["probability"].to_numpy(),
        pd.read_parquet(io.BytesIO(score_bytes(decision, ".parquet")))["probability"].to_numpy(),
    ):
        assert found.dtype == predicted.dtype
        np.testing.assert_array_equal(found, predicted)
    text = pd.read_csv(io.BytesIO(score_bytes(decision, ".csv")))
    np.testing.assert_array_equal(text["probability"].to_numpy().astype(predicted.dtype), predicted)
    for row in (0, 50, 96):
        assert sample_view(decision, row).probability == predicted[row]
        assert picked_numbers(decision, row).probability == predicted[row]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_tails_keep_their_digits(dtype):
    odds = np.array(TAILS)
    scores = (ProbabilityCurve().midpoint - odds / ProbabilityCurve().steepness).astype(dtype)
    exact = np.array([float(1 / (1 + np.exp(np.longdouble(0.05) * (np.longdouble(s) - 12)))) for s in scores])
    found = ProbabilityCurve()(scores)
    assert found.dtype == scores.dtype
    tiny = np.finfo(dtype).tiny
    np.testing.assert_allclose(found, exact, rtol=2 * np.finfo(dtype).eps + 1e-13, atol=tiny)
    np.testing.assert_array_equal(ProbabilityCurve()(torch.from_numpy(scores)).numpy(), found)
    assert (found[exact > 10 * tiny] > 0).all()
    # The other end: what is missing to 1.
    assert ProbabilityCurve()(np.array([-300.0]))[0] < 1 == ProbabilityCurve()(np.array([-2000.0]))[0]
