"""Processes that die while they write."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from process_steps import begin, end, wait_for

from kdeviz.atomic import write_whole
from kdeviz.output import RunStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

WAYS = ["unnamed", "named"]
"""Temporary files that have no name before they are whole, and those of systems without such files."""
START = """
import os, sys, signal
from pathlib import Path
from kdeviz.atomic import write_whole
folder, way = Path(sys.argv[1]), sys.argv[2]
if way == "named" and hasattr(os, "O_TMPFILE"):
    del os.O_TMPFILE
"""
LOOP = """
(folder / "ready").touch()
for i in range(10**9):
    write_whole(folder / "out.bin", bytes([i % 256]) * 300_000)
"""
ENDS_BEFORE_THE_RENAME = """
def end(*_):
    os.kill(os.getpid(), getattr(signal, sys.argv[3]))
    return real(*_)
real, Path.replace = Path.replace, end
write_whole(folder / "out.bin", b"new")
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("way", WAYS)
def test_kill_9_at_any_moment_leaves_a_whole_file(tmp_path, way):
    random_, folder = random.Random(0), tmp_path / "out"
    folder.mkdir()
    for _ in range(6):
        process = begin(START + LOOP, folder, way)
        wait_for((folder / "ready").exists, process)
        time.sleep(random_.uniform(0, 0.1))
        process.kill()
        assert end(process)[0] == -signal.SIGKILL
        (folder / "ready").unlink()
        if (folder / "out.bin").exists():
            content = (folder / "out.bin").read_bytes()
            assert content == content[:1] * 300_000
        write_whole(folder / "out.bin", b"\0" * 300_000)
        assert names(folder) == ["out.bin"]


@pytest.mark.parametrize("way", WAYS)
def test_the_temporary_of_a_dead_process_is_swept_at_the_next_write(tmp_path, way):
    (tmp_path / "out.bin").write_bytes(b"old")
    assert end(begin(START + ENDS_BEFORE_THE_RENAME, tmp_path, way, "SIGKILL"))[0] == -signal.SIGKILL
    assert len(names(tmp_path)) == 2
    assert (tmp_path / "out.bin").read_bytes() == b"old"
    write_whole(tmp_path / "other.bin", b"other")
    assert names(tmp_path) == ["other.bin", "out.bin"]


@pytest.mark.parametrize("way", WAYS)
def test_the_temporary_of_a_living_process_is_left_alone(tmp_path, way):
    process = begin(START + ENDS_BEFORE_THE_RENAME, tmp_path, way, "SIGSTOP")
    wait_for(lambda: names(tmp_path), process)
    wait_for(lambda: stopped(process.pid), process)
    write_whole(tmp_path / "other.bin", b"other")
    assert len(names(tmp_path)) == 2
    process.send_signal(signal.SIGCONT)
    assert end(process)[0] == 0
    assert names(tmp_path) == ["other.bin", "out.bin"]
    assert (tmp_path / "out.bin").read_bytes() == b"new"


def stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


KEEPING = """
import os, sys, signal
from pathlib import Path
import numpy as np
from kdeviz import Settings, analyse, decide
from kdeviz.output import RunStore
folder = Path(sys.argv[1])
decision = decide(analyse(np.random.default_rng(0).normal(size=(40, 4)), settings=Settings(2), device="cpu"))
store = RunStore(folder / "runs")
acknowledged = open(folder / sys.argv[2], "w", buffering=1)
for i in range(int(sys.argv[3])):
    acknowledged.write(store.keep(decision, name="the same name").id + "\\n")
if sys.argv[4] == "dies":
    from kdeviz.output.runs import store as module
    module.put_in_place = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    store.keep(decision)
"""


def test_runs_that_several_processes_keep_are_all_there(tmp_path):
    processes = [begin(KEEPING, tmp_path, f"{i}.log", 4, "dies" if i == 0 else "") for i in range(3)]
    codes = [end(process) for process in processes]
    assert [code for code, _, _ in codes] == [-signal.SIGKILL, 0, 0], [err for _, _, err in codes]
    told = {line for log in tmp_path.glob("*.log") for line in log.read_text().split()}
    store = RunStore(tmp_path / "runs")
    assert len(told) == 12
    assert {run.id for run in store.runs()} == told
    for run in store.runs():
        run.check()
    assert end(begin(KEEPING, tmp_path, "last.log", 1, ""))[0] == 0
    assert len(names(store.folder)) == 13  # what the dead one had begun is swept up


WRITING = """
import time
(folder / "out.bin").write_bytes(b"old")
def wait(*_):
    (folder / "begun").touch()
    time.sleep(600)
Path.replace = wait
import kdeviz.cli as cli
import kdeviz.output.tables
cli.main(["sweep", "sample", "--components", "2,3", "-o", str(folder / "sweep.csv")])
"""


@pytest.mark.parametrize("way", WAYS)
def test_sigterm_while_a_command_writes_leaves_no_temporary(tmp_path, way):
    process = begin(START + WRITING, tmp_path, way)
    wait_for((tmp_path / "begun").exists, process)
    process.terminate()
    code, _, err = end(process)
    assert code == 128 + signal.SIGTERM, err
    assert "Traceback" not in err
    assert names(tmp_path) == ["begun", "out.bin"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="no files without names")
def test_where_it_can_a_temporary_has_no_name_before_it_is_whole(tmp_path, monkeypatch):
    seen, write = [], os.fsync
    monkeypatch.setattr("kdeviz.atomic.os.fsync", lambda fd: seen.append(names(tmp_path)) or write(fd))
    write_whole(tmp_path / "out.bin", b"whole")
    assert seen[0] == []
