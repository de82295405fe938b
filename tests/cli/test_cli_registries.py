"""What is added to a registry is there in the commands without another line."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from kdeviz.analysis.analyse import analyse
from kdeviz.data.formats import FORMATS, READERS
from kdeviz.data.readers.numpy_files import read_npy
from kdeviz.data.samples import load_sample
from kdeviz.decision.decision import decide
from kdeviz.decision.rules import RULES, ThresholdRule
from kdeviz.decision.rules.rule import Rule
from kdeviz.model.classifier import KDEClassifier
from kdeviz.output.formats.model_format import ModelFormat, Scored
from kdeviz.output.formats.registry import MODEL_FORMATS
from kdeviz.output.recipe import Files, python_recipe, shell_recipe
from kdeviz.output.tables import TABLE_WRITERS, TableWriter
from kdeviz.settings import Settings


@pytest.fixture
def lines_format(monkeypatch):
    """A format of tables: one JSON text per row."""

    def write(table):
        return "".join(f"{json.dumps(row, default=str)}\n" for row in table.frame.to_dict("records")).encode()

    monkeypatch.setitem(TABLE_WRITERS, ".lines", TableWriter("Lines", write))


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(autouse=True)
def blob(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("blob.npy", np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))


def test_scores_in_a_new_format(run, lines_format, tmp_path):
    run("fit", "blob.npy", "-o", "m.safetensors", "--components", 2)
    assert run("score", "m.safetensors", "blob.npy", "-o", "scores.LINES").code == 0
    rows = read(tmp_path / "scores.LINES")
    assert [row["id"] for row in rows] == [str(i) for i in range(60)]
    assert {"rank", "log_density", "probability", "flagged"} <= set(rows[0])


def test_a_sweep_in_a_new_format(run, lines_format, tmp_path):
    assert run("sweep", "blob.npy", "-o", "sweep.lines", "--components", "1,2").code == 0
    assert [row["n_pca_components"] for row in read(tmp_path / "sweep.lines")] == [1, 2]


class RuleFormat(ModelFormat):
    """A line of text with the threshold, which its "runtime" applies to the model's own scores."""

    name = "rule"
    title = "the rule"
    suffix = ".rule"
    words = "One line of text."
    added = 0.0

    def loading(self, decision, file):
        return f"open({file!r}).read()"

    def write(self, decision, path):
        path.write_text(repr(decision.threshold))

    def check(self, decision, path, rows):
        scores = decision.fitted_model.log_density(rows).numpy() + self.added
        return Scored("a line of text", "1", scores, flagged=scores < float(path.read_text()))


@pytest.mark.parametrize("listed", [f"{__name__}:RuleFormat", RuleFormat()])
def test_a_model_in_a_new_format(run, monkeypatch, tmp_path, listed):
    monkeypatch.setitem(MODEL_FORMATS, "rule", listed)
    done = run("fit", "blob.npy", "-o", "m.RULE", "--components", 2)
    assert (tmp_path / "m.RULE").read_text() == done.fact("threshold").removesuffix(" nats")
    run("fit", "blob.npy", "-o", "m.safetensors", "--components", 2)
    exported = run("export", "m.safetensors", "--to", "rule", "-o", "e.rule")
    assert exported.fact("loaded back by") == "a line of text 1"
    assert (tmp_path / "e.rule").read_text() == (tmp_path / "m.RULE").read_text()


def test_help_of_export_names_a_new_format():
    code = (
        "import kdeviz.output; kdeviz.output.MODEL_FORMATS['rule'] = 'nowhere:Rule'\n"
        "from kdeviz.cli.export import _To; print(_To.__metadata__[0].help)\n"
        "import sys; assert not {'torch', 'pandas', 'onnx'} & set(sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert ", rule;" in shown


def test_a_model_with_other_scores_is_not_left_behind(run, monkeypatch, tmp_path):
    monkeypatch.setitem(MODEL_FORMATS, "rule", RuleFormat())
    run("fit", "blob.npy", "-o", "m.safetensors", "--components", 2)
    monkeypatch.setattr(RuleFormat, "added", 0.1)
    before = sorted(tmp_path.iterdir())
    done = run("export", "m.safetensors", "--to", "rule", "-o", "e.rule")
    assert done.code == 2
    assert "a line of text 1 gives another log density for" in done.err
    assert "nothing was written" in done.err
    assert sorted(tmp_path.iterdir()) == before


def read_other(source):
    """Four bytes, then what numpy writes."""
    return read_npy(replace(source, data=source.data.read_bytes()[4:]))


def test_data_in_a_new_format(run, monkeypatch, tmp_path):
    monkeypatch.setitem(READERS, "other", f"{__name__}:read_other")
    (tmp_path / "blob.other").write_bytes(b"OTHR" + (tmp_path / "blob.npy").read_bytes())
    for data in ("blob.other", "blob.npy"):
        fitted = run("fit", data, "-o", f"{data}.safetensors", "--components", 2)
        assert fitted.code == 0, fitted.err
        run("score", f"{data}.safetensors", data, "-o", f"{data}.csv")
    assert "other" in FORMATS
    assert (tmp_path / "blob.other.csv").read_bytes() == (tmp_path / "blob.npy.csv").read_bytes()


def test_help_of_data_names_a_new_format():
    code = (
        "from kdeviz.data.formats import READERS; READERS['other'] = 'json:loads'\n"
        "from kdeviz.cli.options import Data; print(Data.__metadata__[0].help)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert " .other;" in shown


def test_a_format_that_there_is_not_is_refused_with_those_that_are(run, lines_format):
    done = run("sweep", "blob.npy", "-o", "sweep.xyz")
    assert done.code == 2
    assert ".csv or .parquet or .lines" in done.err


class Lowest(Rule):
    name = "lowest"
    title = "Below the lowest training score"
    takes = "how many nats below it"

    def allowed(self):
        return self.value >= 0

    def threshold(self, scores):
        return float(scores.train.min()) - self.value


def test_a_new_rule_in_fit_and_in_both_recipes(run, monkeypatch):
    monkeypatch.setitem(RULES, "lowest", Lowest)
    needs = run("fit", "blob.npy", "-o", "m.safetensors", "--components", 2, "--threshold-rule", "lowest")
    assert "--threshold-rule lowest needs --threshold-value: how many nats below it" in needs.err
    given = ("--components", 3, "--threshold-rule", "lowest", "--threshold-value", 0.5)
    assert run("fit", "sample", "-o", "m.safetensors", *given).code == 0
    analysis = analyse(*load_sample().train_and_test(), Settings(3), device="cpu")
    decision = decide(analysis, ThresholdRule("lowest", 0.5))
    assert KDEClassifier.load("m.safetensors", "cpu").threshold == decision.threshold
    assert "--threshold-rule=lowest" in shell_recipe(decision, Files("sample"))
    got = {}
    exec(python_recipe(decision, Files("sample")), got)
    assert got["decision"].threshold == decision.threshold


def test_the_usual_value_of_a_new_rule(run, monkeypatch):
    monkeypatch.setattr(Lowest, "usual", 2.0)
    monkeypatch.setitem(RULES, "lowest", Lowest)
    assert (
        run("fit", "sample", "-o", "m.safetensors", "--components", 3, "--threshold-rule", "lowest").code == 0
    )
    left_out = KDEClassifier.load("m.safetensors", "cpu").held_out_scores
    assert KDEClassifier.load("m.safetensors", "cpu").threshold == pytest.approx(float(left_out.min()) - 2)
