"""The app without a browser: widgets, state and jobs."""

from __future__ import annotations

import io
import json
import threading
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from kdeviz import Settings, analyse, load_sample
from kdeviz.errors import Cancelled, DataError
from kdeviz.resources import resource
from kdeviz.ui import loaded
from kdeviz.ui.jobs import JobBoard


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setattr("sys.argv", ["app.py"])
    test = AppTest.from_file(str(resource("app.py")), default_timeout=60)
    test.run()
    assert not test.exception
    return test


def npy(rows):
    buffer = io.BytesIO()
    np.save(buffer, rows)
    return buffer.getvalue()


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def titles(app):
    return [json.loads(c.proto.spec)["layout"]["title"]["text"] for c in app.get("plotly_chart")]


def expected(settings=None):
    train, score = load_sample().train_and_test()
    return analyse(train, score, settings)


def test_the_first_run_shows_the_sample_set(app):
    shown = metrics(app)
    assert shown["Flagged"].endswith("of 756")
    assert shown["Separation (AUROC)"] == "0.943"
    assert titles(app)[0] == f"{shown['Flagged']} samples fall below the threshold"


def test_components_and_scaling_change_the_result(app):
    app.slider(key="components").set_value(8).run()
    app.radio(key="scaling").set_value("norm").run()
    assert not app.exception
    analysis = expected(Settings(8, "norm"))
    threshold = np.sort(analysis.train_scores)[10]
    assert metrics(app)["Flagged"] == f"{(analysis.scores < threshold).sum()} of 756"
    assert titles(app)[2].startswith("8 components keep")


@pytest.mark.parametrize(
    ("rule", "key", "value", "flagged"),
    [("top_k", "top_k", 33, 33), ("log_density", "nats", -1000.0, 0), ("probability", "p", 0.001, 756)],
)
def test_every_threshold_rule_moves_all_numbers_together(app, rule, key, value, flagged):
    app.selectbox(key="rule").set_value(rule).run()
    app.number_input(key=key).set_value(value).run()
    assert not app.exception
    assert metrics(app)["Flagged"] == f"{flagged} of 756"
    assert titles(app)[0].startswith(f"{flagged} of 756")


@pytest.mark.parametrize("rule", ["best_f1", "fpr"])
def test_rules_that_need_labels(app, rule):
    app.selectbox(key="rule").set_value(rule).run()
    assert not app.exception
    assert 0 < int(metrics(app)["Flagged"].split()[0]) < 756


def test_an_upload_replaces_the_data_and_a_broken_one_does_not(app):
    rows = np.random.default_rng(0).standard_normal((120, 10)).astype(np.float32)
    app.file_uploader(key="main_file").upload("rows.npy", npy(rows)).run()
    assert not app.exception
    assert metrics(app)["Flagged"] == "1 of 120"
    app.file_uploader(key="main_file").upload("rows.npy", b"broken").run()
    assert metrics(app)["Flagged"] == "1 of 120"
    assert any("could not be loaded" in markdown.value for markdown in app.markdown)


def test_rules_for_labels_are_not_offered_without_labels(app):
    rows = np.random.default_rng(0).standard_normal((120, 10)).astype(np.float32)
    app.file_uploader(key="main_file").upload("rows.npy", npy(rows)).run()
    assert not any("F1" in option for option in app.selectbox(key="rule").options)


def test_fewer_dimensions_than_the_slider_says_clamps_it(app):
    rows = np.random.default_rng(0).standard_normal((50, 5)).astype(np.float32)
    app.slider(key="components").set_value(40).run()
    app.file_uploader(key="main_file").upload("rows.npy", npy(rows)).run()
    assert not app.exception
    assert app.slider(key="components").value == 5


def test_rows_that_are_all_equal_are_explained(app):
    app.file_uploader(key="main_file").upload("rows.npy", npy(np.ones((50, 5), np.float32))).run()
    assert not app.exception
    assert any("all 50 rows are equal" in text.value for text in app.text)
    assert metrics(app)["Flagged"].endswith("of 756")


def test_a_second_file_must_fit_the_first():
    rows = np.zeros((5, 3), np.float32)
    with pytest.raises(DataError, match=r"b\.npy has 2 dimensions, a\.npy has 3"):
        loaded.from_uploads(("a.npy", npy(rows)), ("b.npy", npy(rows[:, :2])))


def test_tokens_tell_every_file_apart():
    one, other = np.zeros((5, 3), np.float32), np.ones((5, 3), np.float32)
    tokens = [
        loaded.from_uploads(("a.npy", npy(one))).token,
        loaded.from_uploads(("a.npy", npy(other))).token,
        loaded.from_uploads(("a.npy", npy(one)), ("b.npy", npy(other))).token,
        loaded.from_uploads(("a.npy", npy(one)), None, ("t.csv", b"id\n1\n2\n3\n4\n5\n")).token,
    ]
    assert len(set(tokens)) == 4


def sample_key(settings=None):
    return "sample", settings or Settings(), "cpu"


def test_a_result_is_computed_once_and_shared():
    calls = []

    def work(*arguments):
        calls.append(arguments)
        return analyse(*arguments[:4])

    board = JobBoard(work)
    first = board.submit(sample_key(), loaded.sample()).future.result(60)
    second = board.submit(sample_key(), loaded.sample()).future.result(60)
    assert first is second is board.result(sample_key())
    assert len(calls) == 1


def test_only_the_latest_results_are_kept():
    board = JobBoard(lambda *arguments: object())
    keys = [sample_key(Settings(seed=seed)) for seed in range(20)]
    for key in keys:
        board.submit(key, loaded.sample()).future.result(60)
    assert [board.result(key) is not None for key in keys] == [False] * 8 + [True] * 12


def test_cancelling_stops_a_running_job_and_a_queued_one_never_starts():
    started, seen = threading.Event(), []

    def work(train, score, settings, device, on_progress, cancelled):
        seen.append(settings.seed)
        started.set()
        while not cancelled():
            time.sleep(0.01)
        raise Cancelled("cancelled")

    board = JobBoard(work)
    running = board.submit(sample_key(), loaded.sample())
    queued = board.submit(sample_key(Settings(seed=1)), loaded.sample())
    assert started.wait(10)
    queued.cancel()
    running.cancel()
    with pytest.raises(Cancelled):
        running.future.result(10)
    assert queued.future.cancelled()
    assert seen == [0]


def test_an_abandoned_job_stops_by_itself(monkeypatch):
    monkeypatch.setattr("kdeviz.ui.jobs._ABANDONED_AFTER_S", 0.05)

    def work(train, score, settings, device, on_progress, cancelled):
        while not cancelled():
            time.sleep(0.01)
        raise Cancelled("cancelled")

    with pytest.raises(Cancelled):
        JobBoard(work).submit(sample_key(), loaded.sample()).future.result(10)
