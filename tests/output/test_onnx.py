"""The ONNX export against ONNX Runtime itself."""

import json
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from oracles import LOG_DENSITY

from kdeviz import KDEClassifier, Settings, analyse, decide
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.decision.p_values import p_values
from kdeviz.decision.rules import ThresholdRule
from kdeviz.errors import OptionError
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.formats.export import export
from kdeviz.output.formats.native import decision_of_model
from kdeviz.output.formats.onnx_file import Onnx, onnx_bytes
from kdeviz.output.formats.probes import synthetic_rows

CURVE = ProbabilityCurve(20.0, 0.1)
RULE = ThresholdRule("quantile", 0.05)


def rows_of(kind, n=600, d=96, seed=0):
    """Training rows, of which the last two kinds leave float32 few digits for what is near."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d)) * 10.0 ** (-1.5 * np.arange(d) / d)
    if kind == "heavy":
        rows *= np.abs(rng.standard_t(1.5, size=(n, 1)))
    if kind == "far":
        rows = rows / 100 + 100
        rows[0] += 1e4 * (rows[0] - 100)
    return rows.astype(np.float32)


def decided(kind="plain", k=16, scaling="scale", **options):
    data = EmbeddingSet.from_array(rows_of(kind, **options))
    return decide(analyse(data, settings=Settings(k, scaling), device="cpu"), RULE, CURVE)


def session_of(decision):
    return onnxruntime.InferenceSession(onnx_bytes(decision), providers=["CPUExecutionProvider"])


def outputs(session, rows):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"features": np.asarray(rows, np.float32)}), strict=True))


def queries(decision, m):
    """m rows from the densest place down to -3000 nats, and some training rows."""
    model = decision.analysis.classifier
    rows = np.concatenate([decision.analysis.train.features[:200], synthetic_rows(model, seed=1)])
    rows = rows[model.log_density(rows).numpy() > -3000]
    return rows[np.random.default_rng(0).integers(0, len(rows), m)]


@pytest.mark.parametrize("kind", ["plain", "heavy", "far"])
@pytest.mark.parametrize("scaling", ["scale", "norm"])
@pytest.mark.parametrize("k", [2, 16, 64])
def test_scores_are_ours_in_batches_of_any_size(kind, scaling, k):
    decision = decided(kind, k, scaling)
    session = session_of(decision)
    for m in (0, 1, 7, 4096):
        rows = queries(decision, m)
        found = outputs(session, rows)
        truth = decision.analysis.classifier.log_density(rows.astype(np.float64)).numpy()
        np.testing.assert_allclose(found["log_density"], truth, **LOG_DENSITY)
        assert [values.shape for values in found.values()] == [(m,)] * 4
    if scaling == "scale":
        assert truth.min() < -2500


def test_what_it_says_beside_the_log_density():
    decision = decided()
    found = outputs(session_of(decision), queries(decision, 500))
    scores = found["log_density"]
    np.testing.assert_allclose(found["p_value"], p_values(decision.analysis.calibration, scores), rtol=1e-6)
    np.testing.assert_allclose(found["probability"], CURVE(scores), atol=1e-6)
    np.testing.assert_array_equal(found["is_anomalous"], scores < np.float32(decision.threshold))
    assert 0 < found["is_anomalous"].sum() < 500
    assert found["is_anomalous"].dtype == bool


@pytest.mark.parametrize("c", [2, 3, 4, 7, 8, 9])
def test_p_values_with_any_number_of_held_out_scores(c):
    model = KDEClassifier(1)
    rows = np.arange(2.0 * c).reshape(c, 2) ** 1.5
    model.fit(rows)
    model.held_out_scores = model.log_density(rows)
    decision = decision_of_model(model)
    asked = np.linspace(-5, 2 * c + 5, 60)[:, None] * [1, 1]
    found = outputs(session_of(decision), asked)
    calibration = decision.analysis.calibration.astype(np.float32)
    np.testing.assert_allclose(found["p_value"], p_values(calibration, found["log_density"]), rtol=1e-6)


def test_a_model_without_held_out_scores_has_no_p_values(rows32):
    model = KDEClassifier(3)
    model.fit(rows32)
    model.threshold = -5.0
    found = outputs(session_of(decision_of_model(model)), rows32[:5])
    assert np.isnan(found["p_value"]).all()
    np.testing.assert_allclose(found["log_density"], model.log_density(rows32[:5]), **LOG_DENSITY)


@pytest.mark.parametrize("scaling", ["scale", "norm"])
def test_a_row_without_a_score_does_not_pass(scaling):
    decision = decided(scaling=scaling)
    rows = np.repeat(decision.analysis.train.features[:1], 4, axis=0)
    rows[1, 3], rows[2, 5] = np.nan, np.inf
    found = outputs(session_of(decision), rows)
    assert np.isnan(found["log_density"]).tolist() == [False, True, True, False]
    assert found["is_anomalous"].tolist() == [False, True, True, False]


def test_the_farthest_rows_have_a_number():
    decision = decided()
    found = outputs(session_of(decision), np.full((2, 96), [[1e30], [-3e38]]))
    assert np.isfinite(found["log_density"]).all()
    assert found["is_anomalous"].all()


def test_a_row_at_the_mean_has_no_direction():
    decision = decided(scaling="norm", d=8, k=4)
    model = decision.analysis.classifier
    rows = model.pca_model.mean.numpy()[None].astype(np.float32)
    model.pca_model.mean.copy_(model.pca_model.mean.float())
    np.testing.assert_allclose(
        outputs(session_of(decision), rows)["log_density"], model.log_density(rows), **LOG_DENSITY
    )


def test_the_file_is_valid_and_tells_what_it_is():
    data = EmbeddingSet(rows_of("plain", d=4), np.arange(600).astype(str), feature_names=("a", "b", "c", "ü"))
    decision = decide(analyse(data, settings=Settings(3), device="cpu"), RULE, CURVE)
    model = onnx.load_model_from_string(onnx_bytes(decision))
    onnx.checker.check_model(model, full_check=True)
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(about["feature_names"]) == ["a", "b", "c", "ü"]
    assert Settings(**json.loads(about["settings"])) == decision.analysis.settings
    assert float(about["threshold"]) == decision.threshold
    assert (float(about["midpoint"]), float(about["steepness"])) == (20.0, 0.1)
    assert about["data_digest"] == decision.analysis.classifier.data_digest
    (given,) = model.graph.input
    assert given.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_no_kernel_is_computed_that_vanishes():
    """Below exp(-88) each takes a runtime nine times as long, and most kernels of spread points are there."""
    graph = onnx.load_model_from_string(onnx_bytes(decided())).graph
    loops = [node for node in graph.node if node.op_type == "Loop"]
    body = next(a for a in loops[0].attribute if a.name == "body").g
    made_by = {output: node for node in body.node for output in node.output}
    sums = next(node for node in body.node if node.op_type == "ReduceSum")
    limited = made_by[made_by[sums.input[0]].input[0]]
    assert limited.op_type == "Clip"
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in body.initializer}
    assert -87 < constants[limited.input[1]] < -60


def test_forty_thousand_points_take_less_than_four_megabytes():
    rng = np.random.default_rng(0)
    model = KDEClassifier()
    model.fit(rng.normal(size=(40000, 32)).astype(np.float32))
    model.held_out_scores = model.log_density(rng.normal(size=(40000, 32)).astype(np.float32))
    model.threshold = 0.0
    assert len(onnx_bytes(decision_of_model(model))) < 4e6


def test_no_row_of_the_data_is_in_the_file():
    decision = decided(d=8, k=2)
    content = onnx_bytes(decision)
    for row in decision.analysis.train.features:
        for dtype in (np.float32, np.float64):
            assert row.astype(dtype).tobytes() not in content
            assert row[:2].astype(dtype).tobytes() not in content


def test_another_scaling_is_refused(monkeypatch, tmp_path):
    from kdeviz.scaling import SCALINGS
    from kdeviz.scaling.norm import Norm

    class Other(Norm):
        name = "other"

    monkeypatch.setitem(SCALINGS, "other", Other())
    with pytest.raises(OptionError, match=r"it knows the scalings .*, not other"):
        export(decided(scaling="other"), Onnx(), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_missing_runtime_is_named_with_the_line_that_installs_it(monkeypatch, run, missing):
    run("fit", "sample", "-o", "m.safetensors")
    monkeypatch.setitem(sys.modules, missing, None)
    done = run("export", "m.safetensors", "-o", "m.onnx")
    assert done.code == 2
    assert done.err == f"error: {missing} not installed: pip install 'kdeviz[onnx]'\n"
