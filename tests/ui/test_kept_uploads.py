"""The folder of uploaded files: private, limited, and forgotten for who asks."""

import os
import stat
import time

import pytest
from app_steps import gaussian, npy

from kdeviz.errors import DataError
from kdeviz.ui.work.kept_uploads import KeptUploads
from kdeviz.ui.work.loaded import from_uploads

CONTENT = npy(gaussian(n=40))
OTHER = npy(gaussian(n=60))


def rows(content=CONTENT, owner="", name="rows.npy"):
    return from_uploads((name, content), owner=owner)


def files(store):
    return sorted(path.name for path in store.folder.iterdir())


@pytest.fixture
def store(tmp_path):
    return KeptUploads(tmp_path / "uploads")


def test_what_is_kept_is_read_again_as_it_was(store):
    data = rows()
    store.keep(data)
    found = KeptUploads(store.folder).open(data.token)
    assert found.token == data.token and found.files == data.files
    assert len(files(store)) == 2


def test_two_files_and_their_tables_are_read_again(store):
    table = b"label\n" + b"normal\n" * 40
    data = from_uploads(("rows.npy", CONTENT), ("more.npy", OTHER), ("labels.csv", table))
    store.keep(data)
    found = store.open(data.token)
    assert (found.token, found.score_source, found.about_source) == (data.token, "more.npy", "labels.csv")


@pytest.mark.skipif(os.name == "nt", reason="folders have no modes there")
def test_nobody_else_on_the_machine_may_look_inside(store):
    store.folder.mkdir(mode=0o755)
    store.keep(rows())
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("token", ["", "..", "../uploads", "0" * 31, "0" * 32, "A" * 32, "0" * 31 + "/"])
def test_no_other_text_leads_to_a_file(store, token):
    store.keep(rows())
    assert not store.knows(token)
    with pytest.raises(DataError, match="no longer on this server"):
        store.open(token)


def test_the_longest_unused_makes_room(tmp_path):
    store = KeptUploads(tmp_path, most=len(CONTENT) + len(OTHER))
    first, second, third = rows(), rows(OTHER), rows(npy(gaussian(n=30)))
    for age, data in ((200, first), (100, second)):
        store.keep(data)
        os.utime(tmp_path / f"{data.token}.json", (time.time() - age,) * 2)
    store.open(first.token)  # and with it is the last that was used
    store.keep(third)
    assert [store.knows(data.token) for data in (first, second, third)] == [True, False, True]
    assert len(files(store)) == 4


def test_more_than_the_folder_may_hold_is_not_kept(tmp_path):
    store = KeptUploads(tmp_path / "uploads", most=len(CONTENT) - 1)
    with pytest.raises(DataError, match="are kept"):
        store.keep(rows())
    assert not store.folder.exists()


def test_what_nobody_used_for_long_is_gone(store):
    data = rows()
    store.keep(data)
    week_ago = time.time() - 7 * 24 * 3600 - 1
    os.utime(store.folder / f"{data.token}.json", (week_ago, week_ago))
    assert not store.knows(data.token)
    KeptUploads(store.folder)  # a server that starts
    assert not files(store)


def test_what_is_uploaded_again_after_a_week_is_kept_again(store):
    data, week_ago = rows(), time.time() - 7 * 24 * 3600 - 1
    store.keep(data)
    os.utime(store.folder / f"{data.token}.json", (week_ago, week_ago))
    store.keep(data)
    assert store.knows(data.token) and store.open(data.token).files == data.files


def test_room_is_not_made_by_what_is_being_kept(tmp_path):
    """An older address shares a file with the new one, and has to go."""
    other = npy(gaussian(n=50))
    store = KeptUploads(tmp_path, most=len(CONTENT) + len(OTHER))
    store.keep(from_uploads(("rows.npy", CONTENT), ("more.npy", OTHER)))
    data = from_uploads(("rows.npy", CONTENT), ("other.npy", other))
    store.keep(data)
    assert store.knows(data.token) and store.open(data.token).files == data.files
    assert len(files(store)) == 3


def test_equal_content_is_kept_once(store):
    store.keep(rows())
    store.keep(rows(name="other name.npy"))
    assert len(files(store)) == 3


def test_a_user_forgets_only_what_they_sent(store):
    annas, both = rows(owner="anna"), rows(OTHER, "anna")
    for data in (annas, both, rows(OTHER, "ben")):
        store.keep(data)
    store.forget("anna")
    assert not store.knows(annas.token) and store.knows(both.token)
    assert store.open(both.token).owner == "ben"
    store.forget("ben")
    assert not files(store)


def test_without_users_all_is_forgotten(store):
    store.keep(rows(owner="anna"))
    store.keep(rows(OTHER))
    store.forget()
    assert not files(store)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"{}",
        b'{"files": [], "said": {}}',
        b'{"files": [["a", "../b"], null, null, null], "said": {}}',
    ],
)
def test_a_damaged_record_is_as_good_as_none(store, content):
    store.keep(rows())
    token = rows(OTHER).token
    (store.folder / f"{token}.json").write_bytes(content)
    assert not store.knows(token)
    store.keep(rows(OTHER))
    assert store.knows(token)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything may be written to")
def test_a_folder_that_cannot_be_written_to_is_said(store):
    store.folder.parent.chmod(0o500)
    try:
        with pytest.raises(DataError, match="cannot be written to"):
            store.keep(rows())
    finally:
        store.folder.parent.chmod(0o700)
