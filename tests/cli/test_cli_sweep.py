import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from cli_steps import ENVIRONMENT, folder, refused

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.samples import load_sample
from kdeviz.sweep.choice import best
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.metrics import sweep_table
from kdeviz.sweep.sweep import sweep

OPTIONS = (
    "--components",
    "4:12:4",
    "--scaling",
    "norm,scale",
    "--cap",
    "300,40000",
    "--bandwidth",
    "scott,0.5",
)
GRID = Grid.parse(components="4:12:4", scalings="norm,scale", caps="300,40000", bandwidths="scott,0.5")
TIMES = ["fit_seconds", "score_seconds"]


@pytest.fixture(scope="module")
def swept():
    return sweep(*load_sample().train_and_test(), GRID)


@pytest.fixture
def unlabelled(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32))
    return "rows.npy"


@pytest.mark.parametrize("name", ["sweep.parquet", "sweep.csv"])
def test_the_file_holds_what_sweep_says(run, swept, name):
    done = run("sweep", "sample", *OPTIONS, "-o", name)
    assert done.code == 0
    written = (pd.read_csv if name.endswith("csv") else pd.read_parquet)(
        name, **({"keep_default_na": False} if name.endswith("csv") else {})
    )
    expected = sweep_table(swept)
    # Times are never the same twice.
    pd.testing.assert_frame_equal(
        written.drop(columns=TIMES), expected.drop(columns=TIMES), check_dtype=False, check_exact=True
    )
    assert (written[TIMES] > 0).all(axis=None)
    if name.endswith("parquet"):
        about = json.loads(pq.read_schema(name).metadata[b"kdeviz"])
        assert about["choice"] == best(swept).sentence
        assert Grid(**about["grid"]).settings == GRID.settings
        assert about["data_digest"] == load_sample().train_and_test()[0].digest
        assert about["threshold_rule"] == {"kind": "quantile", "value": 0.01}


def test_the_table_is_sorted_and_marks_the_best_and_the_simplest(run, swept):
    done = run("sweep", "sample", *OPTIONS)
    heading, *lines, same, sentence = [line.split() for line in done.out.splitlines()]
    choice = best(swept)
    assert heading[:5] == ["components", "scaling", "cap", "bandwidth", "AUROC"]
    assert " ".join(same) == "In every row: seed 0"
    assert lines[0][0] in ("best", "best,") and str(choice.best.settings.n_pca_components) in lines[0]
    assert sum("simplest" in line[:2] for line in lines) == 1
    assert len([line for line in lines if {"kB", "MB"} & set(line)]) == len(GRID)
    assert " ".join(sentence) == " ".join(choice.sentence.split())


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_a_terminal_gets_every_row_in_one_line_and_the_columns_that_fit(run, monkeypatch, width):
    options = ("sweep", "sample", "--components", "4:12:4", "--scaling", "norm,scale")
    heading, *rows, _, _ = (re.split(r" {2,}", line) for line in run(*options).out.splitlines())
    expected = {tuple(row[1:5]) for row in rows}
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    done = run(*options)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", done.out).splitlines()
    assert max(map(len, lines)) <= width
    start = next(i for i, line in enumerate(lines) if "components" in line) + 1
    shown = [re.split(r" {2,}", line.rstrip()) for line in lines[start : start + 6]]
    assert {tuple(row[1:5]) for row in shown} == {row[: len(shown[0]) - 1] for row in expected}
    left_out = re.findall(r"too narrow for (.*): widen it", done.err)
    names = left_out[0].split(", ") if left_out else []
    assert bool(names) == (width < 200)
    assert len(shown[0]) + len(names) == len(heading)
    assert heading[len(heading) - len(names) :] == names


@pytest.mark.parametrize("metric", ["average_precision", "recall", "log_density"])
def test_sorting_by_a_metric_chooses_by_it(run, swept, metric):
    done = run("sweep", "sample", *OPTIONS, "--sort", metric)
    assert " ".join(best(swept, metric).sentence.split()) in " ".join(done.out.split())


def test_sorting_by_what_chooses_nothing_marks_nothing(run):
    done = run("sweep", "sample", "--components", "2,4", "--sort", "model_bytes")
    assert "best" not in done.out and "simplest" not in done.out
    heading, *lines = done.out.splitlines()
    assert heading.split()[:2] == ["components", "model"]
    assert [line.split()[0] for line in lines] == ["2", "4", "In"]


def test_without_labels_it_chooses_by_likelihood(run, unlabelled):
    done = run("sweep", unlabelled, "--components", "2,4", "--bandwidth", "scott,0.5")
    assert "AUROC" not in done.out
    assert "Likelihoods with different components do not compare" in done.out
    rows = EmbeddingSet.from_array(np.load(unlabelled))
    expected = best(sweep(rows, None, Grid((2, 4), bandwidths=("scott", 0.5)))).sentence
    assert " ".join(expected.split()) in " ".join(done.out.split())


def test_what_cannot_be_fitted_is_told_in_its_row(run, unlabelled):
    done = run("sweep", unlabelled, "--components", "2,500", "-o", "s.csv")
    assert done.code == 0
    assert "120 rows are fewer than 500 components" in done.err
    assert done.out.splitlines()[2].split()[-6:] == ["–"] * 6
    assert "fewer than 500" in pd.read_csv("s.csv")["error"][1]


def test_warnings_are_told_once(run, unlabelled):
    done = run("sweep", unlabelled, "--components", "60", "--cap", "50,60", "--bandwidth", "scott,0.5")
    assert done.err.count("but the 50 training rows vary along") == 1


def test_nothing_that_could_be_fitted_is_an_error(run, unlabelled):
    done = run("sweep", unlabelled, "--components", "500,600", "-o", "s.csv")
    assert done.code == 2 and "error: no setting could be fitted: " in done.err
    assert not Path("s.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--components", "many"), "components: 'many' cannot be read"),
        (("--scaling", "both"), "scaling='both' is not known"),
        (("--sort", "beauty"), "--sort beauty is not known: choose auroc"),
        (("-o", "sweep.txt"), "sweeps are written as .csv or .parquet"),
        (("--device", "abacus"), "device='abacus' cannot be used"),
        (("--metadata", "x.csv"), "the sample set takes no --metadata"),
    ],
)
def test_bad_input_is_one_line_and_code_2(run, arguments, says):
    assert says in refused(run("sweep", "sample", *arguments))


def test_nothing_is_overwritten_without_force(run, unlabelled):
    Path("s.csv").write_text("mine")
    assert run("sweep", unlabelled, "--components", "2", "-o", "s.csv").code == 2
    assert Path("s.csv").read_text() == "mine"
    assert run("sweep", unlabelled, "--components", "2", "-o", "s.csv", "--force").code == 0
    assert len(pd.read_csv("s.csv")) == 1


def test_fixes_are_applied_first(run, tmp_path):
    rows = np.random.default_rng(0).normal(size=(90, 6))
    rows[3] = np.nan
    np.save(tmp_path / "flawed.npy", rows)
    assert "NaN" in run("sweep", "flawed.npy", "--components", "2").err
    checked = run("check", "flawed.npy").out
    name = checked.split('--fix "')[1].split('"')[0]
    done = run("sweep", "flawed.npy", "--components", "2", "--fix", name)
    assert done.code == 0 and " kB" in done.out


def test_a_sweep_is_logged_as_its_file(run, unlabelled, monkeypatch):
    logged = []

    def log_sweep(uri, table):
        logged.append((uri, table))
        return "4711"

    monkeypatch.setattr("kdeviz.output.check_server", logged.append)
    monkeypatch.setattr("kdeviz.output.log_sweep", log_sweep)
    done = run("sweep", unlabelled, "--components", "2,4", "-o", "s.parquet", "--mlflow", "http://here")
    assert done.code == 0 and done.fact("MLflow run") == "4711"
    asked, (uri, table) = logged
    assert asked == uri == "http://here"
    pd.testing.assert_frame_equal(table, pd.read_parquet("s.parquet"))


@pytest.mark.usefixtures("no_mlflow")
def test_a_missing_mlflow_is_told_before_anything_is_read(run):
    says = refused(run("sweep", "nothing.npy", "-o", "s.csv", "--mlflow", "http://here"))
    assert "pip install 'kdeviz[mlflow]'" in says
    assert folder() == []


@pytest.mark.parametrize("finished", [0, 2])
def test_an_interruption_keeps_what_is_finished(run, unlabelled, monkeypatch, finished):
    real = sweep

    def interrupted(train, score, grid, rule, device, on_row, tell):
        for settings in grid.settings[:finished]:
            alone = Grid((settings.n_pca_components,), bandwidths=(settings.bandwidth,))
            real(train, score, alone, rule, device, on_row, tell)
        raise KeyboardInterrupt

    monkeypatch.setattr("kdeviz.sweep.sweep", interrupted)
    done = run("sweep", unlabelled, "--components", "2:5", "-o", "s.csv")
    assert done.code == 130 and f"interrupted: {finished} of 4 settings are done" in done.err
    assert len(pd.read_csv("s.csv")) == 2 if finished else not Path("s.csv").exists()


def test_the_line_that_goes_on_reads_the_file_in_the_same_way(run):
    rows = np.random.default_rng(0).normal(scale=0.1, size=(200, 8))
    columns = [*(f"f{i}" for i in range(6)), "size", "weight"]
    pd.DataFrame(rows, columns=columns).to_csv("rows.csv", index=False)
    left_out = ("--leave-out", "size", "--leave-out", "weight")
    done = run("sweep", "rows.csv", "--components", "1,2", *left_out)
    words = shlex.split(done.err[done.err.index("kdeviz sweep") :].splitlines()[0])
    assert [word for word in words if "leave-out" in word] == ["--leave-out=size", "--leave-out=weight"]
    again = run(*words[1:])
    assert again.code == 0, again.err


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(("name", "code_"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_keeps_what_is_finished(tmp_path, name, code_):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(3000, 20)).astype(np.float32))
    code = (
        # Tests that run in the background of a shell inherit that Ctrl-C is ignored.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import sys, kdeviz.sweep, kdeviz.cli as c\n"
        "import importlib; m = importlib.import_module('kdeviz.sweep.sweep'); row = m._row\n"
        "def told(a):\n    open('begun', 'w').close(); return row(a)\n"
        "m._row = told\n"
        "c.main(['sweep', 'rows.npy', '--components', '1:20', '--bandwidth', "
        "','.join(str(1 + i / 100) for i in range(200)), '-o', 's.csv'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**ENVIRONMENT, "OMP_NUM_THREADS": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.Signals[name])
    out, err = process.communicate(timeout=60)
    assert process.returncode == code_
    assert "of 4000 settings are done" in err and "s.csv" in out
    assert 1 <= len(pd.read_csv(tmp_path / "s.csv")) < 4000
