import errno
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from kdeviz import atomic
from kdeviz.atomic import write_whole


def test_file_appears_with_its_content(tmp_path):
    target = tmp_path / "out.bin"
    write_whole(str(target), b"whole")
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_old_file_is_there_until_the_new_one_is_whole(tmp_path, monkeypatch):
    target, real = tmp_path / "out.bin", Path.replace
    target.write_bytes(b"old")

    def watched(temporary, place):
        assert (temporary.read_bytes(), target.read_bytes()) == (b"new", b"old")
        assert temporary.parent == target.parent
        return real(temporary, place)

    monkeypatch.setattr(Path, "replace", watched)
    write_whole(target, b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
@pytest.mark.parametrize("existing", [True, False])
def test_failing_write_changes_nothing(tmp_path, monkeypatch, error, existing):
    target = tmp_path / "out.bin"
    if existing:
        target.write_bytes(b"old")

    def fail(*_):
        raise error

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(error):
        write_whole(target, b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"] * existing


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "out.bin", b"")


def test_a_name_may_be_as_long_as_names_get(tmp_path):
    target = tmp_path / ("a" * 255)
    write_whole(target, b"whole")
    assert target.read_bytes() == b"whole"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(tmp_path, monkeypatch, mask):
    target, plain = tmp_path / "out.bin", tmp_path / "plain.bin"
    before = os.umask(mask)
    try:
        plain.touch()
        with monkeypatch.context() as patch:
            # The umask belongs to the whole process: another thread's file would come out wide open.
            patch.setattr(os, "umask", None)
            write_whole(target, b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode) == 0o666 & ~mask
    assert os.access(target, os.W_OK)


def test_content_and_name_are_on_the_disk_in_that_order(tmp_path, monkeypatch):
    told, real = [], Path.replace
    monkeypatch.setattr("kdeviz.atomic.os.fsync", lambda fd: told.append(stat.S_ISDIR(os.fstat(fd).st_mode)))
    monkeypatch.setattr(Path, "replace", lambda *paths: told.append("renamed") or real(*paths))
    write_whole(tmp_path / "out.bin", b"whole")
    assert told == [False, "renamed", True]


def test_a_disk_that_fails_is_told(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "out.bin").write_bytes(b"old")
    monkeypatch.setattr("kdeviz.atomic.os.fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write_whole(tmp_path / "out.bin", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize("missing", ["fsync", "O_TMPFILE", "link", "locks"])
def test_file_systems_without_this_or_that(tmp_path, monkeypatch, missing):
    def fail(*_, **__):
        raise OSError(errno.EINVAL if missing == "fsync" else errno.EPERM, "not here")

    if missing == "O_TMPFILE":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    else:
        name = "kdeviz.atomic.fcntl.flock" if missing == "locks" else f"kdeviz.atomic.os.{missing}"
        monkeypatch.setattr(name, fail)
    for content in (b"first", b"second"):
        write_whole(tmp_path / "out.bin", content)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [content]


def test_only_what_kdeviz_left_is_swept_up(tmp_path):
    ours = [f".kdeviz-{0:016x}.tmp", f".keeping-{0:016x}", f".deleting-{0:016x}"]
    others = [".kdeviz-notes.tmp", f"kdeviz-{0:016x}.tmp", f".keeping-{0:016x}.bak", ".keeping-photos"]
    for name in (*ours[1:], *others[1:]):
        (tmp_path / name).mkdir()
        (tmp_path / name / "inside").touch()
    for name in (ours[0], others[0]):
        (tmp_path / name).touch()
    (tmp_path / f".kdeviz-{1:016x}.tmp").symlink_to(tmp_path / others[0])
    (tmp_path / f".keeping-{1:016x}").symlink_to(tmp_path / others[1])
    links = {path.name for path in tmp_path.iterdir() if path.is_symlink()}
    write_whole(tmp_path / "out.bin", b"")
    assert {path.name for path in tmp_path.iterdir()} == {"out.bin", *others, *links}
    assert (tmp_path / others[1] / "inside").exists()


def test_where_no_lock_tells_only_old_leftovers_are_swept_up(tmp_path, monkeypatch):
    monkeypatch.setattr("kdeviz.atomic._LOCKS", False)
    old, new = (tmp_path / f".kdeviz-{number:016x}.tmp" for number in range(2))
    for path, hours in ((old, 2), (new, 0)):
        path.touch()
        os.utime(path, (time.time() - 3600 * hours,) * 2)
    write_whole(tmp_path / "out.bin", b"whole")
    assert sorted(tmp_path.iterdir()) == [new, tmp_path / "out.bin"]


def test_a_temporary_that_is_swept_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    lock, swept = atomic._lock, []

    def late(descriptor):
        if not swept:
            swept.append(Path(f"/proc/self/fd/{descriptor}").readlink())
            swept[0].unlink()
        lock(descriptor)

    monkeypatch.setattr(atomic, "_lock", late)
    write_whole(tmp_path / "out.bin", b"whole")
    assert swept
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]


def test_a_hidden_folder_that_is_swept_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    hold, swept = atomic._hold, []

    def late(path):
        if not swept:
            swept.append(path)
            path.rmdir()
        return hold(path)

    monkeypatch.setattr(atomic, "_hold", late)
    with atomic.hidden_folder(tmp_path) as hidden:
        assert swept == [hidden]
        (hidden / "inside").write_text("whole")
        atomic.put_in_place(hidden, tmp_path / "there")
    assert (tmp_path / "there" / "inside").read_text() == "whole"
    atomic.delete_folder(tmp_path / "there")
    assert list(tmp_path.iterdir()) == []
