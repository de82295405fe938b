"""About this file: how it was read is said, and every guess can be corrected."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from app_steps import page_session, put, texts, upload
from PIL import Image

from kdeviz import load_embeddings
from kdeviz.data import EmbeddingSet
from kdeviz.data.reading import GUESS, Corrections
from kdeviz.decision.decision import decide
from kdeviz.output.recipe import Files, python_recipe, shell_recipe
from kdeviz.ui.panels.about_file import scoring_words, shape_words
from kdeviz.ui.work.loaded import from_uploads

N = 60


def table():
    rows = np.random.default_rng(0).normal(size=(N, 3)).round(4)
    frame = pd.DataFrame(rows, columns=["length", "width", "height"])
    quality = ["A"] * (N - 5) + ["B"] * 5
    return frame.assign(age=np.arange(N) % 9, path=[f"{i}.png" for i in range(N)], quality=quality)


def csv(frame=None):
    return (table() if frame is None else frame).to_csv(index=False).encode()


@pytest.fixture
def parts(tmp_path):
    path = tmp_path / "parts.csv"
    path.write_bytes(csv())
    return str(path)


def read(app):
    return page_session(app).data.everything


def test_it_says_what_every_column_became(app):
    upload(app, "parts.csv", csv())
    said = texts(app)
    assert "Features: 4 dimensions: length, width, height, age" in said
    assert "Id: path" in said and "Label: none" in said and "Metadata: quality" in said
    (preview,) = [frame.value for frame in app.dataframe if "length" in frame.value and len(frame.value) == 3]
    assert preview["id"].tolist() == ["0.png", "1.png", "2.png"]


def test_the_sample_set_is_described_and_has_nothing_to_correct(app):
    assert any(text.startswith("Features: 64 dimensions") for text in texts(app))
    assert not [box for box in app.selectbox if (box.key or "").endswith("_column")]


def test_a_column_is_left_out_and_comes_back(start, parts):
    app = start(parts)
    put(app.multiselect(key="leave_out"), ["age"])
    assert read(app).feature_names == ("length", "width", "height")
    assert app.query_params["leave_out"] in ("age", ["age"])
    again = start(parts, leave_out="age")
    assert read(again).feature_names == ("length", "width", "height")
    put(again.multiselect(key="leave_out"), [])
    assert read(again).feature_names == ("length", "width", "height", "age")
    assert "leave_out" not in again.query_params


def test_a_label_column_is_named_and_its_normal_value_chosen(start, parts):
    app = start(parts)
    put(app.selectbox(key="label_column"), "quality")
    assert read(app).labels is None
    assert app.multiselect(key="normal").options == ["A", "B"]
    put(app.multiselect(key="normal"), ["A"])
    assert (read(app).labels == 1).sum() == 5 and (read(app).labels == 0).sum() == N - 5
    assert "Label: quality (normal: A; anomalous: B)" in texts(app)
    again = start(parts, label_column="quality", normal="A")
    assert page_session(again).data.said == Corrections(label_column="quality", normal=("A",))


def test_ids_can_be_taken_from_another_column_or_from_none(start, parts):
    app = start(parts)
    put(app.selectbox(key="id_column"), "none of them")
    assert read(app).ids[:2].tolist() == ["0", "1"]
    put(app.selectbox(key="id_column"), "as guessed")
    assert read(app).ids[0] == "0.png" and page_session(app).data.said == GUESS


def test_what_cannot_be_read_is_said_and_nothing_is_lost(start, parts):
    app = start(parts)
    put(app.multiselect(key="leave_out"), ["length", "width", "height", "age"])
    assert read(app).feature_names == ("length", "width", "height", "age")
    assert app.multiselect(key="leave_out").value == []
    assert any("parts.csv" in text for text in texts(app))


@pytest.mark.parametrize("value", ["nothing", "", "<b>"])
def test_an_address_that_names_no_column_is_passed_over(start, parts, value):
    app = start(parts, id_column=value, leave_out=value, normal=value)
    assert page_session(app).data.said == GUESS


def test_another_file_is_read_without_what_was_said_of_the_first(app):
    upload(app, "parts.csv", csv())
    put(app.multiselect(key="leave_out"), ["age"])
    upload(app, "others.csv", csv(table().rename(columns={"age": "year"})))
    assert page_session(app).data.said == GUESS
    assert read(app).feature_names == ("length", "width", "height", "year")


def test_a_second_file_is_read_as_was_said_of_the_first():
    said = Corrections(label_column="quality", normal=("A",), leave_out=("age",))
    one, other = ("a.csv", csv()), ("b.csv", csv())
    both = from_uploads(one, other, said=said)
    assert both.score.feature_names == ("length", "width", "height") and (both.score.labels == 1).sum() == 5
    without = from_uploads(one, ("b.csv", csv(table().drop(columns="quality"))), said=said)
    assert without.score.labels is None and len(without.score.feature_names) == 3
    assert any("It was not read as you said of the first file" in note for note in without.notes)


def test_recipes_carry_what_was_said(tmp_path, parts, run, screen_of):
    said = Corrections(id_column="", label_column="quality", normal=("A",), leave_out=("age",))
    decision = decide(screen_of(load_embeddings(parts, **said.given)))
    lines = python_recipe(decision, Files(parts))
    names: dict[str, object] = {}
    exec(lines, names)
    np.testing.assert_array_equal(names["analysis"].scores, decision.analysis.scores)
    np.testing.assert_array_equal(names["train"].labels, decision.analysis.train.labels)
    shell = shell_recipe(decision, Files(parts))
    for option in ("--id-column=''", "--label-column=quality", "--normal=A", "--leave-out=age"):
        assert shell.count(option) == 2  # fit, and score


@pytest.fixture
def screen_of():
    from kdeviz import Settings, analyse

    return lambda data: analyse(data, None, Settings(n_pca_components=2), "cpu")


def test_pictures_come_from_the_folder_that_the_app_was_started_with(tmp_path):
    picture = Image.new("RGB", (4, 4))
    for i in range(N):
        picture.save(tmp_path / f"{i}.png")
    said = Corrections(images=str(tmp_path))
    loaded = from_uploads(("parts.csv", csv()), said=said)
    assert loaded.everything.thumbnail_uri(0).startswith("data:image/png")
    without = from_uploads(("parts.csv", csv(table().drop(columns="path"))), said=said)
    assert without.everything.thumbnails is None and without.said.images == str(tmp_path)
    assert any("No pictures from the folder" in note for note in without.notes)


def test_notes_on_the_screen_name_no_flags():
    notes = from_uploads(("parts.csv", csv())).notes
    assert "leave out those that do not belong (see About this file)." in notes[0]
    assert not any("--" in note for note in notes)


def test_words_of_what_is_learned_from_and_what_is_scored_agree():
    rows = np.zeros((600, 8))
    data = EmbeddingSet(rows, np.arange(600).astype(str))
    unseen = "each by a model that has not seen it."
    alone = f"No samples are set apart: those learned from are scored themselves, {unseen}"
    assert shape_words(data, None) == "600 to learn from · 8 dimensions"
    assert scoring_words(data, True) == alone
    assert scoring_words(data, False).endswith("are scored themselves, by the model that has seen them.")
    left_out = replace(data, excluded=np.arange(600) < 30)
    assert shape_words(left_out, None) == "570 to learn from · 30 more to score · 8 dimensions"
    assert scoring_words(left_out, True) == f"All 600 samples are scored; those learned from, {unseen}"
    both = data.take(rows[:, 0] > -1)
    assert shape_words(data, both) == "600 to learn from · 600 to score · 8 dimensions"
