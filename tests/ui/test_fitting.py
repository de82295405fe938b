"""The fit that is asked for by a button."""

from types import SimpleNamespace

import pytest

from kdeviz.ui.state import Session
from kdeviz.ui.work import fitting

WANTED = ("data", "settings", "cpu")


@pytest.fixture
def page(monkeypatch):
    """A session, what was submitted, and where it was drawn how far that is."""
    seen = SimpleNamespace(submitted=[], drawn=[], pressed=True)
    seen.session = Session("rows")

    def submit(key, data):
        seen.submitted.append((key, data))
        return SimpleNamespace(key=key)

    def draw(job, place, page_drawn):
        assert job.key == WANTED
        seen.drawn.append(place)

    seen.place = SimpleNamespace(button=lambda *_, **__: seen.pressed)
    monkeypatch.setattr(fitting, "session", lambda: seen.session)
    monkeypatch.setattr(fitting, "job_board", lambda: SimpleNamespace(submit=submit))
    monkeypatch.setattr(fitting, "_watch_job", draw)
    monkeypatch.setattr(fitting.st, "empty", lambda: seen.place)
    return seen


def test_a_second_press_starts_no_second_fit(page):
    fitting._offer.__wrapped__(None, WANTED)
    fitting._offer.__wrapped__(None, WANTED)
    assert page.submitted == [(WANTED, "rows")]
    assert page.drawn == [page.place] * 2  # where the button was: it is shown once


def test_nothing_is_fitted_before_it_is_asked_for(page):
    page.pressed = False
    fitting._offer.__wrapped__(None, WANTED)
    assert (page.submitted, page.drawn) == ([], [])
