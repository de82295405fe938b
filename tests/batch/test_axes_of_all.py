"""Axes of all rows, a density of some: the same as if all rows were in memory."""

import numpy as np
import pytest
from cli_steps import refused

from kdeviz.analysis import analyse
from kdeviz.batch import Plan, analyse_in_parts
from kdeviz.data.readers import streams
from kdeviz.decision import ThresholdRule, decide
from kdeviz.errors import DataError, OptionError
from kdeviz.model import AllRows, KDEClassifier
from kdeviz.output import (
    Files,
    export,
    model_format,
    python_recipe,
    read_decision,
    shell_recipe,
)
from kdeviz.settings import Settings

RANDOM = np.random.default_rng(7)
ROWS, D, K = 900, 6, 3
FEATURES = (RANDOM.normal(size=(ROWS, D)) * np.arange(1, D + 1) + 1e3).astype(np.float32)
BLOCK_BYTES = streams._ARRAY_BYTES
FEATURES[500:700] = FEATURES[:200]  # copies, of which some are drawn and some not
SETTINGS = Settings(n_pca_components=K, max_training_points=200, seed=1)


@pytest.fixture(autouse=True)
def files(monkeypatch, tmp_path):
    monkeypatch.setattr(streams, "_ARRAY_BYTES", 3000)
    monkeypatch.chdir(tmp_path)
    for i, rows in enumerate(np.array_split(FEATURES, 4)):
        np.save(f"part-{i}.npy", rows)


def fitted(settings=SETTINGS, **options):
    return analyse_in_parts(["."], None, settings, axes_of_all=True, **options).analysis


def axes(rows, standardise=False):
    """Mean and first axes by a float64 decomposition of all rows, each with its largest entry positive."""
    rows = rows.astype(np.float64)
    mean = rows.mean(0)
    weights = 1 / rows.std(0, ddof=1) if standardise else np.ones(D)
    _, values, right = np.linalg.svd((rows - mean) * weights, full_matrices=False)
    vectors = right[:K].T
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(K)])
    return mean, values**2 / (len(rows) - 1), weights[:, None] * vectors


def log_densities(train, rows, longest):
    """A kernel at every training row, with Scott's factor; in the unit of the whole model."""
    train, rows = train / longest, rows / longest
    covariance = np.cov(train.T) * len(train) ** (-2 / (K + 4))
    inverse, (_, log_det) = np.linalg.inv(covariance), np.linalg.slogdet(covariance)
    apart = rows[:, None] - train[None]
    exponents = -0.5 * np.einsum("ijk,kl,ijl->ij", apart, inverse, apart)
    highest = exponents.max(1)
    sums = np.log(np.exp(exponents - highest[:, None]).sum(1)) + highest
    return sums - np.log(len(train)) - 0.5 * (log_det + K * np.log(2 * np.pi))


@pytest.mark.parametrize("standardise", [False, True])
def test_the_axes_are_those_of_all_rows(standardise):
    model = fitted(
        Settings(n_pca_components=K, max_training_points=200, seed=1, standardise=standardise)
    ).classifier.cpu()
    mean, variances, projection = axes(FEATURES, standardise)
    np.testing.assert_allclose(model.pca_model.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(model.pca_model.spectrum, variances, rtol=1e-9)
    if not standardise:
        np.testing.assert_allclose(model.pca_model.singular_vectors, projection, atol=1e-9)
    new = RANDOM.normal(size=(50, D)) * 5 + 1e3
    drawn = (FEATURES[model.training_rows].astype(np.float64) - mean) @ projection
    longest = np.linalg.norm(drawn, axis=1).max()
    expected = log_densities(drawn, (new - mean) @ projection, longest)
    np.testing.assert_allclose(model.log_density(new), expected, rtol=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("scaling", ["scale", "norm"])
def test_a_gpu_gives_the_scores_of_the_cpu(scaling):
    settings = Settings(K, scaling, 200, seed=1)
    here, there = (fitted(settings, device=device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(there.held_out_scores, here.held_out_scores, rtol=1e-5, atol=1e-5)
    new = RANDOM.normal(size=(50, D)) * 5 + 1e3
    expected = here.classifier.log_density(new)
    np.testing.assert_allclose(there.classifier.log_density(new).cpu(), expected, rtol=1e-5, atol=1e-5)


def test_a_fold_is_judged_by_the_axes_of_all_rows_but_itself_and_its_copies():
    analysis = fitted()
    model = analysis.classifier.cpu()
    drawn = FEATURES[model.training_rows]
    mean, _, projection = axes(FEATURES)
    longest = np.linalg.norm((drawn.astype(np.float64) - mean) @ projection, axis=1).max()
    for fold in np.unique(model.folds):
        own = drawn[model.folds == fold]
        equal = (FEATURES[:, None] == own[None]).all(2).any(1)
        assert equal.sum() > len(own)
        mean, _, projection = axes(FEATURES[~equal])
        others, inside = ((rows - mean) @ projection for rows in (drawn[model.folds != fold], own))
        expected = log_densities(others, inside, longest)
        np.testing.assert_allclose(
            analysis.held_out_scores[model.folds == fold], expected, rtol=1e-4, atol=1e-4
        )


def test_without_a_rest_they_are_those_of_the_sample():
    settings = Settings(n_pca_components=K)
    parts = analyse_in_parts(["."], None, settings)
    assert fitted(settings).classifier.to_bytes() == parts.analysis.classifier.to_bytes()


def test_rows_of_split_test_are_not_added():
    for i in range(4):
        np.save(f"test-{i}.npy", 100 * np.load(f"part-{i}.npy"))
    for i in range(4):
        np.save(f"train-{i}.npy", np.load(f"part-{i}.npy"))
    found = analyse_in_parts(["t*.npy"], None, SETTINGS, axes_of_all=True)
    assert (found.found.rows, found.found.rows_to_fit) == (2 * ROWS, ROWS)
    np.testing.assert_allclose(
        found.analysis.classifier.pca_model.mean.cpu(), FEATURES.astype(float).mean(0), rtol=1e-12
    )


@pytest.mark.parametrize("engine", ["dask", "ray"])
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_engine_gives_the_same_bytes(monkeypatch, engine):
    monkeypatch.setattr(streams, "_ARRAY_BYTES", BLOCK_BYTES)  # other blocks may round otherwise
    pytest.importorskip({"dask": "distributed", "ray": "ray"}[engine])
    alone = fitted().classifier.to_bytes()
    assert fitted(engine=engine, plan=Plan(workers=2)).classifier.to_bytes() == alone


def test_a_model_file_says_where_its_axes_come_from(run, tmp_path):
    settings = ("--components", K, "--max-training-points", 200)
    run("fit", *sorted(tmp_path.glob("*.npy")), "-o", "m.safetensors", *settings, "--axes", "all")
    run("fit", *sorted(tmp_path.glob("*.npy")), "-o", "n.safetensors", *settings, "--in-parts")
    assert run("info", "m.safetensors").fact("principal axes") == "of all 900 rows"
    assert "principal axes" not in run("info", "n.safetensors").table
    assert KDEClassifier.load("m.safetensors").axes_rows == 900
    export(read_decision("m.safetensors"), model_format("native"), tmp_path / "again.safetensors")
    assert (
        "| principal axes | of all 900 rows to fit on |"
        in (tmp_path / "again.safetensors.card.md").read_text()
    )
    assert KDEClassifier.load("again.safetensors").axes_rows == 900


def test_another_fit_forgets_the_axes_of_all_rows():
    model = fitted().classifier
    assert model.axes_rows == ROWS
    model.fit(FEATURES)
    assert model.axes_rows is None


def test_the_recipes_take_the_axes_of_all_rows():
    decision = decide(fitted())
    python, shell = (recipe(decision, Files(".")) for recipe in (python_recipe, shell_recipe))
    namespace = {}
    exec(python, namespace)
    assert namespace["decision"].threshold == decision.threshold
    assert namespace["analysis"].classifier.to_bytes() == decision.analysis.classifier.to_bytes()
    assert "--axes=all" in shell and "-o scores " in shell


def test_the_command_takes_them(run, tmp_path):
    decision = decide(fitted())
    settings = ("--components", K, "--max-training-points", 200, "--seed", 1)
    done = run("fit", *sorted(tmp_path.glob("*.npy")), "-o", "m.safetensors", *settings, "--axes", "all")
    assert done.code == 0, done.err
    assert done.fact("principal axes") == "of all 900 rows"
    assert done.fact("threshold") == f"{decision.threshold!r} nats"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--axes", "some"], "choose sample or all"),
        (["--axes", "all", "--keep"], "--keep needs all rows in memory: leave out --axes all"),
        (["--axes", "all", "--at-once"], "leave out --at-once"),
        (["--engine", "dask"], "give --axes all, too"),
        (["--axes", "all", "--engine", "spark"], "choose none, dask, ray"),
    ],
)
def test_the_command_refuses_what_does_not_go_together(run, tmp_path, options, why):
    settings = ("--components", K, "--max-training-points", 200)
    assert why in refused(run("fit", tmp_path / "part-0.npy", "-o", "m.safetensors", *settings, *options))


def test_what_they_cannot_tell_is_refused():
    with pytest.raises(OptionError, match="choose none, dask, ray"):
        fitted(engine="spark")
    np.save("wide.npy", RANDOM.normal(size=(30, 40)))
    settings = Settings(n_pca_components=2, max_training_points=20)
    with pytest.raises(DataError, match="30 rows of 40 dimensions: leave --axes all out"):
        analyse_in_parts(["wide.npy"], None, settings, axes_of_all=True)
    np.save("flat.npy", RANDOM.normal(size=(200, 4)) * [1, 1, 1, 1e-5])
    with pytest.raises(DataError, match="component 4 is below a millionth"):
        analyse_in_parts(["flat.npy"], None, Settings(4, max_training_points=50), axes_of_all=True)


def test_near_copies_in_the_sample_are_held_out_together():
    """Their folds are known only when all rows are added up."""
    noise = np.random.default_rng(1).standard_normal((1200, FEATURES.shape[1]))
    np.save("near.npy", (np.repeat(FEATURES[:400], 3, axis=0) + 1e-4 * noise).astype(np.float32))
    settings = Settings(4, max_training_points=1000)
    found = analyse_in_parts(["near.npy"], None, settings, axes_of_all=True).analysis
    model = found.classifier
    assert len(model.training_groups) == len(found.held_out_scores) == 1000
    for group in np.unique(model.copies):
        assert len(set(model.folds[model.copies == group])) == 1
    assert np.isfinite(found.held_out_scores).all()


def test_the_alarm_budget_holds_with_near_copies_in_the_sample():
    """Folds had axes of the sample, the model those of all rows: at 5 %, 18 % of new rows were flagged."""
    shares, d = [], 120
    for seed in range(3):
        rng = np.random.default_rng(seed)
        rest, new = (rng.standard_normal((n, d)) * np.arange(1, d + 1) ** -0.25 for n in (6130, 3000))
        twice = np.repeat(rest[:130], 2, axis=0) + 1e-3 * rng.standard_normal((260, d))
        sums = (rows := AllRows(twice)).empty()
        rows.add(sums, np.concatenate([twice, rest[130:]]))
        found = analyse(twice, new, Settings(8), "cpu", axes_of=rows.axes_of(sums))
        assert len(np.unique(found.classifier.copies)) == 130
        shares.append(decide(found, ThresholdRule("quantile", 0.05)).flagged.mean())
    assert 0.03 < np.mean(shares) < 0.07, shares
