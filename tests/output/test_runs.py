import io
import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save

from kdeviz.analysis.analyse import analyse
from kdeviz.atomic import hidden_folder
from kdeviz.comparison.compare import compare
from kdeviz.comparison.scored import scored_decision
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.mark_book import MarkBook
from kdeviz.data.marks import SampleMark, sample_keys
from kdeviz.data.samples import load_sample
from kdeviz.decision.decision import Decision
from kdeviz.decision.metrics.separation import average_precision, confusion
from kdeviz.decision.rules import ThresholdRule
from kdeviz.decision.table import ranking
from kdeviz.errors import DataError, KdevizError, OptionError
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.runs import run
from kdeviz.output.runs.record import parsed, record_bytes
from kdeviz.output.runs.run import Run, read_run
from kdeviz.output.runs.store import DamagedRun, RunStore, default_folder, proposed_name
from kdeviz.output.tables import METADATA_KEY
from kdeviz.settings import Settings

ROOT = Path(__file__).parents[2]
CURVE, RULE = ProbabilityCurve(20.0, 0.25), ThresholdRule("quantile", 0.02)


@pytest.fixture(scope="module")
def digits():
    return analyse(*load_sample().train_and_test(), Settings(8), device="cpu")


@pytest.fixture(scope="module")
def small(rows32):
    ids = np.array([f"s{i % 55}" for i in range(60)])  # five of them twice
    labels = np.array([NORMAL, ANOMALOUS, UNKNOWN] * 20, np.int8)
    return analyse(EmbeddingSet(rows32[:60], ids, labels), settings=Settings(3), device="cpu")


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


def threshold_of(analysis):
    return RULE.threshold(analysis.held_out_scores, analysis.scores)


def decided(analysis):
    return Decision(analysis, RULE, CURVE, threshold_of(analysis))


def keep(store, analysis, **others):
    return store.keep(decided(analysis), **others)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Before anything is computed


@pytest.mark.parametrize("inside", ["runs", "new/runs"])
def test_a_folder_that_can_be_written_to_is_not_made_by_asking(tmp_path, inside):
    RunStore(tmp_path / inside).check_writable()
    assert names(tmp_path) == []


@pytest.mark.parametrize("inside", ["file", "file/runs"])
def test_a_folder_that_cannot_be_made(tmp_path, inside):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OptionError, match=r"cannot be changed .* choose another folder"):
        RunStore(tmp_path / inside).check_writable()
    assert (tmp_path / "file").read_text() == "mine"


# There and back


@pytest.mark.parametrize("which", ["digits", "small"])
def test_a_run_comes_back_as_it_was(request, store, which):
    analysis = request.getfixturevalue(which)
    threshold = threshold_of(analysis)
    kept = keep(store, analysis, fixes=("drop constant columns",))
    assert names(store.folder) == [kept.id]
    assert names(kept.folder) == [
        "model.safetensors", "run.json", "scores.parquet", "train_scores.safetensors",
    ]  # fmt: skip
    opened = RunStore(store.folder).open(kept.id)
    assert opened.record == kept.record
    record = opened.record
    assert record.settings == analysis.settings
    assert (record.rule, record.threshold, record.curve) == (RULE, threshold, CURVE)
    assert (record.warnings, record.fixes) == (analysis.warnings, ("drop constant columns",))
    assert (record.provenance, record.timings) == (analysis.provenance, analysis.timings)
    assert record.inspected_digest == analysis.inspected.digest
    assert abs(datetime.now(UTC) - record.kept).total_seconds() < 60

    model = opened.model()
    assert (model.threshold, model.curve) == (threshold, CURVE)
    np.testing.assert_array_equal(model.held_out_scores, analysis.held_out_scores)

    found, expected = opened.scored(), scored_decision(decided(analysis))
    assert found.scores.dtype == expected.scores.dtype
    for part in ("scores", "ids", "flagged"):
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))
    decision = found.decision
    np.testing.assert_array_equal(decision.labels, expected.decision.labels)
    np.testing.assert_array_equal(decision.analysis.held_out_scores, analysis.held_out_scores)
    assert (decision.threshold, decision.rule, decision.curve) == (threshold, RULE, CURVE)
    assert (found.name, found.fixes) == (kept.name, ("drop constant columns",))


def test_an_opened_run_compares_as_the_analysis_does(store, digits, small):
    other = analyse(digits.train, digits.inspected, Settings(12, "norm"), device="cpu")
    on_screen = [scored_decision(decided(one), fixes=()) for one in (digits, other)]
    opened = [store.open(keep(store, one).id).scored() for one in (digits, other)]
    expected, found = (compare(*pair, resamples=50) for pair in (on_screen, opened))
    assert found.settings == expected.settings
    assert (found.spearman, found.verdicts, found.separation, found.notes) == (
        expected.spearman, expected.verdicts, expected.separation, expected.notes,
    )  # fmt: skip
    for one, same in zip(
        found.disagreements + found.percentiles, expected.disagreements + expected.percentiles, strict=True
    ):
        np.testing.assert_array_equal(one, same)


def test_the_scores_are_the_export_of_the_screen(store, small):
    kept = keep(store, small)
    table = pq.read_table(kept.folder / "scores.parquet")
    about = json.loads(table.schema.metadata[METADATA_KEY.encode()])
    assert about["settings"] == small.settings.to_dict()
    frame = table.to_pandas().set_index("row")
    shown = ranking(decided(small)).set_index("row").sort_index()
    pd.testing.assert_frame_equal(frame, shown, check_dtype=False)


def test_headline_metrics(store, digits, small, rows32):
    threshold, labels = threshold_of(digits), digits.inspected.labels
    shown, counts = decided(digits), confusion(digits.scores, labels, threshold)
    assert keep(store, digits).record.metrics == {
        "training_rows": 1051,
        "components_kept": 8,
        "variance_kept": float(digits.classifier.pca_model.explained_variance_ratio.sum()),
        "inspected": 756,
        "flagged": shown.n_flagged,
        "expected_alarm_rate": shown.expected_alarms.rate,
        "auroc": shown.auroc,
        "average_precision": average_precision(digits.scores, labels),
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
    }
    unlabelled = analyse(EmbeddingSet.from_array(rows32[:60]), settings=Settings(3), device="cpu")
    found = keep(store, unlabelled)
    assert found.record.metrics["auroc"] is None
    assert "precision" not in found.record.metrics
    assert found.scored().decision.labels is None
    # Nothing flagged has no precision, and JSON has no NaN.
    nothing = store.keep(Decision(small, ThresholdRule("log_density", -1e9), CURVE, -1e9))
    assert nothing.record.metrics["precision"] is None


def test_a_column_called_label_that_holds_no_labels(store, rows32):
    data = EmbeddingSet(
        rows32[:60], np.arange(60).astype(str), metadata=pd.DataFrame({"label": ["cat", "dog", None] * 20})
    )
    found = keep(store, analyse(data, settings=Settings(3), device="cpu")).scored()
    assert found.decision.labels is None
    assert len(found.ids) == 60


@pytest.mark.parametrize("threshold", [-np.inf, 3.25, np.float32(0.1)])
def test_thresholds_come_back_exactly(store, small, threshold):
    kept = store.keep(Decision(small, RULE, CURVE, float(threshold)))
    assert kept.record.threshold == float(threshold)
    text = (kept.folder / "run.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_numbers_of_numpy_are_kept_as_plain_numbers(store, small):
    rule, curve = ThresholdRule("top_k", np.int64(3)), ProbabilityCurve(np.float32(2.0), np.float64(0.25))
    assert (repr(rule.value), repr(curve)) == ("3", "ProbabilityCurve(midpoint=2.0, steepness=0.25)")
    record = store.keep(Decision(small, rule, curve, np.float64(-1.5))).record
    assert (record.rule.value, record.curve, record.threshold) == (3, ProbabilityCurve(2.0, 0.25), -1.5)


def test_awkward_ids_and_float64(store, rows64):
    ids = np.array(["", " a", "a\nb", "é", "=1+1", "x" * 300, *map(str, range(54))])
    analysis = analyse(EmbeddingSet(rows64[:60], ids), settings=Settings(3), device="cpu")
    found = keep(store, analysis).scored()
    assert found.scores.dtype == np.float64
    np.testing.assert_array_equal(found.ids, ids)


# Marks


def test_marks_of_the_inspected_samples_are_kept(store, small):
    book, keys = MarkBook(), sample_keys(small.inspected.ids)
    book.set_all({keys[0]: SampleMark("confirmed", "seen"), keys[59]: SampleMark("unsure")})
    book.set("somewhere else", SampleMark("confirmed"))
    assert keys[59].endswith("\n2")
    kept = keep(store, small, marks=book)
    found = store.open(kept.id).marks()
    assert len(found) == 2
    assert found.columns(keys) == book.columns(keys)
    table = pd.read_parquet(kept.folder / "scores.parquet")
    assert list(table["mark"][[0, 59]]) == ["confirmed", "unsure"]
    found.set(keys[0], SampleMark("normal"))
    assert store.open(kept.id).marks().get(keys[0]).verdict == "confirmed"


def test_a_run_without_marks_has_no_file_of_them(store, small):
    book = MarkBook()
    book.set("of no inspected sample", SampleMark("confirmed"))
    for marks in (None, MarkBook(), book):
        kept = keep(store, small, marks=marks)
        assert "marks.json" not in names(kept.folder)
        assert len(kept.marks()) == 0


# Names and the list


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        (None, "embeddings-3-components-threshold-4-03"),
        ("  The  best\none ", "the-best-one"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("異常検知", "run"),
        ("CON", "con"),
        ("x" * 200, "x" * 60),
    ],
)
def test_folders_have_safe_names(store, small, name, slug):
    kept = keep(store, small, name=name)
    assert kept.id.rpartition("-")[0] == slug
    assert kept.folder == store.folder / kept.id
    assert kept.name == " ".join((name or proposed_name(decided(small))).split())
    assert store.open(kept.id).name == kept.name


@pytest.mark.parametrize("name", ["a\x00b", "\x1b[2J", "x" * 201, "a\u202eb"])
def test_impossible_names(store, small, name):
    with pytest.raises(OptionError, match="printable"):
        keep(store, small, name=name)
    assert not store.folder.exists()


def test_the_same_name_twice_overwrites_nothing(store, small):
    first, second = keep(store, small, name="same"), keep(store, small, name="same")
    assert first.id != second.id
    assert [found.id for found in store.runs()] == [second.id, first.id]
    assert all(isinstance(found, Run) for found in store.runs())


def test_no_folder_no_runs(store):
    assert store.runs() == ()
    with pytest.raises(OptionError, match="there is no run 'x'"):
        store.open("x")
    assert not store.folder.exists()


def test_the_default_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder().parts[-2:] == ("kdeviz", "runs")
    assert RunStore().folder == default_folder()


def test_rename(store, small):
    kept = keep(store, small)
    renamed = store.rename(kept.id, " Final  model ")
    assert (renamed.id, renamed.name) == (kept.id, "Final model")
    assert store.open(kept.id).record == replace(kept.record, name="Final model")
    with pytest.raises(OptionError):
        store.rename(kept.id, "")
    assert store.open(kept.id).name == "Final model"


def test_delete(store, small):
    first, second = keep(store, small), keep(store, small)
    store.delete(first.id)
    assert names(store.folder) == [second.id]
    with pytest.raises(OptionError, match="there is no run"):
        store.delete(first.id)


def test_a_copied_run_is_a_run(store, small, tmp_path):
    kept = keep(store, small)
    shutil.copytree(kept.folder, store.folder / "My copy (2)")
    assert {found.id for found in store.runs()} == {kept.id, "My copy (2)"}
    np.testing.assert_array_equal(store.open("My copy (2)").scored().scores, small.scores)
    shutil.copytree(kept.folder, tmp_path / "elsewhere")
    assert read_run(tmp_path / "elsewhere").record == kept.record


# Damage


def edit(change):
    def damage(folder):
        record = json.loads((folder / "run.json").read_text())
        change(record)
        (folder / "run.json").write_text(json.dumps(record))

    return damage


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def remove(name):
    return lambda folder: (folder / name).unlink()


def link(name):
    def damage(folder):
        target = folder.parent.parent / "secret"
        (folder / name).rename(target)
        (folder / name).symlink_to(target)

    return damage


def truncate(name):
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size - 1)


def pipe(name):
    def damage(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return damage


DAMAGES = {
    "empty record": write("run.json", b""),
    "half a record": write("run.json", b'{"format": 1, "name"'),
    "no object": write("run.json", b"[]"),
    "number": write("run.json", b"3"),
    "not text": write("run.json", b"\xff\xfe\x00"),
    "deep": write("run.json", b"[" * 200_000),
    "huge": write("run.json", b" " * (2**20 + 1)),
    "no record": remove("run.json"),
    "no model": remove("model.safetensors"),
    "no scores": remove("scores.parquet"),
    "no training scores": remove("train_scores.safetensors"),
    "linked record": link("run.json"),
    "linked scores": link("scores.parquet"),
    "pipe": pipe("run.json"),
    "short model": truncate("model.safetensors"),
    "short scores": truncate("scores.parquet"),
    "newer format": edit(lambda record: record.update(format=2)),
    "no format": edit(lambda record: record.pop("format")),
    "no settings": edit(lambda record: record.pop("settings")),
    "wrong setting": edit(lambda record: record["settings"].update(seed=-1)),
    "unknown setting": edit(lambda record: record["settings"].update(evil=1)),
    "wrong rule": edit(lambda record: record["rule"].update(kind="evil")),
    "wrong curve": edit(lambda record: record["curve"].update(steepness=0)),
    "text for a number": edit(lambda record: record["curve"].update(midpoint="x")),
    "threshold of text": edit(lambda record: record.update(threshold="low")),
    "threshold NaN": edit(lambda record: record.update(threshold="nan")),
    "threshold list": edit(lambda record: record.update(threshold=[])),
    "name of a number": edit(lambda record: record.update(name=3)),
    "name of nothing": edit(lambda record: record.update(name="")),
    "name of escapes": edit(lambda record: record.update(name="\x1b[2J")),
    "no time": edit(lambda record: record.update(kept="yesterday")),
    "time before all time zones": edit(lambda record: record.update(kept="0001-01-01T00:00:00+23:59")),
    "time after all time zones": edit(lambda record: record.update(kept="9999-12-31T23:59:59-23:59")),
    "time as a number": edit(lambda record: record.update(kept=0)),
    "deep provenance": lambda folder: write(
        "run.json",
        (folder / "run.json")
        .read_bytes()
        .replace(b'"provenance": {', b'"provenance": {"x":' + b"[" * 100_000),
    )(folder),
    "threshold of NaN": edit(lambda record: record.update(threshold=float("nan"))),
    "threshold beyond floats": lambda folder: edit(lambda record: record.update(threshold=10**400))(folder),
    "component count beyond all": edit(lambda record: record["settings"].update(max_training_points=10**400)),
    "rule of a huge number": edit(lambda record: record["rule"].update(value=10**400)),
    "labels of text": edit(lambda record: record.update(has_labels="yes")),
    "no time zone": edit(lambda record: record.update(kept="2026-01-01T00:00:00")),
    "metrics of a list": edit(lambda record: record.update(metrics=[])),
    "metric of text": edit(lambda record: record["metrics"].update(auroc="good")),
    "metric too large": edit(lambda record: record["metrics"].update(auroc=10**400)),
    "timing of text": edit(lambda record: record["timings"].update(fit="x")),
    "warning of a number": edit(lambda record: record.update(warnings=[1])),
    "provenance of text": edit(lambda record: record.update(provenance="x")),
    "foreign file": edit(lambda record: record["files"].update({"../../secret": {"bytes": 1, "digest": ""}})),
    "missing entry": edit(lambda record: record["files"].pop("scores.parquet")),
    "files of a list": edit(lambda record: record.update(files=["run.json"])),
    "size of text": edit(lambda record: record["files"]["scores.parquet"].update(bytes="x")),
}


@pytest.fixture(scope="module")
def kept_once(small, tmp_path_factory):
    return keep(RunStore(tmp_path_factory.mktemp("kept")), small)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_run_shows_as_damaged_and_hides_no_other(tmp_path, kept_once, damage):
    store = RunStore(tmp_path / "runs")
    for name in ("good", "bad"):
        shutil.copytree(kept_once.folder, store.folder / name)
    damage(store.folder / "bad")
    good, bad = store.runs()
    assert (good.id, bad.id) == ("good", "bad")
    assert isinstance(good, Run)
    assert isinstance(bad, DamagedRun)
    assert str(store.folder / "bad") in bad.reason
    assert "(" in bad.reason
    assert bad.reason.isprintable()
    with pytest.raises(DataError) as refused:
        store.open("bad")
    assert str(refused.value) == bad.reason
    store.delete("bad")
    assert [found.id for found in store.runs()] == ["good"]


def flip_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", [*run.FILES[:4]])
def test_a_single_wrong_bit_is_found(store, small, name):
    book = MarkBook()
    book.set("s1", SampleMark("confirmed"))
    kept = keep(store, small, marks=book)
    flip_byte(kept.folder / name)
    with pytest.raises(DataError, match="damaged, its content is not what was kept"):
        store.open(kept.id)
    with pytest.raises(DataError, match=name):
        kept.marks() if name == "marks.json" else kept.scored()


def forged(kept, table, name="scores.parquet"):
    """The run with another table of scores (or other content) that its record vouches for."""
    if isinstance(table, bytes):
        (kept.folder / name).write_bytes(table)
    else:
        pq.write_table(table, kept.folder / name)
    files = {**kept.record.files, name: run.digest_of((kept.folder / name).read_bytes())}
    (kept.folder / "run.json").write_bytes(record_bytes(replace(kept.record, files=files)))
    return read_run(kept.folder)


def test_forged_scores_whose_ids_lead_out_of_their_dictionary(store, small):
    table = {"id": ["a", "b", "c"], "log_density": [1.0, 2.0, 3.0], "flagged": [True, False, True]}
    table["label"] = ["normal"] * 3
    stream = io.BytesIO()
    pq.write_table(pa.table(table), stream, compression="none")
    numbers = b"\x02\x03\x24"  # 0, 1 and 2, of two bits each
    assert stream.getvalue().count(numbers) >= 1
    kept = keep(store, small)
    assert forged(kept, stream.getvalue()).scored().ids.tolist() == ["a", "b", "c"]
    with pytest.raises(DataError, match="the scores cannot be read"):
        forged(kept, stream.getvalue().replace(numbers, b"\x02\x03\x3f", 1)).scored()


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"id": None}, "id"),
        ({"log_density": ["a"] * 3}, "log_density"),
        ({"log_density": [1.0, None, 2.0]}, "log_density"),
        ({"log_density": [1.0, float("nan"), 2.0]}, "not a number"),
        ({"flagged": [1, 0, 1]}, "flagged"),
        ({"id": [1, 2, 3]}, "id"),
        ({"label": ["normal", "evil", "normal"]}, "evil"),
        ({"label": None}, "label"),
        ({"label": ["normal", None, "normal"]}, "label"),
    ],
)
def test_forged_scores(store, small, columns, complaint):
    good = {
        "id": ["a", "b", "c"],
        "label": ["normal", "anomalous", "not labelled"],
        "log_density": [1.0, 2.0, -np.inf],
        "flagged": [True, False, True],
    }
    kept = keep(store, small)
    found = forged(kept, pa.table(good)).scored()
    assert (list(found.ids), list(found.decision.labels)) == (["a", "b", "c"], [NORMAL, ANOMALOUS, UNKNOWN])
    bad = {name: column for name, column in {**good, **columns}.items() if column is not None}
    with pytest.raises(DataError, match=complaint):
        forged(kept, pa.table(bad)).scored()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 100,
        save({"other": np.ones(3)}),
        save({"train_scores": np.ones((2, 2))}),
        save({"train_scores": np.ones(2, int)}),
        save({"train_scores": np.array([np.nan])}),
    ],
)
def test_forged_training_scores(store, small, content):
    kept = forged(keep(store, small), content, "train_scores.safetensors")
    with pytest.raises(DataError, match=r"train_scores\.safetensors"):
        kept.scored()


def test_scores_that_unpack_to_more_than_memory_holds(store, small, monkeypatch):
    kept = keep(store, small)
    ids = pa.array(["x" * 10_000] * 2000).dictionary_encode()
    table = pa.table({
        "id": ids, "label": ["normal"] * 2000, "log_density": np.zeros(2000), "flagged": np.zeros(2000, bool),
    })  # fmt: skip
    bomb = forged(kept, table)
    assert (bomb.folder / "scores.parquet").stat().st_size < 40_000
    monkeypatch.setattr(run, "MAX_BYTES", 10**6)
    with pytest.raises(DataError, match="10000 characters take more than"):
        bomb.scored()
    monkeypatch.setattr(run, "MAX_BYTES", 10**4)
    with pytest.raises(DataError, match="bytes"):
        bomb.scored()


@pytest.mark.parametrize(
    "id_",
    [
        "",
        ".",
        "..",
        "../outside",
        "outside",
        "/etc",
        "good/../../outside",
        "good/",
        "a\x00b",
        ".keeping-1",
        "C:",
    ],
)
def test_no_id_leads_out_of_the_folder(tmp_path, kept_once, id_):
    store = RunStore(tmp_path / "runs")
    for folder in (tmp_path / "outside", store.folder / "good", store.folder / ".keeping-1"):
        shutil.copytree(kept_once.folder, folder)
    for action in (store.open, store.delete, lambda name: store.rename(name, "x")):
        with pytest.raises(OptionError, match="there is no run"):
            action(id_)
    assert names(tmp_path) == ["outside", "runs"]
    assert names(tmp_path / "outside") == names(kept_once.folder)
    assert read_run(store.folder / "good").name == kept_once.name


def test_a_link_to_a_run_is_not_followed(tmp_path, kept_once):
    store = RunStore(tmp_path / "runs")
    store.folder.mkdir()
    shutil.copytree(kept_once.folder, tmp_path / "outside")
    (store.folder / "linked").symlink_to(tmp_path / "outside")
    (damaged,) = store.runs()
    assert "a link to another place" in damaged.reason
    store.delete("linked")
    assert store.runs() == ()
    assert read_run(tmp_path / "outside").record == kept_once.record


def test_other_files_and_folders_are_left_alone(store, small):
    kept = keep(store, small)
    (store.folder / "notes.txt").write_text("mine")
    (store.folder / "holiday").mkdir()
    (store.folder / "holiday" / "photo.png").write_text("mine")
    assert [found.id for found in store.runs()] == [kept.id]
    with pytest.raises(OptionError, match="there is no run"):
        store.delete("holiday")
    (kept.folder / "thesis.tex").write_text("mine")
    with pytest.raises(OptionError, match=r"thesis\.tex, which is no part of a run"):
        store.delete(kept.id)
    assert store.open(kept.id).record == kept.record
    (kept.folder / "thesis.tex").rename(store.folder / "thesis.tex")
    (kept.folder / ".DS_Store").write_text("")
    store.delete(kept.id)
    assert names(store.folder) == ["holiday", "notes.txt", "thesis.tex"]


# Crashes and other processes


@pytest.mark.parametrize("fails", ["record_bytes", "read_run", "put_in_place"])
def test_a_failure_leaves_nothing_behind(store, small, monkeypatch, fails):
    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"kdeviz.output.runs.store.{fails}", fail)
    with pytest.raises(KeyboardInterrupt):
        keep(store, small)
    assert names(store.folder) == []


def test_leftovers_are_ignored_and_swept_up_unless_somebody_works_on_them(store, small, kept_once):
    keep(store, small)
    abandoned = [f".{what}-{number:016x}" for what in ("keeping", "deleting") for number in range(2)]
    for name in (*abandoned, ".keeping-holiday", ".git"):
        shutil.copytree(kept_once.folder, store.folder / name)
    with hidden_folder(store.folder) as mine:
        assert [name for name in names(store.folder) if name.startswith(".")] == sorted(
            [mine.name, ".keeping-holiday", ".git"]
        )
        assert len(store.runs()) == 1
        keep(store, small)
        assert mine.is_dir()
    assert [name for name in names(store.folder) if name.startswith(".")] == [".git", ".keeping-holiday"]


def test_a_run_is_on_the_disk_before_it_is_in_the_list(store, small, monkeypatch):
    told = []
    monkeypatch.setattr(
        "kdeviz.atomic.os.fsync",
        lambda descriptor: told.append(str(Path(f"/proc/self/fd/{descriptor}").readlink())),
    )
    rename = Path.rename
    monkeypatch.setattr(Path, "rename", lambda path, target: told.append("renamed") or rename(path, target))
    book = MarkBook()
    book.set("s1", SampleMark("confirmed"))
    keep(store, small, marks=book)
    before, after = told[: told.index("renamed")], told[told.index("renamed") + 1 :]
    assert sorted(Path(path).name for path in before[:-1]) == sorted(run.FILES)
    assert Path(before[-1]) == Path(before[0]).parent
    assert after == [str(store.folder)]


def test_proposed_names_are_numbered(store, small):
    plain = proposed_name(decided(small))
    assert [keep(store, small).name for _ in range(3)] == [plain, f"{plain} (2)", f"{plain} (3)"]
    store.delete(store.runs()[1].id)
    assert keep(store, small).name == f"{plain} (2)"


def test_a_folder_that_cannot_be_written(tmp_path, small):
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="cannot be changed"):
        keep(RunStore(tmp_path / "file" / "runs"), small)


PROCESS = """
import sys
from pathlib import Path
import numpy as np
from kdeviz.analysis import analyse
from kdeviz import Decision, ProbabilityCurve, ThresholdRule
from kdeviz.output import DamagedRun, RunStore
from kdeviz.settings import Settings

folder, name = Path(sys.argv[1]), sys.argv[2]
analysis = analyse(np.random.default_rng(0).normal(size=(40, 4)), settings=Settings(2), device="cpu")
store = RunStore(folder / "runs")
(folder / name).touch()
while len(list(folder.glob("ready *"))) < 2:
    pass
for i in range(15):
    store.keep(Decision(analysis, ThresholdRule(), ProbabilityCurve(), -5.0), name="the same name")
    damaged = [run for run in store.runs() if isinstance(run, DamagedRun)]
    assert not damaged, damaged
"""


def test_two_processes_that_keep_at_once_lose_nothing(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path), f"ready {i}"],
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for i in range(2)
    ]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    store = RunStore(tmp_path / "runs")
    found = store.runs()
    assert len({one.id for one in found}) == 30
    assert names(store.folder) == sorted(one.id for one in found)
    for one in found:
        one.check()
        assert len(one.scored().scores) == 40


def test_deleting_at_once_deletes_once(store, small):
    kept = [keep(store, small).id for _ in range(6)]
    outcomes = []

    def delete_all():
        for id_ in kept:
            try:
                store.delete(id_)
                outcomes.append(id_)
            except OptionError:
                pass

    threads = [threading.Thread(target=delete_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted(kept)
    assert names(store.folder) == []


def test_what_parsed_refuses_is_a_value_error_that_says_why():
    with pytest.raises(ValueError, match="missing required field `name`"):
        parsed(b'{"format": 1}')
    with pytest.raises(ValueError, match="format 9, this kdeviz reads 1"):
        parsed(b'{"format": 9}')
    assert issubclass(DataError, KdevizError)


# Names


def test_the_proposed_name_says_data_components_and_threshold(digits):
    decision = decided(digits)
    said = f"Handwritten digits, {digits.classifier.n_components_} components, threshold "
    name = proposed_name(decision)
    assert name.startswith(said)
    assert float(name.removeprefix(said)) == pytest.approx(decision.threshold, rel=5e-3)


@pytest.mark.parametrize("name", ["", "x" * 300, "a\x00b\n<b>", "  "])
def test_a_name_is_proposed_for_data_of_any_name(small, name):
    decision = decided(small)
    inspected = replace(decision.analysis.inspected, name=name)
    proposed = proposed_name(replace(decision, analysis=replace(decision.analysis, inspected=inspected)))
    assert proposed and proposed.isprintable() and len(proposed) <= 120


@pytest.fixture
def three(store, small):
    """Three runs, by their names."""
    return {name: keep(store, small, name=name).id for name in ("Digits", "digits, wide", "wine")}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("wine", "wine"),
        ("w", "wine"),
        ("WI", "wine"),
        ("Digits", "Digits"),
        ("digits", "Digits"),
        ("digits,  w", "digits, wide"),
    ],
)
def test_a_run_is_meant_by_the_beginning_of_its_name(store, three, text, name):
    assert store.match(text) == three[name]


def test_a_run_is_meant_by_its_id_or_the_beginning_of_that(store, three):
    for id_ in three.values():
        assert store.match(id_) == id_ == store.match(id_[:-2])


def test_a_beginning_that_may_mean_several_runs_names_them(store, three):
    with pytest.raises(OptionError, match="'d' may mean each of these runs") as raised:
        store.match("d")
    assert all(three[name] in str(raised.value) for name in ("Digits", "digits, wide"))
    assert three["wine"] not in str(raised.value)


def test_two_runs_of_one_name_are_told_apart_by_their_ids(store, small, three):
    twin = keep(store, small, name="wine")
    with pytest.raises(OptionError, match="may mean each of these"):
        store.match("wine")
    assert store.match(twin.id) == twin.id


@pytest.mark.parametrize("text", ["x", "", " ", "ine", "../wine"])
def test_other_texts_mean_no_run(store, three, text):
    with pytest.raises(OptionError, match="nor one whose name begins so"):
        store.match(text)


def test_a_damaged_run_is_meant_by_its_id(store, three):
    (store.folder / three["wine"] / "run.json").write_text("{")
    assert store.match(three["wine"]) == three["wine"]
