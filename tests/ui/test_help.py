"""Every control on every page explains itself: a sentence, and a formula or a small picture."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from app_steps import gaussian, npy, press, put, upload, visit

from kdeviz.decision import RULES
from kdeviz.ui.pages import PAGES
from kdeviz.ui.panels.sample_parts import PARTS
from kdeviz.ui.widgets.help import HELP, rule_help

CONTROLS = (
    "selectbox",
    "slider",
    "select_slider",
    "number_input",
    "radio",
    "toggle",
    "checkbox",
    "text_input",
    "text_area",
    "multiselect",
    "file_uploader",
    "button_group",
    "date_input",
    "color_picker",
)
PICTURE = re.compile(r"!\[\]\(data:image/svg\+xml;base64,([^)]+)\)")
FORMULA = re.compile(r"\$[^$]+\$")


def unexplained(app):
    """The labels of controls that say nothing, or show nothing."""
    protos = [control.proto for kind in CONTROLS for control in app.get(kind)]
    assert protos
    return {one.label for one in protos if not (PICTURE.search(one.help) or FORMULA.search(one.help))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
def test_every_control_of_a_page_has_help(app, page):
    assert unexplained(visit(app, page.path)) == set()


def test_every_control_of_a_sample_and_of_the_filters_has_help(app):
    press(app.button(key="Next"))
    for part in PARTS:
        app.session_state["why"] = part
        assert unexplained(app.run()) == set()
    app.session_state["add_filter"] = True
    app.run()
    for column in ("verdict", "id", "log density"):
        put(app.selectbox(key="filter_column"), column)
        assert unexplained(app) == set()


def test_every_control_about_an_uploaded_file_and_with_labels_has_help(app):
    upload(app, "plain.npy", npy(gaussian()))
    app.session_state["bandwidth"] = "factor"
    app.session_state["chart"] = "ROC"
    assert unexplained(app.run()) == set()


@pytest.mark.parametrize(("path", "part"), [("tune", "Stability"), ("compare", "Kept runs")])
def test_every_control_of_the_other_parts_has_help(app, path, part):
    app.session_state[path] = part
    assert unexplained(visit(app, path)) == set()


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_every_rule_explains_its_number(rule):
    words = rule_help(rule)
    assert (FORMULA.search(words) or PICTURE.search(words)) and words[0].isupper()


def test_help_is_a_sentence_and_its_pictures_can_be_drawn():
    for name, words in HELP.items():
        sentence, shown = words.split("\n\n")
        assert re.fullmatch(r"[A-Z].*[a-z0-9).]", sentence, re.DOTALL), name
        assert len(sentence) < 220, name
        assert "kernel" not in words and "  " not in words, name
        if found := PICTURE.fullmatch(shown):
            svg = ElementTree.fromstring(base64.b64decode(found[1]))
            numbers = [float(n) for one in svg.iter() for n in re.findall(r"-?[\d.]+", one.get("points", ""))]
            assert np.isfinite(numbers).all() and len(list(svg)) > 0, name
        else:
            assert FORMULA.search(shown), name
