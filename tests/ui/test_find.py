"""Search, filters, order, description and marks of what is found, on Explore."""

import json
from base64 import b64decode

import numpy as np
import pandas as pd
import pytest
from app_steps import (
    button,
    captions,
    click,
    has,
    markdowns,
    on_strip,
    page_session,
    press,
    put,
    rerun,
    table,
    until,
    upload,
)
from test_ui import parquet

from kdeviz.decision import Between, Holds, OneOf, Order
from kdeviz.ui.widgets.text import literal
from kdeviz.ui.work import found as work_found
from kdeviz.ui.work.filter_texts import MOST_FILTERS, filter_of, order_of, order_text, text_of
from kdeviz.ui.work.found import Finding

ROWS = 240


@pytest.fixture(scope="module")
def file():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((ROWS, 10)).astype(np.float32)
    features[:20] += 4
    frame = {f"f{i}": features[:, i] for i in range(10)}
    text = [f"a note about thing {i} which {'leaks' if i < 20 else 'works'} well" for i in range(ROWS)]
    kinds = np.where(np.arange(ROWS) < 24, "odd", "usual")
    ids = [f"s{i:03}" for i in range(ROWS)]
    return pd.DataFrame(
        {**frame, "id": ids, "text": text, "kind": kinds, "size": np.arange(ROWS) / 7}
    ).to_parquet()


@pytest.fixture
def opened(app, file):
    upload(app, "things.parquet", file)
    return until(app, lambda app: page_session(app).screen.data.source == "things.parquet")


def answer(app):
    """What was found in the last run."""
    return page_session(app).own(Finding)._latest


def heading(app):
    (words,) = [one.value for one in app.subheader if one.value.endswith("samples")]
    return words


def finding(app):
    return page_session(app).own(Finding)


def ask(app, *filters):
    """Go to an address with these filters."""
    app.query_params["filter"] = list(map(text_of, filters))
    return rerun(app)


def listed(app):
    return list(table(app, "table_").value["id"])


# --- search


def test_the_search_looks_at_all_rows_and_counts_them(opened):
    assert heading(opened) == "Most anomalous samples"
    put(opened.text_input(key="find"), "THING 239 ")
    assert heading(opened) == "1 of 240 samples"
    assert listed(opened) == ["s239"]
    put(opened.text_input(key="find"), "works")
    assert heading(opened) == "220 of 240 samples"
    assert len(listed(opened)) == 60
    put(opened.text_input(key="find"), "no such thing")
    assert heading(opened) == "0 of 240 samples"
    assert not [frame for frame in opened.dataframe if (frame.key or "").startswith("table_")]
    put(opened.text_input(key="find"), "")
    assert heading(opened) == "Most anomalous samples"


def test_a_probability_that_nobody_fitted_is_called_uncalibrated_and_the_heading_says_why(opened):
    (shown,) = (frame for frame in opened.dataframe if (frame.key or "").startswith("table_"))
    column = json.loads(shown.proto.columns)["probability"]
    assert column["label"] == "Uncalibrated probability"
    assert "Uncalibrated: nothing" in column["help"]


def test_the_map_shows_what_is_found(opened):
    from app_steps import chart

    put(opened.text_input(key="find"), "leaks")
    drawn = json.loads(chart(opened, "map").proto.bytes)
    chosen = [trace["selectedpoints"] for trace in drawn["data"] if trace.get("selectedpoints")]
    assert sum(len(np.frombuffer(b64decode(one["bdata"]), one["dtype"])) for one in chosen) == 20


def test_walking_goes_through_what_is_found(opened):
    put(opened.text_input(key="find"), "leaks")
    rows = answer(opened).rows
    press(opened.button(key="Next"))
    assert page_session(opened).picked == rows[0]
    press(opened.button(key="Next"))
    assert page_session(opened).picked == rows[1]


def test_more_lists_the_next_ones_until_something_else_is_asked(opened):
    press(button(opened, "More"))
    assert "61 to 120 of 240 listed" in captions(opened)
    press(button(opened, "More"))
    assert "121 to 180 of 240 listed" in captions(opened)
    first = answer(opened)
    assert answer(rerun(opened)) is first  # nothing is searched again
    put(opened.text_input(key="find"), "works")
    assert "1 to 60 of 220 listed" in captions(opened)


# --- filters


def test_a_filter_is_added_in_its_popover_and_taken_back_by_its_chip(opened):
    opened.session_state["add_filter"] = True
    rerun(opened)
    put(opened.selectbox(key="filter_column"), "kind")
    (values,) = [group for group in opened.pills if group.key == "values_kind"]
    assert values.options == [literal("odd (24)"), literal("usual (216)")]
    put(values, ["odd"])
    press(opened.button(key="put_filter"))
    assert heading(opened) == "24 of 240 samples"
    assert not opened.session_state["add_filter"]
    assert button(opened, literal("kind: odd")).key == "chip_0"
    press(opened.button(key="chip_0"))
    assert heading(opened) == "Most anomalous samples"
    assert "filter" not in opened.query_params


def test_counts_are_of_what_passes_everything_else(opened):
    put(opened.text_input(key="find"), "thing 1")
    page_session(opened).select(np.arange(12, 200))
    ask(opened, OneOf("kind", ("odd",)), Between("size", high=15))
    opened.session_state["add_filter"] = True
    rerun(opened)
    put(opened.selectbox(key="filter_column"), "kind")
    low, high = 12, 15 * 7  # rows whose size is at most 15
    rows = [row for row in range(low, high + 1) if str(row).startswith("1")]
    odd = sum(row < 24 for row in rows)
    (values,) = [group for group in opened.pills if group.key == "values_kind"]
    assert values.options == [literal(f"odd ({odd})"), literal(f"usual ({len(rows) - odd})")]
    assert heading(opened) == f"{odd} of 240 samples"


def test_ranges_and_texts_are_filters_too(opened):
    opened.session_state["add_filter"] = True
    rerun(opened)
    put(opened.selectbox(key="filter_column"), "size")
    press(opened.button(key="put_filter"))  # nothing was asked
    assert opened.session_state["add_filter"]
    put(opened.number_input(key="To_size"), 1.0)
    press(opened.button(key="put_filter"))
    assert heading(opened) == "8 of 240 samples"
    opened.session_state["add_filter"] = True
    rerun(opened)
    put(opened.selectbox(key="filter_column"), "text")
    put(opened.text_input(key="holds_text"), "THING 3")
    press(opened.button(key="put_filter"))
    assert heading(opened) == "1 of 240 samples"
    press(opened.button(key="clear_all"))
    assert heading(opened) == "Most anomalous samples"


def test_search_filters_map_and_confusion_cell_together(app):
    screen = page_session(app).screen
    put(app.text_input(key="find"), "damaged")
    ask(app, Between("rank", 1, 200))
    page_session(app).select(np.arange(0, 756, 2))
    on_strip(app, "cell", "caught")
    ids, ranks = screen.analysis.inspected.ids, answer(app).samples.columns["rank"].values
    cell = set(screen.decision.rows_in_cell("caught").tolist())
    plain = [row for row in range(0, 756, 2) if "damaged" in ids[row] and ranks[row] <= 200 and row in cell]
    assert 0 < len(plain) < len(cell)
    assert sorted(answer(app).rows.tolist()) == plain
    assert heading(app) == f"{len(plain)} of 756 samples"
    chips = [one.label for one in app.button if (one.key or "").startswith("chip_")]
    assert chips == [literal("rank 1 to 200"), literal("378 selected on the map"), "Caught"]
    press(app.button(key="clear_all"))
    assert not answer(app).narrowed
    assert app.text_input(key="find").value == ""


def test_filters_and_search_are_in_the_address(opened, start):
    opened.session_state["add_filter"] = True
    rerun(opened)
    put(opened.selectbox(key="filter_column"), "kind")
    put(opened.pills(key="values_kind"), ["odd"])
    press(opened.button(key="put_filter"))
    assert opened.query_params["filter"] in ('["kind",["odd"]]', ['["kind",["odd"]]'])
    app = start(find="damaged-1", filter='["verdict",["flagged"]]')
    screen = page_session(app).screen
    ids = screen.analysis.inspected.ids
    plain = [row for row in range(756) if "damaged-1" in ids[row] and screen.decision.flagged[row]]
    assert sorted(answer(app).rows.tolist()) == plain
    assert heading(app) == f"{len(plain)} of 756 samples"


def test_going_back_in_the_address_takes_filters_back(opened, monkeypatch):
    ask(opened, OneOf("kind", ("odd",)))
    assert heading(opened) == "24 of 240 samples"
    ask(opened, OneOf("kind", ("usual",)), Between("size", high=2))
    assert heading(opened) == "0 of 240 samples"
    del opened.query_params["filter"]
    with monkeypatch.context() as patched:
        patched.setattr(work_found, "is_going_back", lambda: True)
        assert heading(rerun(opened)) == "Most anomalous samples"


def test_an_address_that_another_page_emptied_takes_no_filter_away(opened):
    ask(opened, OneOf("kind", ("odd",)))
    del opened.query_params["filter"]
    assert heading(rerun(opened)) == "24 of 240 samples"
    assert opened.query_params["filter"] in ('["kind",["odd"]]', ['["kind",["odd"]]'])


def test_a_filter_of_other_data_does_not_stay(opened, file):
    ask(opened, OneOf("kind", ("odd",)))
    assert heading(opened) == "24 of 240 samples"
    upload(opened, "other.parquet", parquet(kind=["odd", "usual"] * 60))
    assert heading(opened) == "Most anomalous samples"


def test_a_filter_that_these_data_cannot_answer_asks_nothing(start):
    app = start(filter='["no such column",1,2]')
    assert heading(app) == "Most anomalous samples"


FILTERS = [
    OneOf("a", ("b", "")),
    OneOf('ä[]"', ()),
    Between("x", 1, 2.5),
    Between("x"),
    Between("x", low=-3e9),
    Holds("text", "a \\ “b” \n"),
]


@pytest.mark.parametrize("one", FILTERS, ids=lambda one: type(one).__name__)
def test_filters_come_back_from_their_texts(one):
    assert filter_of(text_of(one)) == one


@pytest.mark.parametrize(
    "text",
    ["null", "[]", '["a"]', "[1,2]", '["a",true,2]', '["a",1]', '["a",[1]]', '["a",NaN,1]',
     '["a",1,-Infinity]', "x", '{"a":1}', "[" * 1990, '["a","' + "b" * 2000 + '"]', '["a",1,2,3]',
     '["a",1e999,2]', '["a",{}]', f'["a",1{"0" * 400},null]'],
)  # fmt: skip
def test_what_is_no_filter_is_none(text):
    assert filter_of(text) is None


@pytest.mark.parametrize("order", [Order("id"), Order("job desc", True), Order("", False)])
def test_orders_come_back_from_their_texts(order):
    assert order_of(order_text(order)) == order


@pytest.mark.parametrize("text", ["", "id", "descending", "id sideways", "x" * 2000 + " ascending"])
def test_what_is_no_order_is_none(text):
    assert order_of(text) is None or text == "descending"


def test_no_more_filters_than_fit(opened):
    ask(opened, *(Holds("text", str(i)) for i in range(MOST_FILTERS + 3)))
    assert len(finding(opened).filters) == MOST_FILTERS


def test_one_filter_for_each_column():
    mine = Finding()
    mine._use((OneOf("kind", ("odd",)), Between("size", 1)))
    mine.put(OneOf("kind", ("usual",)))
    assert mine.filters == (Between("size", 1), OneOf("kind", ("usual",)))
    mine.drop(Between("size", 1))
    assert mine.filters == (OneOf("kind", ("usual",)),)


# --- order


def test_any_column_sorts_all_that_is_found(opened):
    put(opened.selectbox(key="sort_by"), "size")
    assert listed(opened)[:3] == ["s000", "s001", "s002"]
    press(opened.button(key="sort_direction"))
    assert listed(opened)[:3] == ["s239", "s238", "s237"]
    assert heading(opened) == "All 240 samples"
    assert opened.query_params["sort"] in ("size descending", ["size descending"])
    del opened.query_params["sort"]  # as another page does
    assert listed(rerun(opened))[0] == "s239"
    opened.query_params["sort"] = "id descending"
    assert finding(rerun(opened)).order == Order("id", True)
    put(opened.selectbox(key="sort_by"), "rank")
    assert finding(opened).order == Order("rank") and "sort" not in opened.query_params
    assert heading(opened) == "Most anomalous samples"


def test_a_heading_sorts_and_once_more_turns_round(opened):
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    def press_heading(name):
        frame = table(opened, "table_")
        selection = {"rows": [], "columns": [name], "cells": []}
        states = opened._tree.get_widget_states()
        states.widgets.append(
            WidgetState(id=frame.proto.id, string_value=json.dumps({"selection": selection}))
        )
        opened._run(states)

    press_heading("size")
    assert finding(opened).order == Order("size")
    assert listed(opened)[0] == "s000"
    press_heading("size")
    assert finding(opened).order == Order("size", True)
    assert listed(opened)[0] == "s239"
    click(opened, table(opened, "table_"), row=2)
    assert page_session(opened).picked == 237


def test_the_text_stands_beside_the_id(opened):
    assert list(table(opened, "table_").value.columns)[:3] == ["rank", "id", "text"]


# --- description


def more_often(app):
    return [frame.value for frame in app.dataframe if "Others" in frame.value]


def test_a_selection_is_described_with_its_counts(opened):
    assert not has(opened, "button", "describe")  # nothing is selected
    put(opened.text_input(key="find"), "leaks")
    press(opened.button(key="describe"))
    screen = page_session(opened).screen
    flagged = int(screen.decision.flagged[:20].sum())
    assert any(
        words.startswith(f"**20** of 240 samples are selected; **{flagged}** of them")
        for words in markdowns(opened)
    )
    (rows,) = more_often(opened)
    assert rows["What"].tolist()[0] in ("kind: odd", "word: leaks")
    found_here = dict(zip(rows["What"], rows["Here"], strict=True))
    assert found_here["kind: odd"] == "20 (100 %)"
    assert found_here["word: leaks"] == "20 (100 %)"
    assert dict(zip(rows["What"], rows["Others"], strict=True))["kind: odd"] == "4 (1.82 %)"
    press(opened.button(key="describe"))
    assert not more_often(opened)


def test_the_middle_of_a_selection_can_be_picked(opened):
    from app_steps import key_of

    put(opened.text_input(key="find"), "leaks")
    press(opened.button(key="describe"))
    tiles = {key_of(one): one for one in opened.get("bidi_component")}
    (tile,) = json.loads(tiles["middle"].proto.bytes)["tiles"]
    assert 0 <= tile["point"] < 20
    (typical,) = json.loads(tiles["typical"].proto.bytes)["tiles"]
    held_out = page_session(opened).screen.analysis.held_out_scores
    assert held_out[typical["point"]] >= np.median(held_out)
    click(opened, tiles["middle"], carried=tile["point"])
    assert page_session(opened).picked == tile["point"]


def test_the_map_zooms_to_a_selection_and_back(opened):
    from app_steps import chart

    def ranges():
        drawn = json.loads(chart(opened, "map").proto.bytes)
        return [drawn["layout"][axis]["range"] for axis in ("xaxis", "yaxis")]

    whole = ranges()
    put(opened.text_input(key="find"), "leaks")
    assert ranges() == whole
    press(opened.button(key="zoom"))
    points = page_session(opened).screen.analysis.coordinates[:20, :2]
    for (low, high), values, (left, right) in zip(ranges(), points.T, whole, strict=True):
        assert low < values.min() and values.max() < high
        assert high - low < right - left
    press(opened.button(key="whole_map"))
    assert ranges() == whole


# --- marks


def marks(app):
    """The verdicts by row, as the last run of the page saw them."""
    column = answer(app).samples.columns["mark"]
    return {int(row): column.names[column.codes[row]] for row in np.flatnonzero(column.codes >= 0)}


def test_all_that_is_found_is_marked_in_one_step_and_taken_back_in_one(opened):
    put(opened.text_input(key="find"), "leaks")
    opened.session_state["mark_many"] = True
    rerun(opened)
    press(opened.button(key="many_confirmed"))
    assert marks(opened) == dict.fromkeys(range(20), "confirmed")
    assert not opened.session_state["mark_many"]
    assert [toast.value for toast in opened.toast] == ["20 samples marked confirmed."]
    press(opened.button(key="undo"))
    assert marks(opened) == {}
    assert opened.toast[0].value == literal("Undone: 20 samples, marked confirmed.", 200)
    press(opened.button(key="redo"))
    assert marks(opened) == dict.fromkeys(range(20), "confirmed")
    assert opened.toast[0].value == literal("Redone: 20 samples, marked confirmed.", 200)
    put(opened.text_input(key="find"), "")
    ask(opened, OneOf("mark", ("confirmed",)))
    assert heading(opened) == "20 of 240 samples"


def test_marking_all_says_how_many_had_the_verdict_before(opened):
    page_session(opened).pick(3)
    rerun(opened)
    press(opened.button(key="verdict_unsure"))
    put(opened.text_input(key="find"), "leaks")
    opened.session_state["mark_many"] = True
    rerun(opened)
    press(opened.button(key="many_unsure"))
    assert opened.toast[0].value == "20 samples marked unsure (1 had been before)."
    opened.session_state["mark_many"] = True
    rerun(opened)
    press(opened.button(key="many_"))
    assert marks(opened) == {}


def test_a_verdict_is_a_button_with_a_key_and_pressed_again_it_is_taken_away(opened):
    page_session(opened).pick(3)
    rerun(opened)
    verdicts = ("confirmed", "normal", "unsure")
    assert [opened.button(key=f"verdict_{name}").proto.shortcut for name in verdicts] == ["1", "2", "3"]
    press(opened.button(key="verdict_unsure"))
    assert marks(opened) == {3: "unsure"}
    press(opened.button(key="verdict_confirmed"))
    assert marks(opened) == {3: "confirmed"}
    press(opened.button(key="verdict_confirmed"))
    assert marks(opened) == {}
    for words in ("Undone: s003, confirmed taken away.", "Undone: s003, marked confirmed."):
        press(opened.button(key="undo"))
        assert opened.toast[0].value == literal(words, 200)
    assert marks(opened) == {3: "unsure"}


def test_undo_and_redo_stand_beside_the_list_while_no_sample_is_picked(opened):
    assert not has(opened, "button", "undo")  # there is nothing to undo
    page_session(opened).pick(3)
    rerun(opened)
    press(opened.button(key="verdict_unsure"))
    page_session(opened).pick(None)
    rerun(opened)
    assert not opened.button(key="undo").disabled
    press(opened.button(key="undo"))
    assert page_session(opened).picked == 3


def test_notes_are_searched(opened):
    page_session(opened).pick(7)
    rerun(opened)
    (note,) = [field for field in opened.text_input if field.label == "Note"]
    put(note, "Ask Ada")
    put(opened.text_input(key="find"), "ask ada")
    assert listed(opened) == ["s007"]


def test_names_from_a_file_are_never_read_as_markdown(app):
    nasty = "![x](http://kdeviz.invalid/x.png) :red[a] :material/home: $x$ <b>"
    upload(app, "a.parquet", parquet(**{nasty: ["odd", "usual"] * 60}))
    ask(app, OneOf(nasty, ("odd",)))
    assert heading(app) == "60 of 120 samples"
    chip = app.button(key="chip_0").label
    assert chip == literal(f"{nasty}: odd")
    assert (
        "![" not in chip
        and ":material" not in chip
        and ":red" not in chip
        and "<b" not in chip.replace("\\<", "")
    )


def test_tables_of_other_shapes_are_listed(app):
    """Whatever the columns hold."""
    mixed = pd.Series([1, "a", None, [1, 2]] * 30, dtype=object).map(str)
    upload(app, "a.parquet", parquet(mixed=list(mixed), when=list(pd.date_range("2020", periods=120))))
    put(app.text_input(key="find"), "2020-03")
    assert heading(app) == "31 of 120 samples"
