"""The app without a browser: widgets, state and jobs."""

from __future__ import annotations

import dataclasses
import gc
import io
import json
import logging
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch
from app_steps import (
    button,
    captions,
    gaussian,
    metrics,
    npy,
    page_session,
    press,
    slide,
    strip,
    texts,
    titles,
    until,
    upload,
)

from kdeviz import Settings, ThresholdRule, analyse, load_sample
from kdeviz.analysis.estimate import Estimate
from kdeviz.data.formats import FORMATS, READERS
from kdeviz.data.reading import Corrections
from kdeviz.errors import Cancelled, DataError
from kdeviz.model import KERNEL_WORDS, ProbabilityCurve
from kdeviz.ui.panels import sidebar
from kdeviz.ui.work import fitting, jobs, loaded
from kdeviz.ui.work.jobs import JobBoard

PNG = b"\x89PNG\r\n\x1a\n truncated"


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def parquet(**columns):
    frame = pd.DataFrame(gaussian(), columns=[f"f{i}" for i in range(10)]).assign(**columns)
    return frame.to_parquet(index=False)


def expected(settings=None):
    train, score = load_sample().train_and_test()
    return analyse(train, score, settings)


def test_the_first_run_shows_the_sample_set(app):
    shown = metrics(app)
    assert shown["Flagged"].endswith("of 756")
    assert shown["Separation (AUROC)"] == "0.943"
    assert titles(app)[0] == f"{shown['Flagged']} samples fall below the threshold"


def test_the_garbage_collector_does_not_look_through_what_was_loaded_before(app):
    assert metrics(app)
    made_later = [gc]
    looked_through = {id(thing) for thing in gc.get_objects()}
    assert id(torch.__dict__) not in looked_through
    assert id(made_later) in looked_through


def test_components_and_scaling_change_the_result(app):
    app.slider(key="components").set_value(8).run()
    app.radio(key="scaling").set_value("norm").run()
    assert not app.exception
    analysis = expected(Settings(8, "norm"))
    threshold = ThresholdRule("quantile", 0.01).threshold(analysis.held_out_scores, analysis.scores)
    assert metrics(app)["Flagged"] == f"{(analysis.scores < threshold).sum()} of 756"
    assert any(words.startswith("8 components keep") for words in captions(app))


def test_data_with_few_dimensions_lower_the_components_only_while_they_are_there(app):
    upload(app, "tiny.npy", npy(gaussian(30, 3)))
    assert app.slider(key="components").value == 3
    upload(app, "wide.npy", npy(gaussian(200, 40)))
    assert app.slider(key="components").value == 16


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


def test_a_threshold_set_by_hand_is_in_the_address(app, start):
    scores = expected().scores
    steps = [float(at.replace("\N{MINUS SIGN}", "-")) for at in strip(app)[1]["thresholds"]]
    slide(app, int(np.abs(np.array(steps) - 22).argmin()))
    threshold = app.number_input(key="nats").value
    assert threshold == pytest.approx(22.0, abs=0.1)
    assert metrics(app)["Flagged"] == f"{(scores < threshold).sum()} of 756"
    assert app.query_params["rule"] == "log_density"
    assert float(app.query_params["nats"]) == threshold
    again = start(rule="log_density", nats=app.query_params["nats"])
    assert metrics(again) == metrics(app)


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
    until(app, lambda app: any("all 50 rows are equal" in text for text in texts(app)))
    assert not metrics(app)


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


def test_only_the_latest_results_are_kept(monkeypatch):
    monkeypatch.setattr("kdeviz.ui.work.jobs._MOST_RESULTS", 12)
    analysis = expected()
    board = JobBoard(lambda *arguments: analysis)
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
    assert running.future.cancelled()
    assert queued.future.cancelled()
    board.start(lambda report, cancelled: None).future.result(10)
    assert seen == [0]


def test_who_asks_for_an_analysis_that_is_under_way_joins_it_and_leaves_it_alone():
    gates, calls = [threading.Event(), threading.Event()], []

    def work(train, score, settings, device, on_progress, cancelled):
        calls.append(settings)
        on_progress("Fitting", 0.5)
        gates[0].set()
        assert gates[1].wait(10)
        assert not cancelled()
        return expected()

    board = JobBoard(work)
    first, second = (board.submit(sample_key(), loaded.sample()) for _ in range(2))
    assert gates[0].wait(10)
    third = board.submit(sample_key(), loaded.sample())
    assert (second.stage, second.fraction) == (third.stage, third.fraction) == ("Fitting", 0.5)
    first.cancel()
    gates[1].set()
    assert second.future.result(10) is third.future.result(10) is board.result(sample_key())
    assert first.result() is None
    assert len(calls) == 1


def test_an_analysis_that_everybody_has_left_is_begun_anew():
    calls, gate = [], threading.Event()

    def work(train, score, settings, device, on_progress, cancelled):
        calls.append(settings)
        gate.set()
        while len(calls) == 1 and not cancelled():
            time.sleep(0.01)
        if len(calls) == 1:
            raise Cancelled("cancelled")
        return expected()

    board = JobBoard(work)
    first = board.submit(sample_key(), loaded.sample())
    assert gate.wait(10)
    first.cancel()
    assert board.submit(sample_key(), loaded.sample()).future.result(30) is board.result(sample_key())


def test_an_abandoned_job_stops_by_itself(monkeypatch):
    monkeypatch.setattr("kdeviz.ui.work.tasks._ABANDONED_AFTER_S", 0.05)

    def work(train, score, settings, device, on_progress, cancelled):
        while not cancelled():
            time.sleep(0.01)
        stopped.set()
        raise Cancelled("cancelled")

    stopped = threading.Event()
    JobBoard(work).submit(sample_key(), loaded.sample())
    assert stopped.wait(10)


def test_results_of_large_data_are_dropped_sooner(monkeypatch):
    analysis = expected()
    board = JobBoard(lambda *arguments: analysis)
    one = jobs._bytes_behind({sample_key(): analysis})
    monkeypatch.setattr("kdeviz.ui.work.jobs._MOST_BYTES", one + 1)
    keys = [("other", Settings(), "cpu"), sample_key()]
    for key in keys:
        board.submit(key, loaded.sample()).future.result(60)
    assert [board.result(key) is not None for key in keys] == [False, True]


def test_the_rows_of_one_source_count_once():
    analysis = expected()
    one = jobs._bytes_behind({sample_key(): analysis})
    two = jobs._bytes_behind({sample_key(): analysis, sample_key(Settings(8)): analysis})
    rows = analysis.train.features.nbytes + analysis.inspected.features.nbytes
    assert one < two < 2 * one
    assert two - one <= one - rows


def test_an_estimate_is_never_measured_beside_a_running_job(monkeypatch):
    measured, release, started = [], threading.Event(), threading.Event()

    def work(*arguments):
        started.set()
        assert release.wait(10)
        return expected()

    def estimated(*arguments):
        measured.append(threading.current_thread().name)
        return Estimate(1.0, 1)

    monkeypatch.setattr("kdeviz.ui.work.jobs.estimate", estimated)
    monkeypatch.setattr("kdeviz.ui.work.jobs.is_measured", lambda *arguments: False)
    board = JobBoard(work)
    board.submit(sample_key(), loaded.sample())
    assert started.wait(10)
    first, second = (board.estimate(sample_key(), loaded.sample()) for _ in range(2))
    assert not first.done()
    release.set()
    assert first.result(60) == second.result(60) == Estimate(1.0, 1)
    assert len(measured) == 1
    assert measured[0].startswith("kdeviz")


def test_a_live_fit_that_takes_longer_is_shown_when_it_is_done(start, work_with, monkeypatch):
    release = threading.Event()

    def work(train, score, settings, *rest):
        assert release.wait(60)
        return analyse(train, score, settings, *rest)

    monkeypatch.setattr("kdeviz.ui.work.fitting._PATIENCE_SECONDS", 0.3)
    board = work_with(work)
    app = start()
    job = page_session(app).own(fitting.Fitting).job
    assert job.running
    release.set()
    job.future.result(60)
    app.run()
    assert not app.exception
    assert not any("Still showing" in text for text in texts(app))
    assert page_session(app).screen.fitted is board.result(page_session(app).screen.key)


def test_a_live_fit_does_not_wait_for_a_long_one(start, work_with):
    release = threading.Event()

    def work(train, score, settings, *rest):
        assert settings.seed == 0 or release.wait(60)
        return analyse(train, score, settings, *rest)

    board = work_with(work)
    other = board.submit(sample_key(Settings(seed=1)), loaded.sample())
    app = start()
    assert page_session(app).screen.fitted is board.result(page_session(app).screen.key)
    assert not other.future.done()
    release.set()
    other.future.result(60)


def press_fit(app):
    """Press the button and look again until the fit, which runs in the background, is done."""
    app.button(key="fit").click().run()
    for _ in range(200):
        assert not app.exception
        if any("took" in caption.value.lower() for caption in app.caption):
            return
        time.sleep(0.1)
        app.run()
    raise AssertionError("the fit did not end")


def test_without_an_estimate_the_fit_waits_for_its_button(start, work_with, monkeypatch, logged):
    def broken(*arguments):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("kdeviz.ui.work.jobs.estimate", broken)
    work_with(analyse)
    app = start()
    until(app, metrics)
    app.slider(key="components").set_value(5).run()
    assert app.button(key="fit").label == "Fit"
    assert any("out of memory" in str(record.exc_info) for record in logged)
    press_fit(app)
    assert any(caption.value.startswith("Took ") for caption in app.caption)


@pytest.mark.parametrize("error", [ZeroDivisionError("boom"), TimeoutError("boom"), MemoryError("boom")])
def test_a_job_that_breaks_is_explained_and_the_screen_stays(start, work_with, logged, error):
    def work(train, score, settings, *rest):
        if settings.n_pca_components == 5:
            raise error
        return analyse(train, score, settings, *rest)

    work_with(work)
    app = start()
    before = metrics(app)
    app.slider(key="components").set_value(5).run()
    assert not app.exception
    until(app, lambda app: f"Unexpected: {type(error).__name__}: boom" in texts(app))
    assert metrics(app) == before
    assert any(record.levelno == logging.ERROR for record in logged)
    app.slider(key="components").set_value(6).run()
    assert not app.exception
    until(app, lambda app: any(words.startswith("6 components keep") for words in captions(app)))


def columns_of(app):
    return json.loads(app.dataframe[0].proto.columns)


def shown_as(app):
    """The kind of each column that has one: "text", "image", ..."""
    kinds = {name: column.get("type_config") for name, column in columns_of(app).items()}
    return {name: kind["type"] for name, kind in kinds.items() if kind}


def test_a_column_called_picture_stays_text(app):
    addresses = [f"http://127.0.0.2/{i}.png" for i in range(120)]
    upload(app, "a.parquet", parquet(picture=addresses))
    assert "image" not in shown_as(app).values()
    assert shown_as(app)["picture"] == "text"
    upload(app, "b.parquet", parquet(picture=addresses, thumbnail=[PNG] * 120))
    (ours,) = [name for name, kind in shown_as(app).items() if kind == "image"]
    table = app.dataframe[0].value
    assert table[ours].str.startswith("data:image/png;base64,").all()
    assert shown_as(app)["picture"] == "text"
    assert table["picture"].str.startswith("http").all()


def test_our_formats_are_not_put_on_columns_of_the_file(app):
    upload(app, "a.parquet", parquet(label=np.linspace(0.25, 0.75, 120), rank=["worst"] * 120))
    columns = columns_of(app)
    assert "label" not in columns
    assert columns["label_in_file"].get("help") is None
    assert columns["rank"]["label"] == "Rank"
    assert shown_as(app)["rank_in_file"] == "text"


def test_a_picture_is_never_decoded_on_the_server(app):
    upload(app, "a.parquet", parquet(thumbnail=[PNG] * 120))
    page_session(app).pick(3)
    app.run()
    assert not app.exception
    (image,) = app.get("image")[0].proto.imgs
    assert image.url.startswith("data:image/png;base64,")


def test_the_second_file_is_read_like_the_first():
    first, second = gaussian(), gaussian(d=7)
    one = ("a.npz", npz(layer1=first, layer2=second))
    other = ("b.npz", npz(layer1=first, layer2=second + 1))
    both = loaded.from_uploads(one, other, said=Corrections(embedding_column="layer2"))
    np.testing.assert_array_equal(both.score.features, second + 1)
    assert not any("has no" in note for note in both.notes)


def test_a_second_file_without_that_column_is_guessed_and_said():
    one = ("a.npz", npz(layer1=gaussian(), layer2=gaussian()))
    other = ("b.npz", npz(other=gaussian(), more=gaussian()))
    both = loaded.from_uploads(one, other, said=Corrections(embedding_column="layer2"))
    assert f"b.npz has no layer2: its {both.score.embedding_column} was read as the embedding." in both.notes
    assert (
        loaded.from_uploads(
            one, ("b.npy", npy(gaussian())), said=Corrections(embedding_column="layer2")
        ).score
        is not None
    )


def test_test_rows_that_a_second_file_replaces_are_mentioned(app):
    upload(app, "a.parquet", parquet(split=["train"] * 90 + ["test"] * 30))
    upload(app, "b.npy", npy(gaussian(50)), "score_file")
    assert "30 test rows of a.parquet are left out: those of b.npy are scored." in texts(app)
    assert metrics(app)["Flagged"].endswith("of 50")


@pytest.fixture
def holes(tmp_path):
    rows = gaussian()
    rows[7, 2] = np.nan
    np.save(tmp_path / "holes.npy", rows)
    return str(tmp_path / "holes.npy")


def test_of_a_first_file_that_cannot_be_fitted_no_numbers_are_shown(start, holes):
    app = start(holes)
    assert not metrics(app)
    assert any(info.value.startswith("There is nothing to show of these data") for info in app.info)
    assert any("hold NaN or infinity" in text for text in texts(app))


def test_a_first_file_is_fitted_however_long_it_takes(start, work_with, monkeypatch, tmp_path):
    monkeypatch.setattr("kdeviz.ui.work.jobs.estimate", lambda *arguments: Estimate(100.0, 1))
    work_with(analyse)
    np.save(tmp_path / "rows.npy", gaussian())
    app = start(str(tmp_path / "rows.npy"))
    until(app, metrics)
    assert metrics(app)["Flagged"] == "1 of 120"


def test_a_missing_file_on_the_command_line_is_explained_until_something_is_loaded(start):
    app = start("nowhere.npy")
    for _ in range(2):
        assert any("nowhere.npy" in text for text in texts(app))
        app.run()
    upload(app, "rows.npy", npy(gaussian()))
    assert not any("nowhere.npy" in text for text in texts(app))


def test_the_sample_set_takes_an_old_error_away(app):
    upload(app, "rows.npy", npy(gaussian()))
    upload(app, "rows.npy", b"broken")
    assert any("could not be loaded" in markdown.value for markdown in app.markdown)
    app.button(key="example_digits").click().run()
    assert not any("could not be loaded" in markdown.value for markdown in app.markdown)


@pytest.mark.parametrize("key", ["score_file", "about_file", "score_about_file"])
def test_a_second_file_alone_is_not_ignored(app, key):
    upload(app, "rows.csv", b"id,colour\n1,red\n", key)
    assert any(text.startswith("Load the embeddings first") for text in texts(app))
    upload(app, "rows.parquet", parquet())
    assert not any(text.startswith("Load the embeddings first") for text in texts(app))


def test_the_table_is_fresh_when_something_else_picks(app):
    def table():
        return app.dataframe[0].proto

    before = table().id
    page_session(app).pick(int(np.argsort(expected().scores, kind="stable")[2]))
    app.run()
    assert table().id != before
    assert json.loads(table().selection_default)["selection"]["rows"] == [2]


def test_a_table_about_the_samples_to_score(app):
    upload(app, "rows.npy", npy(gaussian()))
    upload(app, "labels.csv", b"label\ngood\nbad\n", "score_about_file")
    assert any("labels.csv: it is about more samples to score" in text for text in texts(app))
    upload(app, "new.npy", npy(gaussian()[:2]), "score_file")
    assert page_session(app).data.score.labels.tolist() == [0, 1]
    assert page_session(app).data.everything.labels is None


def test_the_uploaders_take_every_format(app, monkeypatch):
    monkeypatch.setitem(READERS, "other", "json:loads")
    app.run()
    assert ".other" in app.file_uploader(key="main_file").proto.type
    assert app.file_uploader(key="main_file").proto.type == [f".{name}" for name in FORMATS]
    assert app.file_uploader(key="about_file").proto.type == [f".{name}" for name in FORMATS]


@pytest.fixture
def layers(tmp_path):
    np.savez(tmp_path / "layers.npz", layer1=gaussian(), layer2=gaussian(d=7))
    return str(tmp_path / "layers.npz")


def test_the_embedding_column_is_in_the_address(start, layers):
    app = start(layers)
    first, second = app.selectbox(key="column").options
    assert "column" not in app.query_params
    app.selectbox(key="column").set_value(second).run()
    assert not app.exception
    assert app.query_params["column"] == second
    assert page_session(app).data.everything.embedding_column == second
    again = start(layers, column=second)
    assert page_session(again).data.everything.embedding_column == second
    again.selectbox(key="column").set_value(first).run()
    assert "column" not in again.query_params


def test_an_embedding_that_cannot_be_read_is_tried_once(app, monkeypatch):
    upload(app, "layers.npz", npz(layer1=gaussian(), layer2=gaussian(d=7)))
    used, other = app.selectbox(key="column").options
    reads = []

    def broken(column):
        reads.append(column)
        raise DataError("no such luck")

    data = page_session(app).data
    monkeypatch.setattr(page_session(app), "data", dataclasses.replace(data, read_again=broken))
    app.selectbox(key="column").set_value(other).run()
    app.run()
    assert [said.embedding_column for said in reads] == [other]
    assert app.selectbox(key="column").value == used
    assert "no such luck" in texts(app)
    assert metrics(app)["Flagged"] == "1 of 120"


def test_the_device_is_in_the_address(start, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    app = start()
    app.selectbox(key="device").set_value("cpu").run()
    assert app.query_params["device"] == "cpu"
    assert start(device="cpu").selectbox(key="device").value == "cpu"
    assert start("--device", "cpu").selectbox(key="device").value == "cpu"


def test_an_impossible_device_is_explained(start):
    app = start("--device", "cuda:77")
    assert any("device='cuda:77' cannot be used here" in text for text in texts(app))
    assert metrics(app)["Flagged"].endswith("of 756")


@pytest.mark.gpu
def test_a_device_is_spelled_as_in_the_choices():
    assert sidebar._full_name("cuda") == "cuda:0"


def test_what_is_on_the_screen_is_not_fitted_again(start, work_with):
    calls = []

    def work(*arguments):
        calls.append(arguments)
        return analyse(*arguments)

    work_with(work)
    app = start()
    work_with(work)  # which has dropped everything
    app.selectbox(key="rule").set_value("top_k").run()
    app.number_input(key="top_k").set_value(33).run()
    assert metrics(app)["Flagged"] == "33 of 756"
    assert len(calls) == 1


def test_the_kernel_is_named_beside_the_device(app):
    kernel = KERNEL_WORDS[expected().classifier.kernel]
    assert any(text.endswith(f" · summed by {kernel}") for text in texts(app))
    fit = next(metric for metric in app.metric if metric.label == "Fit and score")
    assert kernel in fit.help


def test_on_a_fresh_page_the_probability_curve_can_be_fitted(app):
    assert not button(app, "Centre on the threshold").disabled
    assert not button(app, "Fit to labels").disabled
    press(button(app, "Centre on the threshold"))
    screen = page_session(app).screen
    assert screen.decision.curve.midpoint == pytest.approx(screen.decision.threshold)


def test_a_curve_may_be_as_flat_as_fitting_makes_it(start):
    app = start(midpoint="-9170301", steepness="1.17e-06")
    assert page_session(app).screen.decision.curve == ProbabilityCurve(-9170301.0, 1.17e-6)
    assert not app.toast
