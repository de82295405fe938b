"""Work in threads: the order of the items, the first error, and no work for nothing."""

import time
from threading import Barrier, Lock

import pytest

from kdeviz.batch.ahead import abreast


def test_results_come_in_the_order_of_the_items():
    def slow_at_first(i):
        time.sleep(0.02 * (i == 0))
        return i

    with abreast(slow_at_first, range(20), 2) as results:
        assert list(results) == list(range(20))


def test_two_are_worked_on_at_once_and_no_more():
    together, lock, now, most = Barrier(2, timeout=30), Lock(), [0], [0]

    def work(i):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait()  # for the other one
        with lock:
            now[0] -= 1

    with abreast(work, range(8), 2) as results:
        assert len(list(results)) == 8
    assert most == [2]


def test_the_first_error_is_raised_and_later_items_are_left_alone():
    done = []

    def work(i):
        done.append(i)
        if i in (3, 4):
            raise ValueError(f"item {i}")
        return i

    def results():
        with abreast(work, range(1000), 2) as found:
            yield from found

    with pytest.raises(ValueError, match="item 3"):
        list(results())
    assert max(done) < 10


def test_whoever_stops_waits_for_no_more_than_what_was_begun():
    done = []
    with abreast(lambda i: done.append(i), range(1000), 2) as results:
        next(results)
    assert len(done) < 10
