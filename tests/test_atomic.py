import os
import stat
import sys
from pathlib import Path

import pytest

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
