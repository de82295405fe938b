"""The pages of the app and the charts of Explore, and one more of each that a test registers."""

from importlib import import_module

import plotly.graph_objects as go
import pytest
import streamlit as st
from app_steps import button, markdowns, metrics, page_session, press, put, texts, titles, until

from kdeviz.charts import CHARTS, Chart
from kdeviz.errors import OptionError
from kdeviz.output.formats.native import Native
from kdeviz.output.formats.registry import MODEL_FORMATS
from kdeviz.ui.pages import PAGES, Page


def mirror():
    st.markdown("A page of its own")


def test_a_page_is_one_line_in_the_list(monkeypatch, start):
    more = [*PAGES, Page("Mirror", ":material/tv:", "mirror", mirror)]
    monkeypatch.setattr(import_module("kdeviz.ui.main"), "PAGES", more)
    assert "A page of its own" in markdowns(start(at="mirror"))
    assert "A page of its own" not in markdowns(start())


def test_pages_can_be_told_apart_and_one_comes_first():
    for names in zip(*((page.title, page.icon, page.path) for page in PAGES), strict=True):
        assert len(set(names)) == len(PAGES)
    assert [page.title for page in PAGES if not page.path] == ["Explore"]


def test_a_chart_beside_the_map_is_one_line_in_the_list(monkeypatch, start):
    def drawn(decision, theme):
        return go.Figure(layout={"title": {"text": f"{decision.n_flagged} seen otherwise"}})

    monkeypatch.setitem(CHARTS, "Otherwise", Chart("A chart of its own", drawn))
    app = start(chart="Otherwise")
    flagged = metrics(app)["Flagged"].split()[0]
    assert f"{flagged} seen otherwise" in titles(app)


class RuleFormat(Native):
    name = "rule"
    title = "The rule"
    suffix = ".rule"
    words = "A format of its own."
    warning = "mind the step"
    missing = no = added = ""

    def check_installed(self):
        if self.missing:
            raise OptionError(self.missing)

    def refusal(self, decision):
        return self.no

    def check(self, decision, path, rows):
        found = super().check(decision, path, rows)
        return found._replace(log_density=found.log_density + bool(self.added))


def labels_of_downloads(app):
    return [button.proto.label for button in app.get("download_button")]


@pytest.fixture
def export_page(monkeypatch, start):
    monkeypatch.setitem(MODEL_FORMATS, "rule", RuleFormat())
    return put(start(at="export").selectbox(key="export_format"), "rule")


def pressed(app):
    """Exported, as far as it came."""
    press(button(app, "Export and check"))
    return until(app, lambda app: not button(app, "Export and check").disabled)


def test_a_model_format_is_one_line_in_the_list(export_page):
    assert "A format of its own." in markdowns(export_page)
    assert "Mind the step." in texts(export_page)
    assert labels_of_downloads(export_page) == ["CSV", "Parquet"]
    app = pressed(export_page)
    (record,) = [text for text in markdowns(app) if "Same model" in text]
    assert "| Loaded by | kdeviz " in record
    assert "| Other verdicts | 0 |" in record
    assert labels_of_downloads(app) == ["model.rule", "Model card", "Record", "CSV", "Parquet"]


def test_an_export_is_of_what_is_on_the_screen(export_page):
    app = pressed(export_page)
    put(app.selectbox(key="export_format"), "native")
    assert labels_of_downloads(app) == ["CSV", "Parquet"]
    put(app.selectbox(key="export_format"), "rule")
    assert labels_of_downloads(app)[0] == "model.rule"
    threshold = page_session(app).screen.decision.threshold
    put(app.selectbox(key="rule"), "per_1000")  # the card tells the rule
    assert page_session(app).screen.decision.threshold == pytest.approx(threshold)
    assert labels_of_downloads(app) == ["CSV", "Parquet"]


@pytest.mark.parametrize(
    ("what", "words", "shown"),
    [
        ("missing", "rule not installed: pip install rule", "Rule not installed: pip install rule"),
        ("no", "it is too large", "This model cannot be written so: it is too large."),
    ],
)
def test_what_cannot_be_exported_says_why(export_page, monkeypatch, what, words, shown):
    monkeypatch.setattr(RuleFormat, what, words)
    export_page.run()
    assert shown in texts(export_page)
    assert "Export and check" not in [button.label for button in export_page.button]


def test_a_failed_export_says_why_and_offers_nothing(export_page, monkeypatch):
    monkeypatch.setattr(RuleFormat, "added", "yes")
    app = pressed(export_page)
    assert any("gives another log density for" in text for text in texts(app))
    assert labels_of_downloads(app) == ["CSV", "Parquet"]
