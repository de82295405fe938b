"""What is picked and selected is in the address, and comes back from it."""

import numpy as np
import pandas as pd
import pytest
from app_steps import button, figures, page_session, press, put, rerun, texts, until
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.ui.work import in_address
from kdeviz.ui.work.in_address import rows_of, text_of
from kdeviz.ui.work.loaded import sample


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_a_selection_survives_as_text(case):
    total, chosen = case
    text = text_of(np.array(sorted(chosen), np.int64), total)
    assert rows_of(text, total).tolist() == sorted(chosen)
    assert rows_of(text, total + 8) is None


def test_a_selection_too_long_for_an_address_is_found_on_its_server(monkeypatch):
    rows = np.flatnonzero(np.random.default_rng(0).random(100_000) < 0.5)
    text = text_of(rows, 100_000)
    assert len(text) < 50 and np.array_equal(rows_of(text, 100_000), rows)
    assert rows_of("digest-" + "0" * 32, 100_000) is None


def test_a_long_selection_is_found_once_somebody_makes_it_again():
    rows = np.flatnonzero(np.random.default_rng(1).random(100_000) < 0.5)
    text = text_of(rows, 100_000)
    kept = in_address._long_ones().pop(text)  # by a server that has started since
    assert rows_of(text, 100_000) is None
    assert text_of(rows, 100_000) == text and kept
    assert np.array_equal(rows_of(text, 100_000), rows)


@pytest.mark.parametrize("text", ["", "!", "A", "AAAA", "x" * 5000, "é", "digest-", "eJw" * 40])
def test_other_texts_say_nothing(text):
    assert rows_of(text, 756) is None


def test_a_text_cannot_ask_for_much_memory():
    bomb = text_of(np.arange(0), 20_000_000)
    assert len(bomb) <= in_address._LONGEST or bomb.startswith("digest-")
    in_address._unpacked.cache_clear()
    assert rows_of(bomb, 756) is None


def address(app):
    return {
        name: app.query_params[name]
        for name in ("sample", "neighbour", "selected", "cell")
        if name in app.query_params
    }


def test_the_address_brings_back_what_is_picked_and_selected(app, start):
    press(button(app, "Next"))
    picked = page_session(app).picked
    page_session(app).select(np.array([3, 5, picked]))
    app.run()
    said = address(app)
    assert said["sample"] in (str(picked), [str(picked)]) and "selected" in said
    flat = {name: value[0] if isinstance(value, list) else value for name, value in said.items()}
    again = start(**flat)
    assert page_session(again).picked == picked
    assert page_session(again).region.tolist() == sorted([3, 5, picked])
    assert address(again) == said or address(again) == flat


def test_a_neighbour_that_is_looked_at_is_ringed_and_in_the_address(start):
    app = start(sample="3", neighbour="8", chart="Sample")
    assert (page_session(app).picked, page_session(app).neighbour) == (3, 8)
    screen = page_session(app).screen
    ringed = [trace for trace in figures(app)[0]["data"] if trace.get("name") == "picked"]
    place = int(np.flatnonzero(screen.analysis.fitted_on == 8)[0])
    at = screen.analysis.train_coordinates[place]
    np.testing.assert_allclose([ringed[0]["x"][0], ringed[0]["y"][0]], at[:2], rtol=1e-5)
    assert str(screen.analysis.train.ids[8]) in texts(app)
    press(button(app, "Back"))
    assert page_session(app).neighbour is None and set(address(app)) == {"sample"}
    assert page_session(start(sample="3", neighbour="100000")).neighbour is None


def test_the_address_brings_back_a_cell_of_the_confusion_table(app, start):
    page_session(app).select_cell("missed")
    app.run()
    assert app.query_params["cell"] in ("missed", ["missed"])
    assert page_session(start(cell="missed")).cell == "missed"
    page_session(app).select_cell(None)
    app.run()
    assert "cell" not in app.query_params


def test_what_is_not_possible_is_left_out_with_one_note(start):
    total = len(sample().inspected)
    app = start(sample=str(total), selected="nonsense", cell="nothing", seed="inf", components="8")
    assert page_session(app).picked is None and page_session(app).region is None
    (note,) = [toast.value for toast in app.toast]
    assert note == "Not possible in the address, and left out: seed, sample, selected, cell"
    assert not address(app) and app.query_params["components"] in ("8", ["8"])


def test_a_pick_is_still_there_on_another_page_and_after_a_change_of_the_model(app):
    press(button(app, "Next"))
    picked = page_session(app).picked
    put(app.slider(key="components"), 9)
    assert app.query_params["sample"] in (str(picked), [str(picked)])


@pytest.mark.parametrize("patience", [None, 0])
def test_it_comes_back_when_the_address_also_says_how_the_file_is_read(
    start, tmp_path, monkeypatch, patience
):
    if patience is not None:  # the page is drawn with the file as it was guessed, before it is read again
        monkeypatch.setattr("kdeviz.ui.work.reading._PATIENCE_SECONDS", patience)
    rows = np.random.default_rng(0).normal(size=(90, 5))
    frame = pd.DataFrame(rows, columns=list("abcde")).assign(part=["train"] * 30 + ["test"] * 60)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    said = {"leave_out": "e", "split_column": "none of them", "sample": "80"}
    region = text_of(np.array([3, 80]), 90)
    app = start(str(tmp_path / "rows.csv"), **said, selected=region)
    until(app, lambda app: page_session(app).data.said.leave_out == ("e",) and page_session(app).screen)
    until(app, lambda app: page_session(app).picked == 80)
    assert page_session(app).region.tolist() == [3, 80]
    assert address(rerun(app))["sample"] in ("80", ["80"])
