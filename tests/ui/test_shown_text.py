"""Which column is read as the text of a sample: on every page the one that was chosen."""

import json

import pytest
from app_steps import page_session, put, rerun, until, upload, visit
from test_ui import parquet

LONG = [f"what somebody wrote at length about sample {row}" for row in range(120)]
SHORT = [f"title {row}" for row in range(120)]


def opened(app, name, **columns):
    upload(app, name, parquet(**columns))
    until(app, lambda app: page_session(app).screen.data.source == name)


def leave(app, page):
    """By a link, which says nothing of the column."""
    app.query_params.pop("text", None)
    rerun(visit(app, page))  # a widget is forgotten after the first run without it


def told(app):
    """The texts of a sample and the one most like it, as a talk shows them."""
    parts = [one for one in app.get("bidi_component") if one.proto.component_name == "kdeviz.portraits"]
    return [portrait["text"] for portrait in json.loads(parts[0].proto.bytes)["portraits"]]


@pytest.fixture
def chosen(app):
    """Another column than the one with the longest texts is read."""
    opened(app, "notes.parquet", note=LONG, title=SHORT)
    assert app.selectbox(key="text").value == "note"
    put(app.selectbox(key="text"), "title")
    return app


def test_a_talk_shows_the_chosen_column(chosen):
    chosen.session_state["step"] = 4
    leave(chosen, "present")
    assert len(told(chosen)) == 2
    assert all(text.startswith("title ") for text in told(chosen))


def test_it_is_still_chosen_on_the_way_back(chosen):
    leave(chosen, "export")
    leave(chosen, "")
    assert chosen.selectbox(key="text").value == "title"
    assert chosen.query_params["text"] in ("title", ["title"])


def test_other_data_without_it_are_read_as_usual(chosen):
    leave(chosen, "export")
    opened(chosen, "other.parquet", remark=LONG, heading=SHORT)
    leave(chosen, "")
    assert chosen.selectbox(key="text").value == "remark"
