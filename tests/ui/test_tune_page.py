"""The page Tune without a browser: the sweep, the choice, taking settings over, stability."""

import io
import json
import threading
import time

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from app_steps import (
    button,
    captions,
    chart,
    click,
    columns_of,
    figures,
    gaussian,
    has,
    markdowns,
    metrics,
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

from kdeviz import Settings, analyse
from kdeviz import charts as drawn
from kdeviz.charts.theme import LIGHT
from kdeviz.decision.rules import ThresholdRule
from kdeviz.errors import Cancelled, DataError, OptionError
from kdeviz.output.sweeps import sweep_bytes
from kdeviz.settings import name_of
from kdeviz.sweep.choice import best, sorted_rows
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.metrics import CHOICES, METRICS, estimate_of, sweep_table
from kdeviz.sweep.stability import stability
from kdeviz.sweep.sweep import sweep
from kdeviz.ui.panels.model import Knobs
from kdeviz.ui.panels.stability import Repeated
from kdeviz.ui.panels.sweep_table import ChosenRow

TIMES = ["fit_seconds", "score_seconds"]
TEXTS = {"components": "8, 16", "scalings": "scale, norm", "bandwidths": "scott"}
GRID = Grid.parse(**TEXTS)
ODD = {"components": "0.9", "scalings": "norm", "bandwidths": "0.37", "caps": "777", "seeds": "3"}


@pytest.fixture(scope="module")
def expected():
    return sweep(*sample_sets(), GRID)


@pytest.fixture
def tune(start):
    return start(at="tune")


def fill(app, **values):
    """Write into the grid, without running it; features are as they are unless it says otherwise."""
    for name, value in {"standardise": "no", **values}.items():
        widgets = app.selectbox if name in ("scalings", "standardise") else app.text_input
        widgets(key=f"grid_{name}").set_value(value)
    return rerun(app)


def begun(app, **values):
    fill(app, **values)
    return press(app.button(key="run_sweep"))


def ended(app):
    until(app, lambda app: not page_session(app).swept.task.running)
    return rerun(app)


def swept(app, **values):
    """Run a grid to its end, and give what the session then knows."""
    ended(begun(app, **values))
    return page_session(app).swept.finished


def wanted(app):
    return page_session(app).own(Knobs).settings


def assert_same_tables(one, other):
    """Bit-equal but for the times, which are never the same twice."""
    pd.testing.assert_frame_equal(one.drop(columns=TIMES), other.drop(columns=TIMES), check_exact=True)


def rows_file(tmp_path, n, d):
    np.save(tmp_path / "rows.npy", gaussian(n, d))
    return str(tmp_path / "rows.npy")


# --- the grid


def test_the_usual_grid_for_the_sample_set(tune):
    assert [widget.value for widget in tune.text_input if widget.key.startswith("grid_")] == [
        "2, 4, 6, 8, 12, 16",
        "0.5, scott, 2",
        "40000",
        "0",
    ]
    assert tune.selectbox(key="grid_scalings").value == "scale, norm"
    assert tune.selectbox(key="grid_standardise").value == "no, yes"
    assert tune.button(key="run_sweep").label == "Run 72 fits"
    assert not tune.button(key="run_sweep").disabled


def test_the_usual_grid_starts_from_the_settings_in_use(start):
    app = start(at="tune", cap="500", seed="7")
    assert app.text_input(key="grid_caps").value == "500"
    assert app.text_input(key="grid_seeds").value == "7"


@pytest.mark.parametrize(
    ("n", "d", "components"), [(12, 3, "2, 3"), (9, 2, "2"), (6, 40, "2, 4"), (40, 1, "1")]
)
def test_the_usual_grid_of_tiny_data_can_be_fitted(start, tmp_path, n, d, components):
    app = start(rows_file(tmp_path, n, d), at="tune")
    assert app.text_input(key="grid_components").value == components
    found = swept(app)
    assert len(found.rows) == 6 * len(components.split())
    assert [row.error for row in found.rows] == [None] * len(found.rows)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("components", "2, x"),
        ("components", ""),
        ("components", "1:20000"),
        ("bandwidths", "**wide**"),
        ("caps", "1"),
        ("seeds", "-1"),
    ],
)
def test_a_grid_that_cannot_be_read_is_explained_and_cannot_be_run(tune, name, text):
    fill(tune, **{name: text})
    with pytest.raises(OptionError) as error:
        Grid.parse(**{name: text})
    assert any("This grid cannot be read" in text for text in markdowns(tune))
    assert str(error.value) in texts(tune)
    assert tune.button(key="run_sweep").disabled
    assert tune.button(key="run_sweep").label == "Run the sweep"
    fill(tune, components="5", scalings="norm", bandwidths="scott", caps="100", seeds="0")
    assert not any("cannot be read" in text for text in markdowns(tune))
    assert tune.button(key="run_sweep").label == "Run 1 fit"
    assert not tune.button(key="run_sweep").disabled


def test_the_grid_stays_while_another_page_is_looked_at(tune):
    fill(tune, components="3, 5", scalings="norm", bandwidths="0.7", caps="300", seeds="1:2")
    visit(tune, "")
    assert not has(tune, "text_input", "grid_components")
    visit(tune, "tune")
    values = {widget.key: widget.value for widget in tune.text_input}
    assert values["grid_components"] == "3, 5"
    assert values["grid_bandwidths"] == "0.7"
    assert values["grid_caps"] == "300"
    assert values["grid_seeds"] == "1:2"
    assert tune.selectbox(key="grid_scalings").value == "norm"
    assert tune.button(key="run_sweep").label == "Run 4 fits"


# --- the results


def test_the_page_shows_the_numbers_of_sweep(tune):
    texts = {**TEXTS, "bandwidths": "scott, 0.5"}
    expected = sweep(*sample_sets(), Grid.parse(**texts))
    assert_same_tables(sweep_table(swept(tune, **texts)), sweep_table(expected))
    rows = sorted_rows(expected, "auroc")
    wanted, shown = (
        sweep_table(expected._replace(rows=tuple(rows))),
        table(tune, "sweep_table").value.reset_index(drop=True),
    )
    percents = ("recall", "alarm_share", "explained_variance")
    for name in METRICS:
        if name not in TIMES:
            factor = 100 if name in percents else 1
            np.testing.assert_array_equal(shown[name], wanted[name] * factor, err_msg=name)
    for name in ("n_pca_components", "feature_scaling_method", "bandwidth", "auroc_low", "auroc_high"):
        assert shown[name].tolist() == wanted[name].tolist()
    assert "max_training_points" not in shown  # it is the same in every row
    assert (shown[TIMES] > 0).all(axis=None)
    choice = best(expected)
    marks = dict(zip((row.settings for row in rows), shown["choice"], strict=True))
    assert "best" in marks.pop(choice.best.settings)
    if choice.simplest is not choice.best:
        assert marks.pop(choice.simplest.settings) == "simplest"
    assert set(marks.values()) == {""}


def test_alarms_are_counted_at_the_threshold_in_use(tune):
    put(tune.number_input(key="quantile_percent"), 7.0)
    found = swept(tune, **TEXTS)
    expected = sweep(*sample_sets(), GRID, ThresholdRule("quantile", 0.07))
    assert_same_tables(sweep_table(found), sweep_table(expected))
    assert found.rule == expected.rule


def test_the_numbers_of_the_command_line_are_those_of_the_page(tune, run):
    found = swept(tune, **TEXTS)
    done = run(
        *("sweep", "sample", "--components", TEXTS["components"], "--scaling", TEXTS["scalings"]),
        *("--bandwidth", TEXTS["bandwidths"], "-o", "x.parquet"),
    )
    assert done.code == 0
    on_the_page, written = sweep_table(found), pd.read_parquet("x.parquet")
    assert list(written) == list(on_the_page)
    assert_same_tables(written, on_the_page)
    grid, train = page_session(tune).swept.grid, page_session(tune).swept.train
    content = sweep_bytes(found, grid, train, best(found), ".parquet")
    ours, theirs = (pq.read_schema(file) for file in (io.BytesIO(content), "x.parquet"))
    assert ours == theirs
    assert json.loads(ours.metadata[b"kdeviz"]) == json.loads(theirs.metadata[b"kdeviz"])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_downloads_hold_the_table(expected, kind):
    train, _ = sample_sets()
    content = sweep_bytes(expected, GRID, train, best(expected), f".{kind}")
    if kind == "csv":
        written = pd.read_csv(io.BytesIO(content), keep_default_na=False, dtype={"bandwidth": str})
    else:
        written = pd.read_parquet(io.BytesIO(content))
    pd.testing.assert_frame_equal(written, sweep_table(expected), check_exact=True)


def test_downloads_are_offered(tune):
    swept(tune, **ODD)
    assert [widget.label for widget in tune.get("download_button")] == ["CSV", "Parquet"]


def cards(app):
    """The titles, and what stands below each."""
    ours = [text.strip("*") for text in markdowns(app) if text.startswith("**")]
    below = [text for text in captions(app) if not text.startswith("About ")]  # what the grid will cost
    return ours, below[: 3 if ours else 0]


def test_cards_show_the_best_the_simplest_and_what_is_in_use(tune, expected):
    swept(tune, **TEXTS)
    for metric in CHOICES:
        check_cards(tune, expected, metric)


def check_cards(tune, expected, metric):
    put(tune.selectbox(key="sweep_metric"), metric)
    choice, write = best(expected, metric), METRICS[metric].written
    headings, words = cards(tune)
    values = [write(estimate_of(row, metric).value) for row in (choice.best, choice.simplest)]
    title = f"Best {METRICS[metric].words}"
    if metric == "log_density":
        scaling = choice.best.settings.feature_scaling_method.value
        title = f"Best for {choice.best.components} components, {scaling}"
    if choice.simplest.settings == choice.best.settings:
        assert headings == [f"{title}: {values[0]}", "In use now"]
        assert words[:2] == [name_of(choice.best.settings), "Nothing simpler is as good."]
    else:
        assert headings == [f"{title}: {values[0]}", f"Simplest as good: {values[1]}", "In use now"]
        assert words[:2] == [name_of(choice.best.settings), name_of(choice.simplest.settings)]
    (used,) = [row for row in expected.rows if row.settings == Settings()]
    good = choice.as_good(used)
    where = "within" if good else "outside"
    value = write(estimate_of(used, metric).value)
    said = (
        "not among the settings that this compares."
        if good is None
        else f"{value}, {where} the interval of the best."
    )
    assert words[2] == f"{name_of(Settings())}: {said}"
    assert any(caption.startswith(choice.sentence) for caption in captions(tune))


def test_settings_in_use_that_are_not_in_the_grid_are_said_not_to_be(tune):
    swept(tune, **ODD)
    assert cards(tune)[1][2] == f"{name_of(Settings())}: not among the settings that this compares."


def test_a_metric_that_chooses_nothing_has_no_cards(tune):
    found = swept(tune, **TEXTS)
    for metric in set(METRICS) - set(CHOICES):
        put(tune.selectbox(key="sweep_metric"), metric)
        assert cards(tune) == ([], [])
        assert not any((widget.key or "").startswith("use_") for widget in tune.button)
        shown = table(tune, "sweep_table").value
        assert set(shown["choice"]) == {""}
        by_it = sweep_table(found._replace(rows=tuple(sorted_rows(found, metric))))
        for name in ("n_pca_components", "feature_scaling_method"):
            assert shown[name].tolist() == by_it[name].tolist()


def test_the_charts_are_those_of_the_sweep(tune):
    found = swept(tune, components="8, 16", scalings="scale, norm", bandwidths="0.3, scott")
    for metric in ("auroc", "log_density", "model_bytes"):
        put(tune.selectbox(key="sweep_metric"), metric)
        choice = best(found, metric) if metric in CHOICES else None
        heat = drawn.heat_map(found, metric, choice=choice, theme=LIGHT)
        lines = drawn.tuning_lines(found, metric, choice=choice, theme=LIGHT)
        for kind, figure in (("Heat map", heat), ("Lines", lines)):
            put(next(group for group in tune.get("button_group") if group.key == "sweep_chart"), kind)
            assert same_figure(figures(tune)[0], figure)


def test_what_a_chart_holds_fixed_can_be_chosen(tune):
    found = swept(tune, components="4, 8", scalings="norm", bandwidths="scott, 0.5", caps="200, 400")
    put(tune.selectbox(key="sweep_down"), "cap")
    choice = best(found)
    (held,) = (box for box in tune.selectbox if box.key.startswith("sweep_at_"))
    assert held.value == choice.best.settings.bandwidth
    first = drawn.heat_map(found, "auroc", "components", "cap", None, choice, theme=LIGHT)
    numbers = drawn.heat_map_numbers(found, "auroc", "components", "cap", None, choice)
    assert numbers.best is not None
    assert same_figure(figures(tune)[0], first)
    put(held, "scott")
    fixed = {"bandwidth": "scott"}
    heat = drawn.heat_map(found, "auroc", "components", "cap", fixed, best(found), theme=LIGHT)
    assert same_figure(figures(tune)[0], heat)
    # In the next grid there is neither this cap nor this bandwidth to choose.
    swept(tune, bandwidths="2, 3", caps="200", seeds="0, 1")
    assert tune.selectbox(key="sweep_down").options == ["Rows: bandwidth", "Rows: seed"]


# --- choosing a row and using it


def test_a_click_on_a_row_or_a_cell_chooses_it(tune):
    found = swept(tune, **TEXTS)
    by_value = sorted_rows(found, "auroc")
    click(tune, table(tune, "sweep_table"), row=2)
    assert page_session(tune).own(ChosenRow).settings == by_value[2].settings
    assert f"Chosen: **{name_of(by_value[2].settings)}**" in markdowns(tune)
    click(tune, chart(tune, "sweep_Heat map"), carried=1)
    assert page_session(tune).own(ChosenRow).settings == found.rows[1].settings
    click(tune, chart(tune, "sweep_Heat map"), carried=-1)  # a setting that is not done
    assert page_session(tune).own(ChosenRow).settings == found.rows[1].settings
    press(tune.button(key="use_chosen"))
    assert wanted(tune) == found.rows[1].settings


def test_a_new_sweep_forgets_the_chosen_row(tune):
    found = swept(tune, **ODD)
    page_session(tune).own(ChosenRow).settings = found.rows[0].settings
    rerun(tune)
    assert has(tune, "button", "use_chosen")
    swept(tune)
    assert not has(tune, "button", "use_chosen")


def test_the_best_settings_are_used_everywhere_until_that_is_undone(tune, expected):
    swept(tune, **TEXTS)
    assert not has(tune, "button", "undo_settings")
    press(tune.button(key="use_Best AUROC"))
    chosen = best(expected).best.settings
    assert wanted(tune) == chosen
    assert page_session(tune).screen.analysis.settings == chosen
    assert cards(tune)[1][2].endswith("within the interval of the best.")
    visit(tune, "")
    analysis = analyse(*sample_sets(), chosen)
    flagged = int(
        (analysis.scores < ThresholdRule().threshold(analysis.held_out_scores, analysis.scores)).sum()
    )
    assert metrics(tune)["Flagged"] == f"{flagged} of 756"
    assert wanted(tune) == chosen
    press(tune.button(key="undo_settings"))
    assert wanted(tune) == Settings()
    assert not has(tune, "button", "undo_settings")


def test_odd_settings_survive_being_used(tune, start):
    (row,) = swept(tune, **ODD).rows
    assert row.settings == Settings(0.9, "norm", 777, 0.37, 3)
    press(tune.button(key="use_Best AUROC"))
    used = Settings(row.components, "norm", 777, 0.37, 3)
    assert wanted(tune) == used
    for page in ("", "tune"):
        visit(tune, page)
        assert wanted(tune) == used
        assert page_session(tune).screen.analysis.settings == used
    assert tune.slider(key="components").value == row.components
    assert tune.radio(key="scaling").value == "norm"
    assert tune.select_slider(key="cap").value == 777
    assert tune.number_input(key="factor").value == 0.37
    assert tune.number_input(key="seed").value == 3
    assert wanted(start(**tune.query_params)) == used
    press(tune.button(key="undo_settings"))
    assert wanted(tune) == Settings()


@pytest.mark.parametrize(("name", "value"), [("caps", 10**12), ("seeds", 2**40), ("seeds", 2**60)])
def test_large_numbers_survive_being_used_or_cannot_be_used(tune, name, value):
    swept(tune, **{**ODD, "components": "5", name: str(value)})
    use = tune.button(key="use_Best AUROC")
    (row,) = page_session(tune).swept.rows
    if use.disabled:
        assert value > 2**53  # no browser knows these
        return
    press(use)
    assert wanted(tune) == row.settings


def test_a_second_choice_is_undone_first_and_moving_a_knob_ends_that(tune):
    found = swept(tune, components="4, 8", scalings="norm", bandwidths="2, silverman")
    for row in found.rows[:2]:
        page_session(tune).own(ChosenRow).settings = row.settings
        rerun(tune)
        press(tune.button(key="use_chosen"))
        assert wanted(tune) == row.settings
    press(tune.button(key="undo_settings"))
    assert wanted(tune) == found.rows[0].settings
    page_session(tune).own(ChosenRow).settings = found.rows[3].settings
    rerun(tune)
    press(tune.button(key="use_chosen"))
    put(tune.slider(key="components"), 5)
    assert not has(tune, "button", "undo_settings")


# --- a sweep on its way


@pytest.fixture
def stuck(monkeypatch):
    """Let sweeps stand still after their first row until they are cancelled, or this event is set."""
    free = threading.Event()

    def swept(train, score, grid, rule, device, on_row, report, cancelled, curve, known):
        def one(row):
            on_row(row)
            while not cancelled() and not free.is_set():
                time.sleep(0.005)

        return sweep(train, score, grid, rule, device, one, report, cancelled, curve, known)

    monkeypatch.setattr("kdeviz.ui.work.sweep_run.sweep", swept)
    yield free
    free.set()


def first_row(app):
    until(app, lambda app: page_session(app).swept.rows)
    return rerun(app)


def unwatched(task):
    """A moment ago; returns whether somebody has asked after it since."""
    task._last_watched = before = time.monotonic() - 10
    return lambda: task._last_watched > before


def test_a_cancelled_sweep_keeps_what_is_done(tune, stuck, expected):
    first_row(begun(tune, **TEXTS))
    assert tune.button(key="run_sweep").disabled
    assert len(tune.dataframe[0].value) == 1
    assert cards(tune)[0][0].startswith("Best AUROC")
    press(tune.button(key="cancel_sweep"))
    ended(tune)
    assert "Cancelled: 1 of 4 settings are done and kept." in texts(tune)
    found = page_session(tune).swept.finished
    assert found.cancelled
    assert_same_tables(sweep_table(found), sweep_table(expected).head(1))
    assert len(table(tune, "sweep_table").value) == 1
    assert not tune.button(key="run_sweep").disabled
    press(tune.button(key="use_Best AUROC"))
    assert wanted(tune) == found.rows[0].settings


def test_a_sweep_that_is_cancelled_in_the_queue_says_so(tune, start, stuck):
    first_row(begun(tune, **ODD))
    other = begun(start(at="tune"), **TEXTS)
    assert other.get("progress")[0].proto.text == "Waiting for the processor"
    press(other.button(key="cancel_sweep"))
    ended(other)
    assert "Cancelled: 0 of 4 settings are done and kept." in texts(other)
    assert not other.main.dataframe
    stuck.set()
    ended(tune)


def test_a_sweep_shows_how_far_it_is_and_goes_on_behind_other_pages(tune, stuck):
    first_row(begun(tune, **TEXTS))
    assert tune.get("progress")[0].proto.text.startswith("Setting 1 of 4")
    watched = unwatched(page_session(tune).swept.task)
    visit(tune, "")
    assert has(tune, "button", "cancel_sweep_elsewhere")
    assert watched()
    stuck.set()
    until(tune, lambda app: not page_session(app).swept.task.running)
    visit(tune, "tune")
    assert len(table(tune, "sweep_table").value) == 4


def test_a_sweep_goes_on_behind_the_other_part_of_the_page(tune, stuck):
    first_row(begun(tune, **TEXTS))
    watched = unwatched(page_session(tune).swept.task)
    tune.session_state["tune"] = "Stability"
    rerun(tune)
    assert not has(tune, "text_input", "grid_components")
    assert watched()
    press(tune.button(key="cancel_sweep_elsewhere"))
    tune.session_state["tune"] = "Sweep"
    ended(tune)
    assert "Cancelled: 1 of 4 settings are done and kept." in texts(tune)


def test_settings_can_be_moved_while_a_sweep_runs(tune, monkeypatch):
    begun_, free = threading.Event(), threading.Event()

    def swept(train, score, grid, rule, device, on_row, report, cancelled, curve, known):
        begun_.set()
        while not free.is_set() and not cancelled():
            report("Waiting", 0.5)
            time.sleep(0.001)

    monkeypatch.setattr("kdeviz.ui.work.sweep_run.sweep", swept)
    begun(tune, **TEXTS)
    assert begun_.wait(30)
    put(tune.slider(key="components"), 11)
    until(tune, lambda app: page_session(app).screen.analysis.settings == Settings(11))
    assert page_session(tune).swept.task.running
    free.set()
    ended(tune)


def test_labels_decide_by_what_to_compare_even_if_the_first_row_fails(tune, stuck):
    first_row(begun(tune, components="2000, 8", scalings="norm", bandwidths="scott"))
    assert page_session(tune).swept.rows[0].error is not None
    stuck.set()
    ended(tune)
    assert tune.selectbox(key="sweep_metric").value == "auroc"


def test_a_setting_that_cannot_be_fitted_says_why_in_its_row(tune):
    found = swept(tune, components="2000, 8", scalings="norm", bandwidths="scott")
    assert [row.error is None for row in found.rows] == [False, True]
    shown = table(tune, "sweep_table").value
    assert shown["warnings"].tolist() == ["", found.rows[0].error]
    page_session(tune).own(ChosenRow).settings = found.rows[0].settings
    rerun(tune)
    assert tune.button(key="use_chosen").disabled


def test_a_sweep_in_which_nothing_can_be_fitted_says_so_in_every_row(tune):
    found = swept(tune, components="2000, 2001", scalings="norm", bandwidths="scott")
    assert [row.error is None for row in found.rows] == [False, False]
    assert table(tune, "sweep_table").value["warnings"].tolist() == [row.error for row in found.rows]
    assert cards(tune) == ([], [])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DataError("no such *luck*"), "no such *luck*"),
        (RuntimeError("no such *luck*"), "Unexpected: RuntimeError: no such *luck*"),
        (MemoryError(), "Unexpected: MemoryError"),
    ],
)
def test_a_sweep_that_fails_says_why(tune, monkeypatch, error, said):
    def broken(*arguments):
        raise error

    monkeypatch.setattr("kdeviz.ui.work.sweep_run.sweep", broken)
    swept(tune, **TEXTS)
    assert any("The sweep did not finish" in text for text in markdowns(tune))
    assert said in texts(tune)
    assert not any(text.startswith("Cancelled") for text in texts(tune))
    monkeypatch.undo()


def test_a_rule_that_needs_labels_is_explained_when_they_are_gone(tune):
    put(tune.selectbox(key="rule"), "best_f1")
    found = swept(tune, **ODD)
    assert found.rule.kind == "best_f1"
    assert [row.error for row in found.rows] == [None]


def test_a_sweep_over_other_data_says_so_and_cannot_be_used(tune):
    swept(tune, **TEXTS)
    upload(tune, "rows.npy", npy(gaussian()))
    until(tune, lambda app: page_session(app).screen.data.source == "rows.npy")
    assert any(
        text.startswith("This sweep was over") and text.endswith("run it again for the present data.")
        for text in texts(tune)
    )
    assert tune.button(key="use_Best AUROC").disabled
    page_session(tune).own(ChosenRow).settings = page_session(tune).swept.rows[0].settings
    rerun(tune)
    assert tune.button(key="use_chosen").disabled
    found = swept(tune, components="3", scalings="scale", bandwidths="scott, 2")
    assert not any(text.startswith("This sweep was over") for text in texts(tune))
    assert not found.labelled


def test_without_labels_it_compares_by_likelihood_and_says_what_that_compares(start, tmp_path):
    app = start(rows_file(tmp_path, 120, 10), at="tune")
    found = swept(app, components="2, 4", scalings="scale, norm", bandwidths="0.5, scott")
    assert not found.labelled
    metric = app.selectbox(key="sweep_metric")
    assert metric.value == "log_density"
    assert "AUROC" not in str(metric.options)
    compares_only = "compares only settings with equal components and equal scaling"
    assert compares_only in metric.help
    assert compares_only in columns_of(table(app, "sweep_table"))["log_density"]["help"]
    assert any(compares_only in caption for caption in captions(app))
    choice = best(found)
    value = METRICS["log_density"].written(choice.best.log_density.value)
    scaling = choice.best.settings.feature_scaling_method.value
    assert cards(app)[0][0] == f"Best for {choice.best.components} components, {scaling}: {value}"
    train = page_session(app).data.train
    assert_same_tables(
        sweep_table(found),
        sweep_table(
            sweep(train, None, Grid.parse(components="2,4", scalings="scale,norm", bandwidths="0.5,scott"))
        ),
    )


def test_a_metric_of_labels_is_not_kept_for_data_without(tune):
    swept(tune, **ODD)
    put(tune.selectbox(key="sweep_metric"), "recall")
    upload(tune, "rows.npy", npy(gaussian()))
    swept(tune, components="2", scalings="norm", bandwidths="scott", caps="100")
    assert tune.selectbox(key="sweep_metric").value == "log_density"


def test_what_is_not_in_mlflow_is_said(start, no_mlflow):
    app = start("--mlflow=http://127.0.0.1:9", at="tune")
    found = swept(app, **ODD)
    assert len(found.rows) == 1
    assert any(text.startswith("The sweep is not in MLflow: mlflow is not installed") for text in texts(app))
    assert len(table(app, "sweep_table").value) == 1


def test_rows_stay_whatever_goes_wrong_with_mlflow(start, monkeypatch):
    def broken(uri, table):
        raise RuntimeError("a *strange* server")

    monkeypatch.setattr("kdeviz.ui.work.sweep_run.log_sweep", broken)
    app = start("--mlflow=http://127.0.0.1:9", at="tune")
    swept(app, **ODD)
    until(app, lambda app: not page_session(app).swept.logging.running)
    assert "The sweep is not in MLflow: Unexpected: RuntimeError: a *strange* server" in texts(rerun(app))
    assert not any("did not finish" in text for text in markdowns(app))
    assert len(table(app, "sweep_table").value) == 1


def test_a_sweep_is_logged_as_its_table(start, monkeypatch):
    logged = []
    monkeypatch.setattr("kdeviz.ui.work.sweep_run.log_sweep", lambda uri, table: logged.append((uri, table)))
    app = start("--mlflow=http://127.0.0.1:9", at="tune")
    found = swept(app, **ODD)
    until(app, lambda app: not page_session(app).swept.logging.running)
    ((uri, written),) = logged
    assert uri == "http://127.0.0.1:9"
    pd.testing.assert_frame_equal(written, sweep_table(found), check_exact=True)
    assert not any("MLflow" in text for text in texts(app))


# --- stability


@pytest.fixture
def stable(start):
    return start(at="tune", tune="Stability")


def repeated(app, top=10, repeats=3):
    """Repeat the fit, and give what the session then knows."""
    number(app, "Top samples").set_value(top)
    number(app, "Repeats").set_value(repeats)
    rerun(app)
    press(button(app, "Repeat the fit"))
    until(app, lambda app: not page_session(app).own(Repeated).run.task.running)
    rerun(app)
    return page_session(app).own(Repeated).run.task.result()


def number(app, label):
    (found,) = [widget for widget in app.number_input if widget.label == label]
    return found


def test_stability_is_that_of_the_settings_in_use(stable):
    put(stable.slider(key="components"), 5)
    found = repeated(stable)
    expected = stability(*sample_sets(), Settings(5), 10, 3)
    assert found.settings == expected.settings
    np.testing.assert_array_equal(found.top, expected.top)
    for one, other in zip(found.repeats, expected.repeats, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        assert one[:2] + one[4:] == other[:2] + other[4:]
    _, inspected = sample_sets()
    strip = drawn.strip(expected, inspected, LIGHT)
    agreement = drawn.agreement(expected, LIGHT)
    shown = figures(stable)
    assert len(shown) == 2
    assert same_figure(shown[0], strip)
    assert same_figure(shown[1], agreement)
    assert expected.notes
    assert {f"{note[0].upper()}{note[1:]}." for note in expected.notes} <= set(texts(stable))
    assert any(caption.startswith(f"Fits {name_of(Settings(5))} again") for caption in captions(stable))


def test_other_seeds_are_tried_where_the_cap_leaves_rows_out(start):
    app = start(at="tune", tune="Stability", cap="250", components="3")
    found = repeated(app, repeats=2)
    assert [each.source for each in found.repeats][:1] == ["seeds"]
    assert not found.notes


def test_a_click_on_the_strip_rings_the_sample_in_explore(stable):
    found = repeated(stable, repeats=2)
    click(stable, chart(stable, "strip"), carried=int(found.top[3]))
    assert page_session(stable).picked == found.top[3]
    upload(stable, "rows.npy", npy(gaussian()))
    until(stable, lambda app: page_session(app).screen.data.source == "rows.npy")
    click(stable, chart(stable, "strip"), carried=int(found.top[1]))
    assert page_session(stable).picked is None  # it would be another sample


def test_stability_says_which_settings_it_was_for(stable):
    repeated(stable, repeats=2)
    name = f"This was for {name_of(Settings())} on Handwritten digits"
    assert not any(text.startswith("This was for") for text in texts(stable))
    put(stable.slider(key="components"), 7)
    assert any(text.startswith(name) for text in texts(stable))
    assert len(figures(stable)) == 2
    put(stable.slider(key="components"), 16)
    assert not any(text.startswith("This was for") for text in texts(stable))


def replaced(monkeypatch, work):
    monkeypatch.setattr("kdeviz.ui.panels.stability.stability", work)


def test_a_check_of_stability_can_be_cancelled_from_anywhere(stable, monkeypatch):
    def waiting(*arguments):
        *_, report, cancelled = arguments
        report("Other seeds", 0.5)
        while not cancelled():
            time.sleep(0.005)
        raise Cancelled("cancelled")

    replaced(monkeypatch, waiting)
    for part, key in (("Stability", "cancel_stability"), ("Sweep", "cancel_stability_elsewhere")):
        press(button(stable, "Repeat the fit"))
        until(stable, lambda app: app.get("progress")[0].proto.text.startswith("Other seeds"))
        assert button(stable, "Repeat the fit").disabled
        stable.session_state["tune"] = part
        rerun(stable)
        press(stable.button(key=key))
        stable.session_state["tune"] = "Stability"
        until(stable, lambda app: not page_session(app).own(Repeated).run.task.running)
        rerun(stable)
        assert "Cancelled." in texts(stable)
        assert not figures(stable)
        assert not button(stable, "Repeat the fit").disabled


def test_a_check_of_stability_that_fails_says_why(stable, monkeypatch):
    def broken(*arguments):
        raise DataError("no such *luck*")

    replaced(monkeypatch, broken)
    press(button(stable, "Repeat the fit"))
    until(stable, lambda app: "no such *luck*" in texts(app))
    assert any("The check did not finish" in text for text in markdowns(stable))


def test_stability_of_tiny_data(start, tmp_path):
    app = start(rows_file(tmp_path, 6, 2), at="tune", tune="Stability")
    assert number(app, "Top samples").value == 1
    found = repeated(app, top=2, repeats=2)
    assert len(found.top) == 2
    assert len(figures(app)) == 2


def test_stability_says_where_nothing_can_be_seen(stable, monkeypatch):
    def equal(*arguments):
        found = stability(*arguments)
        return found._replace(scores=np.zeros_like(found.scores))

    replaced(monkeypatch, equal)
    repeated(stable, repeats=2)
    assert any(
        text.startswith("Nothing can be seen here: all samples have the same score") for text in texts(stable)
    )
    assert not figures(stable)
