"""The checks before a fit: said to have passed only when they ran, and which rows they are about."""

import threading

import numpy as np
import pandas as pd
import pytest
from app_steps import (
    button,
    gaussian,
    npy,
    page_session,
    press,
    put,
    rerun,
    texts,
    until,
    upload,
    visit,
)

from kdeviz.data import EmbeddingSet
from kdeviz.preflight import preflight
from kdeviz.settings import Settings
from kdeviz.ui.panels import preflight as panel
from kdeviz.ui.work.reporting import screen_extras, screen_report


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


def headings(app):
    return [heading.value for heading in app.subheader]


def is_open(app):
    return "Checks of the file" in headings(app)


@pytest.fixture
def contaminated(tmp_path):
    """A file with training rows that are labelled anomalous."""
    frame = pd.DataFrame(gaussian(n=90, d=4), columns=list("abcd"))
    frame["label"] = ["anomalous" if i % 15 == 0 else "normal" for i in range(90)]
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return str(tmp_path / "rows.csv")


def said_of_contamination(app):
    return [text for text in texts(app) if "labelled anomalous: the model learns them" in text]


def test_contamination_is_told_once_with_its_fix_or_after_closing_as_a_warning(start, contaminated):
    app = start(contaminated)
    until(app, is_open)
    (told,) = said_of_contamination(app)
    assert told.startswith("6 of 90 training rows")
    press(app.button(key="close_checks"))
    assert not is_open(app)
    (warned,) = said_of_contamination(app)
    assert warned.endswith("the alarm budget counts them")


def test_checks_are_on_the_page_that_they_were_opened_on(start, contaminated):
    app = start(contaminated)
    until(app, is_open)
    assert not is_open(visit(app, "export"))
    (name,) = labels(app)
    press(button(app, name))
    assert is_open(app)
    assert not is_open(visit(app, ""))


def test_checks_that_were_closed_stay_closed_when_the_page_is_loaded_again(start, contaminated):
    app = start(contaminated)
    until(app, is_open)
    press(app.button(key="close_checks"))
    assert app.query_params["checks_closed"] in ("yes", ["yes"])
    again = start(contaminated, checks_closed="yes")
    until(again, lambda app: labels(app) == ["Checks: 1 warning"])
    assert not is_open(rerun(again))
    rows = gaussian(n=93)
    rows[3, 1] = np.nan
    upload(again, "other.npy", npy(rows))  # another file is another matter
    assert is_open(rerun(again)) and "checks_closed" not in again.query_params


def test_checks_close_when_a_setting_has_solved_what_they_were_opened_for(start):
    app = start(data="sample:breast_cancer")
    until(app, is_open)
    put(app.toggle(key="standardise"), True)
    until(app, lambda app: labels(app) == ["Checks: all passed"])
    assert not is_open(rerun(app))


def test_groups_count_among_the_checks_and_are_told_once(start, tmp_path, run):
    rows = np.random.default_rng(0).normal(size=(300, 2))
    rows[::2, 0] += 1000
    np.save(tmp_path / "rows.npy", rows)
    app = start(str(tmp_path / "rows.npy"))
    until(app, is_open)
    (warning,) = [
        line for line in run("check", tmp_path / "rows.npy").out.splitlines() if "form 2 groups" in line
    ]
    assert warning.startswith("warning")
    app = rerun(app)
    assert len([text for text in texts(app) if "form 2 groups" in text]) == 1
    press(app.button(key="close_checks"))
    assert len([text for text in texts(app) if "form 2 groups" in text]) == 1


@pytest.mark.parametrize("shape", [(300, 6), (40, 6), (300, 20), (9, 30)])
def test_app_command_and_report_make_the_same_checks(start, tmp_path, run, shape):
    np.save(tmp_path / "rows.npy", gaussian(n=shape[0], d=shape[1]))
    app = start(str(tmp_path / "rows.npy"))
    until(app, lambda app: labels(app) and "under way" not in labels(app)[0])
    current = page_session(app)
    shown = panel._report(current, current.screen.analysis.settings)
    passed = [finding.kind for finding in shown.findings if finding.severity == "ok"]
    lines = run("check", tmp_path / "rows.npy").out.splitlines()
    told = [line[4:].lstrip() for line in lines if line.startswith("ok ")]
    assert len(told) == len(passed)
    assert all(line.startswith(kind) for line, kind in zip(told, passed, strict=True))
    text = screen_report(current.screen, screen_extras(current.screen))
    assert f"{len(passed)} of {len(shown.findings)} checks found nothing" in text


def test_a_column_that_may_be_the_label_is_a_note_until_it_is_said(start, tmp_path):
    frame = pd.DataFrame(gaussian(n=90, d=4), columns=list("abcd")).assign(quality=np.arange(90) % 6 + 3)
    frame.to_csv(tmp_path / "wine.csv", index=False)
    app = start(str(tmp_path / "wine.csv"))
    until(app, lambda app: labels(app) == ["Checks: 1 note"])
    assert page_session(app).data.everything.features.shape == (90, 4)
    assert app.multiselect(key="normal").options == list("345678")
    app.multiselect(key="normal").set_value(list("45678"))
    until(rerun(app), lambda app: labels(app) == ["Checks: 1 warning"])  # contamination
    assert (page_session(app).data.everything.labels == 1).sum() == 15
    again = start(str(tmp_path / "wine.csv"), normal=list("45678"))
    until(again, lambda app: labels(app) == ["Checks: 1 warning"])


def test_checks_are_looked_for_while_another_thread_adds_some():
    class Another(int):
        def __eq__(self, other):
            known[99, False] = report
            return False

        __hash__ = int.__hash__

    data = EmbeddingSet.from_array(gaussian(n=20))
    report = panel.check(data, Settings(2))
    known = panel._REPORTS[data]
    known[Another(3), False] = report
    assert panel.check(data, Settings(2, standardise=True)) is not report
