"""A report from the page Export: its numbers are those of the screen."""

from app_steps import button, metrics, page_session, press, put, texts, until, visit
from report_steps import figures_of, numbers_of, parsed, plain

from kdeviz.ui.panels.report_export import Reporting


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
