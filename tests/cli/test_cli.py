import copy
import errno
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
import torch
import typer
from cli_steps import ENVIRONMENT, Outcome, folder, refused
from typer.testing import CliRunner

import kdeviz
from kdeviz import cli
from kdeviz.analysis.analyse import analyse
from kdeviz.cli.options import rule_names
from kdeviz.data.formats import FORMATS
from kdeviz.data.resources import resource
from kdeviz.data.samples import load_sample
from kdeviz.decision.metrics.separation import auroc
from kdeviz.decision.rules import RULES, ThresholdRule
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.model.kde import bandwidth_factor
from kdeviz.model.kernels.choice import IN_WORDS as KERNEL_WORDS
from kdeviz.settings import Settings
from kdeviz.wording import number, size


@pytest.fixture(scope="module")
def analysis():
    return analyse(*load_sample().train_and_test(), device="cpu")


@pytest.fixture(scope="module")
def sample_model(analysis, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "sample.safetensors"
    model = copy.copy(analysis.classifier)
    model.threshold = ThresholdRule().threshold(analysis.held_out_scores, analysis.scores)
    model.save(path)
    return path


def save_blob(name="blob.npy", rows=60, dimensions=5, seed=0):
    features = np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)
    np.save(name, features)
    return features


# Help

COMMANDS = ["app", "check", "compare", "export", "fit", "import", "info"]
COMMANDS += ["report", "runs", "score", "sweep"]


def commands():
    return typer.main.get_command(cli.cli).commands


def test_every_command_and_option_is_documented():
    assert sorted(commands()) == COMMANDS
    assert typer.main.get_command(cli.cli).help
    for name, command in commands().items():
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_shown(name):
    result = CliRunner().invoke(cli.cli, [name, "--help"])
    assert result.exit_code == 0
    assert commands()[name].help.split()[0] in result.stdout


def test_help_of_fit_names_every_threshold_rule_and_the_true_defaults():
    options = {parameter.name: parameter for parameter in commands()["fit"].params}
    assert set(rule_names()) == set(RULES)
    for rule in RULES:
        assert rule in options["threshold_rule"].help
    assert f"{ProbabilityCurve().midpoint:g} without it" in options["midpoint"].help
    assert f"{ProbabilityCurve().steepness:g} without it" in options["steepness"].help
    assert f"{ThresholdRule().value:g} without it" in options["threshold_value"].help
    assert options["threshold_rule"].default == ThresholdRule().kind


def test_help_of_data_names_every_format():
    for command in ("check", "fit", "score"):
        (data,) = [parameter for parameter in commands()[command].params if parameter.name == "data"]
        assert all(f" .{name}" in data.help for name in FORMATS)


def test_without_a_command_it_explains_itself(run):
    outcome = run()
    assert outcome.code == 0
    assert "Usage" in outcome.out


def test_version(run):
    assert run("--version").out == f"kdeviz {kdeviz.__version__}\n"


@pytest.mark.parametrize("module", ["kdeviz", "kdeviz.cli"])
def test_python_m_is_the_console_script(monkeypatch, capsys, module):
    monkeypatch.setattr(sys, "argv", ["kdeviz", "--version"])
    with pytest.raises(SystemExit):
        runpy.run_module(module, run_name="__main__")
    assert capsys.readouterr().out == f"kdeviz {kdeviz.__version__}\n"


def test_help_is_quick_and_loads_nothing_heavy():
    heavy = ("torch", "pandas", "numpy", "streamlit", "plotly", "pyarrow", "sklearn")
    script = (
        "import sys\nfrom kdeviz.cli import main\n"
        "try: main(['fit', '--help'])\n"
        f"finally: print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == "[]\n"
    assert "\x1b" not in done.stdout


def test_public_names_need_no_heavy_package():
    script = (
        "import sys, kdeviz\n"
        "assert 'torch' not in sys.modules\n"
        "from kdeviz import *\n"
        "assert set(kdeviz.__all__) <= set(globals()) & set(dir(kdeviz))\n"
        "KDEClassifier, analyse, load_sample, PCA\n"
        "print([name for name in ('streamlit', 'plotly', 'pandas', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_public_names_are_those_of_their_modules():
    for name in kdeviz.__all__:
        assert getattr(kdeviz, name).__name__ == name
    assert kdeviz.KDEClassifier is KDEClassifier
    assert kdeviz.analyse is analyse
    assert {*kdeviz.__all__, "__version__"} <= {*dir(kdeviz)}
    with pytest.raises(AttributeError, match="attribute nothing"):
        kdeviz.nothing  # noqa: B018


# fit


def test_fit_of_the_sample_says_what_analyse_says(run, analysis):
    outcome = run("fit", "sample", "-o", "m.safetensors", "--device", "cpu")
    assert (outcome.code, outcome.err) == (0, "")
    threshold = ThresholdRule().threshold(analysis.held_out_scores, analysis.scores)
    flagged = int((analysis.scores < threshold).sum())
    separation = number(auroc(analysis.scores, analysis.inspected.labels))
    assert outcome.fact("threshold") == f"{threshold!r} nats"
    assert outcome.fact("flagged") == f"{flagged} of {len(analysis.scores)} inspected rows"
    alarms, rows = int((analysis.held_out_scores < threshold).sum()), len(analysis.held_out_scores)
    assert outcome.fact("expected false alarms").endswith(f" ({alarms} of {rows} training rows)")
    assert outcome.fact("AUROC") == separation
    assert outcome.fact("dimensions") == "64"
    assert outcome.fact("components kept") == "16"
    model = KDEClassifier.load("m.safetensors", "cpu")
    np.testing.assert_array_equal(model.log_density(analysis.inspected.features).numpy(), analysis.scores)
    assert (model.threshold, model.curve, model.settings) == (threshold, ProbabilityCurve(), Settings())
    assert folder() == ["m.safetensors"]


def test_fit_takes_every_setting(run):
    features = save_blob()
    options = "--components 0.8 --scaling norm --max-training-points 40 --bandwidth 1.5 --seed 7 --device cpu"
    curve = "--midpoint -3 --steepness 0.5 --threshold-rule probability --threshold-value 0.25"
    outcome = run("fit", "blob.npy", "-o", "m.safetensors", *options.split(), *curve.split())
    assert outcome.code == 0
    assert "AUROC" not in outcome.table
    assert outcome.fact("training rows") == "40 of 60"
    unseen = "each judged by a model that has not seen it"
    assert outcome.fact("inspected rows") == f"40 of them are training rows, {unseen}"
    model = KDEClassifier.load("m.safetensors", "cpu")
    assert model.settings == Settings(0.8, "norm", 40, 1.5, 7)
    assert model.curve == ProbabilityCurve(-3, 0.5)
    assert model.threshold == model.curve.inverse(0.25)
    wanted = analyse(features, settings=model.settings, device="cpu")
    np.testing.assert_array_equal(model.held_out_scores.numpy(), wanted.held_out_scores)


@pytest.mark.parametrize(
    ("rule", "flagged"), [(("top_k", 5), 5), (("log_density", 1e9), 60), (("quantile", 0.1), 6)]
)
def test_fit_finds_the_threshold_by_the_rule(run, rule, flagged):
    save_blob()
    options = ("--components", 3, "--threshold-rule", rule[0], "--threshold-value", rule[1])
    outcome = run("fit", "blob.npy", "-o", "m", *options)
    assert outcome.fact("flagged") == f"{flagged} of 60 inspected rows"
    assert outcome.fact("inspected rows").startswith("the training rows themselves, ")


def test_warnings_and_notes_go_to_stderr(run):
    features = save_blob(dimensions=3)
    pd.DataFrame({"one": list(features), "other": list(features)}).to_parquet("two.parquet")
    outcome = run("fit", "two.parquet", "-o", "m", "--components", 9)
    assert outcome.code == 0
    note, warning, *_ = outcome.err.splitlines()
    assert note.startswith("note: The embedding was guessed to be one")
    assert warning.startswith("warning: 9 components were asked for, but")
    assert run("fit", "two.parquet", "-o", "n", "--components", 2, "--embedding-column", "other").err == ""


def test_progress_shows_on_a_terminal_and_never_in_the_output(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    outcome = run("fit", "sample", "-o", "m.safetensors")
    assert "Scoring the other samples" in outcome.err
    assert "Scoring" not in outcome.out
    assert "Scoring" in run("score", "m.safetensors", "sample", "-o", "s.csv").err


# score and info


@pytest.mark.parametrize("name", ["s.parquet", "s.csv", "S.CSV"])
def test_score_writes_what_analyse_says(run, analysis, sample_model, name):
    outcome = run("score", sample_model, "sample", "-o", name, "--device", "cpu")
    assert outcome.code == 0
    left_out, position = outcome.err.splitlines()
    assert left_out == "note: 1051 rows of split train are left out: --all-rows scores them too"
    assert position.endswith("matched by position, neither it nor the model has names for them.")
    frame = pd.read_parquet(name) if name.endswith("parquet") else pd.read_csv(name)
    np.testing.assert_array_equal(frame["log_density"].to_numpy(np.float32), analysis.scores)
    assert frame["id"].tolist() == analysis.inspected.ids.tolist()
    assert outcome.fact("flagged") == str(int(frame["flagged"].sum()))
    assert outcome.fact("rows scored") == str(len(frame))


def test_all_rows_scores_training_rows_without_their_own_kernel(run, analysis, sample_model):
    outcome = run("score", sample_model, "sample", "-o", "s.parquet", "--all-rows", "--device", "cpu")
    position, known = outcome.err.splitlines()
    assert position.endswith("matched by position, neither it nor the model has names for them.")
    assert known == f"note: the model was fitted on 1051 of these {len(load_sample())} rows: {HELD_OUT}"
    scores = pd.read_parquet("s.parquet")["log_density"].to_numpy()
    train = load_sample().split == "train"
    np.testing.assert_array_equal(scores[train], analysis.held_out_scores)
    np.testing.assert_array_equal(scores[~train], analysis.scores)


def test_a_model_without_a_threshold_gets_the_default_one(run):
    model = KDEClassifier(3)
    model.fit(save_blob())
    model.save("m.safetensors")
    outcome = run("score", "m.safetensors", "blob.npy", "-o", "s.parquet")
    assert "warning: the model has no threshold: took the default, quantile 0.01" in outcome.err
    assert "no p-values" not in outcome.err  # all rows of the fit are here: they were held out now
    scores = pd.read_parquet("s.parquet")["log_density"].to_numpy()
    threshold = ThresholdRule().threshold(scores, scores)
    assert json.loads(pq.read_schema("s.parquet").metadata[b"kdeviz"])["threshold"] == threshold
    assert run("info", "m.safetensors").fact("threshold") == "none"


def test_metadata_comes_from_a_second_file(run):
    save_blob()
    pd.DataFrame({"camera": ["left", "right"] * 30}).to_csv("about.csv", index=False)
    assert run("fit", "blob.npy", "-o", "m", "--components", 3, "--metadata", "about.csv").code == 0
    assert run("score", "m", "blob.npy", "-o", "s.csv", "--metadata", "about.csv").code == 0
    assert pd.read_csv("s.csv")["camera"].tolist() == ["left", "right"] * 30


def test_score_falls_back_to_the_cpu_when_memory_runs_out(run, sample_model, monkeypatch):
    real, calls = KDEClassifier.log_density_of, []

    def short_of_memory(self, *arguments, **options):
        calls.append(self.device)
        if len(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, *arguments, **options)

    monkeypatch.setattr(KDEClassifier, "log_density_of", short_of_memory)
    outcome = run("score", sample_model, "sample", "-o", "s.csv")
    assert outcome.code == 0
    assert "ran out of memory: computed on the CPU" in outcome.err


def test_score_hides_no_other_fault(run, sample_model, monkeypatch):
    def broken(self, *arguments, **options):
        raise RuntimeError("a bug")

    monkeypatch.setattr(KDEClassifier, "log_density_of", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        cli.main(["score", str(sample_model), "sample", "-o", "s.csv"])
    assert folder() == []


def test_info_says_what_is_in_the_file(run, sample_model):
    model = KDEClassifier.load(sample_model, "cpu")
    outcome = run("info", sample_model)
    assert (outcome.code, outcome.err) == (0, "")
    facts = outcome.out
    assert outcome.fact("dimensions") == "64"
    assert outcome.fact("their names") == "none: columns are matched by position"
    assert outcome.fact("training points") == "1051 (at most 40000, seed 0)"
    assert outcome.fact("components") == "16 (16 asked for)"
    assert outcome.fact("scaling") == "scale"
    assert outcome.fact("bandwidth") == f"scott, factor {bandwidth_factor('scott', 1051, 16)!r}"
    assert outcome.fact("summed by") == KERNEL_WORDS[model.kernel]
    assert outcome.fact("threshold") == f"{model.threshold!r} nats"
    assert outcome.fact("curve") == "midpoint 12.0 nats, steepness 0.05 per nat"
    assert outcome.fact("data digest") == model.data_digest
    assert f"kdeviz {kdeviz.__version__}, torch {torch.__version__}" in facts
    share = float(model.pca_model.explained_variance_ratio.sum())
    assert outcome.fact("variance kept") == f"{number(100 * share)} %"
    assert str(sample_model) in facts
    assert size(sample_model.stat().st_size) in facts


# columns by name, rows by content

HELD_OUT = "each is scored by a model that has not seen it"


@pytest.fixture
def named():
    """40 rows of named columns in a file, and its table."""
    columns = ["length", "width", "height", "weight", "gloss"]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 5)), columns=columns)
    frame.insert(0, "id", [f"s{i}" for i in range(40)])
    frame.to_csv("fit.csv", index=False)
    return frame


def test_columns_are_matched_by_name_and_rows_by_content(run, named):
    assert run("fit", "fit.csv", "-o", "m", "--components", 2).code == 0
    assert run("info", "m").fact("their names") == "length, width, height, ..., gloss"
    new = named[::-1][["gloss", "id", "weight", "height", "width", "length"]].assign(minutes=2.5)
    new.to_parquet("new.parquet")
    outcome = run("score", "m", "new.parquet", "-o", "new.csv", "--device", "cpu")
    assert outcome.code == 0
    assert "new: 'minutes' left out, the model has no such dimension." in outcome.err
    assert "the columns stand in another order than in the model, matched by name." in outcome.err
    assert f"the model was fitted on 40 of these 40 rows: {HELD_OUT}" in outcome.err
    assert run("score", "m", "fit.csv", "-o", "fit_scores.csv", "--device", "cpu").code == 0
    ours, theirs = (
        pd.read_csv(name).set_index("id")["log_density"] for name in ("new.csv", "fit_scores.csv")
    )
    pd.testing.assert_series_equal(ours.sort_index(), theirs.sort_index())


@pytest.mark.parametrize("command", ["score", "compare"])
def test_a_column_that_is_missing_is_named(run, named, command):
    assert run("fit", "fit.csv", "-o", "m", "--components", 2).code == 0
    named.rename(columns={"width": "breadth"}).to_csv("new.csv", index=False)
    what = ("m", "new.csv", "-o", "s.csv") if command == "score" else ("m", "m", "new.csv")
    outcome = run(command, *what)
    assert (outcome.code, outcome.out) == (2, "")
    *_, line = outcome.err.splitlines()
    assert "new: there is no column of numbers 'width', which the model has as a dimension" in line
    assert "'breadth'" in line


# check and --fix


MISSING, CONSTANT, LABELLED = (
    "missing: drop rows",
    "constant columns: drop",
    "contamination: leave out of training",
)


@pytest.fixture
def flawed(run):
    """62 rows of 7 dimensions: two rows with NaN, two constant columns, six rows labelled anomalous."""
    features = np.insert(save_blob(rows=62), [1, 4], 3, axis=1)
    features[[7, 50], 2] = np.nan
    labels = np.where(np.arange(62) % 10 == 3, "anomalous", "normal")
    assert (labels == "anomalous").sum() == 6
    pd.DataFrame({"wide": list(features), "label": labels}).to_parquet("flawed.parquet")
    good = np.delete(np.delete(features, [7, 50], axis=0), [1, 5], axis=1)
    return good, np.delete(labels, [7, 50])


def problems(outcome):
    """Lines after the facts and the first rows, split into their columns."""
    lines = outcome.out.split("\n\n")[2].splitlines()
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


@pytest.mark.usefixtures("flawed")
def test_check_names_every_problem_and_its_fixes_the_worst_first(run):
    outcome = run("check", "flawed.parquet", "--components", 9)
    assert (outcome.code, outcome.err) == (1, "")
    facts = [line.split() for line in outcome.out.splitlines()[:3]]
    assert facts == [["data", "flawed"], ["rows", "62"], ["dimensions", "7"]]
    lines = problems(outcome)
    found = [(line[0], line[1]) for line in lines if not line[0].startswith("--fix")]
    assert found[:4] == [
        ("error", "missing"), ("warning", "contamination"), ("warning", "rank"), ("note", "constant columns"),
    ]  # fmt: skip
    assert {severity for severity, _ in found[4:]} == {"ok"}
    assert lines[1] == [f'--fix "{MISSING}" (Drop 2 rows)']
    assert [f'--fix "{CONSTANT}" (Drop 2 dimensions)'] in lines
    assert outcome.out.endswith(
        "\n\nGive --fix to kdeviz fit, score or sweep: check itself changes nothing.\n"
    )
    assert "6 of 62 training rows are labelled anomalous" in outcome.out


@pytest.mark.usefixtures("flawed")
def test_a_pipe_gets_every_line_whole_and_a_terminal_folds_it(run, monkeypatch):
    whole = run("check", "flawed.parquet").out
    (line,) = [line for line in whole.splitlines() if "missing values" in line]
    words = "2 of 62 rows hold missing values, in 1 of 7 dimensions: a fit refuses them. Rows 7, 50."
    assert line.endswith(words)
    assert all(line == line.rstrip() for line in whole.splitlines())
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    shown = run("check", "flawed.parquet").out
    assert "\x1b[1merror" in shown
    assert not any(line.endswith(words) for line in shown.splitlines())


def test_check_leaves_with_0_when_a_fit_would_not_be_refused(run):
    features = save_blob()
    assert run("check", "blob.npy", "--components", 3).code == 0
    assert run("fit", "blob.npy", "-o", "m", "--components", 3).code == 0
    np.save("twice.npy", np.repeat(features, 2, axis=0))
    outcome = run("check", "twice.npy", "--components", 3)
    assert outcome.code == 0
    assert problems(outcome)[0][:2] == ["note", "duplicate rows"]


def test_check_looks_at_the_column_and_the_table_it_is_given(run):
    features = save_blob()
    columns = {"first": list(features), "other": list(np.insert(features, 0, 1, axis=1))}
    pd.DataFrame(columns).to_parquet("two.parquet")
    pd.DataFrame({"label": ["bad"] * 5 + ["good"] * 55}).to_csv("about.csv", index=False)
    plain = run("check", "two.parquet")
    assert plain.err.startswith("note: The embedding was guessed to be first")
    outcome = run("check", "two.parquet", "--embedding-column", "other", "--metadata", "about.csv")
    assert "1 of 6 dimensions" in outcome.out
    assert "5 of 60 training rows are labelled anomalous" in outcome.out
    assert "labelled anomalous" not in plain.out.replace("No training row is labelled anomalous", "")


def test_check_of_a_file_brings_no_control_characters_to_the_terminal(run):
    np.save("a\x1b[31m.npy", save_blob())
    assert "\x1b" not in run("check", "a\x1b[31m.npy").out


@pytest.mark.parametrize("names", [(MISSING, CONSTANT, LABELLED), (LABELLED, CONSTANT, MISSING)])
def test_fixes_are_applied_in_order_by_fit_and_score(run, flawed, names):
    features, labels = flawed
    options = [option for name in names for option in ("--fix", name)]
    fit = run("fit", "flawed.parquet", "-o", "m", "--components", 3, *options, "--device", "cpu")
    assert fit.code == 0
    notes = {
        MISSING: "note: 2 rows with missing values dropped",
        CONSTANT: "note: 2 dimensions without variation in training dropped",
        LABELLED: "note: 6 rows labelled anomalous left out of training",
    }
    assert fit.err.splitlines()[:3] == [notes[name] for name in names]
    normal = labels == "normal"
    wanted = analyse(features[normal], settings=Settings(3), device="cpu")
    model = KDEClassifier.load("m", "cpu")
    np.testing.assert_array_equal(model.held_out_scores.numpy(), wanted.held_out_scores)
    assert (
        fit.fact("threshold") == f"{ThresholdRule().threshold(wanted.held_out_scores, wanted.scores)!r} nats"
    )
    assert fit.fact("training rows") == "54 of 60"
    assert run("score", "m", "flawed.parquet", "-o", "s.parquet", *options, "--device", "cpu").code == 0
    scores = pd.read_parquet("s.parquet")["log_density"].to_numpy()
    np.testing.assert_array_equal(scores[normal], wanted.held_out_scores)
    np.testing.assert_array_equal(scores[~normal], model.log_density(features[~normal]).numpy())


def test_score_without_the_fix_still_leaves_the_rows_of_the_fit_out_of_their_own_score(run):
    features = save_blob()
    labels = np.where(np.arange(60) % 9 == 2, "bad", "good")
    pd.DataFrame({"wide": list(features), "label": labels}).to_parquet("labelled.parquet")
    run("fit", "labelled.parquet", "-o", "m", "--components", 3, "--fix", LABELLED)
    outcome = run("score", "m", "labelled.parquet", "-o", "s.parquet", "--device", "cpu")
    assert f"note: the model was fitted on 53 of these 60 rows: {HELD_OUT}" in outcome.err
    left_out = KDEClassifier.load("m", "cpu").held_out_scores.numpy()
    scores = pd.read_parquet("s.parquet")["log_density"].to_numpy()
    np.testing.assert_array_equal(scores[labels == "good"], left_out)


@pytest.mark.usefixtures("flawed")
def test_a_fix_that_nothing_calls_for_is_refused_with_what_is_on_offer(run):
    assert f"flawed needs no fix 'outliers: drop'; on offer: '{MISSING}'" in refused(
        run("fit", "flawed.parquet", "-o", "m", "--fix", "outliers: drop")
    )
    again = run("fit", "flawed.parquet", "-o", "m", "--fix", CONSTANT, "--fix", CONSTANT)
    assert again.code == 2
    assert "needs no fix 'constant columns: drop'" in again.err
    assert folder() == ["blob.npy", "flawed.parquet"]


@pytest.mark.usefixtures("flawed")
def test_columns_dropped_from_the_fitted_file_are_dropped_from_another(run):
    other = np.random.default_rng(5).normal(size=(20, 7)).astype(np.float32)  # nothing is constant here
    np.save("other.npy", other)
    fixes = ("--fix", MISSING, "--fix", CONSTANT)
    assert run("fit", "flawed.parquet", "-o", "m", "--components", 3, *fixes).code == 0
    fitted = ("--fitted", "flawed.parquet", "--fitted-column", "wide")
    outcome = run("score", "m", "other.npy", "-o", "s.parquet", *fixes, *fitted, "--device", "cpu")
    said = [line for line in outcome.err.splitlines() if "matched by position" not in line]
    assert said == ["note: 2 dimensions without variation in training dropped, as from flawed"]
    scores = pd.read_parquet("s.parquet")["log_density"].to_numpy()
    wanted = KDEClassifier.load("m", "cpu").log_density(np.delete(other, [1, 5], axis=1)).numpy()
    np.testing.assert_array_equal(scores, wanted)
    np.save("narrow.npy", other[:, :6])
    assert (
        "narrow has 6 dimensions, flawed has 7"
        in run("score", "m", "narrow.npy", "-o", "n.csv", *fixes, *fitted).err
    )


# Bad input


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("fit", "Missing argument 'DATA"),
        ("fit sample", "the model would go nowhere: write it with -o FILE, or keep it as a run with --keep"),
        ("fit sample -o m --name x", "--name is about a kept run: add --keep, or leave --name out"),
        ("fit sample -o m --runs x", "--runs is about a kept run"),
        ("fit sample -o m --mlflow x", "--mlflow is about a kept run"),
        ("fit nothing.npy --keep --name \t", "the name '' of a run is not possible"),
        ("fit nothing.npy --keep --runs blob.npy", "blob.npy cannot be changed (Not a directory)"),
        (
            "fit nothing.npy --keep --runs blob.npy/runs",
            "cannot be changed (Not a directory): choose another",
        ),
        (
            "fit blob.npy --keep --runs . --threshold-rule fpr --components 3",
            "needs normal labels",
        ),
        ("score broken.npy sample", "Missing option '-o'"),
        ("fit sample -o m --compnents 3", "No such option: --compnents"),
        ("fit sample -o m --scaling none", "'norm' or 'scale'"),
        ("nothing", "No such command 'nothing'"),
        ("fit sample -o m --components many", "components='many' is not possible"),
        ("fit sample -o m --components 1.0", "components=1.0 is not possible"),
        ("fit sample -o m --components 0", "components=0 is not possible"),
        ("fit sample -o m --bandwidth wide", "choose 'scott', 'silverman'"),
        ("fit sample -o m --max-training-points 1", "training cap=1 is not possible"),
        ("fit sample -o m --seed -1", "seed=-1 is not possible"),
        ("fit sample -o m --device quantum", "device='quantum' cannot be used here"),
        ("fit sample -o m --threshold-rule nothing", "choose quantile, per_1000"),
        ("fit sample -o m --threshold-rule top_k", "needs --threshold-value: how many"),
        ("fit sample -o m --threshold-value 2", "the quantile rule cannot take 2.0"),
        ("fit sample -o m --steepness 0", "steepness=0.0 is not possible"),
        ("fit sample -o m --embedding-column x", "the sample set takes no --embedding-column"),
        ("fit sample -o m --metadata x.csv", "the sample set takes no --metadata"),
        ("fit sample -o m --components 5000", "1051 rows are fewer than 5000 components"),
        ("fit nothing.npy -o m", "nothing.npy: there is no such file"),
        ("fit broken.npy -o m", "broken.npy"),
        ("fit words.csv -o m", "words.csv"),
        ("fit blob.npy -o m --threshold-rule best_f1", "needs both normal and anomalous labels"),
        ("fit blob.npy -o .", "is not a file"),
        ("fit blob.npy -o blob.npy --force", "blob.npy is also an input"),
        ("fit blob.npy -o blob.npy/m", "cannot be written"),
        ("fit blob.npy -o nowhere/m", "nowhere/m cannot be written (No such file or directory)"),
        ("check nothing.npy", "nothing.npy: there is no such file"),
        ("check sample --components 0", "components=0 is not possible"),
        (
            "fit blob.npy -o m --fix nonsense",
            "blob needs no fix 'nonsense'; on offer: 'constant columns: drop'",
        ),
        ("score broken.npy blob.npy -o s.csv --fitted blob.npy", "--fitted is where --fix looks"),
        ("score broken.npy blob.npy -o s.csv --fix x --fitted-column y", "--fitted is where --fix looks"),
        ("score broken.npy blob.npy -o s.csv --fix x --fitted s.csv", "not a safetensors file"),
        ("score nothing sample -o s.csv", "nothing: there is no such file"),
        ("score broken.npy sample -o s.csv", "not a safetensors file"),
        ("score nothing sample -o s.xlsx", "scores are written as .csv or .parquet"),
        ("info broken.npy", "not a safetensors file"),
        ("app nothing.npy", "nothing.npy: there is no such file"),
        ("app --port 0", "greater than or equal to 1"),
        ("app --device quantum", "device='quantum' cannot be used here"),
        ("app --host 192.0.2.1", "cannot listen on 192.0.2.1"),
    ],
)
def test_bad_input_is_one_line_and_code_2_and_leaves_nothing(run, arguments, says):
    Path("broken.npy").write_bytes(b"\x93NUMPY broken")
    Path("words.csv").write_text("a,b\nx,y\n")
    np.save("blob.npy", np.append(save_blob(dimensions=19), np.ones((60, 1), np.float32), axis=1))
    before = folder()
    assert says in refused(run(*arguments.split(" ")))
    assert folder() == before


def test_a_model_of_other_dimensions_is_refused(run, sample_model):
    save_blob()
    assert "blob has 5 dimensions, the model has 64" in refused(
        run("score", sample_model, "blob.npy", "-o", "s.csv")
    )
    assert folder() == ["blob.npy"]


def test_control_characters_of_a_name_stay_out_of_the_message(run):
    assert "a b?[31m" in refused(run("info", "a\nb\x1b[31m"))


def test_a_file_named_sample_comes_before_the_sample_set(run):
    Path("sample").write_text("not embeddings")
    assert "sample: the extension is ''" in refused(run("fit", "sample", "-o", "m"))


def test_too_few_rows_is_one_line_in_a_real_process(tmp_path):
    np.save(tmp_path / "few.npy", np.ones((3, 4)))
    done = subprocess.run(
        [sys.executable, "-m", "kdeviz.cli", "fit", "few.npy", "-o", "m"],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    refused(Outcome(done.returncode, done.stdout, done.stderr))


# Output files


def test_nothing_is_overwritten_without_force(run, sample_model):
    for output, command in (("m", ("fit", "sample")), ("s.csv", ("score", sample_model, "sample"))):
        Path(output).write_text("precious")
        assert f"{output} exists already" in refused(run(*command, "-o", output))
        assert Path(output).read_text() == "precious"
        assert run(*command, "-o", output, "--force").code == 0
        assert Path(output).read_bytes()[:8] != b"precious"


def test_a_failed_fit_leaves_the_old_file(run):
    save_blob()
    Path("m").write_text("precious")
    refused(run("fit", "blob.npy", "-o", "m", "--force", "--threshold-rule", "fpr", "--components", 3))
    assert Path("m").read_text() == "precious"


@pytest.mark.parametrize("command", ["fit", "score"])
@pytest.mark.parametrize(
    ("fault", "code"), [(OSError(errno.ENOSPC, "No space left on device"), 2), (KeyboardInterrupt(), 130)]
)
def test_a_fault_while_writing_leaves_nothing(run, sample_model, monkeypatch, command, fault, code):
    def fail(*_):
        raise fault

    monkeypatch.setattr(Path, "replace", fail)
    output, model = ("out", ()) if command == "fit" else ("out.csv", (sample_model,))
    outcome = run(command, *model, "sample", "-o", output)
    assert outcome.code == code
    assert (f"{output} could not be written" in outcome.err) == (code == 2)
    assert folder() == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_during_a_fit_ends_it_and_leaves_nothing(tmp_path, name, code):
    script = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell may have it ignored
signal.signal(signal.SIGHUP, signal.SIG_DFL)
import kdeviz.analysis as module
real = module.analyse

def slow(train, score, settings, device, tell):
    def wait(stage, fraction):
        print("fitting", flush=True)
        time.sleep(60)
    return real(train, score, settings, device, wait)

module.analyse = slow
from kdeviz.cli import main
main(["fit", "sample", "-o", "m.safetensors"])
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "fitting\n"
        process.send_signal(signal.Signals[name])
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (code, "", "")
    assert list(tmp_path.iterdir()) == []


# app


@pytest.fixture
def started(monkeypatch):
    """The commands that `kdeviz app` would become."""
    commands = []
    monkeypatch.setattr(os, "execv", lambda program, command: commands.append(command))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return commands


def test_app_runs_the_front_door_on_this_machine_only(run, started):
    outcome = run("app")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    (command,) = started
    assert command[:5] == [sys.executable, "-P", "-m", "streamlit", "run"]
    assert command[5] == str(resource("app.py"))
    assert "--server.address=127.0.0.1" in command
    assert not any("server.port" in part for part in command)
    assert command[command.index("--") :] == ["--", "--device=auto"]


def test_app_passes_file_port_and_device_on(run, started):
    Path("-odd.npy").write_bytes(b"")
    assert run("app", "--port", 8765, "--device", "cpu", "--", "-odd.npy").code == 0
    assert "--server.port=8765" in started[0]
    assert started[0][started[0].index("--") :] == ["--", str(Path.cwd() / "-odd.npy"), "--device=cpu"]
    assert run("app", "sample").code == 0
    assert started[1][-3:] == ["--", "sample", "--device=auto"]


def test_app_passes_folders_and_the_tracking_server_on(run, started, mlflow_is_there):
    assert run("app", "--marks", "m", "--runs", "r s", "--mlflow", "http://localhost:5000").code == 0
    here = Path.cwd()
    passed = [f"--marks={here / 'm'}", f"--runs={here / 'r s'}", "--mlflow=http://localhost:5000"]
    assert started[0][started[0].index("--") :] == ["--", "--device=auto", *passed]
    assert folder() == []


def test_app_without_mlflow_says_how_to_get_it(run, started, no_mlflow):
    assert "pip install 'kdeviz[mlflow]'" in refused(run("app", "--mlflow", "http://localhost:5000"))
    assert started == []


@pytest.mark.parametrize(
    ("display", "options", "headless"),
    [(":0", (), "false"), (":0", ("--no-browser",), "true"), ("", (), "true")],
)
def test_app_opens_a_browser_where_there_is_a_screen(run, started, monkeypatch, display, options, headless):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", display)
    assert run("app", *options).code == 0
    assert f"--server.headless={headless}" in started[0]


def test_app_warns_before_it_listens_to_others(run, started):
    outcome = run("app", "--host", "0.0.0.0")
    assert outcome.err.startswith("warning: listening on 0.0.0.0")
    assert "--server.address=0.0.0.0" in started[0]


def test_app_passes_on_who_is_let_in(run, started):
    options = ("--allow-host", "kde.example", "--allow-host", "*.lab", "--user", "anna", "--user", "ben")
    assert run("app", *options, "--read-only").code == 0
    passed = ["--allow-host=kde.example", "--allow-host=*.lab", "--user=anna", "--user=ben", "--read-only"]
    assert started[0][started[0].index("--") :] == ["--", "--device=auto", *passed]
    assert run("app", "--user-header", "X-Forwarded-User").code == 0
    assert started[1][started[1].index("--") :] == ["--", "--device=auto", "--user-header=X-Forwarded-User"]


def test_app_believes_a_proxy_only_on_this_machine(run, started):
    words = refused(run("app", "--host", "0.0.0.0", "--user-header", "X-Forwarded-User"))
    assert "could claim any name" in words and started == []


def test_app_says_when_the_port_is_taken(run, started):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1 port {port}" in refused(run("app", "--port", port))
    assert started == []


def test_app_on_windows_waits_for_the_server(run, started, monkeypatch):
    monkeypatch.setattr(subprocess, "call", lambda command: 7)
    monkeypatch.setattr(sys, "platform", "win32")
    assert run("app").code == 7
    assert started == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_app_serves_from_an_empty_folder_on_this_machine_only(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (tmp_path / "log").open("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "kdeviz.cli", "app", "--no-browser", "--port", str(port)],
            cwd=tmp_path, env={**ENVIRONMENT, "HOME": str(tmp_path)},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            assert wait_for(f"http://127.0.0.1:{port}/_stcore/health", server) == "ok"
            listening = [
                c
                for c in psutil.Process(server.pid).net_connections("inet")
                if c.status == psutil.CONN_LISTEN
            ]
            assert [(c.laddr.ip, c.laddr.port) for c in listening] == [("127.0.0.1", port)]
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=20)
        log.seek(0)
        said = log.read()
    assert f"http://127.0.0.1:{port}" in said
    assert "usage statistics" not in said  # .streamlit/config.toml beside app.py was read


def wait_for(address, process):
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no answer from {address}")
