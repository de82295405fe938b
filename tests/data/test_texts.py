"""Texts and sounds in the columns beside the features."""

import base64
import io
import wave
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.samples import EXAMPLES, load_sample
from kdeviz.data.texts import cell_text, sound_bytes, sound_type, text_columns
from kdeviz.wording import one_line, score_this_low, wrapped


def beep(seconds=0.05):
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((np.sin(np.arange(int(8000 * seconds))) * 9000).astype("<i2").tobytes())
    return stream.getvalue()


def uri(data, kind="audio/wav"):
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def rows(**columns):
    frame = pd.DataFrame(columns)
    return EmbeddingSet(np.zeros((len(frame), 2)), np.arange(len(frame)).astype(str), metadata=frame)


LONG = [
    "It tastes good and is quiet.",
    "The pump hums softly.",
    None,
    "Cleaning takes a minute or two, no more.",
]
SHORT = ["A good one, he said", "So it seems to me", "No one knows it yet", "It is what it is"]


def test_the_longest_column_of_texts_comes_first():
    found = rows(city=["New York", "Rome", "Oslo", "Bern"], note=SHORT, stars=[1, 2, 3, 4], review=LONG)
    assert found.text_columns == ("review", "note")
    assert found.texts([3, 2, 0]) == [LONG[3], "", LONG[0]]
    assert found.texts([1], "note") == [SHORT[1]]
    assert found.texts([1], "city") == ["Rome"]  # whatever somebody chooses
    assert found.texts([1], "stars") == ["2"]
    assert found.texts([1], "no such column") == [LONG[1]]


@pytest.mark.parametrize(
    "value",
    [
        "05.01.2024 07:30",
        "2024-03-01 06:00:00",
        "Mon, 05 Jan 2024 07:30:00 +0100",
        "5. Januar 2024, 07:30 Uhr",
        "January 5, 2024 at 7:30 PM",
        "Fri Nov 27 22:33:52 UTC 2026",
        "+49 170 1234567",
        "48.137154 11.576124",
        "[0.12 0.44 -1.3]",
        "AB-12 3456 / 0007",
    ],
)
def test_dates_and_codes_are_no_texts(value):
    notes = ["no defect in sight", "a scratch", None, "a dent at the edge"]
    found = rows(when=[value] * 4, note=notes)
    assert found.text_columns == ("note",)


@pytest.mark.parametrize(
    "value",
    [
        "商品很好，包装完整",
        "この商品は良かったです",
        "ข้อความภาษาไทยที่ยาวมาก",
        "यह एक अच्छा उत्पाद है",
        "제품이 아주 좋습니다, 추천해요",
        "Мотор шумит после ремонта",
        "2024-03-01 ERROR: the disk of host7 is 93 % full",
    ],
)
def test_texts_of_any_script(value):
    assert rows(name=["Rome", "New York", "Oslo", "Bern"], text=[value] * 4).text_columns == ("text",)


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_every_kind_of_column_that_holds_texts(dtype):
    frame = pd.DataFrame({"review": pd.Series(LONG, dtype=dtype)})
    assert text_columns(frame) == ("review",)


def test_names_paths_numbers_and_sounds_are_no_texts():
    names = rows(
        path=[f"images/part/number/{i}.png" for i in range(4)],
        code=[f"{i}" * 60 for i in range(4)],
        sound=[uri(beep())] * 4,
        empty=["", " ", None, ""],
        number=[1.5, 2.5, 3.5, 4.5],
    )
    assert names.text_columns == ()
    assert names.texts([0, 1]) == ["", ""]
    assert rows().text_columns == ()
    assert EmbeddingSet.from_array(np.zeros((2, 2))).texts([1]) == [""]


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (np.nan, ""), (pd.NA, ""), (pd.NaT, ""), (3, "3"), ("a", "a")]
)
def test_the_text_of_a_cell(value, text):
    assert cell_text(value) == text


# --- short texts


def test_short_texts_end_in_an_ellipsis_and_stay_in_one_line():
    assert one_line("a\nb  c", 20) == "a b c"
    assert one_line("x" * 50, 20) == "x" * 19 + "…"
    lines = wrapped("word " * 100, 30, 3).split("\n")
    assert len(lines) == 3
    assert all(len(line) <= 30 for line in lines)
    assert lines[-1].endswith("…")
    assert wrapped("short", 30, 3) == "short"
    assert max(map(len, wrapped("w" * 200, 30, 4).split("\n"))) <= 30  # without spaces, too


def test_a_p_value_in_words():
    assert score_this_low(1 / 1052) == "At most 1 in 1\u202f052 normal samples score this low"
    assert score_this_low(0.304) == "30.4 % of normal samples score this low"


# --- sounds


def test_sounds_in_the_file():
    found = rows(note=SHORT, sound=[uri(beep()), None, uri(b"not a sound"), "data:audio/wav;base64,%%%"])
    assert found.sound_column == "sound"
    assert found.sound(0) == beep()
    assert [found.sound(row) for row in (1, 2, 3)] == [b"", b"", b""]
    assert rows(note=SHORT).sound(0) == b""


def test_sounds_below_a_folder_and_nowhere_else(tmp_path):
    folder = tmp_path / "sounds"
    folder.mkdir()
    (folder / "a.wav").write_bytes(beep())
    (folder / "b.wav").write_bytes(b"<html>")
    (tmp_path / "secret.wav").write_bytes(beep())
    (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
    paths = ["x/a.wav", "b.wav", "../secret.wav", "link.wav", str(tmp_path / "secret.wav"), "none.wav"]
    found = rows(file=paths)
    assert found.sound_column == "file"
    assert found.sound(0, folder) == beep()
    assert [found.sound(row, folder) for row in range(1, 6)] == [b""] * 5
    assert found.sound(0) == b""  # without a folder nothing on disk is read


def test_a_sound_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("kdeviz.data.texts.MOST_SOUND_BYTES", len(beep()))
    (tmp_path / "a.wav").write_bytes(beep())
    assert sound_bytes("a.wav", tmp_path) == beep()
    assert sound_bytes(uri(beep()), None) == beep()
    monkeypatch.setattr("kdeviz.data.texts.MOST_SOUND_BYTES", len(beep()) - 10)
    assert sound_bytes("a.wav", tmp_path) == b""
    assert sound_bytes(uri(beep()), None) == b""


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"RIFF\0\0\0\0WEBP", ""),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"\xff\xd8\xff", ""),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\0\0\0 ftypM4A ", "audio/mp4"),
        (b"<svg>", ""),
        (b"", ""),
    ],
)
def test_a_sound_is_known_by_its_first_bytes(start, kind):
    assert sound_type(start) == kind


# --- the examples


def test_the_examples_are_pictures_texts_a_table_and_a_known_truth():
    assert list(EXAMPLES) == ["digits", "sentences", "breast_cancer", "mixture"]
    sentences, cells, points = map(load_sample, ("sentences", "breast_cancer", "mixture"))
    assert sentences.text_columns == ("text",)
    assert len(set(sentences.texts(range(len(sentences))))) == len(sentences) > 300
    assert cells.feature_names is not None and cells.feature_name(3) == "mean area"
    assert load_sample().feature_name(3) == "feature 3"
    assert points.true_log_density is not None and load_sample().true_log_density is None
    for example in (sentences, cells, points):
        train, score = example.train_and_test()
        assert score is not None
        assert (train.labels == 0).all()
        assert set(score.labels) == {0, 1}
        assert example.notes == ()


@pytest.mark.parametrize("name", ["sentences", "breast_cancer", "mixture"])
def test_the_scripts_make_the_shipped_examples_again(name, tmp_path):
    import runpy

    import pyarrow.parquet as pq

    folder = Path(__file__).parents[2] / "sample_data"
    runpy.run_path(str(folder / f"make_{name}.py"))["main"](tmp_path / "made.parquet")
    made, shipped = pq.read_table(tmp_path / "made.parquet"), pq.read_table(folder / f"{name}.parquet")
    assert made.schema == shipped.schema
    for column in {"embedding", "true log density"} & set(made.column_names):
        one, other = (np.stack(table[column].to_numpy()) for table in (made, shipped))
        np.testing.assert_allclose(one, other, atol=1e-4)
        made, shipped = made.drop_columns(column), shipped.drop_columns(column)
    assert made.equals(shipped)
