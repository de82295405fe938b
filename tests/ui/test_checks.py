"""The checks before a fit: said to have passed only when they ran, and which rows they are about."""

import threading

import numpy as np
import pytest
from app_steps import button, gaussian, npy, page_session, press, rerun, texts, until, upload

from kdeviz.preflight import preflight
from kdeviz.ui.panels import preflight as panel


def labels(app):
    return [found.label for found in app.button if found.label.startswith("Checks: ")]


@pytest.fixture
def gate(monkeypatch):
    """Holds the checks back until it is opened."""
    opened = threading.Event()

    def slow(*arguments):
        assert opened.wait(60)
        return preflight(*arguments)

    monkeypatch.setattr(panel, "preflight", slow)
    yield opened
    opened.set()


def test_checks_have_passed_only_when_they_ran(start, tmp_path, gate):
    np.save(tmp_path / "rows.npy", gaussian(n=90))
    app = start(str(tmp_path / "rows.npy"))
    assert labels(app) == ["Checks: under way …"]
    assert button(app, "Checks: under way …").disabled
    gate.set()
    until(app, lambda app: labels(app) == ["Checks: all passed"])


def test_while_a_file_is_read_nothing_is_said_of_the_old_ones_checks(app, monkeypatch, gate):
    assert labels(app) == ["Checks: all passed"]
    monkeypatch.setattr("kdeviz.ui.work.reading._PATIENCE_SECONDS", 0)
    upload(app, "rows.npy", npy(gaussian(n=91)))
    assert labels(app) == ["Checks: waiting for the new file"]
    gate.set()
    until(app, lambda app: labels(app) == ["Checks: all passed"])
    assert len(page_session(app).data.everything) == 91


def test_a_finding_says_which_row_it_is_about(app):
    rows = gaussian(n=92)
    rows[17, 2] = np.inf
    upload(app, "rows.npy", npy(rows))
    (line,) = [text for text in texts(app) if "infinite values" in text]
    assert line.endswith(" Row 17.") and "1 of 92 rows holds infinite values" in line
    press(button(app, "Drop 1 row"))
    assert len(page_session(rerun(app)).data.everything) == 91
    assert "17" not in page_session(app).data.everything.ids
