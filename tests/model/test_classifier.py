import copy
import hashlib
import inspect
import itertools

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.data.rows import Rows
from kdeviz.errors import Cancelled, DataError, FitWarning, NotFittedError, OptionError
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.model.folds import training_subset
from kdeviz.model.held_out import hold_out
from kdeviz.model.kde import GaussianKDE
from kdeviz.model.principal_axes import principal_axes
from kdeviz.settings import FeatureScalingMethod, Settings

METHODS = ["scale", "norm"]
BANDWIDTHS = ["scott", "silverman", 0.1, 3.0]


def assert_as_promised(scores, expected):
    """Within 1e-4 + 1e-5 |log p|, looked at where the promise holds: down to -1e5 nats."""
    promised = expected > -1e5
    np.testing.assert_allclose(scores[promised], expected[promised], **oracles.LOG_DENSITY)
    assert not np.isnan(scores).any()
    assert (scores[~promised] < -0.99e5).all()


# --- the interface


def test_names_and_defaults_are_those_of_the_reference():
    parameters = inspect.signature(KDEClassifier).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "n_pca_components": 16,
        "feature_scaling_method": FeatureScalingMethod.SCALE,
        "max_training_points": 40000,
        "bandwidth": "scott",
        "seed": 0,
        "standardise": False,
    }
    ours = [n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    assert ours == ["bandwidth", "seed", "standardise"]
    model = KDEClassifier()
    assert model.n_pca_components == 16
    assert model.feature_scaling_method is FeatureScalingMethod.SCALE
    assert model.max_training_points == 40000
    assert [*FeatureScalingMethod] == ["norm", "scale"]
    assert not model.fitted


def test_agrees_with_the_reference_formulas(rows64, make_rows):
    queries = make_rows(60, 12)
    reference = oracles.Reference(rows64, 5)
    model = KDEClassifier(5)
    model.fit(rows64)
    density = reference.density(queries)
    np.testing.assert_allclose(model.compute_kde_scores(queries), density, rtol=1e-9)
    np.testing.assert_allclose(
        model.compute_kde_scores(queries, as_log_likelihood=True), np.log(density), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(model.predict(queries), reference.probability(queries), rtol=1e-9)
    np.testing.assert_allclose(model(queries), reference.probability(queries), rtol=1e-9)


def test_pre_process_gives_scaled_rows_and_the_length(rows64):
    scores = torch.tensor(rows64)
    lengths = np.linalg.norm(rows64, axis=1)
    for method in METHODS:
        model = KDEClassifier(5, method)
        stack, longest = model.pre_process(scores)
        np.testing.assert_allclose(longest, lengths.max())
        np.testing.assert_allclose(stack, oracles.scaled(rows64, method, lengths.max()))
        stack, given_length = model.pre_process(scores, torch.tensor(2.0))
        assert given_length == 2
        np.testing.assert_allclose(stack, oracles.scaled(rows64, method, 2))


def test_predict_uses_the_curve_of_the_model_and_compute_probabilities_the_default(rows32):
    model = KDEClassifier(5)
    model.fit(rows32)
    scores = model.log_density(rows32)
    assert torch.equal(model.predict(rows32), KDEClassifier.compute_probabilities(scores))
    model.curve = ProbabilityCurve(midpoint=0.0, steepness=1.0)
    torch.testing.assert_close(model.predict(rows32), torch.sigmoid(-scores))


def test_transform_is_the_space_of_the_densities(fitted, rows32):
    space = fitted.transform(rows32)
    assert space.shape == (300, 5)
    np.testing.assert_allclose(
        fitted.kde_model.log_prob(space), fitted.log_density(rows32), atol=1e-4, rtol=1e-5
    )
    assert torch.linalg.vector_norm(space, dim=1).max() == pytest.approx(1, abs=1e-6)


def test_progress_is_reported_and_can_end_the_work(make_rows, monkeypatch):
    monkeypatch.setattr(GaussianKDE, "rows_per_block", 1000)
    rows = make_rows(2500, 3).astype(np.float32)
    model = KDEClassifier(3, max_training_points=1200)

    def calls_of(work):
        calls = []
        work(lambda done, total: calls.append((done, total)))
        return calls

    assert calls_of(lambda report: model.fit_report(rows, on_block=report)) == [(1200, 1200)]
    scoring = calls_of(lambda report: model.log_density(rows, on_block=report))
    assert scoring == [(1000, 2500), (2000, 2500), (2500, 2500)]

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        model.log_density(rows, on_block=stop)
    with pytest.raises(Cancelled):
        model.fit_report(rows, on_block=stop)
    assert not model.fitted


def test_known_axes_and_digest_can_be_handed_in(rows32):
    model = KDEClassifier(5, max_training_points=100)
    chosen = Rows(rows32).select(training_subset(300, model.settings))
    axes = principal_axes(chosen, torch.device("cpu"), 5)
    assert model.fit_report(rows32, axes_of=lambda *_, **__: axes).fitted
    plain = KDEClassifier(5, max_training_points=100)
    plain.fit(rows32)
    assert torch.equal(model.log_density(rows32), plain.log_density(rows32))


def test_cap_below_the_components_keeps_what_the_subset_spans(rows32):
    model = KDEClassifier(8, max_training_points=5)
    with pytest.warns(FitWarning, match="8 .* 5 training rows vary along 4 .* kept 4"):
        assert model.fit(rows32)
    assert model.n_components_ == 4


# --- what may come in, and what comes out


def strided(rows):
    padded = np.zeros((2 * len(rows), 2 * rows.shape[1]), rows.dtype)
    padded[::2, ::2] = rows
    return padded[::2, ::2]


def read_only(rows):
    rows = rows.copy()
    rows.flags.writeable = False
    return rows


def memory_map(rows, folder):
    path = folder / "rows.npy"
    np.save(path, rows)
    return np.load(path, mmap_mode="r")


INPUTS = {
    "array": lambda rows, _: rows,
    "tensor": lambda rows, _: torch.tensor(rows),
    "strided array": lambda rows, _: strided(rows),
    "strided tensor": lambda rows, _: torch.from_numpy(strided(rows)),
    "transposed tensor": lambda rows, _: torch.tensor(rows.T.copy()).T,
    "negative strides": lambda rows, _: rows[::-1, ::-1].copy()[::-1, ::-1],
    "column order": lambda rows, _: np.asfortranarray(rows),
    "requires grad": lambda rows, _: torch.tensor(rows, requires_grad=True),
    "read-only": lambda rows, _: read_only(rows),
    "memory map": memory_map,
    "big-endian": lambda rows, _: rows.astype(rows.dtype.newbyteorder(">")),
    "nested lists": lambda rows, _: rows.tolist(),
}


def bytes_of(features):
    if isinstance(features, list):
        return repr(features)
    array = features.detach().numpy() if isinstance(features, torch.Tensor) else features
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes()).digest()


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_input_gives_the_same_scores_and_is_not_changed(rows64, tmp_path, kind, dtype):
    rows = rows64.astype(dtype)
    features = INPUTS[kind](rows, tmp_path)
    expected_dtype = torch.float64 if dtype == np.float64 or kind == "nested lists" else torch.float32
    before = bytes_of(features)
    model, plain = KDEClassifier(5), KDEClassifier(5)
    model.fit(features)
    plain.fit(rows)
    results = [
        model.log_density(features),
        model.predict(features),
        model.compute_kde_scores(features),
        model.transform(features),
    ]
    assert bytes_of(features) == before
    for result in results:
        assert result.dtype == expected_dtype
        assert result.device == model.device
        assert not result.requires_grad
    if kind != "nested lists":
        torch.testing.assert_close(results[0], plain.log_density(rows), rtol=1e-12, atol=1e-12)
        if kind != "big-endian":
            assert model.data_digest == plain.data_digest


DTYPES = ["float16", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "bool"]


@pytest.mark.parametrize(
    ("library", "dtype"), [*itertools.product(["numpy", "torch"], DTYPES), ("torch", "bfloat16")]
)
def test_every_real_dtype_gives_float32_scores(rows64, library, dtype):
    rows = rows64 > rows64.mean(0) if dtype == "bool" else np.round(10 * (rows64 - rows64.min(0)))
    exact = torch.tensor(rows.astype(np.float64)).to(getattr(torch, dtype))
    features = exact if library == "torch" else rows.astype(dtype)
    model = KDEClassifier(5)
    model.fit(features)
    scores = model.log_density(features)
    assert scores.dtype == torch.float32
    assert_as_promised(scores.numpy(), oracles.Classifier(exact.double(), 5).log_density(exact.double()))


def test_expanded_tensor_can_be_scored(fitted, rows32):
    row = torch.tensor(rows32[:1])
    scores = fitted.log_density(row.expand(50, -1))
    assert torch.equal(scores, fitted.log_density(row.repeat(50, 1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_rows_give_no_scores(fitted, dtype):
    nothing = np.empty((0, 12), dtype)
    expected = torch.float64 if dtype == np.float64 else torch.float32
    for result in (fitted.predict(nothing), fitted.log_density(nothing), fitted.compute_kde_scores(nothing)):
        assert result.shape == (0,)
        assert result.dtype == expected
    assert fitted.transform(nothing).shape == (0, 5)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((3, 11)), "11 dimensions, the model was fitted on 12"),
        (np.zeros((3, 12), complex), "complex128"),
        (torch.zeros(3, 12, dtype=torch.complex64), "complex64"),
        (torch.zeros(3, 12).to_sparse(), "sparse tensor"),
        (np.full((3, 12), "a"), "real numbers"),
        (np.zeros((3, 12), object), "object"),
        (np.zeros((3, 0)), "0 dimensions"),
        (np.zeros((2, 3, 12)), r"\(2, 3, 12\)"),
        (np.float32(1), r"\(rows, dimensions\)"),
    ],
)
def test_unusable_features_are_named(fitted, features, message):
    with pytest.raises(DataError, match=message):
        fitted.predict(features)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("wrap", [np.array, torch.tensor])
@pytest.mark.parametrize("method", ["fit", "predict", "transform"])
def test_first_bad_rows_and_their_number_are_named(fitted, rows32, bad, wrap, method):
    rows = rows32.copy()
    rows[[7, 12, 44, 45, 46, 299], [0, 3, 11, 5, 0, 0]] = bad
    model = KDEClassifier(5) if method == "fit" else fitted
    with pytest.raises(DataError, match=r"6 of 300 rows .*\(rows 7, 12, 44, 45, 46, …\)"):
        getattr(model, method)(wrap(rows))


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.predict(np.zeros((2, 3))),
        lambda model: model.log_density(np.zeros((2, 3))),
        lambda model: model.transform(np.zeros((2, 3))),
        lambda model: model.n_components_,
        lambda model: model.save("never-written.safetensors"),
    ],
)
def test_nothing_is_answered_before_fit(call):
    with pytest.raises(NotFittedError, match="not fitted yet: call fit first"):
        call(KDEClassifier(5))


def test_rows_without_dimensions_cannot_be_fitted():
    with pytest.raises(DataError, match=r"no dimensions: shape \(3, 0\)"):
        KDEClassifier(1).fit(np.zeros((3, 0)))


def test_too_few_rows_give_false(logged):
    model = KDEClassifier(5)
    assert model.fit(np.ones((4, 3))) is False
    assert model.fit(np.empty((0, 3))) is False
    assert not model.fitted
    for record, words in zip(logged, ("4 rows", "0 rows"), strict=True):
        assert words in record.getMessage()
    with pytest.raises(DataError, match="at least two rows, got 1"):
        KDEClassifier(1).fit(np.ones((1, 3)))
    with pytest.raises(DataError, match="at least two rows, got 0"):
        KDEClassifier(0.9).fit(np.empty((0, 3)))


# --- accuracy


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(3, 200),
    d=st.integers(1, 70),
    k=st.integers(1, 64),
    decades=st.floats(0, 4),
    outliers=st.sampled_from([None, 1e3, 1e4, 1e6]),
    repeats=st.sampled_from([0, 300]),
    method=st.sampled_from(METHODS),
    bandwidth=st.sampled_from(BANDWIDTHS),
)
def test_log_density_is_as_accurate_as_promised(
    make_rows, seed, n, d, k, decades, outliers, repeats, method, bandwidth
):
    rng = np.random.default_rng(seed)
    rows = make_rows(n, d, seed, decades)
    if outliers:
        rows[:2] *= outliers
    rows = np.concatenate([rows, np.repeat(rows[-1:], repeats, axis=0)]).astype(np.float32)
    k = min(k, d, n)
    model = KDEClassifier(k, method, bandwidth=bandwidth)
    model.fit_report(rows)
    kept = model.n_components_
    assert kept == min(k, n - 1)

    noise = rng.normal(size=(30, d)) * rows.std(0)
    near = rows[:10] * (1 + 1e-3 * rng.normal(size=(len(rows[:10]), d)))
    far = rows.mean(0) + noise * 10 ** rng.uniform(0, 2.5, size=(30, 1))
    queries = np.concatenate([rows[:10], near, far]).astype(np.float32)
    oracle = oracles.Classifier(rows, kept, method, bandwidth)
    assert_as_promised(model.log_density(queries).numpy(), oracle.log_density(queries))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bandwidth", BANDWIDTHS)
@pytest.mark.parametrize("sigmas", [1e3, 1e6])
def test_queries_next_to_a_far_training_row_are_accurate(make_rows, method, bandwidth, sigmas):
    rows = make_rows(500, 16)
    rows[0] = rows.mean(0) + sigmas * rows.std(0)
    rows = np.concatenate([rows, np.repeat(rows[1:2], 1000, axis=0)]).astype(np.float32)
    queries = np.concatenate([rows[:1] * (1 + 1e-6 * np.arange(20)[:, None]), rows[1:60]]).astype(np.float32)
    model = KDEClassifier(16, method, bandwidth=bandwidth)
    model.fit(rows)
    expected = oracles.Classifier(rows, 16, method, bandwidth).log_density(queries)
    assert_as_promised(model.log_density(queries).numpy(), expected)


def test_tails_are_exact_from_plus_50_to_minus_100_000(rows32):
    model = KDEClassifier(8)
    model.fit(rows32)
    mean = rows32.mean(0)
    queries = (mean + (rows32[:1] - mean) * np.geomspace(0.1, 150, 60)[:, None]).astype(np.float32)
    expected = oracles.Classifier(rows32, 8).log_density(queries)
    assert expected.min() < -1e5 < -1e4 < 0 < expected.max()
    assert_as_promised(model.log_density(queries).numpy(), expected)


@pytest.mark.parametrize("method", METHODS)
def test_float64_rows_get_float64_accuracy(rows64, make_rows, method):
    queries = make_rows(50, 12) * 3
    model = KDEClassifier(7, method)
    model.fit(rows64)
    expected = oracles.Classifier(rows64, 7, method).log_density(queries)
    np.testing.assert_allclose(model.log_density(queries), expected, rtol=1e-9, atol=1e-9)


def test_scores_do_not_depend_on_the_company(fitted, rows32):
    everything = fitted.log_density(rows32)
    alone = torch.cat([fitted.log_density(rows32[i : i + 1]) for i in range(40)])
    torch.testing.assert_close(alone, everything[:40], rtol=1e-5, atol=1e-4)


# --- degenerate data: a result or a DataError, and never NaN


def finite_scores(rows, k=6, method="scale", **options):
    model = KDEClassifier(k, method, **options)
    report = model.fit_report(rows)
    assert torch.isfinite(model.log_density(rows)).all()
    assert not model.predict(rows).isnan().any()
    return model, report


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_constant_columns_do_not_count(rows64, method, dtype, constant):
    rows = np.concatenate([rows64[:, :4], np.full((300, 3), constant)], axis=1).astype(dtype)
    rows[:, :4] *= max(1, constant)
    model, report = finite_scores(rows, method=method)
    assert model.n_components_ == 4
    assert len(report.warnings) == 1
    assert "6 components were asked for" in report.warnings[0]
    assert "kept 4" in report.warnings[0]


@pytest.mark.parametrize("method", METHODS)
def test_fewer_rows_than_dimensions_keep_n_minus_1_components(make_rows, method):
    model, report = finite_scores(make_rows(6, 20), method=method)
    assert model.n_components_ == 5
    assert "kept 5" in report.warnings[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e-30, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("k", [6, 0.9])
def test_equal_rows_are_refused_in_words(method, value, dtype, k):
    with pytest.raises(DataError, match="all 50 rows are equal"):
        KDEClassifier(k, method).fit(
            np.full((50, 7), min(value, 1e18) if dtype == np.int64 else value, dtype)
        )


def test_row_of_length_zero_under_norm_stays_at_zero():
    corners = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1], [1, 1], [-1, -1]])
    rows = np.concatenate([corners, [[0, 0], [0, 0]]])
    model, report = finite_scores(rows, 2, "norm")
    assert report.warnings == (
        "2 training rows lie at the mean, up to rounding, without a direction: kept at zero",
    )
    assert torch.equal(model.transform(np.zeros((1, 2))), torch.zeros(1, 2, dtype=torch.float64))
    np.testing.assert_allclose(
        model.log_density(rows), oracles.Classifier(rows, 2, "norm").log_density(rows), rtol=1e-9
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1e3, 1e10, 1e20, 1e38])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_far_outlier_is_survived(rows64, method, size, dtype):
    rows = rows64.astype(dtype)
    rows[17, 3] = size
    finite_scores(rows, method=method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 1e30), (np.float32, 1e38), (np.float32, 3e38)]
    + [(np.float64, size) for size in (1e30, 1e38, 1e160, 1e300, 1.7e308)],
)
@pytest.mark.parametrize("spread", [1.0, 1e-12])
def test_density_far_away_is_zero_and_never_nan(rows64, method, dtype, size, spread):
    model = KDEClassifier(6, method)
    model.fit((rows64 * spread).astype(dtype))
    queries = np.zeros((4, 12), dtype)
    queries[0], queries[1, 0], queries[2, ::2], queries[3, ::2], queries[3, 1::2] = (
        size,
        -size,
        size,
        size,
        -size,
    )
    log_density, density = model.log_density(queries), model.compute_kde_scores(queries)
    assert not log_density.isnan().any()
    if method == "scale":
        assert (log_density < -1e20).all()
        assert (density == 0).all()
        assert (model.predict(queries) == 1).all()
    else:  # only the direction counts
        nearer = queries / dtype(size) * dtype(1e6)
        torch.testing.assert_close(log_density, model.log_density(nearer), rtol=1e-4, atol=1e-4)


def test_density_above_the_range_is_infinite(make_rows):
    rows = (make_rows(200, 40, decades=4)).astype(np.float32)
    model = KDEClassifier(40)
    model.fit(rows)
    assert (model.log_density(rows) > 89).all()
    assert (model.compute_kde_scores(rows) == torch.inf).all()
    assert not model.predict(rows).isnan().any()


@pytest.mark.parametrize("size", [1e-300, 1e-100, 1e-78, 1e-40, 1e40, 1e155, 1e200, 1e300])
@pytest.mark.parametrize("shape", [(300, 12), (8, 12)])
@pytest.mark.parametrize("method", METHODS)
def test_no_unit_is_too_large_or_too_small(rows64, size, shape, method):
    rows, model, other = rows64[: shape[0]], KDEClassifier(4, method), KDEClassifier(4, method)
    model.fit(rows)
    other.fit(rows * size)
    expected = model.log_density(rows64).numpy()
    np.testing.assert_allclose(other.log_density(rows64 * size), expected, rtol=1e-9, atol=1e-9)


@given(
    rows=st.lists(
        st.lists(st.sampled_from([0.0, 1.0, -1.0, 1e-20, 1e10, -1e38, 3.0]), min_size=3, max_size=3),
        min_size=2,
        max_size=12,
    ),
    k=st.sampled_from([1, 2, 3, 0.5, 0.99]),
    method=st.sampled_from(METHODS),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_small_data_set_gives_scores_or_a_data_error(rows, k, method, dtype):
    rows = np.array(rows, dtype)
    model = KDEClassifier(k, method)
    try:
        report = model.fit_report(rows)
    except DataError:
        assert not model.fitted
        return
    if report.fitted:
        for scores in (model.log_density(rows), model.predict(rows * 0.5)):
            assert not scores.isnan().any()


# --- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feature_scaling_method": "l2"}, "scaling='l2'.*'norm' or 'scale' .feature_scaling_method."),
        ({"max_training_points": 1}, "training cap=1.*2 or more"),
        ({"bandwidth": "isj"}, "bandwidth='isj'.*'scott', 'silverman'"),
        ({"bandwidth": 0}, "bandwidth=0.*0.001 to 1000"),
        ({"seed": -1}, "seed=-1.*0 or more"),
    ],
)
def test_bad_options_raise_at_once(options, message):
    with pytest.raises(OptionError, match=message):
        KDEClassifier(**options)


def test_subset_is_everything_when_it_fits():
    assert (training_subset(10, Settings(max_training_points=10)) == np.arange(10)).all()
    assert len(training_subset(11, Settings(max_training_points=10))) == 10


# --- as a torch module


@pytest.mark.parametrize("method", METHODS)
def test_state_dict_moves_a_model_into_a_fresh_classifier(fitted, rows32, method):
    fresh = KDEClassifier(5)
    fresh.load_state_dict(fitted.state_dict() | {"held_out_scores": torch.arange(300.0)})
    assert fresh.fitted
    assert torch.equal(fresh.log_density(rows32), fitted.log_density(rows32))
    assert torch.equal(fresh.held_out_scores, torch.arange(300.0))


def test_state_dict_with_a_missing_tensor_is_refused(fitted):
    state = fitted.state_dict()
    del state["kde_model.mean"]
    with pytest.raises(RuntimeError, match=r"kde_model\.mean"):
        KDEClassifier(5).load_state_dict(state)


def test_deep_copy_is_independent(rows32):
    model = KDEClassifier(5)
    model.fit(rows32)
    before = model.log_density(rows32)
    copied = copy.deepcopy(model)
    assert torch.equal(copied.log_density(rows32), before)
    copied.fit(rows32[:100])
    assert torch.equal(model.log_density(rows32), before)


def test_nothing_is_trained_by_gradients(fitted):
    assert list(fitted.parameters()) == []
    assert not any(tensor.requires_grad for tensor in fitted.state_dict().values())


# --- on a GPU


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cuda_gives_the_same_scores(make_rows, method, dtype):
    rows = make_rows(3000, 64, decades=2).astype(dtype)
    on_cpu, on_gpu = KDEClassifier(16, method), KDEClassifier(16, method).to("cuda")
    on_cpu.fit(rows)
    on_gpu.fit(rows)
    assert on_gpu.device.type == "cuda"
    assert all(tensor.is_cuda for tensor in on_gpu.state_dict().values())
    expected = oracles.Classifier(rows, 16, method)
    tolerance = oracles.LOG_DENSITY if dtype == np.float32 else {"rtol": 1e-8, "atol": 1e-8}
    for queries in (rows[:200], torch.tensor(rows[:200]), torch.tensor(rows[:200]).cuda()):
        scores = on_gpu.log_density(queries)
        assert scores.is_cuda
        assert scores.dtype == on_cpu.log_density(queries).dtype
        np.testing.assert_allclose(scores.cpu(), expected.log_density(rows[:200]), **tolerance)
    held_out = [
        hold_out(model, Rows(rows), model.folds, model.fit_report(rows, with_folds=True).axes).scores
        for model in (on_gpu, on_cpu)
    ]
    assert held_out[0].is_cuda
    np.testing.assert_allclose(held_out[0].cpu(), held_out[1], **oracles.LOG_DENSITY)


@pytest.mark.gpu
def test_rows_on_cuda_put_the_model_there_and_files_bring_it_back(rows32, tmp_path):
    model = KDEClassifier(5)
    model.fit(torch.tensor(rows32).cuda())
    assert model.device.type == "cuda"
    scores = model.predict(rows32)
    assert scores.is_cuda
    model.save(tmp_path / "model.safetensors")
    assert torch.equal(KDEClassifier.load(tmp_path / "model.safetensors", "cuda").predict(rows32), scores)
    on_cpu = KDEClassifier.load(tmp_path / "model.safetensors", "cpu")
    torch.testing.assert_close(on_cpu.predict(rows32), scores.cpu(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["norm", "scale"])
def test_pre_process_takes_what_the_rest_takes(method):
    model = KDEClassifier(2, method)
    rows = np.array([[3, 4], [0, 5], [0, 0]])
    expected = rows / 5
    for stack in (rows, rows.astype(np.float32), torch.from_numpy(rows), torch.from_numpy(rows).double()):
        scaled, length = model.pre_process(stack)
        np.testing.assert_allclose(scaled, expected, rtol=1e-6)
        assert length == 5
    assert model.pre_process(rows[:0])[0].shape == (0, 2)
    with pytest.raises(DataError, match="shape"):
        model.pre_process(rows[0])


def test_the_slow_route_of_a_fit_reports_and_can_be_stopped():
    rows = np.random.default_rng(0).standard_normal((9000, 6)) * np.logspace(0, -5, 6)
    seen = []
    KDEClassifier(6).fit_report(rows, on_block=lambda done, total: seen.append((done, total)))
    assert seen[-3:] == [(4096, 9000), (8192, 9000), (9000, 9000)]


def test_the_kernel_can_be_seen_and_forced(rows32):
    model = KDEClassifier(5)
    model.fit(rows32)
    fused = model.log_density(rows32)
    assert model.kernel == "fused attention"
    model.kernel = "blocked"
    assert model.kernel == "blocked"
    torch.testing.assert_close(model.log_density(rows32), fused, atol=1e-4, rtol=1e-5)
