"""The pages of the app and the charts of Explore, and one more of each that a test registers."""

from importlib import import_module

import plotly.graph_objects as go
import streamlit as st
from app_steps import markdowns, metrics, titles

from kdeviz.charts import CHARTS, Chart
from kdeviz.output.model import MODEL_FORMATS, ModelFormat
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


def test_a_model_format_is_one_line_in_the_list(monkeypatch, start):
    more = ModelFormat("the rule", lambda decision: b"", "A format of its own")
    monkeypatch.setitem(MODEL_FORMATS, ".rule", more)
    app = start(at="export")
    assert "A format of its own" in markdowns(app)
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels[:2] == ["Download the model", "Download the rule"]
