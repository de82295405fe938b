"""The fit that is asked for by a button."""

from types import SimpleNamespace

import pytest

from kdeviz.ui.state import Session
from kdeviz.ui.work import fitting

WANTED = ("data", "settings", "cpu")


@pytest.fixture
def page(monkeypatch):
    """A session, and what was submitted, drawn and emptied."""
    seen = SimpleNamespace(submitted=[], drawn=0, emptied=0, pressed=True)
    seen.session = Session("rows")

    def submit(key, data):
        seen.submitted.append((key, data))
        return SimpleNamespace(key=key)

    def draw(job, page_drawn):
        assert job.key == WANTED
        seen.drawn += 1

    def empty():
        seen.emptied += 1

    place = SimpleNamespace(button=lambda *_, **__: seen.pressed, empty=empty)
    monkeypatch.setattr(fitting, "session", lambda: seen.session)
    monkeypatch.setattr(fitting, "job_board", lambda: SimpleNamespace(submit=submit))
    monkeypatch.setattr(fitting, "_watch_job", draw)
    monkeypatch.setattr(fitting.st, "empty", lambda: place)
    return seen


def test_a_second_press_starts_no_second_fit(page):
    fitting._offer.__wrapped__(None, WANTED)
    fitting._offer.__wrapped__(None, WANTED)
    assert page.submitted == [(WANTED, "rows")]
    assert (page.drawn, page.emptied) == (2, 2)


def test_nothing_is_fitted_before_it_is_asked_for(page):
    page.pressed = False
    fitting._offer.__wrapped__(None, WANTED)
    assert (page.submitted, page.drawn, page.emptied) == ([], 0, 0)
