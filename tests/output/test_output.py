import io
import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings, strategies
from streamlit.testing.v1 import AppTest

from kdeviz.analysis.analyse import analyse
from kdeviz.analysis.opened import analysis_of_model
from kdeviz.cli import main
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.data.load import load_embeddings
from kdeviz.data.mark_book import MarkBook
from kdeviz.data.marks import SampleMark, sample_keys
from kdeviz.data.samples import load_sample
from kdeviz.decision.decision import Decision, decide, stored_decision
from kdeviz.decision.rules import ThresholdRule
from kdeviz.decision.table import ranking
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.formats.native import model_bytes
from kdeviz.output.recipe import Files, python_recipe, shell_recipe
from kdeviz.output.scores import score_bytes, scores_table
from kdeviz.output.tables import METADATA_KEY, to_csv, to_parquet
from kdeviz.preflight.checks import preflight
from kdeviz.settings import Settings
from kdeviz.ui.state import Screen
from kdeviz.ui.widgets import downloads
from kdeviz.ui.work.loaded import from_uploads
from kdeviz.ui.work.mark_books import MarkShelf, _shelf

CURVE = ProbabilityCurve(midpoint=18.5, steepness=0.25)
QUANTILE = ThresholdRule("quantile", 0.02)
AWKWARD = 'it\'s $(touch oops) "odd" é;.parquet'


def scores_csv(decision, rows=None, marks=None):
    return score_bytes(decision, ".csv", rows, marks)


def scores_parquet(decision, rows=None, marks=None):
    return score_bytes(decision, ".parquet", rows, marks)


@pytest.fixture(scope="module")
def analysis():
    return analyse(*load_sample().train_and_test(), device="cpu")


@pytest.fixture(scope="module")
def threshold(analysis):
    return QUANTILE.threshold(analysis.held_out_scores, analysis.scores)


def blob(rows=80, dimensions=6, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(dtype)


def embeddings(metadata=None, dtype=np.float32, **columns):
    return replace(EmbeddingSet.from_array(blob(dtype=dtype), "blob"), metadata=metadata, **columns)


def table(metadata, **columns):
    data = embeddings(pd.DataFrame(metadata), **columns)
    return scores_table(Decision(analyse(data, settings=Settings(2), device="cpu"), None, CURVE, 0.0))


def read_csv(content):
    return pd.read_csv(io.BytesIO(content))


def read_parquet(content):
    return pq.read_table(io.BytesIO(content))


# Tables


def test_the_table_has_every_inspected_row_in_the_order_of_the_data(analysis, threshold):
    frame = read_csv(scores_csv(Decision(analysis, None, CURVE, threshold)))
    assert frame["row"].tolist() == list(range(len(analysis.scores)))
    assert frame["id"].tolist() == analysis.inspected.ids.tolist()
    np.testing.assert_array_equal(frame["log_density"].to_numpy(np.float32), analysis.scores)
    np.testing.assert_array_equal(frame["probability"].to_numpy(np.float32), CURVE(analysis.scores))
    np.testing.assert_array_equal(frame["flagged"], analysis.scores < threshold)
    np.testing.assert_array_equal(np.argsort(frame["rank"]), np.argsort(analysis.scores, kind="stable"))
    assert list(frame.columns) == list(ranking(Decision(analysis, None, CURVE, threshold)).columns)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_digit_of_the_log_density_is_kept(dtype):
    scored = analyse(embeddings(dtype=dtype), settings=Settings(3), device="cpu")
    read = read_csv(scores_csv(Decision(scored, None, CURVE, 0.0)))["log_density"].to_numpy()
    np.testing.assert_array_equal(read.astype(dtype), scored.scores)
    parquet = read_parquet(scores_parquet(Decision(scored, None, CURVE, 0.0)))["log_density"].to_numpy()
    assert parquet.dtype == scored.scores.dtype
    np.testing.assert_array_equal(parquet, scored.scores)


def test_a_selection_keeps_the_ranks_among_all(analysis, threshold):
    rows = np.array([40, 3, 700])
    everything = read_csv(scores_csv(Decision(analysis, None, CURVE, threshold)))
    chosen = read_csv(scores_csv(Decision(analysis, None, CURVE, threshold), rows))
    pd.testing.assert_frame_equal(chosen, everything.iloc[[3, 40, 700]].reset_index(drop=True))
    parquet = read_parquet(scores_parquet(Decision(analysis, None, CURVE, threshold), rows)).to_pandas()
    assert parquet["row"].tolist() == [3, 40, 700]


def test_an_empty_selection_is_an_empty_table(analysis, threshold):
    none = np.empty(0, dtype=np.int64)
    assert len(read_csv(scores_csv(Decision(analysis, None, CURVE, threshold), none))) == 0
    assert len(read_parquet(scores_parquet(Decision(analysis, None, CURVE, threshold), none))) == 0


def test_parquet_says_where_it_comes_from(analysis, threshold):
    about = json.loads(
        read_parquet(scores_parquet(Decision(analysis, None, CURVE, threshold))).schema.metadata[
            METADATA_KEY.encode()
        ]
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


def test_a_column_without_a_name_has_one_in_a_table():
    written = table({"": range(80), "(no name)": ["x"] * 80})
    for frame in (read_csv(to_csv(written)), read_parquet(to_parquet(written)).to_pandas()):
        assert sorted(frame["(no name)"]) == list(range(80)) and set(frame["(no name)_in_file"]) == {"x"}


# Marks


MARKS = {
    "id 3": SampleMark("confirmed", "a scratch"),
    "id 5": SampleMark("normal", ""),
    "id 70": SampleMark("unsure", 'two\nlines, "quoted"; é'),
}


def marked(metadata=None, marks=MARKS):
    """An analysis of samples with ids, and the columns of its marks."""
    ids = np.array([f"id {row}" for row in range(80)])
    data = embeddings(None if metadata is None else pd.DataFrame(metadata), ids=ids)
    book = MarkBook()
    book.set_all(marks)
    return analyse(data, settings=Settings(2), device="cpu"), book.columns(sample_keys(ids))


def written(scored, columns, rows=None):
    """The table as CSV and as parquet, read by pandas."""
    csv = scores_csv(Decision(scored, None, CURVE, 0.0), rows, columns)
    parquet = scores_parquet(Decision(scored, None, CURVE, 0.0), rows, columns)
    return pd.read_csv(io.BytesIO(csv), keep_default_na=False), read_parquet(parquet).to_pandas()


def test_marks_and_notes_are_in_both_formats():
    scored, columns = marked({"camera": ["left"] * 80})
    for frame in written(scored, columns):
        wanted = ["row", "rank", "id", "log_density", "probability", "p_value"]
        wanted += ["flagged", "mark", "note", "camera"]
        assert list(frame.columns) == wanted
        found = frame[(frame["mark"] != "") | (frame["note"] != "")].set_index("id")
        assert {name: SampleMark(row["mark"], row["note"]) for name, row in found.iterrows()} == MARKS
    for frame in written(scored, columns, np.array([5, 6])):
        assert frame["mark"].tolist() == ["normal", ""]


def test_without_any_mark_there_are_no_such_columns():
    scored, columns = marked(marks={})
    for frame in written(scored, columns):
        assert "mark" not in frame
        assert "note" not in frame
    scored, columns = marked(marks={"id 9": SampleMark("", "only a note")})
    assert all(frame["note"][9] == "only a note" for frame in written(scored, columns))


def test_writing_marks_leaves_the_ranking_alone():
    scored, columns = marked({"note": ["of the file"] * 80})
    before = ranking(Decision(scored, None, CURVE, 0.0)).copy()
    written(scored, columns)
    pd.testing.assert_frame_equal(ranking(Decision(scored, None, CURVE, 0.0)), before)


def test_what_a_file_itself_calls_mark_and_note_is_kept_beside_ours():
    own = {"mark": ["laser"] * 80, "note": np.arange(80.0), "note_in_file": ["old"] * 80}
    scored, columns = marked(own)
    for frame in written(scored, columns):
        assert frame["mark"][3] == "confirmed"
        assert set(frame["mark_in_file"]) == {"laser"}
        assert frame["note_in_file"].tolist() == ["old"] * 80
        assert frame["note_in_file_in_file"].tolist() == list(range(80))
    for frame in written(scored, {"mark": [""] * 80, "note": [""] * 80}):
        assert set(frame["mark"]) == {"laser"}
        assert frame["note"].tolist() == list(range(80))


def test_marks_that_came_with_the_file_are_not_written_twice():
    own = {"mark": ["confirmed", "", None, "unsure"] * 20, "note": ["a", "", None, ""] * 20}
    scored, columns = marked(own, {"id 0": SampleMark("normal", "changed")})
    for frame in written(scored, columns):
        assert not any("in_file" in name for name in frame)
        assert frame["mark"].tolist() == ["normal"] + [""] * 79
        assert frame["note"].tolist() == ["changed"] + [""] * 79
    for frame in written(scored, {"mark": [""] * 80, "note": [""] * 80}):  # all were taken away
        assert not {"mark", "note"} & set(frame)


def test_a_note_that_was_not_read_as_a_mark_is_never_lost():
    own = {"mark": ["confirmed"] + [""] * 79, "note": ["a", "stands alone"] + [""] * 78}
    scored, columns = marked(own, {"id 0": SampleMark("confirmed", "a")})
    for frame in written(scored, columns):
        assert "mark_in_file" not in frame
        assert frame["note_in_file"].tolist() == own["note"]
    scored, columns = marked({"mark": [""] * 80, "note": ["b"] * 80})
    assert all(set(frame["note_in_file"]) == {"b"} for frame in written(scored, columns))
    for frame in written(scored, {"mark": [""] * 80, "note": [""] * 80}):
        assert set(frame["note"]) == {"b"}
    alone = {"mark": [""] * 80, "note": ["b"] * 80}  # a table of notes alone
    assert not any("in_file" in name for frame in written(scored, alone) for name in frame)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_note_is_no_formula_in_csv_and_exact_in_parquet(start):
    note = f"{start}HYPERLINK(1)"
    scored, columns = marked(marks={"id 3": SampleMark("confirmed", note)})
    content = scores_csv(Decision(scored, None, CURVE, 0.0), marks=columns)
    csv = pd.read_csv(io.BytesIO(content.replace(b"\r", b"\\r")), keep_default_na=False)
    assert csv["note"][3] == f"'{note}".replace("\r", "\\r")
    assert written(scored, columns)[1]["note"][3] == note


# Held out: what leaves the app comes back to it


def reloaded(tmp_path, columns, about, score=None):
    """The marks of the same embeddings in another place, with the exported table about them."""
    name, content = about
    data = from_uploads(("main.parquet", columns), score, (name, content))
    return data, MarkBook(MarkShelf(tmp_path / name).file(data))


def uploaded(**more):
    """A parquet upload of 80 embeddings with ids."""
    file = io.BytesIO()
    ids = [f"id {row}" for row in range(80)]
    pd.DataFrame({"id": ids, "wide": list(blob()), **more}).to_parquet(file)
    return file.getvalue()


FORMATS = {"scores.csv": scores_csv, "scores.parquet": scores_parquet}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("split", [None, ["train"] * 2 + ["test"] * 8])
def test_marks_threshold_and_curve_survive_export_and_reload(tmp_path, name, split):
    columns = uploaded() if split is None else uploaded(split=split * 8)
    first = from_uploads(("main.parquet", columns))
    book = MarkBook(MarkShelf(tmp_path / "here").file(first))
    book.set_all(MARKS)
    scored = analyse(first.train, first.score, Settings(2), "cpu")
    threshold, curve = -3.25, ProbabilityCurve(-4.5, 0.125)
    marks = book.columns(sample_keys(scored.inspected.ids))
    content = FORMATS[name](Decision(scored, None, curve, threshold), None, marks)

    data, again = reloaded(tmp_path, columns, (name, content))
    keys = sample_keys(data.inspected.ids)
    assert again.columns(keys) == marks
    assert {key for key in keys if key in again} == {key for key in keys if key in MARKS} != set()
    (tmp_path / "m.safetensors").write_bytes(model_bytes(Decision(scored, None, curve, threshold)))
    model = KDEClassifier.load(tmp_path / "m.safetensors", "cpu")
    assert (model.threshold, model.curve) == (threshold, curve)

    # And once more: the marks are in the next table once, changed and whole.
    again.set("id 5", SampleMark("confirmed", "after all"))
    scored = analyse(data.train, data.score, Settings(2), "cpu")
    own = model.log_density(scored.inspected.features) if split else model.held_out_scores
    np.testing.assert_array_equal(own.numpy(), scored.scores)
    content = FORMATS[name](Decision(scored, None, curve, threshold), None, again.columns(keys))
    frame = pd.read_csv(io.BytesIO(content)) if name.endswith("csv") else read_parquet(content).to_pandas()
    assert [column for column in frame if "mark" in column or "note" in column] == ["mark", "note"]
    _, third = reloaded(tmp_path / "third", columns, (name, content))
    assert third.columns(keys) == again.columns(keys)


text = strategies.text(strategies.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@cache
def unmarked():
    return marked(marks={})[0], uploaded()


@settings(max_examples=15)
@given(note=text, verdict=strategies.sampled_from(["confirmed", "normal", "unsure"]))
def test_any_note_survives_parquet_and_csv_but_for_the_apostrophe(note, verdict):
    scored, main = unmarked()
    written = MarkBook()
    written.set_all({"id 3": SampleMark(verdict, note), "id 4": SampleMark("unsure", "words")})
    keys = sample_keys(scored.inspected.ids)
    guard = "'" if note.startswith(("=", "+", "-", "@", "\t", "\r")) else ""
    for name, before in (("scores.parquet", ""), ("scores.csv", guard)):
        content = FORMATS[name](Decision(scored, None, CURVE, 0.0), None, written.columns(keys))
        data, book = from_uploads(("main.parquet", main), about=(name, content)), MarkBook()
        assert data.inspected.metadata is not None
        book.take_from(keys, data.inspected.metadata)
        assert book.get("id 3") == SampleMark(verdict, before + note)
        assert book.get("id 4") == SampleMark("unsure", "words")
        assert len(book) == 2


# The page


def export_page(screen, folder):
    """The page alone, run by streamlit."""
    import streamlit as st

    from kdeviz.ui.pages import export as export_page
    from kdeviz.ui.state import Session

    session = Session(screen.data)
    session.screen = screen
    st.session_state["session"], st.session_state["marks_folder"] = session, folder
    export_page.show()


def screen_of(data, rule, relabel=None):
    fitted = analyse(data.train, data.score, Settings(2), "cpu")
    shown = fitted if relabel is None else fitted.relabelled(relabel)
    threshold = rule.threshold(shown.held_out_scores, shown.scores, shown.inspected.labels)
    return Screen((), data, Decision(shown, rule, CURVE, threshold), "torch", fitted)


def test_the_page_says_what_is_exported_and_what_was_fixed(tmp_path):
    plain = from_uploads(("main.parquet", uploaded(label=["good"] * 76 + ["bad"] * 4)))
    fixed = plain.fixed(preflight(plain.everything).fix("contamination: leave out of training"))
    screen = screen_of(fixed, QUANTILE)
    page = AppTest.from_function(export_page, args=(screen, str(tmp_path)), default_timeout=30).run()
    words = [block.value for block in page.markdown]
    assert "Fixed before the fit: 4 rows labelled anomalous left out of training." in words
    assert "All 80 samples: rank, log density, probability, p-value, flagged or not." in words
    python, shell = (code.value for code in page.code)
    assert '    "contamination: leave out of training",' in python
    assert "--fix='contamination: leave out of training'" in shell

    MarkBook(_shelf(str(tmp_path)).file(fixed)).set_all({**MARKS, "gone": SampleMark("unsure")})
    words = [block.value for block in page.run().markdown]
    assert not page.exception
    assert any(block.endswith("flagged or not, with your 3 marks.") for block in words)


def test_the_page_knows_when_labels_are_marks(tmp_path):
    data = from_uploads(("main.parquet", uploaded()))
    labels = np.where(np.arange(80) % 3 == 0, ANOMALOUS, NORMAL).astype(np.int8)
    screen = screen_of(data, ThresholdRule("best_f1"), labels)
    page = AppTest.from_function(export_page, args=(screen, str(tmp_path)), default_timeout=30).run()
    assert not page.exception
    assert not any("Fixed before" in block.value for block in page.markdown)
    python, shell = (code.value for code in page.code)
    assert f'ThresholdRule("log_density", {screen.decision.threshold!r})' in python
    assert f"--threshold-value={screen.decision.threshold!r}" in shell


def test_a_download_holds_the_marks_as_they_are_at_the_click(tmp_path):
    data = from_uploads(("main.parquet", uploaded()))
    screen, book = screen_of(data, QUANTILE), MarkBook()
    content = partial(downloads._content, ".csv", screen, book, np.array([3, 5]))
    assert "mark" not in read_csv(content())
    book.set_all(MARKS)
    assert read_csv(content())["mark"].tolist() == ["confirmed", "normal"]


# Without an analysis


def loaded(analysis, tmp_path, threshold=0.0):
    (tmp_path / "m.safetensors").write_bytes(model_bytes(Decision(analysis, None, CURVE, threshold)))
    return KDEClassifier.load(tmp_path / "m.safetensors", "cpu")


def test_a_loaded_model_writes_the_table_of_the_analysis(analysis, threshold, tmp_path):
    model = loaded(analysis, tmp_path, threshold)
    ours = scores_table(stored_decision(analysis_of_model(model, analysis.inspected)))
    theirs = scores_table(Decision(analysis, None, CURVE, threshold))
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
    got = executed(python_recipe(decide(analysis, QUANTILE, CURVE), Files("sample")))
    np.testing.assert_array_equal(got["analysis"].scores, analysis.scores)
    assert got["decision"].threshold == threshold


@pytest.mark.parametrize(
    "rule", [ThresholdRule("fpr", 0.1), ThresholdRule("top_k", 5), ThresholdRule("best_f1")]
)
@pytest.mark.parametrize("second", [None, "-second.npy"])
def test_python_recipe_of_files_gives_the_same_scores(awkward, rule, second):
    if second and rule.needs_labels:
        rule = ThresholdRule("probability", 0.4)
    wanted = of_awkward(second)
    got = executed(python_recipe(decide(wanted, rule, CURVE), Files(AWKWARD, second, "-about.csv")))
    np.testing.assert_array_equal(got["analysis"].scores, wanted.scores)
    assert got["decision"].threshold == rule.threshold(
        wanted.held_out_scores, wanted.scores, wanted.inspected.labels, CURVE
    )


@pytest.fixture
def flawed(awkward):
    """The same folder, with a flawed file, the same one split, and a second that is not flawed there.

    Rows 5 and 31 have missing values, column 4 is constant, row 9 is far out, every seventh is anomalous.
    """
    features = np.insert(blob(), 4, 2, axis=1)
    features[[5, 31], 0] = np.nan
    features[9] *= 50
    pd.DataFrame({"wide": list(features)}).to_parquet("flawed.parquet")
    split = np.where(np.arange(80) < 60, "train", "test")
    pd.DataFrame({"wide": list(features), "split": split}).to_parquet("split.parquet")
    np.save("-second.npy", blob(30, 7, seed=3))
    return awkward


FIXES = (
    "missing: drop rows",
    "outliers: leave out of training",
    "constant columns: drop",
    "contamination: leave out of training",
)
SOURCES = [("flawed.parquet", None), ("split.parquet", None), ("split.parquet", "-second.npy")]


def of_flawed(source, second):
    """What the app has on the screen after the fixes, and where it came from."""
    names = [source, second, "-about.csv"]
    uploads = [name and (name, (Path.cwd() / name).read_bytes()) for name in names]
    loaded = from_uploads(*uploads)
    for name in FIXES:
        loaded = loaded.fixed(preflight(loaded.everything).fix(name))
    files = Files(loaded.source, loaded.score_source, loaded.about_source, loaded.fixes)
    return analyse(loaded.train, loaded.score, Settings(3), "cpu"), files


@pytest.mark.parametrize(("source", "second"), SOURCES)
def test_recipes_repeat_the_fixes(flawed, source, second):
    wanted, files = of_flawed(source, second)
    assert files.fixes == FIXES
    assert wanted.inspected.features.shape[1] == 6
    rule = ThresholdRule("top_k", 3)
    threshold = rule.threshold(wanted.held_out_scores, wanted.scores)
    got = executed(python_recipe(decide(wanted, rule, CURVE), files))
    np.testing.assert_array_equal(got["analysis"].scores, wanted.scores)
    np.testing.assert_array_equal(got["analysis"].fitted_on, wanted.fitted_on)
    assert got["analysis"].inspected.ids.tolist() == wanted.inspected.ids.tolist()
    assert got["analysis"].provenance["train_changes"] == wanted.provenance["train_changes"]
    assert got["decision"].threshold == threshold
    in_process(shell_recipe(decide(wanted, rule, CURVE), files))
    check_written(wanted, threshold)


@pytest.mark.parametrize("rule", [ThresholdRule("best_f1"), ThresholdRule("fpr", 0.2)])
def test_a_rule_that_looked_at_marks_becomes_the_threshold_that_it_found(flawed, rule):
    fitted, files = of_flawed("flawed.parquet", None)
    labels = np.where(fitted.scores > np.median(fitted.scores), ANOMALOUS, NORMAL).astype(np.int8)
    wanted = fitted.relabelled(labels)
    threshold = rule.threshold(wanted.held_out_scores, wanted.scores, labels)
    assert threshold != rule.threshold(fitted.held_out_scores, fitted.scores, fitted.inspected.labels)
    got = executed(python_recipe(decide(wanted, rule, CURVE), files, relabelled=True))
    assert got["decision"].threshold == threshold
    np.testing.assert_array_equal(got["analysis"].scores, wanted.scores)
    in_process(shell_recipe(decide(wanted, rule, CURVE), files, relabelled=True))
    check_written(wanted, threshold)


def test_other_rules_are_written_as_they_are_whoever_labelled(analysis):
    for recipe in (python_recipe, shell_recipe):
        plain = recipe(decide(analysis, QUANTILE, CURVE), Files("sample"))
        assert recipe(decide(analysis, QUANTILE, CURVE), Files("sample"), relabelled=True) == plain
        assert "0.02" in plain


@pytest.mark.parametrize(
    "name", ["a.npy", "it's.npy", 'an "odd" one.npy', f"{'long' * 15}.npy", f"{'long' * 30}.npy"]
)
def test_the_lines_of_python_are_formatted_as_ruff_does_it(analysis, tmp_path, name):
    pytest.importorskip("ruff")
    long = ProbabilityCurve(-12.345678901234567, 0.012345678901234567)
    for files in (
        Files("sample"),
        Files(name),
        Files(name, name, name, FIXES),
        Files(name, name, None, (), name),
        Files("sample", None, None, FIXES),
    ):
        for rule in (QUANTILE, ThresholdRule("best_f1")):
            (tmp_path / f"{len(list(tmp_path.iterdir()))}.py").write_text(
                python_recipe(decide(analysis, rule, long), files, relabelled=True)
            )
    for command in (["format", "--diff"], ["check", "--select=E,F,I,W,UP", "--ignore=E501"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "."]
        done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def executed(recipe):
    names = {}
    exec(recipe, names)
    return names


def test_shell_recipe_of_the_sample_set_gives_the_same_scores(analysis, threshold, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_process(shell_recipe(decide(analysis, QUANTILE, CURVE), Files("sample")))
    check_written(analysis, threshold)


def test_shell_recipe_of_two_files_gives_the_same_scores(awkward):
    wanted, rule = of_awkward("-second.npy"), ThresholdRule("top_k", 4)
    Path("-labels.csv").write_text("label\n" + "good\nbad\n" * (len(wanted.inspected) // 2))
    files = Files(AWKWARD, "-second.npy", "-about.csv", score_metadata="-labels.csv")
    in_process(shell_recipe(decide(wanted, rule, CURVE), files))
    assert pd.read_parquet("scores.parquet")["label"].value_counts().to_dict() == {
        "normal": 15,
        "anomalous": 15,
    }
    check_written(wanted, rule.threshold(wanted.held_out_scores, wanted.scores))


def test_shell_recipe_of_a_file_runs_in_a_shell_and_gives_the_same_scores(awkward):
    wanted, rule = of_awkward(), ThresholdRule("fpr", 0.1)
    in_shell(shell_recipe(decide(wanted, rule, CURVE), Files(AWKWARD, metadata="-about.csv")), awkward)
    check_written(wanted, rule.threshold(wanted.held_out_scores, wanted.scores, wanted.inspected.labels))
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
