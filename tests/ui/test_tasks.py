"""The queue behind the pages: one piece of work at a time, short before long."""

import threading
import time
from concurrent.futures import wait
from functools import partial
from types import SimpleNamespace

import pytest

from kdeviz import Settings, analyse
from kdeviz.errors import Cancelled, DataError
from kdeviz.ui.work import loaded, tasks
from kdeviz.ui.work.jobs import JobBoard
from kdeviz.ui.work.tasks import Task, Workers

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
    task.future = Workers().short(work)
    return task


# --- workers


def test_only_one_works_at_a_time():
    workers, inside, most = Workers(), [], []

    def step():
        inside.append(1)
        time.sleep(0.001)
        most.append(len(inside))
        inside.pop()

    def steps():
        for _ in range(30):
            step()
            workers.give_way()

    wait([*(workers.long(steps) for _ in range(2)), *(workers.short(step) for _ in range(30))], PATIENCE)
    assert len(most) == 90
    assert max(most) == 1


def test_short_work_waits_for_the_end_of_a_step_of_long_work():
    workers, gate = Workers(), Gate()
    long = workers.long(gate.passed)
    gate.reached()
    short = workers.short(lambda: "short")
    assert not wait([short], 0.05).done
    gate.open()
    assert short.result(PATIENCE) == "short"
    long.result(PATIENCE)


@pytest.mark.parametrize("many", [1, 5])
def test_all_short_work_that_is_queued_overtakes_long_work_where_that_gives_way(many):
    workers, gate, order = Workers(), Gate(), []

    def steps():
        gate.passed()
        for step in "abc":
            order.append(step)
            workers.give_way()
        return "done"

    long = workers.long(steps)
    gate.reached()
    for number in range(many):
        workers.short(partial(order.append, number))
    gate.open()
    assert long.result(PATIENCE) == "done"
    assert order == ["a", *range(many), "b", "c"]


def test_short_work_that_was_cancelled_in_the_queue_holds_nobody_up():
    workers, gate, order = Workers(), Gate(), []

    def steps():
        gate.passed()
        workers.give_way()
        order.append("long")

    long = workers.long(steps)
    gate.reached()
    kept = workers.short(partial(order.append, "kept"))
    dropped = workers.short(partial(order.append, "dropped"))
    assert dropped.cancel()
    gate.open()
    long.result(PATIENCE)
    assert order == ["kept", "long"]
    assert kept.done()


def test_long_work_is_done_one_after_the_other():
    workers, order = Workers(), []

    def steps(name):
        for _ in range(3):
            order.append(name)
            workers.give_way()

    wait([workers.long(partial(steps, name)) for name in "ab"], PATIENCE)
    assert order == [*"aaabbb"]


def test_giving_way_to_nobody_costs_nothing():
    workers = Workers()

    def steps():
        for _ in range(1000):
            workers.give_way()
        return "done"

    assert workers.long(steps).result(PATIENCE) == "done"


def fails():
    raise ZeroDivisionError("boom")


def test_short_work_that_fails_frees_the_processor():
    workers, gate = Workers(), Gate()

    def steps():
        gate.passed()
        workers.give_way()
        return "done"

    long = workers.long(steps)
    gate.reached()
    short = workers.short(fails)
    gate.open()
    with pytest.raises(ZeroDivisionError, match="boom"):
        short.result(PATIENCE)
    assert long.result(PATIENCE) == "done"
    assert workers.short(lambda: "next").result(PATIENCE) == "next"


def test_long_work_that_fails_frees_the_processor_even_after_it_gave_way():
    workers, gate = Workers(), Gate()

    def steps():
        gate.passed()
        workers.give_way()
        fails()

    long = workers.long(steps)
    gate.reached()
    workers.short(lambda: None)
    gate.open()
    with pytest.raises(ZeroDivisionError, match="boom"):
        long.result(PATIENCE)
    assert workers.long(lambda: "long").result(PATIENCE) == "long"
    assert workers.short(lambda: "short").result(PATIENCE) == "short"


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
    clock.seconds += 75
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


def test_a_queued_task_that_is_cancelled_never_starts():
    workers, gate, seen = Workers(), Gate(), []
    workers.short(gate.passed)
    gate.reached()
    task = Task()
    task.future = workers.short(partial(seen.append, "started"))
    assert task.running
    assert task.result() is None
    task.cancel()
    assert not task.running
    assert task.result() is None
    gate.open()
    workers.short(lambda: None).result(PATIENCE)
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


@pytest.mark.parametrize("start", ["start", "start_long"])
def test_progress_is_reported(start):
    gates = Gate(), Gate()

    def work(report, cancelled):
        report("First half", 0.25)
        gates[0].passed()
        report("Second half", 0.75)
        gates[1].passed()
        return "done"

    task = getattr(JobBoard(), start)(work)
    for gate, stage, fraction in zip(gates, ("First half", "Second half"), (0.25, 0.75), strict=True):
        gate.reached()
        assert (task.stage, task.fraction) == (stage, fraction)
        assert task.seconds_left is not None
        gate.open()
    assert task.future.result(PATIENCE) == "done"


@pytest.mark.parametrize("start", ["start", "start_long"])
def test_work_learns_that_it_was_cancelled(start):
    gate = Gate()

    def work(report, cancelled):
        gate.passed()
        if cancelled():
            raise Cancelled("cancelled")
        return "done"

    task = getattr(JobBoard(), start)(work)
    gate.reached()
    task.cancel()
    gate.open()
    wait([task.future], PATIENCE)
    assert task.is_cancelled()
    assert task.result() is None


@pytest.mark.parametrize("start", ["start", "start_long"])
def test_work_that_fails_says_why(start):
    def work(report, cancelled):
        raise DataError("no such luck")

    task = getattr(JobBoard(), start)(work)
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
            report("Working", number / 2)
        order.append("end")
        return "done"

    board = JobBoard(analysed)
    task = board.start_long(work)
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
        report("Working", 0.5)
        order.append("long")

    board = JobBoard()
    long = board.start_long(work)
    gate.reached()
    board.start(lambda report, cancelled: order.append("short"))
    gate.open()
    long.future.result(PATIENCE)
    assert order == ["short", "long"]
