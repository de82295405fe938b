import os
import stat
import sys

import pytest

from kdeviz.atomic import write_whole


def test_file_appears_with_its_content(tmp_path):
    target = tmp_path / "out.bin"
    write_whole(target, lambda temporary: temporary.write_bytes(b"whole"))
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")

    def write(temporary):
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
        assert temporary.parent == target.parent

    write_whole(str(target), write)
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
@pytest.mark.parametrize("existing", [True, False])
def test_failing_write_changes_nothing(tmp_path, error, existing):
    target = tmp_path / "out.bin"
    if existing:
        target.write_bytes(b"old")

    def fail(temporary):
        temporary.write_bytes(b"ne")
        raise error

    with pytest.raises(error):
        write_whole(target, fail)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"] * existing


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "out.bin", lambda temporary: None)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_permissions_are_those_of_any_new_file(tmp_path):
    target, plain = tmp_path / "out.bin", tmp_path / "plain.bin"
    plain.touch()
    write_whole(target, lambda temporary: temporary.write_bytes(b""))
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert os.access(target, os.W_OK)
