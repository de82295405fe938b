"""The page Compare and kept runs without a browser."""

import threading
import time
from functools import cache

import numpy as np
import pandas as pd
import pytest
from app_steps import (
    button,
    captions,
    chart,
    charts,
    click,
    columns_of,
    figures,
    gaussian,
    has,
    keep_label,
    key_of,
    markdowns,
    npy,
    page_session,
    press,
    put,
    rerun,
    same_figure,
    sample_sets,
    table,
    texts,
    until,
    upload,
    visit,
)

from kdeviz import Settings, analyse, load_sample
from kdeviz import charts as drawn
from kdeviz.charts.theme import LIGHT
from kdeviz.comparison.compare import compare
from kdeviz.comparison.disagreements import disagreement_table, settings_table, why_words
from kdeviz.comparison.scored import scored_decision, scored_model
from kdeviz.comparison.words import separation_words, verdict_words
from kdeviz.data.mark_book import MarkBook
from kdeviz.data.marks import SampleMark
from kdeviz.decision.decision import Decision, decide
from kdeviz.decision.metrics.separation import auroc
from kdeviz.decision.rules import ThresholdRule
from kdeviz.errors import Cancelled, DataError, ModelFileError
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.formats.native import model_bytes
from kdeviz.output.runs.run import RECORD, SCORES
from kdeviz.output.runs.store import RunStore, proposed_name
from kdeviz.settings import name_of
from kdeviz.ui.panels.comparison import Compared
from kdeviz.ui.panels.disagreements import LookedAt
from kdeviz.ui.panels.kept_runs import Keeping
from kdeviz.ui.panels.model import Knobs
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.text import literal
from kdeviz.ui.work import mark_books
from kdeviz.ui.work.loaded import sample
from kdeviz.ui.work.sides import ModelFiles, add_model_file, sides
from kdeviz.wording import number

CURVE = ProbabilityCurve()
OTHER = Settings(8, "norm")
LABELS = sample_sets()[1].labels


@cache
def analysed(settings):
    return analyse(*sample_sets(), settings)


def decided(settings, rule=None):
    """These settings on the sample set, as the app at first shows them."""
    return decide(analysed(settings), rule or ThresholdRule(), CURVE)


def scored(settings, rule=None):
    return scored_decision(decided(settings, rule), fixes=())


@pytest.fixture
def store(tmp_path):
    """The folder that `start` gives the app."""
    return RunStore(tmp_path / "runs")


@pytest.fixture
def keep(store):
    """`keep(settings)` without the app."""

    def kept(settings=OTHER, name=None):
        return store.keep(decided(settings), name=name)

    return kept


def options(app):
    return app.selectbox(key="first_side").options


def proposed(settings):
    """What a run of the sample set with these settings is called."""
    return proposed_name(decided(settings))


def plain(settings):
    """As a kept run is called: with plain spaces."""
    return " ".join(name_of(settings).split())


def book(app, tmp_path):
    """The marks of the data on the screen: outside of the app nobody knows its folder."""
    return MarkBook(mark_books._shelf(str(tmp_path / "marks")).file(page_session(app).screen.data))


def pick(app, first, second):
    """Choose the two by the beginning of what the lists show, after the name of the sample set."""
    for key, start in (("first_side", first), ("second_side", second)):
        box = app.selectbox(key=key)
        (index,) = [
            i
            for i, option in enumerate(box.options)
            if option.removeprefix("Handwritten digits, ").startswith(start)
        ]
        box.select_index(index)
    return compared(rerun(app))


def compared(app):
    """Wait for what is being compared, and give it."""
    until(app, lambda app: not page_session(app).own(Compared).task.running)
    rerun(app)
    return page_session(app).own(Compared).task.result()


def assert_shows(app, expected):
    """Everything on the page is that of this comparison."""
    assert separation_words(expected.separation) in markdowns(app)
    assert verdict_words(expected.verdicts) in markdowns(app)
    for side, samples in zip(("first", "second"), expected.disagreements, strict=True):
        assert f"Flagged only by the {side}: {len(samples)}" in captions(app)
        if len(samples):
            shown, wanted = table(app, f"flips_{side}").value, disagreement_table(expected, side)
            for name in ("id", "label", "first_rank", "second_rank"):
                assert shown[name].tolist() == wanted[name].tolist()
    shown = next(frame.value for frame in app.dataframe if "setting" in frame.value)
    wanted = {
        row.name: (row.first, row.second, "differs" if row.differs else "")
        for row in settings_table(expected)
    }
    assert {name: tuple(others) for name, *others in shown.itertuples(index=False)} == wanted
    assert sorted(shown["differs"], reverse=True) == shown["differs"].tolist()  # those that differ first
    ranks, percentiles = figures(app)[:2]
    assert same_figure(ranks, drawn.ranks(expected, theme=LIGHT))
    assert same_figure(percentiles, drawn.percentiles(expected, LIGHT))


# --- two models


def test_with_only_the_screen_there_is_a_hint(start):
    app = start(at="compare")
    assert any("there is only what is on the screen so far" in info.value for info in app.info)
    assert not charts(app)


def test_keep_change_a_knob_and_compare(start, store):
    app = start(at="compare")
    press(app.button(key="keep"))
    assert keep_label(app) == "Kept"
    assert not has(app, "button", "keep")
    (run,) = store.runs()
    assert run.name == proposed(Settings())
    put(app.slider(key="components"), 8)
    put(app.radio(key="scaling"), "norm")
    assert keep_label(app) == "Keep run"
    compared(app)
    assert app.selectbox(key="first_side").value == f"run {run.id}"
    assert app.selectbox(key="second_side").value == "screen"
    expected = compare(scored(Settings()), scored(OTHER))
    assert len(expected.disagreements.only_first) and len(expected.disagreements.only_second)
    assert_shows(app, expected)


def test_the_latest_run_that_is_another_model_is_compared_at_first(start, keep):
    keep(OTHER)
    newer = keep(Settings(4))
    keep(Settings())
    app = start(at="compare")
    compared(app)
    assert app.selectbox(key="first_side").value == f"run {newer.id}"
    assert app.selectbox(key="second_side").value == "screen"


def test_swapping_and_choosing(start, keep):
    keep(OTHER), keep(Settings(4))
    app = start(at="compare")
    pick(app, "8 components", "4 components")
    assert_shows(app, compare(scored(OTHER), scored(Settings(4))))
    press(app.button(key="swap"))
    compared(app)
    assert_shows(app, compare(scored(Settings(4)), scored(OTHER)))
    for key in ("first_side", "second_side"):
        other = {"first_side": "second_side", "second_side": "first_side"}[key]
        before = {key: app.selectbox(key=key).value, other: app.selectbox(key=other).value}
        put(app.selectbox(key=key), before[other])
        assert app.selectbox(key=key).value == before[other]
        assert app.selectbox(key=other).value == before[key]
    assert compared(app).second.name == proposed(OTHER)


def test_runs_of_other_data_are_offered_but_not_proposed(start, keep, tmp_path):
    np.save(tmp_path / "rows.npy", gaussian())
    keep(OTHER)
    app = start(str(tmp_path / "rows.npy"), at="compare")
    assert any(option.endswith(" · other data") for option in options(app))
    assert any("there is only what is on the screen so far" in info.value for info in app.info)
    assert not charts(app)


def test_the_two_stay_while_another_page_is_looked_at(start, keep):
    keep(OTHER), keep(Settings(4))
    app = start(at="compare")
    pick(app, "8 components", "4 components")
    before = [app.selectbox(key=key).value for key in ("first_side", "second_side")]
    visit(app, "")
    visit(app, "compare")
    assert [app.selectbox(key=key).value for key in ("first_side", "second_side")] == before


def test_runs_with_equal_names_can_be_told_apart(start, keep, store):
    """Same settings, same minute: the list of choices knows them by what it shows."""
    older, newer = keep(OTHER), keep(OTHER)
    app = start(at="compare")
    assert len(set(options(app))) == 3
    chosen = set()
    for index in range(3):
        app.selectbox(key="first_side").select_index(index)
        chosen.add(rerun(app).selectbox(key="first_side").value)
    assert chosen == {"screen", f"run {older.id}", f"run {newer.id}"}


def test_the_threshold_of_the_screen_counts(start, keep):
    keep(Settings())
    app = start(at="compare")
    put(app.number_input(key="quantile_percent"), 10.0)
    pick(app, "16 components", "On the screen")
    expected = compare(scored(Settings()), scored(Settings(), ThresholdRule("quantile", 0.1)))
    assert expected.separation.difference == 0
    assert len(expected.disagreements.only_second)
    assert_shows(app, expected)


def test_rows_of_a_sweep_can_be_compared(start):
    app = start(at="tune")
    for name, text in (("components", "8, 2000"), ("bandwidths", "0.5")):
        app.text_input(key=f"grid_{name}").set_value(text)
    app.selectbox(key="grid_scalings").set_value("norm")
    app.selectbox(key="grid_standardise").set_value("no")
    rerun(app)
    press(app.button(key="run_sweep"))
    until(app, lambda app: not page_session(app).swept.task.running)
    visit(app, "compare")
    settings = Settings(8, "norm", bandwidth=0.5)
    # The other one failed.
    assert [option for option in options(app) if option.startswith("Sweep")] == [
        f"Sweep: {name_of(settings)} · AUROC {number(auroc(scored(settings).scores, LABELS))}"
    ]
    pick(app, "Sweep", "On the screen")
    assert_shows(app, compare(scored(settings), scored(Settings())))
    upload(app, "rows.npy", npy(gaussian()))
    until(app, lambda app: page_session(app).screen.data.source == "rows.npy")
    rerun(app)
    assert not any(option.startswith("Sweep") for option in options(app))


def test_the_roc_chart(start, keep):
    keep(OTHER)
    app = start(at="compare")
    compared(app)
    put(next(group for group in app.get("button_group") if group.key == "compared_chart"), "ROC")
    expected = compare(scored(OTHER), scored(Settings()))
    assert same_figure(figures(app)[1], drawn.compared_roc(expected, theme=LIGHT))


def test_why_a_verdict_flips(start, keep):
    keep(OTHER)
    app = start(at="compare")
    expected = compare(scored(OTHER), scored(Settings()))
    compared(app)
    assert any(caption.startswith("Choose a sample in a table") for caption in captions(app))
    click(app, table(app, "flips_second"), row=0)
    sample = expected.disagreements.only_second[0]
    assert page_session(app).own(LookedAt).sample == sample
    check_why(app, expected, sample)
    click(app, chart(app, "compared_ranks"), carried=11)
    check_why(app, expected, 11)
    put(app.slider(key="components"), 15)  # another model: its flips are others
    compared(app)
    assert page_session(app).own(LookedAt).sample is None


def check_why(app, expected, sample):
    assert str(expected.ids[sample]) in texts(app)
    for settings in (OTHER, Settings()):
        assert set(why_words(decided(settings), sample)) <= set(texts(app))
    flags = [text for text in markdowns(app) if text.startswith("By the ")]
    assert ["**flagged**" in text for text in flags] == [
        expected.first.flagged[sample],
        expected.second.flagged[sample],
    ]
    assert {key_of(shown) for shown in charts(app)} >= {"why_first", "why_second"}


def test_without_labels_nobody_is_said_to_be_right(start, tmp_path):
    np.save(tmp_path / "rows.npy", gaussian())
    app = start(str(tmp_path / "rows.npy"), at="compare")
    press(app.button(key="keep"))
    put(app.slider(key="components"), 3)
    found = compared(app)
    assert found.verdicts is None
    assert any(caption.startswith("Without labels nobody can say") for caption in captions(app))
    assert [key_of(shown) for shown in charts(app)] == ["compared_ranks", "compared_percentiles"]


def test_marks_count_as_labels(start, tmp_path):
    np.save(tmp_path / "rows.npy", gaussian())
    app = start(str(tmp_path / "rows.npy"), at="compare")
    press(app.button(key="keep"))
    put(app.slider(key="components"), 3)
    screen = page_session(app).screen
    first = screen.analysis.scores.argsort()[:3]
    for row, mark in zip(first, ("confirmed", "normal", "confirmed"), strict=True):
        book(app, tmp_path).set(screen.keys[row], SampleMark(mark))
    app.session_state["marks_as_labels"] = True
    rerun(app)
    found = compared(app)
    assert found.verdicts.labelled == 3
    assert verdict_words(found.verdicts) in markdowns(app)


def test_other_data_cannot_be_compared_with_a_run(start, keep):
    keep(OTHER)
    app = start(at="compare")
    compared(app)
    names = [f"other {i}" for i in range(120)]
    frame = pd.DataFrame(gaussian(), columns=[f"f{i}" for i in range(10)]).assign(id=names)
    upload(app, "rows.parquet", frame.to_parquet(index=False))
    until(app, lambda app: page_session(app).screen.data.source == "rows.parquet")
    until(app, lambda app: any("These two cannot be compared" in text for text in markdowns(app)))
    assert any("have no sample in common" in text for text in texts(app))
    assert not charts(app)


def test_a_comparison_can_be_cancelled_and_done_again(start, keep, monkeypatch):
    keep(OTHER)
    free = threading.Event()

    def slow(run, report, cancelled):
        report("Reading the run", 0.5)
        while not cancelled() and not free.is_set():
            time.sleep(0.005)
        if cancelled():
            raise Cancelled("cancelled")
        return run.scored()

    monkeypatch.setattr("kdeviz.ui.work.sides._kept", slow)
    monkeypatch.setattr("kdeviz.ui.panels.comparison._PATIENCE_SECONDS", 0.05)
    app = start(at="compare")
    assert app.get("progress")[0].proto.text.startswith("Reading the run")
    press(app.button(key="cancel_comparison"))
    until(app, lambda app: not page_session(app).own(Compared).task.running)
    rerun(app)
    assert "Cancelled." in texts(app)
    free.set()
    press(button(app, "Compare again"))
    compared(app)
    assert_shows(app, compare(scored(OTHER), scored(Settings())))


def test_a_run_that_was_damaged_meanwhile_is_explained(start, keep):
    run = keep(OTHER)
    content = bytearray((run.folder / SCORES).read_bytes())
    content[100] ^= 1
    (run.folder / SCORES).write_bytes(content)  # as long as before
    app = start(at="compare")
    until(app, lambda app: not page_session(app).own(Compared).task.running)
    rerun(app)
    assert any("These two cannot be compared" in text for text in markdowns(app))
    assert any("damaged, its content is not what was kept" in text for text in texts(app))


# --- model files


def model_of(settings):
    return model_bytes(decided(settings))


def test_a_model_file_is_compared(start, tmp_path):
    app = start(at="compare")
    content = model_of(OTHER)
    upload(app, "mine.safetensors", content, "model_file")
    assert "Model file: mine.safetensors" in options(app)
    pick(app, "Model file", "On the screen")
    (tmp_path / "m.safetensors").write_bytes(content)
    model = KDEClassifier.load(tmp_path / "m.safetensors")
    assert_shows(app, compare(scored_model(model, sample_sets()[1]), scored(Settings())))
    # The same numbers as those of the analysis that it came from.
    found, ours = page_session(app).own(Compared).task.result(), compare(scored(OTHER), scored(Settings()))
    np.testing.assert_array_equal(found.first_scores, ours.first_scores)
    assert found.separation == ours.separation


def test_model_files_of_one_name_can_be_told_apart(start):
    app = start(at="compare")
    for settings in (OTHER, Settings(4)):
        upload(app, "model.safetensors", model_of(settings), "model_file")
    assert len([option for option in options(app) if option.startswith("Model file")]) == 2
    assert len(set(options(app))) == 3
    chosen = set()
    for index in range(3):
        app.selectbox(key="first_side").select_index(index)
        chosen.add(rerun(app).selectbox(key="first_side").value)
    assert len(chosen) == 3


def test_a_broken_model_file_is_explained_and_loses_nothing(start, keep):
    keep(OTHER)
    app = start(at="compare")
    upload(app, "good.safetensors", model_of(Settings(4)), "model_file")
    pick(app, "Model file", "On the screen")
    before = options(app)
    upload(app, "**bad**.safetensors", b"broken", "model_file")
    assert any("That model file cannot be used" in text for text in markdowns(app))
    assert any("**bad**.safetensors" in text for text in texts(app))
    assert not any("/tmp" in text for text in texts(app))
    assert options(app) == before
    compared(app)
    assert any(text.startswith("By the") or "separates" in text for text in markdowns(app))
    app.file_uploader(key="model_file").clear().run()
    assert not any("That model file cannot be used" in text for text in markdowns(app))
    upload(app, "**bad**.safetensors", b"broken", "model_file")
    upload(app, "better.safetensors", model_of(Settings(5)), "model_file")
    assert not any("That model file cannot be used" in text for text in markdowns(app))
    assert len(options(app)) == len(before) + 1


def test_a_model_of_other_dimensions_is_refused(start):
    app = start(at="compare")
    decision = decide(analyse(gaussian(), None, Settings(3)))
    upload(app, "m.safetensors", model_bytes(decision), "model_file")
    assert "m.safetensors was fitted on 10 dimensions, these samples have 64" in texts(app)
    assert not any(option.startswith("Model file") for option in options(app))


def test_an_uploaded_model_is_the_second_at_once(start, keep):
    keep(OTHER)
    app = start(at="compare")
    upload(app, "mine.safetensors", model_of(Settings(4)), "model_file")
    chosen = [app.selectbox(key=key).value for key in ("first_side", "second_side")]
    assert chosen[0].startswith("run ") and chosen[1].startswith("file ")


# --- kept runs


@pytest.fixture
def listed(start):
    """The list of kept runs, opened when the test says so."""
    return lambda *arguments: start(*arguments, at="compare", compare="Kept runs")


def choose(app, row):
    """Choose a row of the list, for good."""
    app.session_state[table(app, "runs_").key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return rerun(app)


def test_nothing_is_kept_at_first(listed, store):
    app = listed()
    assert f"0 kept in {store.folder}" in texts(app)
    assert any(caption.startswith("Press “Keep run”") for caption in captions(app))
    press(app.button(key="keep"))
    assert f"1 kept in {store.folder}" in texts(app)
    assert len(table(app, "runs_").value) == 1


def test_what_is_kept_is_what_is_on_the_screen(start, store, tmp_path):
    app = start()
    put(app.slider(key="components"), 5)
    put(app.selectbox(key="rule"), "top_k")
    put(app.number_input(key="top_k"), 33)
    screen = page_session(app).screen
    book(app, tmp_path).set(screen.keys[3], SampleMark("confirmed"))
    (named,) = [field for field in app.text_input if field.label == "Name"]
    put(named, "![i](http://a.b/c.png)")
    press(app.button(key="keep"))
    assert [toast.value for toast in app.toast] == [f"Kept as “{literal('![i](http://a.b/c.png)')}”"]
    (run,) = store.runs()
    record = run.record
    assert record.settings == Settings(5)
    assert record.rule == ThresholdRule("top_k", 33)
    assert record.threshold == screen.decision.threshold
    assert record.metrics["flagged"] == 33
    np.testing.assert_array_equal(run.scored().scores, analysed(Settings(5)).scores)
    assert run.marks().get(screen.keys[3]) == SampleMark("confirmed")
    assert keep_label(app) == "Kept"
    book(app, tmp_path).set(screen.keys[4], SampleMark("confirmed"))
    assert keep_label(rerun(app)) == "Keep run"
    press(app.button(key="keep"))
    assert len(store.runs()) == 2
    put(app.number_input(key="top_k"), 34)
    assert keep_label(app) == "Keep run"


def test_a_run_is_named_when_it_is_kept(app, store):
    decision = page_session(app).screen.decision
    (name,) = [widget for widget in app.sidebar.text_input if widget.label == "Name"]
    assert name.value == proposed_name(decision)
    name.set_value("  For the   meeting ")
    press(app.button(key="keep"))
    assert [run.name for run in store.runs()] == ["For the meeting"]
    put(app.slider(key="components"), 5)
    (name,) = [widget for widget in app.sidebar.text_input if widget.label == "Name"]
    assert name.value == proposed_name(page_session(app).screen.decision)


def test_an_emptied_name_is_the_proposed_one(app, store):
    (name,) = [widget for widget in app.sidebar.text_input if widget.label == "Name"]
    name.set_value("")
    press(app.button(key="keep"))
    assert [run.name for run in store.runs()] == [proposed(Settings())]


def test_an_impossible_name_keeps_nothing_and_says_why(app, store):
    (name,) = [widget for widget in app.sidebar.text_input if widget.label == "Name"]
    name.set_value("\x1b[2J")
    press(app.button(key="keep"))
    assert store.runs() == () and keep_label(app) == "Keep run"
    assert any("of a run is not possible" in text for text in texts(app))


def test_the_list(listed, keep):
    runs = [keep(OTHER, "first *one*"), keep(Settings(4))]
    app = listed()
    shown = table(app, "runs_").value
    assert shown["name"].tolist() == [proposed(Settings(4)), "first *one*"]
    assert shown["id"].tolist() == [run.id for run in reversed(runs)]
    assert shown["auroc"].tolist() == [run.record.metrics["auroc"] for run in reversed(runs)]
    assert shown["flagged"].tolist() == [
        f"{scored(settings).flagged.sum()} of 756" for settings in (Settings(4), OTHER)
    ]
    assert set(shown["data"]) == {load_sample().train_and_test()[1].name}


def test_the_folder_of_a_run_can_be_read_in_full(listed, keep):
    keep(OTHER, "a name as long as the folders of runs ever are made of " * 2)
    shown = table(listed(), "runs_")
    width, height = columns_of(shown)["id"]["width"], shown.proto.row_height
    wrapped_above, line, letter, padding = 64, 20, 8, 16  # pixels, as streamlit draws a table
    assert height > wrapped_above
    letters = len(shown.value["id"].iloc[0]) * letter
    assert height // line * (width - padding) >= letters > 60 * letter


def test_a_run_can_be_renamed_used_and_deleted(listed, keep, store):
    older, newer = keep(OTHER), keep(Settings(4))
    app = listed()
    assert any(caption.startswith("Choose a run") for caption in captions(app))
    choose(app, 1)
    press(button(app, "Use its settings"))
    assert page_session(app).own(Knobs).settings == OTHER
    press(app.button(key="undo_settings"))
    assert page_session(app).own(Knobs).settings == Settings()

    choose(app, 1)
    assert button(app, "Rename").disabled
    (name,) = [widget for widget in app.main.text_input if widget.label == "Name"]
    put(name, "my run")
    press(button(app, "Rename"))
    assert store.open(older.id).name == "my run"
    assert table(app, "runs_").value["name"].tolist() == [proposed(Settings(4)), "my run"]

    choose(app, 0)
    press(button(app, "Delete for good"))
    assert [run.id for run in store.runs()] == [older.id]
    assert newer.id not in table(app, "runs_").value["id"].tolist()
    choose(app, 0)
    press(button(app, "Delete for good"))
    assert store.runs() == ()
    assert not app.main.dataframe


def test_an_impossible_name_is_explained(listed, keep, store):
    run = keep(OTHER)
    app = choose(listed(), 0)
    (name,) = [widget for widget in app.main.text_input if widget.label == "Name"]
    put(name, "   ")
    press(button(app, "Rename"))
    assert any("of a run is not possible" in text for text in texts(app))
    assert store.open(run.id).name == run.name


def test_deleting_what_was_kept_last_lets_it_be_kept_again(listed, store):
    app = listed()
    press(app.button(key="keep"))
    choose(app, 0)
    press(button(app, "Delete for good"))
    assert store.runs() == ()
    assert keep_label(app) == "Keep run"


def test_a_run_that_is_kept_again_gets_a_number(start, keep, store):
    keep(Settings())
    app = start(at="compare")
    press(app.button(key="keep"))
    assert {run.name for run in store.runs()} == {proposed(Settings()), f"{proposed(Settings())} (2)"}


def test_renaming_does_not_let_the_same_be_kept_again(listed, store):
    app = listed()
    press(app.button(key="keep"))
    choose(app, 0)
    app.text_input[-1].set_value("mine")
    rerun(app)
    press(button(app, "Rename"))
    assert [run.name for run in store.runs()] == ["mine"]
    assert keep_label(app) == "Kept"


def test_a_run_that_somebody_else_deleted_is_explained(listed, keep, store):
    run = keep(OTHER)
    app = choose(listed(), 0)
    store.delete(run.id)
    press(button(app, "Delete for good"))
    assert any(text.startswith(f"there is no run '{run.id}'") for text in texts(app))


def test_a_damaged_run_is_listed_hides_no_other_and_can_be_deleted(listed, keep, store):
    damaged, kept = keep(OTHER), keep(Settings(4))
    (damaged.folder / RECORD).write_text("{**")
    app = listed()
    assert f"1 kept in {store.folder}" in texts(app)
    (reason,) = [text for text in texts(app) if text.startswith("Damaged: ")]
    assert damaged.id in reason
    assert table(app, "runs_").value["id"].tolist() == [kept.id]
    app.session_state["compare"] = "Two models"
    rerun(app)
    assert len(options(app)) == 2
    app.session_state["compare"] = "Kept runs"
    rerun(app)
    press(app.button(key=f"delete_{damaged.id}"))
    assert [run.id for run in store.runs()] == [kept.id]
    assert not any(text.startswith("Damaged: ") for text in texts(app))


def test_a_damaged_run_with_foreign_files_is_not_deleted(listed, keep):
    run = keep(OTHER)
    (run.folder / RECORD).write_text("{")
    (run.folder / "thesis.tex").write_text("work of years")
    app = listed()
    press(app.button(key=f"delete_{run.id}"))
    assert any("thesis.tex, which is no part of a run" in text for text in texts(app))
    assert (run.folder / "thesis.tex").exists()


@pytest.mark.parametrize(("components", "disabled"), [(0.9, True), (24, False)])
def test_only_whole_components_can_be_used(listed, keep, components, disabled):
    keep(Settings(components))
    app = choose(listed(), 0)
    assert button(app, "Use its settings").disabled == disabled


def test_a_folder_that_cannot_be_written_to_is_explained(start, tmp_path):
    (tmp_path / "file").write_text("")
    app = start(f"--runs={tmp_path / 'file' / 'runs'}", at="compare")
    press(app.button(key="keep"))
    assert any("The run was not kept" in text for text in markdowns(app))
    assert any("cannot be changed" in text and "choose another folder" in text for text in texts(app))
    assert keep_label(app) == "Keep run"
    assert has(app, "button", "keep")
    visit(app, "")
    assert any("The run was not kept" in text for text in markdowns(app))
    (tmp_path / "file").unlink()
    press(app.button(key="keep"))
    assert not any("The run was not kept" in text for text in markdowns(app))
    assert keep_label(app) == "Kept"


def test_a_missing_mlflow_is_told_and_the_run_is_kept(start, store, no_mlflow):
    app = start("--mlflow=http://127.0.0.1:9")
    press(app.button(key="keep"))
    until(app, lambda app: not page_session(app).own(Keeping).logging.running)
    rerun(app)
    assert (
        "The run is kept, but not in MLflow: mlflow is not installed: pip install 'kdeviz[mlflow]'"
        in texts(app)
    )
    assert keep_label(app) == "Kept"
    assert len(store.runs()) == 1


@pytest.mark.parametrize("error", [DataError("a file is damaged"), RuntimeError("a *strange* server")])
def test_whatever_goes_wrong_with_mlflow_is_told(start, store, monkeypatch, error):
    def broken(uri, run, report):
        raise error

    monkeypatch.setattr("kdeviz.ui.panels.kept_runs.log_run", broken)
    app = start("--mlflow=http://127.0.0.1:9")
    press(app.button(key="keep"))
    until(app, lambda app: not page_session(app).own(Keeping).logging.running)
    rerun(app)
    assert any(text.startswith("The run is kept, but not") and str(error) in text for text in texts(app))
    assert len(store.runs()) == 1


def test_kept_runs_are_logged(start, store, monkeypatch):
    logged = []
    monkeypatch.setattr(
        "kdeviz.ui.panels.kept_runs.log_run", lambda uri, run, report: logged.append((uri, run.id))
    )
    app = start("--mlflow=http://127.0.0.1:9")
    press(app.button(key="keep"))
    until(app, lambda app: not page_session(app).own(Keeping).logging.running)
    (run,) = store.runs()
    assert logged == [("http://127.0.0.1:9", run.id)]
    assert not any("MLflow" in text for text in texts(rerun(app)))


# --- the same numbers everywhere


def test_the_command_line_prints_the_numbers_of_the_page(start, run, store):
    app = start(at="compare")
    press(app.button(key="keep"))
    put(app.slider(key="components"), 24)
    put(app.radio(key="scaling"), "norm")
    press(app.button(key="keep"))
    found = pick(app, "16 components", "24 components")
    ids = [app.selectbox(key=key).value.removeprefix("run ") for key in ("first_side", "second_side")]
    outcome = run("compare", *ids, "--runs", store.folder)
    assert outcome.code == 0
    assert outcome.fact("rank correlation") == f"{number(found.spearman)} (Spearman)"
    assert float(outcome.fact("p-value of McNemar's test")) == found.verdicts.p_value
    assert float(outcome.fact("AUROC difference")) == found.separation.difference
    assert outcome.fact("verdicts") in markdowns(app)
    assert outcome.fact("separation") in markdowns(app)
    first, second = map(len, found.disagreements)
    assert outcome.fact("flagged") == f"{first} only by the first, {second} only by the second"
    expected = compare(scored(Settings()), scored(Settings(24, "norm")))
    assert (found.spearman, found.separation, found.verdicts) == (
        expected.spearman,
        expected.separation,
        expected.verdicts,
    )


def test_a_model_file_is_refused_by_name():
    session = Session(sample())
    with pytest.raises(ModelFileError, match=r"^mine\.safetensors"):
        add_model_file(session, "mine.safetensors", b"broken", sample().inspected)
    assert session.own(ModelFiles).files == {}


def test_scoring_with_a_model_file_can_be_cancelled(monkeypatch, store):
    monkeypatch.setattr("kdeviz.ui.panels.kept_runs.run_store", lambda: store)
    session, analysis = Session(sample()), analysed(Settings())
    add_model_file(session, "mine.safetensors", model_of(OTHER), sample().inspected)
    key = "sample", Settings(), "cpu"
    screen = Screen(key, sample(), Decision(analysis, ThresholdRule(), CURVE, 0.0), "", analysis)
    (mine,) = [side for key, side in sides(session, screen).items() if key.startswith("file ")]
    with pytest.raises(Cancelled):
        mine.score(lambda stage, fraction: None, lambda: True)
    assert len(mine.score(lambda stage, fraction: None, lambda: False).scores) == 756
