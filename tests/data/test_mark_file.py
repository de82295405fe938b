import os
import sqlite3
from threading import Thread

import pytest

from kdeviz.data import mark_file
from kdeviz.data.mark_book import MarkBook
from kdeviz.data.mark_file import MarkFile
from kdeviz.data.marks import SampleMark, marks_bytes
from kdeviz.errors import DataError, OptionError

CONFIRMED, FINE, UNSURE = (
    SampleMark("confirmed", "a scratch"),
    SampleMark("normal"),
    SampleMark("unsure"),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new folder" / "marks.sqlite"


def books(path, count=2):
    """As many processes have them."""
    return [MarkBook(MarkFile(path)) for _ in range(count)]


def sql(path, *statements):
    connection = sqlite3.connect(path)
    with connection:
        rows = [connection.execute(statement).fetchall() for statement in statements]
    connection.close()
    return rows[-1]


# --- kept


def test_marks_survive_in_their_file(path):
    book = MarkBook(MarkFile(path))
    assert not path.parent.exists()  # nothing is made before there is a mark
    book.set("naïve\n2", CONFIRMED)
    book.set("b", FINE)
    book.undo()
    again = MarkBook(MarkFile(path))
    assert again.get("naïve\n2") == CONFIRMED
    assert len(again) == 1
    assert not again.can_undo


def test_every_mark_is_a_transaction_on_the_disk(path):
    MarkBook(MarkFile(path)).set("a", CONFIRMED)
    assert sql(path, "PRAGMA journal_mode") == [("wal",)]
    file = MarkFile(path)
    assert file._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert file._connection.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
    statements = []
    file._connection.set_trace_callback(statements.append)
    file.apply({"a": vars(UNSURE), "b": vars(UNSURE)})
    told = [line for line in statements if line in ("BEGIN IMMEDIATE", "COMMIT")]
    assert told == ["BEGIN IMMEDIATE", "COMMIT"]


@pytest.mark.parametrize("sample", ["", "a\x00b", "'; DROP TABLE marks; --", "\U0001f600" * 1000, "a\nb"])
def test_awkward_samples(path, sample):
    MarkBook(MarkFile(path)).set(sample, CONFIRMED)
    assert MarkBook(MarkFile(path)).of([sample]) == {sample: CONFIRMED}


def test_what_is_no_text_is_refused(path):
    book = MarkBook(MarkFile(path))
    book.set("a", CONFIRMED)
    with pytest.raises(OptionError, match="the mark was not kept"):
        book.set("\ud800", CONFIRMED)
    assert len(book) == len(MarkBook(MarkFile(path))) == 1


# --- several at once


def test_others_see_a_mark_at_once(path):
    first, second = books(path)
    first.set("a", CONFIRMED)
    second.set("b", FINE)
    for book in (first, second):
        assert book.columns(["a", "b"])["mark"] == ["confirmed", "normal"]
        assert book.changes == 2
    first.set("a", SampleMark())
    assert "a" not in second


def test_undo_belongs_to_who_marked(path):
    first, second = books(path)
    first.set("a", CONFIRMED)
    assert not second.can_undo
    assert second.undo() is None
    first.set("b", CONFIRMED)
    second.set("b", FINE)
    assert first.undo().samples == []  # what somebody else decided since then stays
    assert first.of("ab") == {"a": CONFIRMED, "b": FINE}
    assert [first.undo().samples, first.can_undo] == [["a"], False]


def test_undo_brings_back_what_was_there_with_its_own_undo(path):
    first, second = books(path)
    first.set("a", CONFIRMED)
    first.set("a", UNSURE)
    second.set("a", FINE)
    assert second.undo().samples == ["a"]
    assert first.get("a") == UNSURE
    assert [first.undo().samples, first.get("a")] == [["a"], CONFIRMED]
    assert [first.undo().samples, len(first), first.can_undo] == [["a"], 0, False]


def test_undo_of_many_takes_back_those_that_still_stand(path):
    first, second = books(path)
    first.set_all({"a": CONFIRMED, "b": CONFIRMED})
    second.set("a", UNSURE)
    assert first.can_undo
    assert first.undo().samples == ["b"]
    assert second.of(["a", "b"]) == {"a": UNSURE}


def test_parts_from_two_at_once_are_both_there(path):
    first, second = books(path)
    first.set_part("a", verdict="confirmed")
    second.set_part("a", note="seen")
    assert first.get("a") == SampleMark("confirmed", "seen")


def test_threads_of_one_file(path):
    file = MarkFile(path)

    def mark(name):
        book = MarkBook(file)
        for i in range(25):
            book.set(f"{name} {i}", CONFIRMED)

    threads = [Thread(target=mark, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(MarkBook(MarkFile(path))) == len(file.marks) == 100
    assert file.written == 100


def test_a_mark_that_waits_too_long_says_so(path, monkeypatch):
    monkeypatch.setattr(mark_file, "_PATIENCE", 0.05)
    book = MarkBook(MarkFile(path))
    book.set("a", CONFIRMED)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OptionError, match=r"was not kept \(database is locked\): try again"):
        book.set("b", CONFIRMED)
    assert len(book) == 1
    other.execute("ROLLBACK")
    other.close()
    book.set("b", CONFIRMED)
    assert len(book) == 2


# --- marks of an earlier kdeviz


def test_the_marks_of_a_json_file_are_taken_over(tmp_path, path):
    older = tmp_path / "marks.json"
    older.write_bytes(content := marks_bytes({"a": CONFIRMED, "b": UNSURE}))
    one, other = MarkFile(path, older), MarkFile(path, older)
    assert one.marks == other.marks == {"a": CONFIRMED, "b": UNSURE}
    assert not path.exists()
    MarkBook(one).set("a", FINE)
    MarkBook(other).set("c", UNSURE)
    expected = {"a": FINE, "b": UNSURE, "c": UNSURE}
    assert MarkFile(path, older).marks == one.refresh() == other.marks == expected
    assert older.read_bytes() == content


def test_a_mark_taken_away_does_not_come_back_from_the_json_file(tmp_path, path):
    older = tmp_path / "marks.json"
    older.write_bytes(marks_bytes({"a": CONFIRMED}))
    MarkBook(MarkFile(path, older)).set("a", SampleMark())
    again = MarkBook(MarkFile(path, older))
    assert len(again) == 0
    assert not again.untouched


def test_a_file_that_was_begun_and_never_filled(tmp_path, path):
    older = tmp_path / "marks.json"
    older.write_bytes(marks_bytes({"a": CONFIRMED}))
    path.parent.mkdir()
    path.touch()
    assert MarkFile(path, older).marks == {"a": CONFIRMED}


# --- files that are not what they should be


def foreign(path):
    sql(path, "CREATE TABLE other (a)")


def newer(path):
    sql(path, "PRAGMA user_version = 99")


def trigger(path):
    sql(path, "CREATE TRIGGER t AFTER INSERT ON marks BEGIN DELETE FROM marks; END")


def row(verdict, note="''", change="2", written="2"):
    values = f"'x', {verdict}, {note}, {change}, {written}"
    return lambda path: sql(path, f"INSERT INTO marks VALUES ({values})")


DAMAGES = {
    "no database": lambda path: path.write_bytes(b"no database" * 1000),
    "cut off": lambda path: os.truncate(path, 5000),
    "newer": newer,
    "a trigger": trigger,
    "another table": foreign,
    "an unknown verdict": row("'evil'"),
    "a long verdict": row(f"'{'x' * 10_000}'"),
    "a number for a verdict": row("x'00'"),
    "a number for a note": row("''", "x'00'"),
    "a note too long": row("''", f"'{'x' * 2001}'"),
    "text for a change": row("'unsure'", change="'x'"),
    "text for what was written": row("'unsure'", written="'x'"),
    "no utf-8": row("CAST(x'ff' AS TEXT)"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_named_in_one_line_and_left_alone(path, damage):
    MarkBook(MarkFile(path)).set("a", CONFIRMED)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(
        DataError, match=r"marks\.sqlite: the marks cannot be read .* move this file away"
    ) as refused:
        MarkFile(path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300 + len(str(path))
    assert path.read_bytes() == before


def test_a_file_of_other_tables_is_no_file_of_marks(path):
    path.parent.mkdir()
    foreign(path)
    with pytest.raises(DataError, match="not a file of marks"):
        MarkFile(path)
    assert sql(path, "SELECT name FROM sqlite_master") == [("other",)]


def test_a_file_that_breaks_while_it_is_open(path):
    file = MarkFile(path)
    book = MarkBook(file)
    book.set("a", CONFIRMED)
    other = MarkFile(path)
    trigger(path)
    sql(path, "DROP TABLE marks")
    assert MarkBook(other).get("a") == CONFIRMED  # what was read stays
    with pytest.raises(OptionError, match="the mark was not kept"):
        book.set("b", CONFIRMED)


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed")
def test_a_file_that_is_removed_is_made_again_with_its_marks(path):
    book = MarkBook(MarkFile(path))
    book.set("a", CONFIRMED)
    path.unlink()
    assert book.get("a") == CONFIRMED
    book.set("b", UNSURE)
    assert MarkFile(path).marks == {"a": CONFIRMED, "b": UNSURE}
    assert book.undo().samples == ["b"]


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be exchanged")
def test_a_file_that_is_exchanged_is_opened_again(path, tmp_path):
    book = MarkBook(MarkFile(path))
    book.set("a", CONFIRMED)
    backup = MarkFile(tmp_path / "backup.sqlite")
    MarkBook(backup).set("b", UNSURE)
    backup._close()
    path.with_name("marks.sqlite-wal").unlink(missing_ok=True)
    path.with_name("marks.sqlite-shm").unlink(missing_ok=True)
    (tmp_path / "backup.sqlite").replace(path)
    book.set("c", UNSURE)
    assert book.of("abc") == MarkFile(path).marks == {"b": UNSURE, "c": UNSURE}


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    book = MarkBook(MarkFile(tmp_path / "file" / "marks.sqlite"))
    with pytest.raises(OptionError, match=r"was not kept .* choose another folder"):
        book.set("a", CONFIRMED)
    assert len(book) == 0
    assert not book.can_undo


def test_numbers_that_have_run_out(path):
    book = MarkBook(MarkFile(path))
    book.set("a", CONFIRMED)
    sql(path, f"UPDATE marks SET written = {2**63 - 1}")
    with pytest.raises(OptionError, match="was not kept"):
        MarkBook(MarkFile(path)).set("b", CONFIRMED)


def test_a_failed_undo_can_be_tried_again(path):
    book = MarkBook(MarkFile(path))
    book.set("a", CONFIRMED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mark_file, "_WRITE", "INSERT INTO no_table VALUES (?, ?, ?, ?, ?)")
        with pytest.raises(OptionError, match="no_table"):
            book.undo()
    assert [book.get("a"), book.can_undo] == [CONFIRMED, True]
    assert book.undo().samples == ["a"]
