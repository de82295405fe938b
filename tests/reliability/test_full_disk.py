"""A disk that is full."""

import os
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from process_steps import ENVIRONMENT, begin, end

from kdeviz import OptionError, Settings, analyse, decide
from kdeviz.atomic import write_whole
from kdeviz.data.mark_book import MarkBook
from kdeviz.data.mark_file import MarkFile
from kdeviz.data.marks import SampleMark
from kdeviz.output import RunStore


@pytest.fixture
def disk(tmp_path):
    """A disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode
    ):
        pytest.skip("only root mounts a disk, and not everywhere")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder):
    """Use what is left."""
    with (folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("way", ["unnamed", "named"])
def test_the_old_file_stays_whole(disk, monkeypatch, way):
    if way == "named":
        monkeypatch.delattr(os, "O_TMPFILE")
    write_whole(disk / "out.bin", b"old" * 100_000)
    fill(disk)
    with pytest.raises(OSError, match="No space left on device"):
        write_whole(disk / "out.bin", b"new" * 100_000)
    assert (disk / "out.bin").read_bytes() == b"old" * 100_000
    assert names(disk) == ["filler", "out.bin"]


def test_a_command_says_that_the_disk_is_full(disk):
    (disk / "model").write_text("old")
    fill(disk)
    command = [sys.executable, "-m", "kdeviz.cli", "fit", "sample", "-o", str(disk / "model"), "--force"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert (
        "could not be written" in line and "No space left on device" in line and "nothing was changed" in line
    )
    assert (disk / "model").read_text() == "old"
    assert names(disk) == ["filler", "model"]


def test_marks_that_were_acknowledged_stay(disk):
    book, told = MarkBook(MarkFile(disk / "marks.sqlite")), 0
    book.set("first", SampleMark("confirmed"))
    fill(disk)

    def mark_until_it_fails():
        nonlocal told
        for _ in range(10_000):
            book.set(f"sample {told}", SampleMark("unsure", "x" * 1000))
            told += 1

    with pytest.raises(OptionError, match=r"the mark was not kept \(.*(full|I/O).*\): try again"):
        mark_until_it_fails()
    for found in (book, MarkBook(MarkFile(disk / "marks.sqlite"))):
        assert len(found) == 1 + told
        assert found.get("first") == SampleMark("confirmed")
    (disk / "filler").unlink()
    book.set("last", SampleMark("confirmed"))
    assert len(MarkFile(disk / "marks.sqlite").marks) == 2 + told


def test_a_run_that_does_not_fit_leaves_nothing(disk):
    rows = np.random.default_rng(0).normal(size=(40, 4))
    decision, store = decide(analyse(rows, settings=Settings(2), device="cpu")), RunStore(disk / "runs")
    kept = store.keep(decision)
    fill(disk)
    with pytest.raises(OptionError, match=r"cannot be changed \(No space left on device\)"):
        store.keep(decision)
    assert names(store.folder) == [kept.id]
    store.open(kept.id)


LIMITED = """
import resource, sys
from kdeviz.atomic import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
write_whole(sys.argv[1], b"new" * 100_000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_limit_that_is_reached_leaves_the_old_file(tmp_path):
    (tmp_path / "out.bin").write_bytes(b"old")
    code, _, err = end(begin(LIMITED, tmp_path / "out.bin"))
    assert (code, "File too large" in err) == (1, True)
    assert names(tmp_path) == ["out.bin"]
    assert (tmp_path / "out.bin").read_bytes() == b"old"
