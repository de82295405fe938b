from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cli_steps import folder, refused

from kdeviz.analysis.analyse import analyse
from kdeviz.comparison.compare import compare
from kdeviz.comparison.words import verdict_words
from kdeviz.data.load import load_embeddings
from kdeviz.data.samples import load_sample
from kdeviz.decision.decision import decide
from kdeviz.decision.rules import ThresholdRule
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.runs.store import RunStore
from kdeviz.preflight.checks import preflight
from kdeviz.preflight.findings import apply
from kdeviz.settings import Settings
from kdeviz.wording import number

FIX = "contamination: leave out of training"


def kept_by_hand(folder, data, settings, rule, curve=None, **others):
    """What `kdeviz fit --keep` should keep."""
    analysis = analyse(*data.train_and_test(), settings, device="cpu")
    return RunStore(folder).keep(decide(analysis, rule, curve), **others)


def assert_same_run(found, expected):
    """All but when it was, and how long it took."""
    ever = {"kept": expected.record.kept, "timings": {}, "files": {}}
    first, second = (
        replace(run.record, **ever, provenance={**run.record.provenance, "created": ""})
        for run in (found, expected)
    )
    assert first == second
    assert set(found.record.timings) == set(expected.record.timings)
    assert set(found.record.files) == set(expected.record.files)
    for file in ("model.safetensors", "train_scores.safetensors"):
        assert found.path(file).read_bytes() == expected.path(file).read_bytes()
    pd.testing.assert_frame_equal(*(pd.read_parquet(run.path("scores.parquet")) for run in (found, expected)))


def labelled_file():
    rows = np.random.default_rng(0).normal(size=(60, 5))
    labels = np.where(np.arange(60) % 9 == 2, "bad", "good")
    pd.DataFrame({"wide": list(rows), "label": labels}).to_parquet("rows.parquet")
    return load_embeddings("rows.parquet")


def test_fit_keeps_what_it_says(run, tmp_path):
    fitted = run("fit", "sample", "--keep", "--runs", "runs", "--device", "cpu")
    assert (fitted.code, fitted.err) == (0, "")
    found = RunStore(tmp_path / "runs").open(fitted.fact("run"))
    assert fitted.fact("kept in") == f"runs/{found.id}"
    assert folder() == ["runs"]
    assert "model" not in fitted.table
    expected = kept_by_hand(tmp_path / "expected", load_sample(), Settings(), ThresholdRule())
    assert_same_run(found, expected)
    shown = run("runs", "show", found.id, "--runs", "runs")
    assert shown.fact("threshold") == fitted.fact("threshold") == f"{expected.record.threshold!r} nats"
    metrics = expected.record.metrics
    assert shown.fact("auroc") == repr(metrics["auroc"])
    assert fitted.fact("AUROC") == number(metrics["auroc"])
    assert shown.fact("flagged") == repr(metrics["flagged"])
    assert fitted.fact("flagged") == f"{metrics['flagged']} of 756 inspected rows"
    assert shown.fact("name") == "Handwritten digits, 16 components, threshold 20.3"
    listed = run("runs", "list", "--runs", "runs")
    assert listed.table[found.id][2:] == [f"{metrics['flagged']} of 756", fitted.fact("AUROC")]


def test_fit_keeps_every_choice(run, tmp_path):
    data = labelled_file()
    options = "--components 3 --scaling norm --max-training-points 40 --bandwidth 1.5 --seed 7 --device cpu"
    curve = "--midpoint -3 --steepness 0.5 --threshold-rule probability --threshold-value 0.25"
    choices = (*options.split(), *curve.split(), "--fix", FIX, "--name", " my \t run ", "--runs", "runs")
    fitted = run("fit", "rows.parquet", "--keep", "-o", "m.safetensors", *choices)
    assert fitted.code == 0
    found = RunStore(tmp_path / "runs").open(fitted.fact("run"))
    expected = kept_by_hand(
        tmp_path / "expected",
        apply(preflight(data, 3).fix(FIX), data),
        Settings(3, "norm", 40, 1.5, 7),
        ThresholdRule("probability", 0.25),
        ProbabilityCurve(-3.0, 0.5),
        name="my run",
        fixes=(FIX,),
    )
    assert_same_run(found, expected)
    assert found.name == "my run"
    assert found.id.startswith("my-run-")
    assert fitted.fact("model") == "m.safetensors"
    assert (tmp_path / "m.safetensors").read_bytes() == found.path("model.safetensors").read_bytes()
    assert run("runs", "show", found.id, "--runs", "runs").fact("fixes") == FIX


def test_what_was_kept_compares(run, tmp_path):
    ids = []
    for components in (8, 16):
        options = ("--components", components, "--keep", "--runs", "runs", "--device", "cpu")
        ids.append(run("fit", "sample", *options).fact("run"))
    store = RunStore(tmp_path / "runs")
    expected = compare(*(store.open(id_).scored() for id_ in ids))
    compared = run("compare", *ids, "--runs", "runs", "--device", "cpu")
    assert (compared.code, compared.err) == (0, "")
    assert compared.fact("verdicts") == verdict_words(expected.verdicts)
    assert compared.fact("AUROC difference") == repr(expected.separation.difference)
    assert compared.table["components"] == ["8", "16", "differs"]


def test_runs_go_into_the_users_folder(run, tmp_path, monkeypatch):
    monkeypatch.setattr("kdeviz.output.runs.store.default_folder", lambda: tmp_path / "of the user")
    labelled_file()
    fitted = run("fit", "rows.parquet", "--keep", "--components", 3)
    assert folder() == ["of the user", "rows.parquet"]
    assert fitted.fact("run") in run("runs", "list").out


def test_a_kept_run_is_logged(run, tmp_path, monkeypatch):
    logged = []

    def log_run(uri, kept, report):
        logged.append((uri, kept, report()))
        return "4711"

    monkeypatch.setattr("kdeviz.output.check_server", logged.append)
    monkeypatch.setattr("kdeviz.output.log_run", log_run)
    labelled_file()
    options = ("--components", 3, "--keep", "--runs", "runs", "--mlflow", "http://here")
    fitted = run("fit", "rows.parquet", *options)
    assert fitted.code == 0
    assert fitted.fact("MLflow run") == "4711"
    asked, (uri, kept, report) = logged
    assert asked == uri == "http://here"
    assert "<html" in report
    assert kept.id == fitted.fact("run")


@pytest.mark.usefixtures("no_mlflow")
def test_a_missing_mlflow_is_told_before_anything_is_read(run):
    options = ("--keep", "--runs", "runs", "--mlflow", "http://here")
    assert "pip install 'kdeviz[mlflow]'" in refused(run("fit", "nothing.npy", *options))
    assert folder() == []


def test_a_run_stays_when_the_server_goes_away(run, tmp_path, monkeypatch, mlflow_is_there):
    """The server is asked before the fit, and may be gone after it."""
    monkeypatch.setattr("kdeviz.output.check_server", lambda uri: None)
    labelled_file()
    options = ("--components", 3, "--keep", "--runs", "runs", "--mlflow", "http://127.0.0.1:1")
    fitted = run("fit", "rows.parquet", *options)
    assert fitted.code == 2
    assert "no MLflow server can be reached" in fitted.err
    assert RunStore(tmp_path / "runs").open(fitted.fact("run"))
