"""The work behind the pages: one task at a time, the one that will soonest be done first."""

import subprocess
import sys
import threading
import time
from concurrent.futures import wait
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from process_steps import wait_for

from kdeviz import Settings, analyse
from kdeviz.data import EmbeddingSet
from kdeviz.data.picture_files import PictureFiles
from kdeviz.errors import Cancelled, DataError
from kdeviz.ui.work import loaded, tasks
from kdeviz.ui.work.jobs import Job, JobBoard
from kdeviz.ui.work.tasks import Task
from kdeviz.ui.work.turns import Turns

PATIENCE = 20
"""Seconds; nothing here takes as long, so that a test fails instead of hanging."""


class Gate:
    """Work that says when it has begun and goes on when it may."""

    def __init__(self):
        self._begun, self._open = threading.Event(), threading.Event()

    def passed(self):
        """Called by the work."""
        self._begun.set()
        assert self._open.wait(PATIENCE)

    def reached(self):
        """Called by the test."""
        assert self._begun.wait(PATIENCE)

    def open(self):
        self._open.set()


@pytest.fixture
def clock(monkeypatch):
    """Time, as tasks see it, that passes when the test says so."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(tasks, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def queued(work):
    """A task that runs on a worker of its own."""
    task = Task()
    Turns().start(task, work)
    return task


# --- turns


def started(turns, work, expected=10.0, alone=False):
    """A task whose work is told how to report."""
    task = Task(expected, alone)

    def report(fraction=0.0):
        task.report("Working", fraction)
        turns.give_way(task)

    turns.start(task, lambda: work(report))
    return task


def test_only_one_works_at_a_time():
    turns, inside, most = Turns(), [], []

    def step():
        inside.append(1)
        time.sleep(0.001)
        most.append(len(inside))
        inside.pop()

    def steps(report):
        for _ in range(30):
            step()
            report()

    tasks_ = [started(turns, steps, 60.0 + number) for number in range(2)]
    tasks_ += [started(turns, lambda report: step(), 5.0) for _ in range(30)]
    wait([task.future for task in tasks_], PATIENCE)
    assert len(most) == 90
    assert max(most) == 1


def test_work_waits_for_the_next_report_of_longer_work():
    turns, gate = Turns(), Gate()
    long = started(turns, lambda report: gate.passed(), 60)
    gate.reached()
    short = started(turns, lambda report: "short", 5)
    assert not wait([short.future], 0.05).done
    gate.open()
    assert short.future.result(PATIENCE) == "short"
    long.future.result(PATIENCE)


@pytest.mark.parametrize("many", [1, 5])
def test_all_work_with_less_to_do_overtakes_longer_work_where_that_reports(many):
    turns, gate, order = Turns(), Gate(), []

    def steps(report):
        gate.passed()
        for step in "abc":
            order.append(step)
            report()
        return "done"

    long = started(turns, steps, 60)
    gate.reached()
    for number in range(many):
        started(turns, lambda report, number=number: order.append(number), 5 + number)
    gate.open()
    assert long.future.result(PATIENCE) == "done"
    assert order == ["a", *range(many), "b", "c"]


def test_the_shortest_rest_goes_first_and_longer_work_lets_nobody_longer_by():
    turns, gate, order = Turns(), Gate(), []

    def steps(report):
        gate.passed()
        report()
        order.append("first")

    first = started(turns, steps, 20)
    gate.reached()
    others = [started(turns, lambda report, s=s: order.append(s), s) for s in (30, 5, 60, 10)]
    gate.open()
    wait([first.future, *(other.future for other in others)], PATIENCE)
    assert order == [5, 10, "first", 30, 60]


def test_what_is_nearly_done_is_finished_first():
    turns, gate, order = Turns(), Gate(), []

    def steps(report):
        gate.passed()
        report(0.99)  # of 60 seconds
        order.append("long")

    long = started(turns, steps, 60)
    gate.reached()
    other = started(turns, lambda report: order.append("other"), 5)
    gate.open()
    wait([long.future, other.future], PATIENCE)
    assert order == ["long", "other"]


def test_work_that_was_cancelled_in_the_queue_holds_nobody_up():
    turns, gate, order = Turns(), Gate(), []

    def steps(report):
        gate.passed()
        report()
        order.append("long")

    long = started(turns, steps, 60)
    gate.reached()
    kept = started(turns, lambda report: order.append("kept"), 5)
    dropped = started(turns, lambda report: order.append("dropped"), 5)
    dropped.cancel()
    gate.open()
    long.future.result(PATIENCE)
    assert order == ["kept", "long"]
    assert kept.future.done()


def test_a_small_task_does_not_wait_for_work_that_does_not_report():
    turns, gate = Turns(), Gate()
    silent = started(turns, lambda report: gate.passed(), 60)
    gate.reached()
    assert started(turns, lambda report: "small", 0.2).future.result(PATIENCE) == "small"
    measured = started(turns, lambda report: "measured", 0.0, alone=True)
    assert not wait([measured.future], 0.8).done
    gate.open()
    assert measured.future.result(PATIENCE) == "measured"
    silent.future.result(PATIENCE)


def test_giving_way_to_nobody_costs_nothing():
    turns = Turns()

    def steps(report):
        for _ in range(1000):
            report()
        return "done"

    assert started(turns, steps).future.result(PATIENCE) == "done"


def fails(report=None):
    raise ZeroDivisionError("boom")


@pytest.mark.parametrize("expected", [5, 60])
def test_work_that_fails_frees_the_processor(expected):
    turns, gate = Turns(), Gate()

    def steps(report):
        gate.passed()
        report()
        fails()

    long = started(turns, steps, 20)
    gate.reached()
    other = started(turns, fails, expected)
    gate.open()
    for task in (long, other):
        with pytest.raises(ZeroDivisionError, match="boom"):
            task.future.result(PATIENCE)
    assert started(turns, lambda report: "next").future.result(PATIENCE) == "next"


def test_a_pause_is_no_part_of_the_speed(clock):
    task = Task()
    task.report("Fitting", 0.0)
    clock.seconds += 2
    task.paused(1.5)
    task.report("Fitting", 0.5)
    assert task.seconds_left == task.rest == pytest.approx(0.5)


# --- a task


def test_the_rest_takes_as_long_as_it_did_so_far(clock):
    task = Task()
    assert task.seconds_left is None
    clock.seconds += 500  # in the queue, which says nothing about the work
    task.report("Reading", 0.0)
    clock.seconds += 3
    assert task.seconds_left is None
    task.report("Fitting", 0.25)
    assert (task.stage, task.fraction) == ("Fitting", 0.25)
    assert task.seconds_left == pytest.approx(9)
    clock.seconds += 3
    assert task.seconds_left == pytest.approx(18)
    task.report("Done", 1.0)
    assert task.seconds_left == 0


def test_too_little_is_done_to_say_what_is_left(clock):
    task = Task()
    task.report("Fitting", 0.0)
    clock.seconds += 10
    task.report("Fitting", 0.02)
    assert task.seconds_left is None


def test_a_task_that_nobody_asks_after_is_abandoned(clock):
    task = Task()
    clock.seconds += 60
    assert not task.is_cancelled()
    clock.seconds += 0.1
    assert task.is_cancelled()
    task.watch()
    assert not task.is_cancelled()


def test_a_cancelled_task_stays_cancelled(clock):
    task = queued(lambda: None)
    task.future.result(PATIENCE)
    task.cancel()
    task.watch()
    assert task.is_cancelled()


def test_a_task_goes_on_while_a_viewer_is_connected(clock, monkeypatch):
    task, connected = Task(), {"one"}
    monkeypatch.setattr(tasks, "is_connected", lambda viewer: viewer in connected)
    task._viewers.update({"one", "two"})
    clock.seconds += 1000
    assert not task.is_cancelled()
    connected.clear()
    clock.seconds += 60
    assert not task.is_cancelled()
    clock.seconds += 0.1
    assert task.is_cancelled()


def test_a_queued_task_that_is_cancelled_never_starts():
    turns, gate, seen = Turns(), Gate(), []
    first = started(turns, lambda report: gate.passed(), 5)
    gate.reached()
    task = started(turns, lambda report: seen.append("started"), 60)
    assert task.running
    assert task.result() is None
    task.cancel()
    assert not task.running
    assert task.result() is None
    gate.open()
    first.future.result(PATIENCE)
    assert started(turns, lambda report: "last").future.result(PATIENCE) == "last"
    assert seen == []


def test_what_came_of_a_task():
    done = queued(lambda: "result")
    done.future.result(PATIENCE)
    assert not done.running
    assert done.result() == "result"


def test_a_task_that_is_running_has_no_result_yet():
    gate = Gate()
    task = queued(gate.passed)
    gate.reached()
    assert task.running
    assert task.result() is None
    gate.open()
    task.future.result(PATIENCE)


def test_a_task_that_stopped_when_cancelled_has_no_result():
    def work():
        raise Cancelled("cancelled")

    task = queued(work)
    wait([task.future], PATIENCE)
    assert task.result() is None
    assert not task.running


def test_a_task_that_failed_says_why():
    task = queued(fails)
    wait([task.future], PATIENCE)
    with pytest.raises(ZeroDivisionError, match="boom"):
        task.result()


# --- the board


def test_progress_is_reported():
    gates = Gate(), Gate()

    def work(report, cancelled):
        report("First half", 0.25)
        gates[0].passed()
        report("Second half", 0.75)
        gates[1].passed()
        return "done"

    task = JobBoard().start(work)
    for gate, stage, fraction in zip(gates, ("First half", "Second half"), (0.25, 0.75), strict=True):
        gate.reached()
        assert (task.stage, task.fraction) == (stage, fraction)
        assert task.seconds_left is not None
        gate.open()
    assert task.future.result(PATIENCE) == "done"


def test_work_learns_that_it_was_cancelled():
    gate = Gate()

    def work(report, cancelled):
        gate.passed()
        if cancelled():
            raise Cancelled("cancelled")
        return "done"

    task = JobBoard().start(work)
    gate.reached()
    task.cancel()
    gate.open()
    wait([task.future], PATIENCE)
    assert task.is_cancelled()
    assert task.result() is None


def test_work_that_fails_says_why():
    def work(report, cancelled):
        raise DataError("no such luck")

    task = JobBoard().start(work)
    wait([task.future], PATIENCE)
    with pytest.raises(DataError, match="no such luck"):
        task.result()


def key(seed=0):
    return "sample", Settings(seed=seed), "cpu"


def test_a_long_task_gives_way_to_an_analysis_at_every_report():
    order, gates, shown = [], (Gate(), Gate()), loaded.sample()
    analysis = analyse(shown.train, shown.score, Settings(2))

    def analysed(train, score, settings, *rest):
        order.append(settings.seed)
        return analysis

    def work(report, cancelled):
        for number, gate in enumerate(gates):
            gate.passed()
            order.append(f"step {number}")
            report("Working", 0.0)
        order.append("end")
        return "done"

    board = JobBoard(analysed)
    task = board.start(work, 1000)
    for seed, gate in enumerate(gates):
        gate.reached()
        job = board.submit(key(seed), shown)
        gate.open()
        assert job.future.result(PATIENCE) is analysis
    assert task.future.result(PATIENCE) == "done"
    assert order == ["step 0", 0, "step 1", 1, "end"]


def test_other_short_work_goes_before_long_work_as_well():
    order, gate = [], Gate()

    def work(report, cancelled):
        gate.passed()
        report("Working", 0.0)
        order.append("long")

    board = JobBoard()
    long = board.start(work)
    gate.reached()
    board.start(lambda report, cancelled: order.append("short"), 2.0)
    gate.open()
    long.future.result(PATIENCE)
    assert order == ["short", "long"]


def test_a_process_that_ends_while_work_goes_on_ends_well():
    script = """
import time, torch
from kdeviz.ui.work.tasks import Task
from kdeviz.ui.work.turns import Turns

task = Task()

def work():
    rows = torch.randn(700, 700)
    while not task.is_cancelled():
        rows = rows @ rows / rows.norm()

Turns().start(task, work)
time.sleep(0.5)
assert not task.future.done()
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


def test_an_analysis_that_was_abandoned_in_the_queue_is_started_anew(monkeypatch):
    board, gate, away = JobBoard(), Gate(), [True]
    other = board.start(lambda report, cancelled: gate.passed(), 0.0, alone=True)
    gate.reached()
    data = loaded.sample()
    key = (data.token, Settings(3, max_training_points=50), "cpu")
    monkeypatch.setattr(Job, "is_cancelled", lambda job: away[0])
    first = board.submit(key, data)
    wait_for(first.future.cancelled)
    away[0] = False  # the viewer is back
    second = board.submit(key, data)
    gate.open()
    assert second.future.result(PATIENCE).settings == key[1]
    other.future.result(PATIENCE)


def test_pictures_on_the_disk_are_not_read_to_count_memory(tmp_path, monkeypatch):
    files = PictureFiles(tmp_path, [f"{row}.png" for row in range(120)])
    monkeypatch.setattr(PictureFiles, "__getitem__", lambda *_: pytest.fail("it was read"))
    rows = EmbeddingSet(np.random.default_rng(0).normal(size=(120, 4)), np.arange(120), thumbnails=files)
    data = replace(loaded.sample(), token="token", train=rows, score=None, everything=rows)
    assert data.bytes == rows.features.nbytes
    board = JobBoard()
    board.submit(("token", Settings(2), "cpu"), data).future.result(PATIENCE)
    board.submit(("token", Settings(3), "cpu"), data).future.result(PATIENCE)
