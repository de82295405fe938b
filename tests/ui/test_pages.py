"""The pages of the app, and one more that a test registers."""

from importlib import import_module

import streamlit as st
from app_steps import markdowns

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
