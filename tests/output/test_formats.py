"""Every model format against its own runtime, the card and the record beside it, and what fails."""

import json
import logging
import runpy
import subprocess
import sys
import zipfile
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import openvino
import pandas as pd
import pytest
import skops.io
import torch
from cli_steps import refused
from log_steps import records_of
from oracles import LOG_DENSITY

import kdeviz
from kdeviz import ExportError, KDEClassifier, KDEOutlierDetector, OptionError, Settings, analyse, decide
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.decision.p_values import p_values
from kdeviz.decision.rules import ThresholdRule
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.formats import numpy_script
from kdeviz.output.formats.export import beside, export
from kdeviz.output.formats.model_format import Scored
from kdeviz.output.formats.native import Native, decision_of_model, model_bytes, read_decision
from kdeviz.output.formats.probes import probe_rows
from kdeviz.output.formats.registry import MODEL_FORMATS, model_format
from kdeviz.output.formats.verification import Expected, SamplesFlagged, verify

# mlflow warns of itself when it is imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Any type hint:UserWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]
CURVE = ProbabilityCurve(9.0, 0.07)
RULE = ThresholdRule("quantile", 0.05)
NAMES = ("a", "b|c", "d\n`e`", "f", "g", "h")


def rows_of(n=300, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) * 10.0 ** (-np.arange(d) / d) + 2).astype(np.float32)


def decided(scaling="scale", test=None, rule=RULE, **options):
    data = EmbeddingSet(rows_of(**options), np.arange(300).astype(str), feature_names=NAMES)
    analysis = analyse(data, test, Settings(4, scaling), device="cpu")
    return decide(analysis, rule, CURVE)


@pytest.fixture(scope="module")
def decision():
    return decided()


def labelled():
    rows = np.concatenate([rows_of(200, seed=1), rows_of(50, seed=2) + 2])
    labels = np.repeat([NORMAL, ANOMALOUS], [200, 50]).astype(np.int8)
    return EmbeddingSet(rows, np.arange(250).astype(str), labels=labels, feature_names=NAMES)


def scores_by_card(card, rows, folder):
    """What the lines on the card say, in a process of its own, as a reader of the card would run them."""
    np.save(folder / "rows.npy", rows)
    lines = card.partition("```python\n")[2].partition("```")[0]
    code = (
        "import numpy as np, warnings\nwarnings.simplefilter('ignore')\nrows = np.load('rows.npy')\n"
        + lines
        + "\n"
        "flagged = globals().get('is_anomalous', globals().get('flagged'))\n"
        "np.savez('found.npz', log_density=np.asarray(log_density), flagged=np.asarray(flagged))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "found.npz")


@pytest.mark.parametrize("name", [name for name in MODEL_FORMATS if name != "anomalib"])
def test_the_lines_on_the_card_give_our_scores(tmp_path, decision, name):
    kind = model_format(name)
    path = tmp_path / f"m{kind.suffix}"
    done = export(decision, kind, path)
    assert sorted(done.paths) == sorted(tmp_path.iterdir())
    assert list(done.paths) == beside(path, kind)
    assert done.paths[0] == path
    rows = rows_of(40, seed=1) * 1.1
    if name == "skops":
        lines = (
            "import pandas as pd\nrows = pd.DataFrame(rows.astype(float), columns="
            + repr(list(NAMES))
            + ")\n"
        )
        card = done.card.replace("```python\n", "```python\n" + lines)
    else:
        card = done.card
    found = scores_by_card(card, rows, tmp_path)
    ours = decision.analysis.classifier.log_density(rows.astype(np.float64)).numpy()
    np.testing.assert_allclose(found["log_density"], ours, **LOG_DENSITY)
    np.testing.assert_array_equal(found["flagged"], ours < decision.threshold)
    assert 0 < found["flagged"].sum() < 40


@pytest.mark.parametrize("name", ["native", "onnx", "anomalib", "skops", "torch-export", "numpy"])
def test_a_standardisation_goes_along(tmp_path, name):
    rows = rows_of() * np.float32([1, 100, 1, 1e-3, 1, 1])
    decision = decide(analyse(rows, settings=Settings(4, standardise=True), device="cpu"))
    kind = model_format(name)
    done = export(decision, kind, tmp_path / f"m{kind.suffix}")
    assert done.verification.verdict_flips == 0


@pytest.mark.parametrize("name", MODEL_FORMATS)
def test_what_is_said_of_a_format(name):
    kind = model_format(name)
    assert kind.name == name
    assert kind.title and kind.words.endswith(".")
    assert bool(kind.needs) == bool(kind.install)


def test_the_record(tmp_path, decision):
    done = export(decision, model_format("numpy"), tmp_path / "m.py")
    record = json.loads((tmp_path / "m.py.verification.json").read_text())
    assert record["format"] == record["runtime"] == "numpy"
    assert record["version"] == np.__version__
    assert record["rows"] > 300
    assert record["lowest_log_density"] < -2500
    assert 0 < record["max_log_density_difference"] < 1e-8
    assert record["verdict_flips"] == 0
    assert record["max_probability_difference"] is None
    assert done.verification.rows == record["rows"]
    assert done.verification.sentence in done.card


def test_rows_are_compared_on_both_sides_of_the_threshold_and_far_out(decision):
    scores = decision.analysis.classifier.log_density(probe_rows(decision)).numpy()
    assert scores.min() < -2500
    near = np.abs(scores - decision.threshold) < 1
    assert (near & (scores < decision.threshold)).sum() >= 10
    assert (near & (scores > decision.threshold)).sum() >= 10
    assert scores.max() > np.quantile(decision.analysis.held_out_scores, 0.9)


def test_rows_that_were_scored_are_compared_too():
    decision = decided(test=labelled())
    probes = {row.tobytes() for row in probe_rows(decision)}
    lowest = decision.analysis.inspected.features[np.argmin(decision.analysis.scores)]
    assert lowest.tobytes() in probes
    assert sum(row.tobytes() in probes for row in decision.analysis.inspected.features) > 150


def test_the_record_says_how_many_samples_are_flagged_by_whom(tmp_path, decision, run):
    """Training samples on the screen are judged by models that have not seen them; a file has seen them."""
    done = export(decision, Native(), tmp_path / "m.safetensors").verification
    rows = decision.analysis.inspected.features
    by_file = int((decision.fitted_model.log_density(rows).numpy() < decision.threshold).sum())
    assert astuple(done.samples) == (300, decision.n_flagged, 300, by_file, True)
    assert by_file != decision.n_flagged
    np.save(tmp_path / "rows.npy", rows)
    run("score", "m.safetensors", "rows.npy", "-o", "scores.csv")
    assert pd.read_csv(tmp_path / "scores.csv")["flagged"].sum() == decision.n_flagged
    said = f"kdeviz flags {decision.n_flagged} of the 300 samples, also where `kdeviz score` reads the file: "
    assert said in done.sentence and f", and {by_file} of all are below its threshold" in done.sentence
    other = replace(done.samples, for_kdeviz=False).sentence
    assert other.startswith(f"kdeviz flags {decision.n_flagged} of the 300 samples, the file {by_file}: ")
    assert (
        done.rows_below_threshold
        == (Expected.of(decision, probe_rows(decision)).log_density < decision.threshold).sum()
    )
    record = json.loads((tmp_path / "m.safetensors.verification.json").read_text())
    assert record["samples"] == {
        "rows": 300,
        "flagged": decision.n_flagged,
        "trained_on": 300,
        "flagged_by_file": by_file,
        "for_kdeviz": True,
    }
    assert 150 < record["rows_of_samples"] < record["rows"]

    new = decided(test=labelled())
    done = export(new, Native(), tmp_path / "n.safetensors").verification
    assert (
        done.samples.trained_on == 0 and done.samples.flagged == done.samples.flagged_by_file == new.n_flagged
    )
    assert done.samples.sentence == f"kdeviz flags {new.n_flagged} of the 250 samples, and so does the file."
    assert (
        export(
            read_decision(tmp_path / "n.safetensors"), Native(), tmp_path / "o.safetensors"
        ).verification.samples
        is None
    )


@pytest.mark.parametrize(
    "rule", [ThresholdRule("fdr", 0.2), ThresholdRule("top_k", 7), ThresholdRule("best_f1", 0)]
)
def test_a_stored_threshold_keeps_its_rule_and_no_promise_about_other_rows(tmp_path, rule):
    decision = decided(test=labelled(), rule=rule)
    decision.fitted_model.save(tmp_path / "m.safetensors")
    again = read_decision(tmp_path / "m.safetensors")
    assert (again.rule, again.threshold, again.stored) == (rule, decision.threshold, True)
    assert again.remark == ""
    assert ("the rows it was chosen on" in again.saved_remark) == rule.rule.of_these_rows
    assert again.rule_here == ThresholdRule("log_density", decision.threshold)
    again.analysis.classifier.threshold = -1.0
    assert again.fitted_model.threshold_rule == (rule.kind, rule.value)  # the decision is what it was
    assert again.analysis.classifier.threshold_rule is None  # nobody knows who chose this


def test_a_rule_that_only_another_kdeviz_knows_is_unknown(tmp_path, decision):
    model = decision.fitted_model
    model.threshold_rule = ("moon_phase", 3.0)
    model.save(tmp_path / "m.safetensors")
    again = read_decision(tmp_path / "m.safetensors")
    assert (again.rule, again.threshold, again.stored) == (None, decision.threshold, True)


def test_the_card(tmp_path):
    decision = decided(test=labelled())
    card = export(decision, Native(), tmp_path / "m.safetensors").card
    assert card == (tmp_path / "m.safetensors.card.md").read_text()
    for text in (
        "4 components, scale",
        decision.analysis.classifier.data_digest,
        repr(decision.threshold),
        "the rule quantile 0.05",
        "300 held-out scores",
        "exp(0.07 (log density - 9.0))",
        "| auroc |",
        "| recall |",
        "On 250 labelled rows",
        "## Intended use",
    ):
        assert text in card
    assert "| their names | a, b\\|c, d \\`e\\`, f, g, h |" in card  # a file's words stay in their cell
    for warning in decision.analysis.warnings:
        assert warning.replace("(", "\\(").replace(")", "\\)") in card


def test_a_card_without_labels_and_held_out_scores(tmp_path, rows32):
    model = KDEClassifier(3)
    model.fit(rows32)
    model.threshold = -4.0
    model.save(tmp_path / "old.safetensors")
    card = export(read_decision(tmp_path / "old.safetensors"), Native(), tmp_path / "m.safetensors").card
    assert "Unknown: no rows with labels" in card
    assert "there are no held-out scores" in card


# The formats, one by one


@pytest.mark.parametrize("scaling", ["scale", "norm"])
def test_the_native_file_is_the_whole_decision_again(tmp_path, scaling):
    decision = decided(scaling, test=labelled())
    export(decision, Native(), tmp_path / "m.safetensors")
    again = read_decision(tmp_path / "m.safetensors")
    assert (again.threshold, again.curve, again.rule) == (decision.threshold, decision.curve, RULE)
    np.testing.assert_array_equal(again.analysis.calibration, decision.analysis.calibration)
    assert again.analysis.classifier.feature_names == NAMES
    assert again.analysis.settings == decision.analysis.settings
    rows = labelled().features
    ours, theirs = decision.fitted_model.log_density(rows), again.fitted_model.log_density(rows)
    np.testing.assert_array_equal(theirs, ours)
    np.testing.assert_array_equal(
        p_values(again.analysis.calibration, theirs.numpy()),
        p_values(decision.analysis.calibration, ours.numpy()),
    )
    assert again.expected_alarms == decision.expected_alarms
    assert model_bytes(again) == model_bytes(decision)


def test_openvino_takes_any_batch_and_keeps_its_promise_in_the_file(tmp_path, decision):
    export(decision, model_format("openvino"), tmp_path / "m.xml")
    stored = openvino.Core().read_model(tmp_path / "m.xml")
    assert stored.get_rt_info(["runtime_options", "INFERENCE_PRECISION_HINT"]).astype(str) == "f32"
    assert 'element_type="f16"' not in (tmp_path / "m.xml").read_text()
    model = openvino.compile_model(stored, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for m in (1, 7, 1000):
        rows = rows_of(m, seed=m)
        ours = decision.analysis.classifier.log_density(rows.astype(np.float64)).numpy()
        np.testing.assert_allclose(model({"features": rows})["log_density"], ours, **LOG_DENSITY)


def test_openvino_is_refused_where_it_would_be_wrong(tmp_path, make_rows):
    decision = decide(analyse(make_rows(300, 6, decades=6), settings=Settings(6), device="cpu"))
    with pytest.raises(
        ExportError, match=r"nothing was written\. OpenVINO has no double precision: .*use ONNX"
    ):
        export(decision, model_format("openvino"), tmp_path / "m.xml")
    assert list(tmp_path.iterdir()) == []
    export(decision, model_format("onnx"), tmp_path / "m.onnx")


def test_skops_trusts_no_type_but_our_own(tmp_path, decision):
    path = tmp_path / "m.skops"
    export(decision, model_format("skops"), path)
    trusted = skops.io.get_untrusted_types(file=path)
    assert trusted == ["kdeviz.detector.KDEOutlierDetector"]
    detector = skops.io.load(path, trusted=trusted)
    assert isinstance(detector, KDEOutlierDetector)
    assert detector.feature_names_in_.tolist() == list(NAMES)
    assert detector.alert_budget == 0.05
    assert detector.offset_ == decision.threshold


def test_a_torch_program_warns_and_takes_any_batch(tmp_path, decision, run):
    run("fit", "sample", "-o", "m.safetensors")
    done = run("export", "m.safetensors", "-o", "m.pt2")
    assert "warning: a .pt2 file can execute code when it is opened" in done.err
    assert "a .pt2 file can execute code" in Path("m.pt2.card.md").read_text()
    program = torch.export.load("m.pt2").module()
    model = KDEClassifier.load("m.safetensors", "cpu")
    for m in (1, 2, 500):
        rows = torch.randn(m, len(model.pca_model.mean))
        np.testing.assert_allclose(program(rows)[0], model.log_density(rows.double()), rtol=1e-9)
    log_density, p_value, _, flagged = program(torch.full((1, len(model.pca_model.mean)), torch.nan))
    assert log_density.isnan() and p_value.isnan() and flagged


@pytest.mark.parametrize("name", ["torch-export", "mlflow", "openvino"])
def test_no_row_of_the_data_is_in_the_files(tmp_path, decision, name):
    kind = model_format(name)
    export(decision, kind, tmp_path / f"m{kind.suffix}")
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for row in decision.analysis.train.features:
        assert row.tobytes() not in content
        assert row.astype(np.float64).tobytes() not in content


@pytest.mark.parametrize("name", MODEL_FORMATS)
def test_no_folder_of_this_machine_is_named_in_the_files(tmp_path, decision, name):
    kind = model_format(name)
    export(decision, kind, tmp_path / f"m{kind.suffix}")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                content += b"".join(map(archive.read, archive.namelist()))
        assert str(Path(kdeviz.__file__).parent).encode() not in content, path.name
        assert str(tmp_path).encode() not in content, path.name


def test_an_mlflow_model_has_a_signature_and_a_synthetic_example(tmp_path, decision):
    import mlflow

    export(decision, model_format("mlflow"), tmp_path / "m")
    model = mlflow.pyfunc.load_model(str(tmp_path / "m"))
    assert model.metadata.get_input_schema().input_names() == list(NAMES)
    outputs = ["log_density", "p_value", "probability", "is_anomalous"]
    assert model.metadata.get_output_schema().input_names() == outputs
    example = model.input_example
    assert not set(map(tuple, example.to_numpy())) & set(
        map(tuple, decision.analysis.train.features.tolist())
    )
    found = model.predict(example)
    ours = decision.analysis.classifier.log_density(example.to_numpy()).numpy()
    np.testing.assert_array_equal(found["log_density"], ours)


def test_the_numpy_script_runs_alone(tmp_path, decision):
    export(decision, model_format("numpy"), tmp_path / "m.py")
    rows = rows_of(9, seed=1)
    np.save(tmp_path / "rows.npy", rows)
    code = (
        "import sys, runpy; sys.modules.update({name: None for name in ('torch', 'kdeviz', 'safetensors')})\n"
        "sys.argv = ['m.py', 'rows.npy']; runpy.run_path('m.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    log_density, p_value, flagged = np.loadtxt(done.stdout.splitlines()).T
    ours = decision.analysis.classifier.log_density(rows.astype(np.float64)).numpy()
    np.testing.assert_allclose(log_density, ours, rtol=1e-7)
    np.testing.assert_allclose(p_value, p_values(decision.analysis.calibration, ours), rtol=1e-7)
    np.testing.assert_array_equal(flagged, ours < decision.threshold)


@pytest.mark.parametrize("scaling", ["scale", "norm"])
def test_a_row_without_a_score_does_not_pass_the_numpy_script(tmp_path, scaling):
    export(decided(scaling), model_format("numpy"), tmp_path / "m.py")
    rows = rows_of(4).astype(float)
    rows[1, 3], rows[2, 5] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        log_density, p_value, flagged = runpy.run_path(str(tmp_path / "m.py"))["score"](rows)
    assert np.isnan(log_density).tolist() == np.isnan(p_value).tolist() == [False, True, True, False]
    assert flagged.tolist() == [False, True, True, False]


def test_a_numpy_script_that_lets_such_a_row_pass_is_not_left_behind(tmp_path, decision, monkeypatch):
    careless = numpy_script._SCRIPT.replace("~(log_density >= threshold)", "log_density < threshold")
    monkeypatch.setattr(numpy_script, "_SCRIPT", careless)
    with pytest.raises(ExportError, match="lets rows with NaN or infinity pass: nothing was written"):
        export(decision, model_format("numpy"), tmp_path / "m.py")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scaling", ["scale", "norm"])
def test_the_numpy_script_is_short(tmp_path, scaling):
    export(decided(scaling), model_format("numpy"), tmp_path / "m.py")
    lines = (tmp_path / "m.py").read_text().partition("import numpy as np\n")[2].partition("if __name__")[0]
    assert len([line for line in lines.splitlines() if line.strip()]) <= 15
    assert max(map(len, lines.splitlines())) <= 110


def test_the_numpy_script_counts_equal_rows_once_as_kdeviz_does(tmp_path):
    rows = rows_of()
    decision = decide(analyse(np.concatenate([rows[:200], rows[:100]]), settings=Settings(4), device="cpu"))
    done = export(decision, model_format("numpy"), tmp_path / "m.py")
    assert len(decision.analysis.calibration) == 200
    assert done.verification.max_p_value_difference == 0


def test_the_numpy_script_of_a_model_without_held_out_scores_says_so(tmp_path, rows32):
    model = KDEClassifier(3)
    model.fit(rows32)
    model.threshold = -4.0
    done = export(decision_of_model(model), model_format("numpy"), tmp_path / "m.py")
    assert done.verification.max_p_value_difference is None
    assert "the model holds no held-out scores" in (tmp_path / "m.py").read_text()


# What goes wrong


class Broken(Native):
    """A runtime that gives other numbers."""

    def __init__(self, **changes):
        self.changes = changes

    def check(self, decision, path, rows):
        found = super().check(decision, path, rows)
        return found._replace(**{name: change(getattr(found, name)) for name, change in self.changes.items()})


def at(place, value):
    def changed(values):
        values = values.copy()
        values[place] = value(values[place])
        return values

    return changed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"log_density": at(5, lambda value: value + 1e-3)}, "another log density for 1 of"),
        ({"log_density": at(5, lambda value: np.nan)}, "another log density for 1 of"),
        ({"log_density": lambda values: values * 1.001}, "another log density for"),
        ({"probability": at(3, lambda value: value + 1e-3)}, "another probability for 1 of"),
        ({"p_value": at(3, lambda value: value + 0.1)}, "another p-value for 1 of"),
        ({"flagged": at(7, lambda value: not value)}, "1 of .* rows another verdict"),
    ],
)
def test_a_file_with_other_numbers_is_not_left_behind(tmp_path, decision, changes, message):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"what was there before")
    with pytest.raises(ExportError, match=message):
        export(decision, Broken(**changes), path)
    assert [found.name for found in tmp_path.iterdir()] == ["m.safetensors"]
    assert path.read_bytes() == b"what was there before"


class Unloadable(Native):
    def check(self, decision, path, rows):
        raise RuntimeError("no such operator")


def test_a_file_that_does_not_load_is_not_left_behind(tmp_path, decision):
    with pytest.raises(
        ExportError, match=r"does not load it \(RuntimeError: no such operator\): nothing was"
    ):
        export(decision, Unloadable(), tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_verdict_within_the_allowed_difference_of_the_threshold_is_no_flip(decision):
    rows = probe_rows(decision)
    expected = Expected.of(decision, rows)
    place = int(np.argmin(np.abs(expected.log_density - decision.threshold)))
    expected.log_density[place] = decision.threshold + 1e-5
    scores = expected.log_density.copy()
    scores[place] = decision.threshold - 1e-5
    found = verify("native", expected, Scored("x", "1", scores))
    assert (found.verdict_flips, found.rows_at_threshold) == (0, 1)


def far_from_zero(spread):
    """Samples that float32 keeps to 0.06."""
    rng = np.random.default_rng(0)
    train, test = 1e6 + spread * rng.normal(size=(400, 6)), 1e6 + 1.3 * spread * rng.normal(size=(300, 6))
    given = EmbeddingSet.from_array(train, "t"), EmbeddingSet.from_array(test, "s")
    return decide(analyse(*given, Settings(4), device="cpu"), ThresholdRule("quantile", 0.1))


@pytest.mark.parametrize("name", ["onnx", "openvino", "torch-export", "anomalib"])
def test_a_file_that_takes_float32_is_refused_where_samples_need_more(tmp_path, name):
    kind = model_format(name)
    with pytest.raises(
        ExportError,
        match=rf"^{name}: it takes float32, in which \d+ of 300 samples get another verdict: nothing was "
        r"written\. The features need float64: use native or numpy$",
    ):
        export(far_from_zero(0.05), kind, tmp_path / f"m{kind.suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["native", "numpy", "skops"])
def test_float64_samples_have_their_verdicts_in_the_other_formats(tmp_path, name):
    decision, kind = far_from_zero(0.05), model_format(name)
    done = export(decision, kind, tmp_path / f"m{kind.suffix}").verification
    assert (
        done.samples.sentence
        == f"kdeviz flags {decision.n_flagged} of the 300 samples, and so does the file."
    )


def test_samples_of_the_fit_need_float64_too(tmp_path):
    train = far_from_zero(0.05).analysis.train
    decision = decide(analyse(train, settings=Settings(4), device="cpu"), ThresholdRule("quantile", 0.1))
    with pytest.raises(ExportError, match="of 400 samples get another verdict"):
        export(decision, model_format("torch-export"), tmp_path / "m.pt2")


def test_float64_samples_that_lose_nothing_by_rounding_are_exported(tmp_path):
    decision = decided(test=replace(labelled(), features=labelled().features.astype(float)))
    done = export(decision, model_format("onnx"), tmp_path / "m.onnx").verification
    assert done.samples.flagged_by_file == done.samples.flagged == decision.n_flagged


def test_a_verdict_that_rounding_decides_at_the_threshold_is_told():
    said = SamplesFlagged(rows=1000, flagged=20, trained_on=0, flagged_by_file=21).sentence
    assert said.startswith("kdeviz flags 20 of the 1")
    assert said.endswith("samples, the file 21: it takes float32, and the others lie at the threshold.")


def test_a_runtime_that_can_hold_no_score_is_no_proof(decision):
    expected = Expected.of(decision, probe_rows(decision))
    with pytest.raises(ExportError, match="gives no number for any"):
        verify("native", expected, Scored("x", "1", expected.log_density, holds=(1e6, 1e7)))


def test_a_folder_is_never_overwritten(tmp_path, decision, run):
    model_bytes_before = model_bytes(decision)
    (tmp_path / "m.safetensors").write_bytes(model_bytes_before)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine.txt").write_text("mine")
    for name in ("mlflow", "onnx"):
        done = run("export", "m.safetensors", "--to", name, "-o", "kept", "--force")
        assert done.code == 2
        assert "kept is a folder that exists already" in done.err
        with pytest.raises(OptionError, match="exists already"):
            export(decision, model_format(name), tmp_path / "kept")
    assert (tmp_path / "kept" / "mine.txt").read_text() == "mine"


def test_nothing_beside_the_file_is_overwritten_unless_asked(tmp_path, decision, run):
    (tmp_path / "m.safetensors").write_bytes(model_bytes(decision))
    done = run("export", "m.safetensors", "--to", "numpy", "-o", "m.py", "--force")
    assert "m.safetensors is also an input" in done.err
    (tmp_path / "s.safetensors").write_text("mine")
    done = run("export", "m.safetensors", "--to", "numpy", "-o", "s.py")
    assert "s.safetensors exists already" in done.err
    assert run("export", "m.safetensors", "--to", "numpy", "-o", "s.py", "--force").code == 0


@pytest.mark.parametrize("name", [name for name in MODEL_FORMATS if model_format(name).needs])
def test_a_runtime_that_is_not_there_is_named(monkeypatch, decision, tmp_path, name):
    kind = model_format(name)
    monkeypatch.setitem(sys.modules, kind.needs[0], None)
    with pytest.raises(OptionError) as refused:
        export(decision, kind, tmp_path / "m")
    assert str(refused.value) == f"{kind.needs[0]} not installed: {kind.install}"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("openvino", "m"),
        ("openvino", "m.bin"),
        ("openvino", "m.XML"),
        ("numpy", "m.safetensors"),
        ("numpy", "m.1"),
    ],
)
def test_files_that_belong_together_have_their_suffixes(decision, tmp_path, run, name, file):
    kind = model_format(name)
    said = f"give a name that ends in {kind.suffix}"
    with pytest.raises(OptionError, match=said):
        export(decision, kind, tmp_path / file)
    decision.fitted_model.save("model.safetensors")
    assert said in refused(run("export", "model.safetensors", "--to", name, "-o", file))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("file", ["m.pkl", "m.JOBLIB", "m.onnx.zip", "model.2"])
def test_a_suffix_of_no_format_is_refused(decision, run, file):
    """It was written as kdeviz's own file, which nothing else that has this suffix could open."""
    decision.fitted_model.save("model.safetensors")
    np.save("rows.npy", np.random.default_rng(0).normal(size=(50, 4)))
    for line in (("export", "model.safetensors"), ("fit", "rows.npy", "--components", 2)):
        said = refused(run(*line, "-o", file))
        assert f"no model is written as '{Path(file).suffix}': choose .safetensors, .onnx, " in said
        assert not Path(file).exists()


@pytest.mark.parametrize("file", ["a\\u.py", '""".py', "line\n2.py", "UNITS P_VALUE.py", "é ü.py"])
def test_a_script_may_have_any_name(decision, tmp_path, file):
    export(decision, model_format("numpy"), tmp_path / file)
    first = (tmp_path / file).read_text(encoding="utf-8").splitlines()[0]
    assert ("python this_script.py rows.npy" in first) == any(sign in file for sign in '\\"\n')


def test_a_runtime_that_fails_in_writing_is_told(monkeypatch, decision, tmp_path):
    def fails(self, decision, path):
        raise RuntimeError("no such operator")

    monkeypatch.setattr("kdeviz.output.formats.native.Native.write", fails)
    with pytest.raises(ExportError, match=r"does not write it \(RuntimeError: no such operator\)"):
        export(decision, model_format("native"), tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


def test_openvino_sends_nothing(monkeypatch, decision, tmp_path):
    main = pytest.importorskip("openvino_telemetry.main")
    sent = []
    for name in ("send_event", "send_error", "send_stack_trace", "start_session"):
        monkeypatch.setattr(main.Telemetry, name, lambda self, *about, **more: sent.append(about))
    export(decision, model_format("openvino"), tmp_path / "m.xml")
    assert sent == []


def test_mlflow_does_not_talk_of_its_steps(decision, tmp_path):
    pytest.importorskip("mlflow")
    with records_of(logging.getLogger("mlflow.pyfunc")) as told:
        export(decision, model_format("mlflow"), tmp_path / "m")
    assert told == []
    assert logging.getLogger("mlflow.pyfunc").isEnabledFor(logging.INFO)


def test_a_model_without_any_threshold_flags_nothing_and_says_so(run, tmp_path):
    model = KDEClassifier(3)
    model.fit(rows_of())
    model.save("m.safetensors")
    np.save("new.npy", rows_of(seed=1))
    said = "warning: the model has no threshold, and no held-out scores to take one from: nothing is flagged"
    exported = run("export", "m.safetensors", "-o", "m.onnx")
    assert said in exported.err
    assert "the threshold is minus infinity" in (tmp_path / "m.onnx.card.md").read_text()
    assert said in run("score", "m.safetensors", "new.npy", "-o", "s.csv").err
    many = run("score", "m.safetensors", "new.npy", "-o", "out")
    assert said.removeprefix("warning: ") in many.err


def test_an_unknown_format_is_refused_with_those_that_are(run):
    run("fit", "sample", "-o", "m.safetensors")
    done = run("export", "m.safetensors", "--to", "abacus", "-o", "m.aba")
    assert "no model is written as 'abacus': choose native, onnx" in done.err


def test_the_command_says_what_was_compared(run, tmp_path):
    run("fit", "sample", "-o", "m.safetensors")
    done = run("export", "m.safetensors", "-o", "m.onnx")
    assert done.code == 0
    assert done.fact("other verdicts") == "0"
    assert done.fact("loaded back by").startswith("ONNX Runtime")
    assert {"m.onnx", "m.onnx.card.md", "m.onnx.verification.json"} <= {
        path.name for path in tmp_path.iterdir()
    }
    straight = run("fit", "sample", "-o", "s.onnx")
    assert straight.fact("other verdicts") == "0"
