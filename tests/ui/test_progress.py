"""Looking out for the end of a task."""

from concurrent.futures import Future
from threading import Event

import pytest

from kdeviz.ui.widgets import progress


@pytest.fixture
def seen(monkeypatch):
    """What was done, in order: glances at the future, looks for clicks, and drawing the page."""
    log = []

    class State(dict):
        def __contains__(self, key):
            log.append("clicks")
            return False

    monkeypatch.setattr(progress.st, "session_state", State())
    monkeypatch.setattr(progress.st, "rerun", lambda: log.append("page"))
    monkeypatch.setattr(progress, "wait", lambda futures, seconds: log.append("glance"))
    return log


def look(future, drawn, near_the_end=False, draw=lambda: None, changed=False):
    """What the fragment does every second."""
    progress._watch.__wrapped__(future, draw, drawn, lambda: near_the_end, lambda: changed)


def test_the_rest_of_the_page_is_drawn_before_anything_is_waited_for(seen):
    drawn = Event()
    look(Future(), drawn)
    assert seen == []
    assert drawn.is_set()


def test_the_page_is_drawn_as_soon_as_the_future_is_done_and_clicks_are_heard(seen, monkeypatch):
    future, drawn = Future(), Event()
    drawn.set()

    def glance(futures, seconds):
        seen.append("glance")
        if seen.count("glance") == 3:
            future.set_result(None)

    monkeypatch.setattr(progress, "wait", glance)
    look(future, drawn)
    assert seen == ["glance", "clicks"] * 3 + ["page"]


@pytest.mark.parametrize(("near_the_end", "glances"), [(False, 4), (True, 9)])
def test_the_waiting_ends_in_time_for_the_next_look_and_later_near_the_end(
    seen, monkeypatch, near_the_end, glances
):
    clock = iter(range(100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock) / 10)
    drawn = Event()
    drawn.set()
    look(Future(), drawn, near_the_end)
    assert seen.count("glance") == glances - 1 < 10 * progress._POLL_SECONDS
    assert "page" not in seen


@pytest.mark.parametrize(
    "end", [lambda f: f.set_result(1), lambda f: f.cancel(), lambda f: f.set_exception(OSError())]
)
def test_however_it_ended_the_page_is_drawn_at_once(seen, end):
    future = Future()
    end(future)
    look(future, Event())
    assert seen == ["page"]


@pytest.mark.parametrize("drawn", [Event(), None])
def test_how_far_it_is_is_drawn_until_it_has_ended(seen, drawn):
    future = Future()
    look(future, drawn, draw=lambda: seen.append("progress"))
    assert seen == ["progress"]
    future.set_result(None)
    look(future, drawn, draw=lambda: seen.append("progress"))
    assert seen == ["progress", "page"]


def test_the_page_is_drawn_when_there_is_more_to_see(seen):
    look(Future(), None, changed=True)
    assert seen == ["page"]


def test_without_haste_nothing_is_waited_for(seen):
    for _ in range(2):
        look(Future(), None)
    assert seen == []


@pytest.mark.parametrize("page_drawn", [False, True])
def test_whoever_has_drawn_the_page_has_time_to_wait_at_first(seen, monkeypatch, page_drawn):
    monkeypatch.setattr(progress, "_watch", progress._watch.__wrapped__)
    progress.watch(Future(), lambda: seen.append("progress"), page_drawn=page_drawn)
    assert seen[0] == "progress"
    assert ("glance" in seen) == page_drawn
