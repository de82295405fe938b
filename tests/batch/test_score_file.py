"""Scores of files and batches are those of the analysis, however they are read."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kdeviz.analysis import analysis_of_model, drift
from kdeviz.batch import SCHEMA, score_batches, score_file, scoring
from kdeviz.data import load_embeddings
from kdeviz.data.readers import streams
from kdeviz.decision import decide, stored_decision
from kdeviz.errors import Cancelled, DataError, ModelFileError
from kdeviz.model import KDEClassifier

drift_module = sys.modules["kdeviz.analysis.drift"]  # the package has its function under this name
RANDOM = np.random.default_rng(1)
TRAIN = RANDOM.normal(size=(300, 6)).astype(np.float32)
NEW = np.concatenate([2 * RANDOM.normal(size=(500, 6)), TRAIN[:100]]).astype(np.float32)


@pytest.fixture
def model():
    fitted = KDEClassifier(n_pca_components=3)
    fitted.fit(TRAIN)
    analysis = analysis_of_model(fitted, load_embeddings(saved("train.npy", TRAIN)))
    fitted.held_out_scores = analysis.classifier.held_out_scores
    fitted.threshold = decide(analysis).threshold
    return fitted


@pytest.fixture(autouse=True)
def small_parts(monkeypatch, tmp_path):
    monkeypatch.setattr(streams, "_ARRAY_BYTES", 2000)
    monkeypatch.chdir(tmp_path)


def saved(path, features):
    np.save(path, features)
    return path


def test_a_file_has_the_scores_of_the_analysis(model):
    told = []
    done = score_file(model, saved("new.npy", NEW), "out.parquet", on_rows=lambda *now: told.append(now))
    decision = stored_decision(analysis_of_model(model, load_embeddings("new.npy")))
    table = pq.read_table("out.parquet")
    assert table.schema.equals(SCHEMA)
    assert table["id"].to_pylist() == [str(i) for i in range(len(NEW))]
    np.testing.assert_allclose(table["log_density"], decision.analysis.scores, rtol=1e-6)
    np.testing.assert_allclose(table["p_value"], decision.p_values, rtol=1e-12)
    np.testing.assert_allclose(table["probability"], decision.probabilities, rtol=1e-6)
    assert table["flagged"].to_pylist() == decision.flagged.tolist()
    assert (done.rows, done.flagged) == (len(NEW), decision.n_flagged)
    assert 0 < decision.n_flagged < len(NEW)
    assert len(told) > 5
    assert told[-1] == (len(NEW), 1.0)


def test_rows_of_the_fit_have_their_held_out_scores(model):
    score_file(model, saved("new.npy", NEW), "out.parquet")
    scores = pq.read_table("out.parquet")["log_density"].to_numpy()
    np.testing.assert_allclose(scores[500:], model.held_out_scores.numpy()[:100], rtol=1e-6)


def test_batches_have_the_scores_of_the_file(model):
    score_file(model, saved("new.npy", NEW), "out.parquet")
    model.save("model.safetensors")
    table = pa.table({"vector": NEW.tolist()})
    found = list(score_batches("model.safetensors", table.to_batches(max_chunksize=97)))
    assert all(batch.schema.equals(SCHEMA) for batch in found)
    # Lists of Python numbers are float64 here, those of the file float32.
    scores, expected = (
        t["log_density"] for t in (pa.Table.from_batches(found), pq.read_table("out.parquet"))
    )
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_a_table_or_one_batch_is_as_good_as_its_batches(model):
    table = pa.table({"vector": NEW.tolist()}).combine_chunks()
    (one,) = table.to_batches()
    reader = pa.RecordBatchReader.from_batches(table.schema, [one])
    expected = list(score_batches(model, [one]))
    for given in (table, one, reader):
        assert pa.Table.from_batches(score_batches(model, given)).equals(pa.Table.from_batches(expected))


def test_columns_of_batches_are_named_as_in_load_embeddings(model):
    names = list("abcdef")
    table = pa.table({"age": RANDOM.normal(size=len(NEW)), **dict(zip(names, NEW.T, strict=True))})
    expected = pa.Table.from_batches(score_batches(model, table.drop_columns("age")))
    for columns in ({"embedding_column": names}, {"leave_out": "age"}):
        found = pa.Table.from_batches(score_batches(model, table, **columns))
        assert found["id"].equals(expected["id"])
        np.testing.assert_allclose(found["log_density"], expected["log_density"], rtol=1e-6)


def test_a_model_without_calibration_gives_no_p_values(model):
    model.held_out_scores = model.held_out_scores[:0]
    score_file(model, saved("new.npy", NEW), "out.parquet")
    table = pq.read_table("out.parquet")
    assert table["p_value"].null_count == len(NEW)
    assert table["flagged"].to_pylist() == (table["log_density"].to_numpy() < model.threshold).tolist()


def test_the_file_says_what_its_scores_depend_on(model):
    score_file(model, saved("new.npy", NEW), "a.parquet")
    score_file(model, "new.npy", "b.parquet")
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()
    about = json.loads(pq.read_schema("a.parquet").metadata[scoring.KEY])
    assert about["file"] == "new.npy"
    model.threshold += 1
    score_file(model, "new.npy", "c.parquet")
    assert json.loads(pq.read_schema("c.parquet").metadata[scoring.KEY])["model"] != about["model"]


def test_bad_rows_are_named_by_their_numbers_in_the_file(model, tmp_path):
    bad = NEW.copy()
    bad[431, 2] = np.nan
    with pytest.raises(DataError, match=r"rows 431\)"):
        score_file(model, saved("bad.npy", bad), "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_whoever_cancels_gets_no_file(model, tmp_path):
    def cancel(rows, done):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        score_file(model, saved("new.npy", NEW), "out.parquet", on_rows=cancel)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.npy", "train.npy"]


def test_other_dimensions_and_no_model_are_refused(model):
    with pytest.raises(DataError, match="5 dimensions"):
        score_file(model, saved("narrow.npy", NEW[:, :5]), "out.parquet")
    with pytest.raises(ModelFileError):
        score_file("none.safetensors", saved("new.npy", NEW), "out.parquet")


def test_a_device_without_memory_leaves_the_rest_to_the_cpu(model, monkeypatch):
    real, calls = scoring.PartAnalyses, []

    class OnceTooMuch(real):
        def of(self, *arguments):
            calls.append(self._model)
            if len(calls) == 3:
                raise RuntimeError("out of memory")
            return super().of(*arguments)

    score_file(model, saved("new.npy", NEW), "plain.parquet")
    monkeypatch.setattr(scoring, "PartAnalyses", OnceTooMuch)
    monkeypatch.setattr(scoring, "_CPU_PIECES", 1)  # as on such a device
    done = score_file(model, "new.npy", "out.parquet")
    assert any("ran out of memory" in note for note in done.notes)
    assert calls[1] is model
    assert calls[3] is not model
    assert pq.read_table("out.parquet").equals(pq.read_table("plain.parquet"))


# --- drift


def told_of(model, path):
    """What is said of a file that is read whole, and of the same file in parts."""
    rows = load_embeddings(path)
    _, test = rows.train_and_test()
    whole = drift(analysis_of_model(model, rows if test is None else test))
    return whole, score_file(model, path, "out.parquet").drift


FILES = {
    "moved": 2 * RANDOM.normal(size=(500, 6)),
    "with rows of the fit": NEW,
    "copies": np.repeat(1.2 * RANDOM.normal(size=(40, 6)), 20, axis=0),
    "alike": RANDOM.normal(size=(500, 6)),
    "few": 2 * RANDOM.normal(size=(49, 6)),
    "rows of the fit": TRAIN,
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_in_parts_has_the_drift_of_the_whole(model, name):
    rows = RANDOM.permutation(FILES[name]).astype(np.float32)  # copies lie in several parts
    whole, found = told_of(model, saved("rows.npy", rows))
    if name in ("few", "rows of the fit"):
        assert (whole, found) == (None, None)
        return
    assert found == pytest.approx(whole, rel=1e-6)
    assert found.in_words == whole.in_words
    assert found.found == (name in ("moved", "with rows of the fit"))


@pytest.mark.parametrize("most", [60, 200])
def test_of_many_rows_the_same_are_looked_at_however_they_are_cut(model, monkeypatch, most):
    monkeypatch.setattr(drift_module, "MOST", most)
    rows = 2 * RANDOM.normal(size=(5000, 6)).astype(np.float32)
    whole, found = told_of(model, saved("rows.npy", rows))
    assert found.rows == most
    assert found == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_rows_labelled_anomalous_and_those_of_split_train_do_not_drift(model, suffix):
    n = 900
    kind = RANDOM.permutation(np.repeat(["good", "defect", "other"], n // 3))
    rows = np.where(kind == "good", 1, 5)[:, None] * RANDOM.normal(size=(n, 6))
    table = {f"x{i}": rows[:, i] for i in range(6)}
    table["label"] = np.where(kind == "defect", "defect", "good")
    table["split"] = np.where(kind == "other", "train", "test")
    frame, path = pd.DataFrame(table), f"rows.{suffix}"
    write = {"csv": frame.to_csv, "parquet": frame.to_parquet, "jsonl": frame.to_json}[suffix]
    write(path, **({"orient": "records", "lines": True} if suffix == "jsonl" else {"index": False}))
    whole, found = told_of(model, path)
    assert found.rows == n // 3
    assert found == pytest.approx(whole, rel=1e-6)
    assert not found.found
    frame.drop(columns=["label", "split"]).to_csv("bare.csv", index=False)
    assert score_file(model, "bare.csv", "out.parquet").drift.found


def test_without_held_out_scores_there_is_nothing_to_compare_with(model):
    model.held_out_scores = model.held_out_scores[:0]
    assert score_file(model, saved("new.npy", NEW), "out.parquet").drift is None
