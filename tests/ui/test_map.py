"""The map's axes, chosen by a person and kept in the address."""

import re
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from app_steps import (
    PATIENCE,
    captions,
    chart,
    click,
    figures,
    page_session,
    press,
    put,
    rerun,
    same_figure,
    texts,
    until,
    upload,
)

from kdeviz.analysis.analyse import analyse
from kdeviz.charts import LIGHT, SeparatingAxes, neighbour_map, projection
from kdeviz.settings import Settings
from kdeviz.ui.work import neighbours
from kdeviz.ui.work.loaded import sample


def subtitle(app):
    return figures(app)[0]["layout"]["title"]["subtitle"]["text"]


def axis(app, name):
    return figures(app)[0]["layout"][f"{name}axis"]["title"]["text"]


def table(n=120):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, 6)), columns=["mean area", "texture", "c", "d", "e", "f"])
    return frame.assign(id=[f"row {i}" for i in range(n)], when=[f"day {i}" for i in range(n)])


def test_main_directions_are_the_default(app):
    assert subtitle(app).startswith("Main directions (PCA)")
    assert "axes" not in app.query_params


def test_axes_that_separate_are_chosen_and_kept_in_the_address(app, start):
    put(app.selectbox(key="axes"), "separating")
    assert subtitle(app).startswith("Axes chosen to pull the labelled anomalous apart; not neutral")
    assert app.query_params["axes"] == "separating"
    decision = page_session(app).screen.decision
    assert same_figure(figures(app)[0], projection(decision, SeparatingAxes(), theme=LIGHT))
    again = start(axes="separating")
    assert subtitle(again) == subtitle(app)
    put(app.selectbox(key="axes"), "components")
    assert "axes" not in app.query_params


def test_axes_that_are_not_known_are_named_and_left_out(start):
    app = start(axes="sideways")
    assert any("axes" in toast.value for toast in app.toast)
    assert subtitle(app).startswith("Main directions")


def test_nothing_flagged_is_said_in_place_of_the_map(start):
    app = start(axes="separating", rule="log_density", nats="-1000")
    assert subtitle(app).startswith("Axes chosen")  # these have labels
    upload(app, "t.csv", table().to_csv(index=False).encode())
    put(app.selectbox(key="rule"), "log_density")
    put(app.number_input(key="nats"), -1000.0)
    assert any(text.startswith("No sample is flagged, so there is none") for text in texts(app))


def test_one_component_is_drawn_against_log_density(app):
    put(app.slider(key="components"), 1)
    until(app, lambda app: subtitle(app).startswith("The one component that the model keeps, against log"))
    assert axis(app, "x").startswith("component 1") and axis(app, "y") == "log density, nats"
    for axes, words in (("separating", "Axes that separate need two"), ("neighbours", "The neighbour map")):
        put(app.selectbox(key="axes"), axes)
        until(app, lambda app, words=words: any(text.startswith(words) for text in texts(app)))


def test_columns_of_the_file_are_axes(app, start):
    upload(app, "t.csv", table().to_csv(index=False).encode())
    put(app.selectbox(key="axes"), "columns")
    assert (axis(app, "x"), axis(app, "y")) == ("mean area", "texture")
    put(app.selectbox(key="column_y"), "e")
    assert axis(app, "y") == "e"
    assert app.query_params["column_y"] == "e"
    assert "column_x" not in app.query_params
    put(app.selectbox(key="column_x"), "e")
    assert "Choose different columns for the axes." in captions(app)
    put(app.segmented_control(key="dimensions"), "3D")
    put(app.selectbox(key="column_x"), "c")
    put(app.selectbox(key="column_z"), "f")
    scene = figures(app)[0]["layout"]["scene"]
    assert [scene[f"{letter}axis"]["title"]["text"] for letter in "xyz"] == ["c", "e", "f"]


def test_data_without_columns_of_numbers_say_so(app):
    put(app.selectbox(key="axes"), "columns")
    known = sample().inspected.metadata
    numeric = [] if known is None else list(known.select_dtypes("number"))
    if len(numeric) < 2:
        assert any(caption.startswith("These data have fewer than two columns") for caption in captions(app))
        assert subtitle(app).startswith("Main directions")


def test_training_samples_are_drawn_on_wish(app):
    assert "training samples" not in [trace["name"] for trace in figures(app)[0]["data"] if "name" in trace]
    put(app.toggle(key="map_training"), True)
    assert "training samples" in [trace["name"] for trace in figures(app)[0]["data"] if "name" in trace]
    upload(app, "t.csv", table().to_csv(index=False).encode())
    assert app.toggle(key="map_training").disabled
    assert "training samples" not in [trace["name"] for trace in figures(app)[0]["data"] if "name" in trace]


@pytest.mark.parametrize("query", [{}, {"dimensions": "3D"}, {"axes": "separating"}])
def test_a_click_picks_on_every_map(start, query):
    app = start(**query)
    click(app, chart(app, "map"), carried=77)
    assert page_session(app).picked == 77


# --- neighbour maps


@pytest.fixture
def quick(monkeypatch):
    pytest.importorskip("openTSNE", reason="the neighbour map is an extra")
    monkeypatch.setattr(neighbour_map, "_EARLY", 20)
    monkeypatch.setattr(neighbour_map, "_LATE", 20)
    neighbours._known().fits.clear()
    neighbours._known().maps.clear()


def arranged(app):
    return until(app, lambda app: subtitle(app).startswith("Neighbour map"))


def test_a_neighbour_map_comes_in_the_background(quick, start):
    app = start(axes="neighbours")
    arranged(app)
    assert axis(app, "x") == "neighbours lie together; distances and directions mean nothing"
    click(app, chart(app, "map"), carried=5)
    assert page_session(app).picked == 5


def test_it_is_kept_for_every_session_and_new_rows_are_placed_on_the_same_fit(quick, start, monkeypatch):
    arranged(start(axes="neighbours"))
    assert [len(kept) for kept in neighbours._known()] == [1, 1]

    def never(*_):
        raise AssertionError("it was arranged again")

    monkeypatch.setattr(neighbours, "neighbour_fit", never)
    other = start(axes="neighbours")
    assert subtitle(other).startswith("Neighbour map")
    current = page_session(other)
    rows = sample().score.take(np.arange(50))
    fewer = analyse(sample().train, rows, Settings(), "cpu")
    screen = type(current.screen)(
        current.screen.key, current.data, current.screen.decision, current.screen.kernel, fewer
    )
    found = neighbours.neighbour_axes(current, screen)
    found.task.future.result(PATIENCE)
    assert [len(kept) for kept in neighbours._known()] == [1, 2]


def test_it_can_be_cancelled_and_tried_again(quick, start, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    arrange = neighbours.neighbour_fit

    def slow(analysis, report, cancelled):
        begun.set()
        assert go_on.wait(PATIENCE)
        return arrange(analysis, report, cancelled)

    monkeypatch.setattr(neighbours, "neighbour_fit", slow)
    app = start(axes="neighbours")
    assert begun.wait(PATIENCE)
    rerun(app)
    assert subtitle(app).startswith("Main directions")  # what was there stays until then
    press(app.button(key="cancel_neighbours"))
    go_on.set()
    until(app, lambda app: "The neighbour map did not finish: Cancelled." in texts(app))
    press(app.button(key="arrange"))
    arranged(app)


def test_whoever_chooses_other_axes_waits_no_longer(quick, start, monkeypatch):
    begun, ended = threading.Event(), threading.Event()

    def slow(analysis, report, cancelled):
        begun.set()
        while not cancelled():
            threading.Event().wait(0.01)
        ended.set()

    monkeypatch.setattr(neighbours, "neighbour_fit", slow)
    app = start(axes="neighbours")
    assert begun.wait(PATIENCE)
    put(app.selectbox(key="axes"), "components")
    assert ended.wait(PATIENCE)


def test_what_went_wrong_is_said(quick, app):
    upload(app, "t.csv", table(8).to_csv(index=False).encode())
    put(app.slider(key="components"), 2)
    put(app.selectbox(key="axes"), "neighbours")
    until(app, lambda app: any("needs 10 training samples or more" in text for text in texts(app)))


def test_without_the_extra_the_line_that_installs_it_is_named(start, monkeypatch):
    monkeypatch.setattr("kdeviz.charts.has_neighbour_maps", lambda: False)
    app = start(axes="neighbours")
    assert "The neighbour map takes openTSNE. To install it: pip install 'kdeviz[map]'" in texts(app)
    assert subtitle(app).startswith("Main directions")


def test_openTSNE_is_loaded_by_nobody_who_does_not_ask_for_it():  # noqa: N802
    import subprocess

    code = "import sys, kdeviz.charts, kdeviz.ui.main; print('openTSNE' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


def test_of_very_many_flagged_the_lowest_are_drawn_and_the_map_says_so(start, tmp_path):
    np.save(tmp_path / "many.npy", np.random.default_rng(0).normal(size=(9000, 3)).astype(np.float32))
    app = start(str(tmp_path / "many.npy"), rule="top_k", top_k="4000")
    told = re.search(r"5\s000 of 9\s000 drawn, but (\d)\s(\d+) of 4\s000 flagged", subtitle(app))
    assert told is not None
    assert 2500 <= int("".join(told.groups())) < 4000
