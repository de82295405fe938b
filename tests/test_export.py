import io
import json
import os
import shlex
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from kdeviz import views
from kdeviz.analysis import analyse
from kdeviz.calibration import ProbabilityCurve, ThresholdRule
from kdeviz.classifier import KDEClassifier
from kdeviz.cli import main
from kdeviz.data import EmbeddingSet, load_embeddings
from kdeviz.export.model import model_bytes
from kdeviz.export.recipe import Files, python_recipe, shell_recipe
from kdeviz.export.scores import (
    METADATA_KEY,
    analysis_scores,
    model_scores,
    scores_csv,
    scores_parquet,
    to_csv,
    to_parquet,
)
from kdeviz.samples import load_sample
from kdeviz.scoring import log_densities, rows_fitted_on
from kdeviz.settings import Settings

CURVE = ProbabilityCurve(midpoint=18.5, steepness=0.25)
QUANTILE = ThresholdRule("quantile", 0.02)
AWKWARD = 'it\'s $(touch oops) "odd" é;.parquet'


@pytest.fixture(scope="module")
def analysis():
    return analyse(*load_sample().train_and_test(), device="cpu")


@pytest.fixture(scope="module")
def threshold(analysis):
    return QUANTILE.threshold(analysis.train_scores, analysis.scores)


def blob(rows=80, dimensions=6, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(dtype)


def embeddings(metadata=None, dtype=np.float32, **columns):
    return replace(EmbeddingSet.from_array(blob(dtype=dtype), "blob"), metadata=metadata, **columns)


def table(metadata, **columns):
    data = embeddings(pd.DataFrame(metadata), **columns)
    return analysis_scores(analyse(data, settings=Settings(2), device="cpu"), 0.0, CURVE)


def read_csv(content):
    return pd.read_csv(io.BytesIO(content))


def read_parquet(content):
    return pq.read_table(io.BytesIO(content))


# Tables


def test_the_table_has_every_inspected_row_in_the_order_of_the_data(analysis, threshold):
    frame = read_csv(scores_csv(analysis, threshold, CURVE))
    assert frame["row"].tolist() == list(range(len(analysis.scores)))
    assert frame["id"].tolist() == analysis.inspected.ids.tolist()
    np.testing.assert_array_equal(frame["log_density"].to_numpy(np.float32), analysis.scores)
    np.testing.assert_array_equal(frame["probability"].to_numpy(np.float32), CURVE(analysis.scores))
    np.testing.assert_array_equal(frame["flagged"], analysis.scores < threshold)
    np.testing.assert_array_equal(np.argsort(frame["rank"]), np.argsort(analysis.scores, kind="stable"))
    assert list(frame.columns) == list(views.ranking(analysis, threshold, CURVE).columns)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_digit_of_the_log_density_is_kept(dtype):
    scored = analyse(embeddings(dtype=dtype), settings=Settings(3), device="cpu")
    read = read_csv(scores_csv(scored, 0.0, CURVE))["log_density"].to_numpy()
    np.testing.assert_array_equal(read.astype(dtype), scored.scores)
    parquet = read_parquet(scores_parquet(scored, 0.0, CURVE))["log_density"].to_numpy()
    assert parquet.dtype == scored.scores.dtype
    np.testing.assert_array_equal(parquet, scored.scores)


def test_a_selection_keeps_the_ranks_among_all(analysis, threshold):
    rows = np.array([40, 3, 700])
    everything = read_csv(scores_csv(analysis, threshold, CURVE))
    chosen = read_csv(scores_csv(analysis, threshold, CURVE, rows))
    pd.testing.assert_frame_equal(chosen, everything.iloc[[3, 40, 700]].reset_index(drop=True))
    parquet = read_parquet(scores_parquet(analysis, threshold, CURVE, rows)).to_pandas()
    assert parquet["row"].tolist() == [3, 40, 700]


def test_an_empty_selection_is_an_empty_table(analysis, threshold):
    none = np.empty(0, dtype=np.int64)
    assert len(read_csv(scores_csv(analysis, threshold, CURVE, none))) == 0
    assert len(read_parquet(scores_parquet(analysis, threshold, CURVE, none))) == 0


def test_parquet_says_where_it_comes_from(analysis, threshold):
    about = json.loads(
        read_parquet(scores_parquet(analysis, threshold, CURVE)).schema.metadata[METADATA_KEY.encode()]
    )
    assert about == {
        "settings": analysis.settings.to_dict(),
        "threshold": threshold,
        "curve": {"midpoint": 18.5, "steepness": 0.25},
        "provenance": analysis.provenance,
    }


# Formulas


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formula_cells_and_headers_become_text_in_csv(start):
    evil = f"{start}HYPERLINK(1)"
    ids = np.array([evil] * 80)
    content = to_csv(table({evil: [evil] * 80, "kind": pd.Categorical([evil] * 80)}, ids=ids))
    frame = pd.read_csv(io.BytesIO(content.replace(b"\r", b"\\r")))
    harmless = f"'{evil}".replace("\r", "\\r")
    assert harmless in frame.columns
    assert set(frame[harmless]) == set(frame["kind"]) == set(frame["id"]) == {harmless}


def test_numbers_and_dates_and_gaps_stay_what_they_are_in_csv():
    when = pd.date_range("2026-01-01", periods=80)
    mixed = [-1, "-1", None, -2.5] * 20
    frame = read_csv(to_csv(table({"x": -np.arange(80.0), "when": when, "mixed": mixed})))
    np.testing.assert_array_equal(frame["x"], -np.arange(80.0))
    assert frame["when"][0] == "2026-01-01"
    assert frame["mixed"][:4].fillna("").tolist() == ["-1", "'-1", "", "-2.5"]


def test_parquet_keeps_text_as_it_is_and_turns_mixed_columns_into_text():
    read = read_parquet(to_parquet(table({"=x": ["=1", "a"] * 40, "mixed": [-1, "b"] * 40}))).to_pandas()
    assert read["=x"].tolist() == ["=1", "a"] * 40
    assert read["mixed"].tolist() == ["-1", "b"] * 40


def test_metadata_named_like_a_score_column_gets_another_name():
    written = table({"rank": [7] * 80, "rank_in_file": [8] * 80, 3: [9] * 80})
    for frame in (read_csv(to_csv(written)), read_parquet(to_parquet(written)).to_pandas()):
        assert sorted(frame["rank"]) == list(range(1, 81))
        assert {"rank_in_file", "rank_in_file_in_file", "3"} <= set(frame.columns)


# Without an analysis


def loaded(analysis, tmp_path, threshold=0.0):
    (tmp_path / "m.safetensors").write_bytes(model_bytes(analysis, threshold, CURVE))
    return KDEClassifier.load(tmp_path / "m.safetensors", "cpu")


def scored_by_model(classifier, data):
    scores = log_densities(classifier, data, rows_fitted_on(classifier, data))
    return model_scores(classifier, data, scores, classifier.threshold)


def test_a_loaded_model_writes_the_table_of_the_analysis(analysis, threshold, tmp_path):
    ours = scored_by_model(loaded(analysis, tmp_path, threshold), analysis.inspected)
    theirs = analysis_scores(analysis, threshold, CURVE)
    pd.testing.assert_frame_equal(ours.frame, theirs.frame)
    for key in ("settings", "threshold", "curve"):
        assert ours.about[key] == theirs.about[key]
    for key in ("train_digest", "score_digest", "score_name", "device", "kdeviz_version", "torch_version"):
        assert ours.about["provenance"][key] == theirs.about["provenance"][key]


# The model


def test_model_bytes_carry_threshold_and_curve_and_leave_the_analysis_alone(analysis, tmp_path):
    classifier = loaded(analysis, tmp_path, 1.25)
    assert (classifier.threshold, classifier.curve) == (1.25, CURVE)
    assert (analysis.classifier.threshold, analysis.classifier.curve) == (None, ProbabilityCurve())
    np.testing.assert_array_equal(
        classifier.log_density(analysis.inspected.features).numpy(), analysis.scores
    )


# Recipes


@pytest.fixture
def awkward(tmp_path, monkeypatch):
    """A folder with a split file of two embeddings, a table about it, and a second file to score."""
    monkeypatch.chdir(tmp_path)
    columns = {name: list(blob(seed=seed)) for name, seed in (("first", 1), ("other one", 2))}
    split = ["train"] * 60 + ["test"] * 20
    pd.DataFrame({**columns, "split": split}).to_parquet(AWKWARD)
    labels = np.where(np.arange(80) % 7 == 0, "anomalous", "normal")
    pd.DataFrame({"label": labels, "note": "x"}).to_csv("-about.csv", index=False)
    np.save("-second.npy", 2 * blob(30, seed=3))
    return tmp_path


def of_awkward(score=None):
    data = load_embeddings(AWKWARD, embedding_column="other one", metadata="-about.csv")
    train, others = data.train_and_test()
    settings = Settings(0.9, "norm", 40, 0.75, 3)
    return analyse(train, others if score is None else load_embeddings(score), settings, "cpu")


def test_python_recipe_of_the_sample_set_gives_the_same_scores(analysis, threshold):
    got = executed(python_recipe(analysis, Files("sample"), QUANTILE, CURVE))
    np.testing.assert_array_equal(got["analysis"].scores, analysis.scores)
    assert got["threshold"] == threshold


@pytest.mark.parametrize(
    "rule", [ThresholdRule("fpr", 0.1), ThresholdRule("top_k", 5), ThresholdRule("best_f1")]
)
@pytest.mark.parametrize("second", [None, "-second.npy"])
def test_python_recipe_of_files_gives_the_same_scores(awkward, rule, second):
    if second and rule.needs_labels:
        rule = ThresholdRule("probability", 0.4)
    wanted = of_awkward(second)
    got = executed(python_recipe(wanted, Files(AWKWARD, second, "-about.csv"), rule, CURVE))
    np.testing.assert_array_equal(got["analysis"].scores, wanted.scores)
    assert got["threshold"] == rule.threshold(
        wanted.train_scores, wanted.scores, wanted.inspected.labels, CURVE
    )


def executed(recipe):
    names = {}
    exec(recipe, names)
    return names


def test_shell_recipe_of_the_sample_set_gives_the_same_scores(analysis, threshold, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_process(shell_recipe(analysis, Files("sample"), QUANTILE, CURVE))
    check_written(analysis, threshold)


def test_shell_recipe_of_two_files_gives_the_same_scores(awkward):
    wanted, rule = of_awkward("-second.npy"), ThresholdRule("top_k", 4)
    in_process(shell_recipe(wanted, Files(AWKWARD, "-second.npy", "-about.csv"), rule, CURVE))
    check_written(wanted, rule.threshold(wanted.train_scores, wanted.scores))


def test_shell_recipe_of_a_file_runs_in_a_shell_and_gives_the_same_scores(awkward):
    wanted, rule = of_awkward(), ThresholdRule("fpr", 0.1)
    in_shell(shell_recipe(wanted, Files(AWKWARD, metadata="-about.csv"), rule, CURVE), awkward)
    check_written(wanted, rule.threshold(wanted.train_scores, wanted.scores, wanted.inspected.labels))
    assert not (awkward / "oops").exists()


def in_process(recipe):
    """As a shell would split it, without the start of two interpreters."""
    for line in recipe.replace("\\\n", "").splitlines()[1:]:
        program, *arguments = shlex.split(line)
        assert program == "kdeviz"
        run(arguments)


def in_shell(recipe, folder):
    """As a real shell splits it: there, `kdeviz` only tells what it was given."""
    command = folder / "bin" / "kdeviz"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\nprintf "%s\\0" "$@" ""\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-e", "-c", recipe], cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    for arguments in done.stdout.split("\0\0")[:-1]:
        run(arguments.split("\0"))


def run(arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert not left.value.code


def check_written(wanted, threshold):
    written = pq.read_table("scores.parquet")
    np.testing.assert_array_equal(written["log_density"].to_numpy(), wanted.scores)
    about = json.loads(written.schema.metadata[METADATA_KEY.encode()])
    assert about["threshold"] == threshold
    assert about["curve"] == {"midpoint": 18.5, "steepness": 0.25}
    model = KDEClassifier.load("model.safetensors", "cpu")
    assert model.settings == wanted.settings
    assert model.threshold == threshold
