"""Sweeps are a list, and what was typed into the grid stays."""

import pytest
from app_steps import button, captions, page_session, press, put, rerun, until, visit


def fill(app, **texts):
    for name, text in texts.items():
        kind = app.selectbox if name in ("scalings", "standardise") else app.text_input
        put(kind(key=f"grid_{name}"), text)
    return app


def swept(app, components):
    fill(app, components=components, scalings="norm", bandwidths="scott", standardise="no")
    press(next(found for found in app.button if found.key == "run_sweep"))
    return until(app, lambda app: not page_session(app).swept.task.running)


@pytest.fixture
def two(start):
    app = start(at="tune")
    swept(app, "2")
    swept(app, "3, 4")
    return rerun(app)


def names(app):
    return app.selectbox(key="sweep_shown").options


def test_a_new_sweep_is_added_and_the_old_one_can_be_looked_at_again(two):
    assert names(two) == ["2 settings of Handwritten digits", "1 setting of Handwritten digits"]
    newer, older = page_session(two).sweeps
    assert page_session(two).swept is newer
    put(two.selectbox(key="sweep_shown"), older.id)
    assert page_session(two).swept is older
    assert {row.components for row in older.rows} == {2} and any(
        "2 components" in words for words in captions(two)
    )


def test_a_sweep_is_named_and_taken_off_the_list(two):
    newer, older = page_session(two).sweeps
    put(two.text_input(key=f"sweep_name_{newer.id}_{newer.name}"), "  the   wide one ")
    assert names(two)[0] == newer.name == "the wide one"
    put(two.selectbox(key="sweep_shown"), older.id)
    put(two.text_input(key=f"sweep_name_{older.id}_{older.name}"), "the wide one")
    assert older.name == "the wide one (2)"  # streamlit knows an option by what it shows
    press(button(two, "Take it off the list"))
    assert names(two) == ["the wide one"] and page_session(two).swept is newer
    press(button(two, "Take it off the list"))
    assert page_session(two).swept is None and "sweep" not in two.query_params
    assert two.info


def test_a_sweep_that_is_taken_off_the_list_stops(start):
    app = start(at="tune")
    fill(app, components="1:60", scalings="norm, scale"[:4], bandwidths="scott", seeds="0:79")
    press(next(found for found in app.button if found.key == "run_sweep"))
    run = page_session(app).swept
    press(button(app, "Take it off the list"))
    assert run.task.is_cancelled() and page_session(app).sweeps == []


def test_the_address_brings_the_list_back_with_the_one_that_was_looked_at(two, start):
    newer, older = page_session(two).sweeps
    put(two.selectbox(key="sweep_shown"), older.id)
    rerun(two)
    assert two.query_params["sweep"] == [older.id, newer.id]
    again = start(at="tune", sweep=[older.id, newer.id])
    assert page_session(again).sweeps == [older, newer] and page_session(again).swept is older


def test_sweeps_that_are_gone_are_left_out_and_said(two, start):
    newer, _ = page_session(two).sweeps
    again = start(at="tune", sweep=["gone", newer.id])
    assert page_session(again).sweeps == [newer] and not again.toast
    (note,) = start(at="tune", sweep=["gone"]).toast
    assert note.value == "Not possible in the address, and left out: sweep"


def test_rows_of_all_sweeps_can_be_compared(two):
    visit(two, "compare")
    offered = " ".join(two.selectbox(key="first_side").options)
    assert all(f"Sweep: {k} components" in offered for k in (2, 3, 4))


@pytest.mark.parametrize("text", ["3, 5", "2:32:2", "three", "", "0, -1", "<b>"])
def test_what_was_typed_stays_across_pages_a_reload_and_a_failed_reading(start, text):
    app = start(at="tune")
    fill(app, components=text)
    for page in ("", "compare", "tune"):
        visit(app, page)
    assert app.text_input(key="grid_components").value == text
    put(app.slider(key="components"), 9)
    assert app.text_input(key="grid_components").value == text
    visit(app, "compare")
    kept = {name: app.query_params[name] for name in app.query_params}
    elsewhere = start(at="compare", **kept)
    assert visit(elsewhere, "tune").text_input(key="grid_components").value == text
    again = start(at="tune", **kept)
    assert again.text_input(key="grid_components").value == text


def test_what_is_proposed_follows_the_settings_and_is_not_in_the_address(start):
    app = start(at="tune")
    put(app.slider(key="components"), 9)
    assert "9" in app.text_input(key="grid_components").value.split(", ")
    assert not [name for name in app.query_params if name.startswith("grid_")]
