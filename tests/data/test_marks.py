import json

import numpy as np
import pandas as pd
import pytest

from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.mark_book import MarkBook
from kdeviz.data.mark_file import MarkFile
from kdeviz.data.marks import SampleMark, marks_bytes, read_marks, sample_keys
from kdeviz.errors import DataError, OptionError

CONFIRMED, FINE = SampleMark("confirmed", "a scratch"), SampleMark("normal")


def test_marks_are_set_changed_and_taken_away():
    book = MarkBook()
    assert book.get("a") == SampleMark()
    book.set("a", CONFIRMED)
    book.set("b", SampleMark("", "only a note"))
    assert book.get("a") == CONFIRMED
    assert len(book) == 2
    book.set("a", FINE)
    assert book.counts() == {"confirmed": 0, "normal": 1, "unsure": 0}
    book.set("a", SampleMark())
    assert "a" not in book
    assert "b" in book


def test_undo_goes_back_step_by_step():
    book = MarkBook()
    book.set("a", CONFIRMED)
    book.set("a", CONFIRMED)  # no change, no step
    book.set_all({"a": FINE, "b": FINE})
    assert book.undo().samples == ["a", "b"]
    assert book.get("a") == CONFIRMED
    assert "b" not in book
    assert book.can_undo
    assert book.undo().samples == ["a"]
    assert len(book) == 0
    assert not book.can_undo
    assert book.undo() is None


def test_redo_goes_forward_again_until_something_else_is_marked():
    book = MarkBook()
    assert book.redo() is None
    book.set("a", CONFIRMED)
    book.set_all({"a": FINE, "b": FINE})
    book.undo()
    book.undo()
    assert book.redo().samples == ["a"]
    assert book.get("a") == CONFIRMED
    assert book.redo().samples == ["a", "b"]
    assert book.get("b") == FINE
    assert not book.can_redo
    book.undo()
    assert book.get("a") == CONFIRMED
    assert book.can_redo
    book.set("c", CONFIRMED)
    assert not book.can_redo
    assert [book.undo().samples, book.undo().samples] == [["c"], ["a"]]


def test_many_samples_get_a_verdict_in_one_step_and_keep_their_notes():
    book = MarkBook()
    book.set("b", SampleMark("unsure", "look again"))
    assert book.set_verdict(["a", "b", "c"], "confirmed") == 3
    assert book.set_verdict(["a", "b"], "confirmed") == 0  # no change, no step
    assert book.get("b") == SampleMark("confirmed", "look again")
    assert len(book) == 3
    assert book.undo().words == "Undone: 3 samples, marked confirmed."
    assert book.of("abc") == {"b": SampleMark("unsure", "look again")}
    assert book.redo().words == "Redone: 3 samples, marked confirmed."
    assert book.set_verdict(["a", "b", "c"], "") == 3
    assert book.of("abc") == {"b": SampleMark("", "look again")}
    with pytest.raises(OptionError, match="'evil' is not known"):
        book.set_verdict(["a"], "evil")


def test_a_step_says_what_it_was():
    book = MarkBook()
    book.set_part("a\n2", verdict="normal")
    book.set_part("a\n2", note="why")
    book.set_part("a\n2", note="")
    book.set_part("a\n2", verdict="")
    book.set_all({"b": FINE, "c": SampleMark("unsure")})
    assert [book.undo().words for _ in range(5)] == [
        "Undone: 2 samples, several marks.",
        "Undone: a, normal taken away.",
        "Undone: a, a note taken away.",
        "Undone: a, a note.",
        "Undone: a, marked normal.",
    ]


def test_undo_and_redo_leave_alone_what_somebody_else_has_changed_since():
    file = MarkFile()
    mine, other = MarkBook(file), MarkBook(file)
    mine.set_verdict(["a", "b"], "confirmed")
    other.set("a", FINE)
    assert mine.undo().words == ("Undone: b, marked confirmed; 1 that somebody else has changed since stay.")
    assert mine.get("a") == FINE
    other.set("b", SampleMark("unsure"))
    step = mine.redo()
    assert step.samples == []
    assert step.words == "Nothing redone: somebody else has changed this since (marked confirmed)."
    assert mine.of("ab") == {"a": FINE, "b": SampleMark("unsure")}


def test_what_somebody_else_undid_can_be_redone():
    file = MarkFile()
    mine, other = MarkBook(file), MarkBook(file)
    mine.set("a", CONFIRMED)
    mine.undo()
    other.set("a", FINE)
    other.undo()
    assert mine.redo().samples == ["a"]
    assert mine.undo().samples == ["a"]
    assert "a" not in mine


def test_a_part_of_a_mark_leaves_the_other_part_alone():
    book = MarkBook()
    book.set("a", CONFIRMED)
    book.set_part("a", verdict="unsure")
    assert book.get("a") == SampleMark("unsure", "a scratch")
    book.set_part("a", note="")
    assert book.get("a") == SampleMark("unsure", "")
    book.set_part("a", verdict="")
    assert "a" not in book
    assert [book.undo().samples, book.get("a").verdict] == [["a"], "unsure"]
    with pytest.raises(OptionError, match="'evil' is not known"):
        book.set_part("a", verdict="evil")


def test_marks_of_some_samples():
    book = MarkBook()
    book.set_all({"a": CONFIRMED, "b": FINE})
    assert book.of(["c", "b"]) == {"b": FINE}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": 2, "marks": {}}', b'{"format": 1, "marks": {"a": {"verdict": "evil"}}}',
     b'{"format": 1, "marks": {"a": 3}}', b"\xff\xfe", b"[" * 100_000,
     b'{"format": 1, "marks": {"a": ' + b'{"x":' * 100_000,
     b'{"format": Infinity, "marks": {}}', b'{"format": 1' + b"0" * 400 + b', "marks": {}}',
     b'{"format": 1, "marks": {"a": {"verdict": "' + b"x" * 10_000 + b'"}}}'],
)  # fmt: skip
def test_a_damaged_file_is_named_in_one_line_and_left_alone(tmp_path, content):
    path = tmp_path / "marks.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"marks\.json: the marks cannot be read") as refused:
        read_marks(path)
    message = str(refused.value)
    assert "\n" not in message
    assert len(message) < 300 + len(str(path))
    assert path.read_bytes() == content


def test_marks_as_labels():
    book = MarkBook()
    for key, verdict in (("a", "confirmed"), ("b", "normal"), ("c", "unsure"), ("d", "")):
        book.set(key, SampleMark(verdict, "seen"))
    keys = list("abcde")
    np.testing.assert_array_equal(book.labels(keys), [ANOMALOUS, NORMAL, UNKNOWN, UNKNOWN, UNKNOWN])
    known = np.array([NORMAL, NORMAL, NORMAL, ANOMALOUS, ANOMALOUS], np.int8)
    before = known.copy()
    np.testing.assert_array_equal(
        book.labels(keys, known), [ANOMALOUS, NORMAL, UNKNOWN, ANOMALOUS, ANOMALOUS]
    )
    np.testing.assert_array_equal(known, before)


def test_columns_come_back_from_an_exported_table():
    book, keys = MarkBook(), ["a", "b", "c", "d"]
    book.set("a", CONFIRMED)
    book.set("c", SampleMark("unsure", "ask"))
    table = pd.DataFrame(book.columns(keys))
    assert list(table["mark"]) == ["confirmed", "", "unsure", ""]
    other = MarkBook()
    other.set("a", FINE)
    assert other.take_from(keys, table) == 1
    assert other.get("a") == FINE  # a decision made here is not overwritten
    assert other.get("c") == SampleMark("unsure", "ask")
    assert other.undo().samples == ["c"]


def test_foreign_columns_are_no_marks():
    book = MarkBook()
    assert book.take_from(["a"], pd.DataFrame({"other": [1]})) == 0
    assert book.take_from(["a", "b"], pd.DataFrame({"mark": [["a list"], np.nan]})) == 0
    foreign = pd.DataFrame({"mark": ["B+", None], "note": ["well done", "x"]})
    assert book.take_from(["a", "b"], foreign) == 0
    assert len(book) == 0


def test_a_note_alone_comes_back():
    book = MarkBook()
    assert book.take_from(["a", "b"], pd.DataFrame({"mark": ["unsure", None], "note": [np.nan, "x"]})) == 2
    assert book.get("a") == SampleMark("unsure", "")
    assert book.get("b") == SampleMark("", "x")


def test_keys_stay_when_other_samples_are_dropped():
    ids = np.array(["x", "y", "x", "x", "z"])
    keys = sample_keys(ids)
    assert len(set(keys)) == 5
    assert keys[0] == "x"
    assert sample_keys(ids[[0, 2, 3, 4]]) == [keys[0], keys[2], keys[3], keys[4]]


@pytest.mark.parametrize("bad", [{"verdict": "evil"}, {"note": "x" * 2001}])
def test_impossible_marks(bad):
    with pytest.raises(OptionError):
        SampleMark(**bad)


def test_a_file_of_marks_is_plain_json(tmp_path):
    marks = {"a": CONFIRMED, "naïve\n2": SampleMark("", "only a note")}
    path = tmp_path / "m.json"
    path.write_bytes(marks_bytes(marks))
    content = json.loads(path.read_text("utf-8"))
    assert content["marks"]["a"] == {"verdict": "confirmed", "note": "a scratch"}
    assert read_marks(path) == marks


def test_the_mark_false_alarm_of_an_earlier_kdeviz_is_now_normal(tmp_path):
    """So that "false alarm" means one thing: a normal sample that is flagged."""
    assert SampleMark("false alarm", "old") == SampleMark("normal", "old")
    file = tmp_path / "marks.json"
    file.write_text('{"format": 1, "marks": {"a": {"verdict": "false alarm", "note": ""}}}')
    assert read_marks(file) == {"a": FINE}
    book = MarkBook(MarkFile())
    assert book.take_from(["a"], pd.DataFrame({"mark": ["false alarm"]})) == 1
    assert book.get("a") == FINE
