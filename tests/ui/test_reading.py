"""Files are read in the background, and found again after a reload."""

import copy
import threading

import numpy as np
import pytest
from app_steps import button, charts, gaussian, npy, page_session, press, texts, upload
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from kdeviz.ui.panels import load_data, uploads
from kdeviz.ui.work import held, reading
from kdeviz.ui.work.held import HeldData
from kdeviz.ui.work.loaded import from_uploads, sample


@pytest.fixture(autouse=True)
def store(monkeypatch):
    """What this test's pages have loaded."""
    fresh = HeldData()
    for module in (load_data, uploads):
        monkeypatch.setattr(module, "held_data", lambda: fresh)
    return fresh


def shown(app):
    return page_session(app).data


def errors(app):
    return [error.value for error in app.error]


def test_a_reload_finds_the_uploaded_file(app, start):
    upload(app, "rows.npy", npy(gaussian()))
    token = shown(app).token
    assert app.query_params["data"] in (token, [token])
    again = start(data=token)
    assert shown(again) is shown(app)


def test_a_reload_finds_applied_fixes(app, start):
    rows = gaussian()
    rows[:, 3] = 1.0
    upload(app, "rows.npy", npy(rows))
    fix = next(button for button in app.button if (button.key or "").startswith("fix"))
    fix.click().run()
    app.run()
    assert shown(app).fixes
    again = start(data=shown(app).token)
    assert shown(again).fixes == shown(app).fixes


def test_a_file_that_is_gone_is_said(start):
    app = start(data="0123" * 8, components="5")
    (warning,) = app.warning
    assert "no longer on this server" in warning.value
    assert not charts(app) and "Handwritten digits" not in texts(app)
    assert app.query_params["data"] == "0123" * 8
    press(button(app, "Look at the sample set"))
    assert charts(app) and "Handwritten digits" in texts(app)
    assert "data" not in app.query_params


def test_what_is_no_address_of_data_is_left_out(start):
    app = start(data="0123")
    assert charts(app) and "data" not in app.query_params
    assert [toast.value for toast in app.toast] == ["Not possible in the address, and left out: data"]


def test_the_sample_set_is_not_in_the_address(app):
    upload(app, "rows.npy", npy(gaussian()))
    app.button(key="example_digits").click().run()
    assert shown(app) is sample()
    assert "data" not in app.query_params


def test_too_much_for_a_session_is_said_and_nothing_is_lost(app, store):
    store._per_session = 1000
    upload(app, "rows.npy", npy(gaussian()))
    assert shown(app) is sample()
    assert any("a session may hold" in text for text in texts(app) + errors(app))


class Slow:
    """A reader that goes on when it may."""

    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, *arguments, **options):
        self.begun.set()
        assert self.open.wait(60)
        return from_uploads(*arguments, **options)


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", 0.05)
    found = Slow()
    monkeypatch.setattr(load_data, "from_uploads", found)
    yield found
    found.open.set()


def test_the_screen_stays_while_a_file_is_read(start, slow, monkeypatch):
    app = start()
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", 0.05)
    upload(app, "rows.npy", npy(gaussian()))
    assert slow.begun.wait(30)
    (bar,) = app.get("progress")
    assert bar.proto.text.startswith("Reading rows.npy")
    assert shown(app) is sample()
    task = page_session(app).own(reading.FileReading).task
    slow.open.set()
    task.future.result(60)
    app.run()
    assert len(shown(app).everything) == len(gaussian())
    assert not app.get("progress")


def test_reading_is_cancelled(start, slow, monkeypatch):
    app = start()
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", 0.05)
    upload(app, "rows.npy", npy(gaussian()))
    assert slow.begun.wait(30)
    page_session(app).own(reading.FileReading).task.cancel()
    app.run()
    assert shown(app) is sample()
    assert any("Cancelled. Choose the file again" in text for text in texts(app) + errors(app))
    slow.open.set()
    app.run()
    assert shown(app) is sample()


def test_checks_are_made_while_the_file_is_read(app, monkeypatch):
    threads = []
    preflight = load_data.check
    monkeypatch.setattr(
        load_data,
        "check",
        lambda *arguments: threads.append(threading.current_thread()) or preflight(*arguments),
    )
    upload(app, "rows.npy", npy(gaussian()))
    assert [thread.name for thread in threads] == ["kdeviz-aside"]


def test_a_run_of_the_page_does_not_copy_what_was_uploaded():
    file = UploadedFile(UploadedFileRec("1", "rows.npy", "", npy(gaussian())), FileURLs())
    assert copy.deepcopy(file) is file


def test_bytes_of_loaded_data_count_files_and_rows():
    rows = gaussian()
    content = npy(rows)
    data = from_uploads(("rows.npy", content))
    assert data.bytes >= len(content) + rows.nbytes
    assert sample().uploaded == 0
    assert held.HeldData()._bytes == 0
    assert np.isfinite(data.bytes)


def test_a_reload_finds_the_sweep_and_what_it_has_done(start):
    app = start(at="tune")
    app.text_input(key="grid_components").set_value("4")
    app.text_input(key="grid_bandwidths").set_value("scott")
    app.selectbox(key="grid_standardise").set_value("no")
    app.run()
    next(button for button in app.button if button.label == "Run 2 fits").click().run()
    swept = page_session(app).swept
    swept.task.future.result(60)
    app.run()
    again = start(at="tune", sweep=swept.id)
    assert page_session(again).swept is swept
    assert len(page_session(again).swept.rows) == 2
    other = start(at="tune")
    assert page_session(other).swept is None
    assert "sweep" not in start(at="tune", sweep="unknown").query_params


def test_a_restarted_server_finds_the_uploaded_file_and_its_fixes(app, start, store):
    rows = gaussian()
    rows[:, 3] = 1.0
    upload(app, "rows.npy", npy(rows))
    next(button for button in app.button if (button.key or "").startswith("fix")).click().run()
    before = shown(app)
    assert before.fixes
    store.forget()  # as a restart does
    again = start(data=before.token, sample="7", components="3")
    found = shown(again)
    assert found is not before and (found.token, found.fixes) == (before.token, before.fixes)
    assert np.array_equal(found.everything.features, before.everything.features)
    assert page_session(again).picked == 7
    assert page_session(again).screen.analysis.settings.n_pca_components == 3


def test_forgotten_files_are_gone_for_their_address_too(app, start, tmp_path):
    upload(app, "rows.npy", npy(gaussian()))
    token = shown(app).token
    assert len(list((tmp_path / "uploads").iterdir())) == 2
    press(button(app, "Forget uploaded files"))
    assert shown(app) is sample() and "data" not in app.query_params
    assert not list((tmp_path / "uploads").iterdir())
    (warning,) = start(data=token).warning
    assert "no longer on this server" in warning.value


def test_the_same_file_loaded_again_brings_the_address_back_to_life(app, start, store):
    upload(app, "rows.npy", npy(gaussian()))
    token = shown(app).token
    press(button(app, "Forget uploaded files"))
    again = start(data=token, sample="7", components="3")
    assert again.warning
    upload(again, "rows.npy", npy(gaussian()))
    assert shown(again).token == token and not again.warning
    assert page_session(again).picked == 7
    assert page_session(again).screen.analysis.settings.n_pca_components == 3


def test_a_file_that_no_longer_is_what_it_was_is_not_shown(app, start, store, tmp_path):
    upload(app, "rows.npy", npy(gaussian()))
    token = shown(app).token
    store.forget()
    (content,) = [path for path in (tmp_path / "uploads").iterdir() if path.suffix != ".json"]
    content.write_bytes(npy(gaussian(n=60)))
    again = start(data=token)
    assert any("not what it was" in text for text in texts(again))
    assert again.warning and not charts(again)


def test_a_server_to_look_at_keeps_no_files_and_offers_to_forget_none(start):
    app = start("--read-only")
    assert not [found for found in app.button if found.label == "Forget uploaded files"]
