"""A report from the page Export: its numbers are those of the screen."""

import threading

from app_steps import (
    PATIENCE,
    button,
    metrics,
    page_session,
    press,
    put,
    rerun,
    sample_sets,
    texts,
    until,
    visit,
)
from report_steps import figures_of, numbers_of, parsed, plain

from kdeviz.sweep import Grid, sweep
from kdeviz.ui.panels.report_export import Reporting
from kdeviz.ui.work.sweep_run import SweepRun
from kdeviz.ui.work.tasks import Task


def written(app):
    press(button(app, "Write the report"))
    return until(app, lambda app: not button(app, "Write the report").disabled)


def downloads(app):
    return [one.proto.label for one in app.get("download_button") if one.proto.label.startswith("Download")]


def test_the_numbers_are_those_of_the_screen_and_another_threshold_takes_another(app):
    put(app.number_input(key="quantile_percent"), 3.0)
    shown, screen = metrics(app), page_session(app).screen
    visit(app, "export")
    assert downloads(app) == []
    written(app)
    assert downloads(app) == ["Download (5.2 MB)"]
    page = parsed(page_session(app).own(Reporting).task.result().decode())
    figures, (numbers, _) = figures_of(page), numbers_of(page)
    for name in ("Flagged", "Expected false alarms", "Separation (AUROC)"):
        assert figures[name][0] == plain(shown[name])
    assert numbers["threshold"] == screen.decision.threshold
    assert "13 of 13 checks found nothing" in page.one("section", id="data").text
    assert [code.raw.splitlines()[1][:10] for code in page.all("code")] == ["kdeviz fit", "from kdevi"]
    put(app.number_input(key="quantile_percent"), 5.0)
    assert downloads(app) == []
    assert not button(app, "Write the report").disabled


def test_what_goes_wrong_is_said(start, monkeypatch):
    def refuse(*arguments):
        raise MemoryError("no room")

    monkeypatch.setattr("kdeviz.ui.panels.report_export.screen_report", refuse)
    app = written(start(at="export"))
    assert downloads(app) == []
    assert "Unexpected: MemoryError: no room" in texts(app)


def test_another_report_can_be_written_before_the_last_one_is(start, monkeypatch):
    may = threading.Event()

    def wait(*arguments):
        assert may.wait(PATIENCE)
        return "a report"

    monkeypatch.setattr("kdeviz.ui.panels.report_export.screen_report", wait)
    app = start(at="export")
    press(button(app, "Write the report"))
    assert button(app, "Write the report").disabled
    put(app.number_input(key="quantile_percent"), 5.0)
    assert not button(app, "Write the report").disabled
    put(app.number_input(key="quantile_percent"), 1.0)
    assert button(app, "Write the report").disabled
    may.set()
    until(app, lambda app: not button(app, "Write the report").disabled)
    assert len(downloads(app)) == 1


def test_a_sweep_that_still_runs_takes_no_report_away(start, monkeypatch):
    told = []

    def tell(screen, extras, *arguments):
        told.append(extras.sweep)
        return "a report"

    monkeypatch.setattr("kdeviz.ui.panels.report_export.screen_report", tell)
    app = start(at="export")
    session, rows = page_session(app), sweep(*sample_sets(), Grid((1, 2))).rows
    screen = session.screen
    run = SweepRun(
        screen.key[0], screen.analysis.train, Grid((1, 2)), screen.rule, screen.analysis.inspected, "two"
    )
    run.task, session.swept, session.sweeps = Task(), run, [run]
    run.rows.append(rows[0])
    written(app)
    run.rows.append(rows[1])
    rerun(app)
    assert len(downloads(app)) == 1
    run.task.future.set_result(None)
    rerun(app)
    assert downloads(app) == []
    written(app)
    assert [None if found is None else len(found[0].rows) for found in told] == [None, 2]
