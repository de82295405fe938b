"""The panel of the sample that is looked at, without a browser."""

import json
from functools import partial

import numpy as np
import pytest
from app_steps import (
    click,
    columns_of,
    markdowns,
    page_session,
    press,
    put,
    rerun,
    table,
    texts,
    titles,
    upload,
)
from streamlit.runtime.scriptrunner import RerunData

from kdeviz import Settings, analyse, load_sample
from kdeviz.explain.row import explain
from kdeviz.ui.panels.looked_at import Trail
from kdeviz.ui.panels.sample import _short_fraction

LONG = "The patient was discharged on the fifth day after surgery. " * 3


def tiles(app, alt):
    """The tiles under this name, and what was sent to the browser."""
    for element in app.get("bidi_component"):
        if element.proto.component_name == "kdeviz.tiles":
            sent = json.loads(element.proto.bytes)
            if sent["alt"].startswith(alt):
                return element, sent["tiles"]
    raise AssertionError(f"no tiles {alt!r}")


def pick(app, row):
    page_session(app).pick(row)
    return rerun(app)


def test_a_probability_that_nobody_fitted_is_explained_beside_it(app):
    def about():
        (told,) = (one for one in pick(app, 3).markdown if "probability **" in one.value)
        return told

    assert "uncalibrated probability" in about().value
    assert "nothing about these data chose" in about().proto.help
    app.number_input(key="midpoint").set_value(3.0)
    rerun(app)
    assert "uncalibrated" not in about().value and not about().proto.help


@pytest.fixture
def sentences(start):
    return start("sample:sentences")


def tabs(app):
    (found,) = [group for group in app.get("button_group") if group.key == "chart"]
    return found


def test_every_pick_shows_the_sample_and_a_tab_stays_until_then(sentences):
    app = pick(sentences, 3)
    assert tabs(app).value == "Sample"
    put(tabs(app), "ROC")
    rerun(app)
    assert tabs(app).value == "ROC"
    assert len(titles(app)) == 2
    pick(app, 4)
    assert tabs(app).value == "Sample"


def test_a_look_at_a_task_that_was_under_way_when_a_sample_was_picked_turns_no_tab_back(
    sentences, monkeypatch
):
    """It says what the browser knew: of a tab that the app turns to, the browser learns a moment later."""
    app = pick(sentences, 3)
    with monkeypatch.context() as patched:
        look = partial(RerunData, fragment_id_queue=["gone by now"], is_auto_rerun=True)
        patched.setattr("streamlit.testing.v1.local_script_runner.RerunData", look)
        tabs(app).set_value("Density").run()
    app._run()  # as `st.rerun` does: the browser is not asked again
    assert not app.exception
    assert tabs(app).value == "Sample"
    assert len(titles(app)) == 1  # the map's


def test_neighbours_have_texts_and_lead_on_and_back(sentences):
    analysis = analyse(*load_sample("sentences").train_and_test())
    app = pick(sentences, 3)
    near = explain(analysis, 3, neighbours=6).neighbours
    element, shown = tiles(app, "The 6 nearest")
    assert [tile["point"] for tile in shown] == near.rows.tolist()
    assert [tile["text"] for tile in shown] == analysis.train.texts(near.rows)
    assert all(tile["picture"] is None for tile in shown)
    click(app, element, carried=int(near.rows[2]))
    assert str(analysis.train.ids[near.rows[2]]) in texts(app)
    assert page_session(app).picked == 3  # the ring stays where it is
    assert any("a training sample" in words for words in markdowns(app))
    assert not any(group.label == "Your verdict" for group in app.get("button_group"))
    press(app.button(key="Back"))
    assert str(analysis.inspected.ids[3]) in texts(app)
    assert page_session(app).own(Trail).past == []


def test_where_training_rows_are_inspected_a_neighbour_is_picked(app):
    upload(app, "rows.csv", b"a,b\n" + b"".join(b"%d,%d\n" % (i * 7 % 31, i * 5 % 17) for i in range(60)))
    pick(app, 8)
    element, shown = tiles(app, "The 6 nearest")
    neighbour = shown[0]["point"]
    assert neighbour != 8
    click(app, element, carried=neighbour)
    assert page_session(app).picked == neighbour
    press(app.button(key="Back"))
    assert page_session(app).picked == 8


def test_other_data_end_the_way(sentences):
    app = pick(sentences, 3)
    element, shown = tiles(app, "The 6 nearest")
    click(app, element, carried=shown[0]["point"])
    press(app.button(key="example_breast_cancer"))
    assert page_session(app).picked is None
    assert app.button(key="Back").disabled


def test_another_column_is_shown_as_the_text(sentences):
    app = put(sentences.selectbox(key="text"), "topic")
    pick(app, 3)
    assert app.query_params["text"] == ["topic"] or app.query_params["text"] == "topic"
    _, shown = tiles(app, "The 6 nearest")
    assert {tile["text"] for tile in shown} <= {"taste", "noise", "cleaning", "price", "service", "use"}
    press(app.button(key="example_digits"))
    assert "text" not in app.query_params


def test_the_other_columns_have_a_line_each(sentences):
    app = pick(sentences, 3)
    (lines,) = [text for text in texts(app) if text.startswith("topic: ")]
    assert [line.partition(":")[0] for line in lines.split("\n")] == ["topic", "words"]


def test_fractions_of_a_file_have_six_digits_at_most_and_whole_numbers_all(start):
    app = pick(start(data="sample:mixture"), 3)
    (lines,) = [text for text in texts(app) if "true log density: " in text]
    value = lines.partition("true log density: ")[2].split("\n")[0]
    assert 3 < len(value) <= 8 and "-" not in value  # with a minus, not a hyphen
    assert _short_fraction(np.float32(0.1)) == "0.1"
    for other in (3, "0.123456789", float("nan"), float("inf"), 5.0, 12345678.25, None):
        assert _short_fraction(other) == ""


def test_disagreements_show_texts_short(start):
    app = start("sample:sentences", at="compare")
    press(app.button(key="keep"))
    put(app.slider(key="components"), 6)
    rerun(app)
    flips = table(app, "flips_first")
    assert columns_of(flips)["text"]["label"] == "Text"
    assert flips.value["text"].str.len().between(1, 80).all()


def test_the_component_that_adds_most_is_explained_by_its_ends(sentences):
    analysis = analyse(*load_sample("sentences").train_and_test())
    sentences.session_state["why"] = "Meaning"
    app = pick(sentences, 3)
    most = int(explain(analysis, 3).components.contribution.argmax())
    along = analysis.train_coordinates[:, most]
    for name, ends in (("High", np.argsort(-along)[:4]), ("Low", np.argsort(along)[:4])):
        _, shown = tiles(app, f"{name} end of component {most + 1}")
        assert [tile["point"] for tile in shown] == ends.tolist()


@pytest.mark.parametrize("left_out", [False, True])
def test_a_neighbour_is_looked_at_where_a_cap_left_others_out(start, left_out):
    """Nobody has scored those, and no neighbour could be looked at."""
    settings = Settings(16, max_training_points=250)
    fitted = analyse(*load_sample().train_and_test(), settings, "cpu").fitted_on
    row = int(np.setdiff1d(np.arange(1000), fitted)[0] if left_out else fitted[5])
    app = start(cap="250", components="16", sample="708", chart="Sample", neighbour=str(row))
    assert not app.exception
    (told,) = (one.value for one in app.markdown if "p-value" in one.value)
    assert ("of 756" if left_out else "of 250") in told  # the sample itself is there instead
    assert ("neighbour" in rerun(app).query_params) is not left_out
