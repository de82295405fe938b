import io
import sqlite3
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from app_steps import button, page_session, press, put, rerun, texts

from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.mark_book import MarkBook
from kdeviz.data.mark_file import MarkFile
from kdeviz.data.marks import SampleMark
from kdeviz.ui.widgets.text import literal
from kdeviz.ui.work import mark_books
from kdeviz.ui.work.loaded import from_path, from_uploads
from kdeviz.ui.work.mark_books import MarkShelf, book_of, shelf

CONFIRMED, FINE = SampleMark("confirmed", "a scratch"), SampleMark("normal")
MARKS = ["confirmed", "", "unsure", "no mark", "normal"]
NOTES = ["a scratch", "alone", "", "x", ""]


def features(n=5, seed=0):
    return np.random.default_rng(seed).standard_normal((n, 3)).astype(np.float32)


def npy(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def csv(seed=0, **columns):
    table = pd.DataFrame(features(seed=seed), columns=["e0", "e1", "e2"]).round(4)
    return table.assign(id=[f"s{i}" for i in range(5)], **columns).to_csv(index=False).encode()


def plain(seed=0):
    return from_uploads(("a.npy", npy(features(seed=seed))))


def marked(notes=True):
    return from_uploads(("a.csv", csv(mark=MARKS, **({"note": NOTES} if notes else {}))))


def only_file(folder):
    (file,) = folder.glob("*.sqlite")
    return file


def book_from(shelf_, data):
    """What a new session sees."""
    return MarkBook(shelf_.file(data))


# --- sharing


def test_sessions_share_the_marks_of_the_same_samples(tmp_path):
    books = MarkShelf(tmp_path)
    one, other = book_from(books, plain()), book_from(books, plain())
    one.set("2", CONFIRMED)
    assert other.get("2") == CONFIRMED
    assert not other.can_undo  # it is not the other's mark
    assert books.file(plain()) is books.file(plain())
    assert books.problems == {}


def test_other_processes_see_and_keep_each_others_marks(tmp_path):
    one, other = (book_from(MarkShelf(tmp_path), plain()) for _ in range(2))
    one.set("2", CONFIRMED)
    other.set("3", FINE)
    assert one.of(["2", "3"]) == other.of(["2", "3"]) == {"2": CONFIRMED, "3": FINE}


def test_marks_of_an_earlier_kdeviz_are_read_in(tmp_path):
    book_from(MarkShelf(tmp_path), plain()).set("2", CONFIRMED)
    older = only_file(tmp_path).with_suffix(".json")
    for file in tmp_path.iterdir():
        file.unlink()
    older.write_text('{"format": 1, "marks": {"4": {"verdict": "unsure", "note": "old"}}}')
    for _ in range(2):
        book = book_from(MarkShelf(tmp_path), plain())
        assert book.get("4") == SampleMark("unsure", "old")
        book.set("3", FINE)
    assert len(book) == 2


def test_other_samples_have_another_book(tmp_path):
    books = MarkShelf(tmp_path)
    book_from(books, plain()).set("2", CONFIRMED)
    book_from(books, plain(1)).set("3", FINE)
    assert "2" not in book_from(books, plain(1))
    assert len(list(tmp_path.glob("*.sqlite"))) == 2
    together = from_uploads(("a.npy", npy(features())), ("b.npy", npy(features(seed=1))))
    assert len(book_from(books, together)) == 0  # it is about the rows of b.npy


def test_marks_survive_a_restart_and_a_file_that_moved(tmp_path):
    folder = tmp_path / "new" / "marks"
    books = MarkShelf(folder)
    book = book_from(books, plain())
    assert not folder.exists()  # nothing is written before there is a mark
    book.set("2", CONFIRMED)
    moved = tmp_path / "moved.npy"
    moved.write_bytes(npy(features()))
    assert book_from(MarkShelf(folder), from_path(str(moved))).get("2") == CONFIRMED


def test_sessions_that_open_a_book_at_once_get_one(tmp_path):
    books, data, found = MarkShelf(tmp_path), marked(), []
    threads = [Thread(target=lambda: found.append(books.file(data))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


# --- marks that the file brings along


def test_an_empty_book_takes_the_marks_of_the_table(tmp_path):
    data = marked()
    book = book_from(MarkShelf(tmp_path), data)
    assert book.get("s0") == CONFIRMED
    assert book.get("s2") == SampleMark("unsure")
    assert book.get("s4") == FINE
    assert len(book) == 3
    keys = [str(name) for name in data.inspected.ids]
    np.testing.assert_array_equal(book.labels(keys), [ANOMALOUS, UNKNOWN, UNKNOWN, UNKNOWN, NORMAL])
    assert set(MarkFile(only_file(tmp_path)).marks) == {"s0", "s2", "s4"}


def test_marks_without_notes(tmp_path):
    assert book_from(MarkShelf(tmp_path), marked(notes=False)).get("s0") == SampleMark("confirmed")


def test_a_book_with_marks_takes_none_of_the_table(tmp_path):
    book_from(MarkShelf(tmp_path), marked()).set_all({"s0": SampleMark(), "s2": SampleMark(), "s1": FINE})
    again = book_from(MarkShelf(tmp_path), marked())
    assert "s0" not in again  # taken away by hand, and not brought back
    assert again.get("s1") == FINE
    assert again.get("s4") == FINE
    assert len(again) == 2


def test_a_table_without_marks_leaves_the_book_empty(tmp_path):
    book = book_from(MarkShelf(tmp_path), from_uploads(("a.csv", csv(colour=["red"] * 5))))
    assert len(book) == 0
    assert not book.can_undo
    assert not list(tmp_path.iterdir())


def test_only_the_marks_of_inspected_rows_are_taken(tmp_path):
    split = ["train", "train", "test", "train", "test"]
    data = from_uploads(("a.csv", csv(mark=MARKS, note=NOTES, split=split)))
    assert list(data.inspected.ids) == ["s2", "s4"]
    book = book_from(MarkShelf(tmp_path), data)
    assert book.get("s2") == SampleMark("unsure")
    assert book.get("s4") == FINE
    assert len(book) == 2


# --- files that cannot be used

DAMAGED = {
    "no database": b"{" * 5000,
    "not text": b"\xff\xfe\x00",
    "a head without a body": b"SQLite format 3\x00" + bytes(84),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_left_alone_and_marks_stay_in_memory(tmp_path, content):
    book_from(MarkShelf(tmp_path), plain()).set("2", CONFIRMED)
    file = only_file(tmp_path)
    file.write_bytes(content)
    books, data = MarkShelf(tmp_path), plain()
    book = book_from(books, data)
    assert len(book) == 0
    assert set(books.problems) == {data.origin}
    assert str(file) in books.problems[data.origin]
    assert "move this file away" in books.problems[data.origin]
    book.set("2", FINE)
    assert book_from(books, plain()).get("2") == FINE
    assert only_file(tmp_path).read_bytes() == content
    # Another data set is kept as ever.
    book_from(books, plain(1)).set("0", CONFIRMED)
    assert book_from(MarkShelf(tmp_path), plain(1)).get("0") == CONFIRMED
    assert set(books.problems) == {data.origin}


def test_a_damaged_file_does_not_keep_the_tables_marks_out(tmp_path):
    book_from(MarkShelf(tmp_path), marked())
    only_file(tmp_path).write_bytes(b"no database")
    books = MarkShelf(tmp_path)
    assert book_from(books, marked()).get("s0") == CONFIRMED
    assert books.problems
    assert only_file(tmp_path).read_bytes() == b"no database"


@pytest.mark.parametrize("load", [plain, marked])
def test_a_folder_that_cannot_be_used(tmp_path, load):
    (tmp_path / "file").write_text("in the way")
    books, data = MarkShelf(tmp_path / "file" / "marks"), load()
    book = book_from(books, data)
    if load is marked:  # the first mark to write is one of the table
        assert book.get("s0") == CONFIRMED
        assert "file" in books.problems[data.origin]
        book.set("s0", FINE)
        assert book_from(books, data).get("s0") == FINE
    else:
        assert len(book) == 0


# --- the shelf of this server


@pytest.fixture
def started_with(monkeypatch):
    """The app, started with this folder for marks."""

    def start(folder):
        monkeypatch.setattr(
            mark_books.st, "session_state", {} if folder is None else {"marks_folder": folder}
        )

    return start


def test_all_sessions_have_one_shelf_per_folder(started_with, tmp_path):
    started_with(str(tmp_path / "a"))
    first = shelf()
    book_of(plain()).set("2", CONFIRMED)
    started_with(str(tmp_path / "a"))
    assert shelf() is first
    assert book_of(plain()) is book_of(plain())
    assert book_of(plain()).get("2") == CONFIRMED
    assert not book_of(plain()).can_undo  # another session made it
    book_of(plain()).set("3", FINE)
    assert book_of(plain()).can_undo
    assert only_file(tmp_path / "a").suffix == ".sqlite"
    started_with(str(tmp_path / "b"))
    assert shelf() is not first
    assert len(book_of(plain())) == 0


def test_without_a_folder_marks_are_with_the_users_data(started_with, monkeypatch, tmp_path):
    monkeypatch.setattr(mark_books.platformdirs, "user_data_path", lambda name: tmp_path / name)
    started_with(None)
    book_of(plain()).set("2", CONFIRMED)
    file = only_file(tmp_path / "kdeviz" / "marks")
    assert MarkBook(MarkFile(file)).get("2") == CONFIRMED


# --- two sessions of the app


def note(app):
    (found,) = [field for field in app.text_input if field.label == "Note"]
    return found


def test_sessions_see_each_others_marks_and_undo_their_own(start):
    one, other = start(), start()
    for app in (one, other):
        page_session(app).pick(3)
        rerun(app)
    put(note(one), "seen by one")
    rerun(other)
    assert note(other).value == "seen by one"
    assert button(other, "Undo").disabled
    put(note(other), "seen by other")
    press(button(one, "Undo"))
    said = literal("Nothing undone: somebody else has changed this since (a note).", 200)
    assert [toast.value for toast in one.toast] == [said]
    assert button(one, "Undo").disabled
    assert note(one).value == "seen by other"
    press(button(other, "Undo"))
    assert [note(other).value, note(rerun(one)).value] == ["seen by one", "seen by one"]
    undone = literal(f"Undone: {page_session(other).screen.keys[3]}, a note.", 200)
    assert [toast.value for toast in other.toast] == [undone]


def test_a_note_leaves_a_verdict_that_somebody_has_just_set(start):
    app = start()
    page_session(app).pick(3)
    rerun(app)
    screen = page_session(app).screen
    elsewhere = MarkBook(mark_books._shelf(str(marks_folder(app))).file(screen.data))
    elsewhere.set_part(screen.keys[3], verdict="confirmed")
    put(note(app), "a scratch")
    assert elsewhere.get(screen.keys[3]) == CONFIRMED


def marks_folder(app):
    return app.session_state["marks_folder"]


def test_a_mark_that_is_not_kept_is_told(start, tmp_path):
    app = start()
    page_session(app).pick(3)
    rerun(app)
    (tmp_path / "marks").write_text("in the way")
    put(note(app), "lost")
    assert any("the mark was not kept" in text for text in texts(app))
    (tmp_path / "marks").unlink()
    put(note(app), "kept")
    assert not any("the mark was not kept" in text for text in texts(app))
    with sqlite3.connect(only_file(tmp_path / "marks")) as connection:
        connection.execute("DROP TABLE marks")
    connection.close()
    press(button(app, "Undo"))
    assert any("the mark was not kept" in text for text in texts(app))
