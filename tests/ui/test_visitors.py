"""A server to look at, and runs that belong to somebody."""

import pandas as pd
import pytest
from app_steps import button, gaussian, page_session, put, rerun, texts, visit

from kdeviz.errors import OptionError
from kdeviz.output import RunStore
from kdeviz.ui.panels import kept_runs
from kdeviz.ui.work import mark_books


def pick_first(app):
    page_session(app).pick(0)
    return rerun(app)


def test_nothing_is_taken_kept_or_marked(start, tmp_path):
    app = pick_first(start("--read-only"))
    labels = [button.label for button in app.button]
    assert not {"Keep run", "Undo", "Handwritten digits"} & {*labels}
    assert not app.get("file_uploader")
    assert not [area for area in app.text_input if area.label == "Note"]
    assert not [control for control in app.get("button_group") if control.label == "Your verdict"]
    visit(app, "compare")
    assert not app.get("file_uploader")
    assert not (tmp_path / "runs").exists() and not list((tmp_path / "marks").glob("*"))


def test_marks_that_a_file_brings_are_seen_and_not_kept(start, tmp_path):
    table = pd.DataFrame(gaussian(60, 4)).rename(columns=str).assign(id=[f"s{row}" for row in range(60)])
    table.assign(mark=["confirmed"] + [""] * 59, mark_note="").to_parquet(tmp_path / "marked.parquet")
    app = start(str(tmp_path / "marked.parquet"), "--read-only")
    page_session(app).pick(0)
    assert "Confirmed" in texts(rerun(app))
    assert not list((tmp_path / "marks").glob("**/*"))


def test_marks_of_before_are_seen(start):
    app = pick_first(start())
    (note,) = [area for area in app.text_input if area.label == "Note"]
    put(note, "look again")
    app = pick_first(start("--read-only"))
    assert "look again" in texts(app)


def test_a_server_to_look_at_logs_nothing(start, mlflow_is_there):
    app = start("--read-only", "--mlflow", "http://127.0.0.1:1")
    assert app.session_state["mlflow"] is None


@pytest.fixture
def as_user(monkeypatch):
    def become(name):
        for module in (kept_runs, mark_books):
            monkeypatch.setattr(module, "visitor", lambda: name)

    return become


def note_of(app):
    (note,) = [area for area in pick_first(app).text_input if area.label == "Note"]
    return note


def test_marks_are_each_users_own(start, as_user):
    for name in ("anna", "ben", ""):
        as_user(name)
        assert note_of(start()).value == ""
        put(note_of(start()), f"by {name}")
    for name in ("", "anna", "ben"):
        as_user(name)
        assert note_of(start()).value == f"by {name}".strip()


@pytest.mark.parametrize("user", ["..", "../..", "a/b", "\\", "x" * 500, "Zoë", "\x00"])
def test_no_name_of_a_user_leads_out_of_the_folder(tmp_path, user):
    folder = mark_books.folder_of(user, tmp_path)
    assert folder.parent == tmp_path and folder != mark_books.folder_of(user + "x", tmp_path)
    folder.mkdir()


def test_a_run_is_its_keepers(start, as_user, tmp_path):
    as_user("anna")
    app = start()
    button(app, "Keep").click().run()
    (run,) = RunStore(tmp_path / "runs").runs()
    assert run.owner == "anna"
    store = RunStore(tmp_path / "runs")
    for by in ("ben", ""):
        with pytest.raises(OptionError, match="was kept by anna: only they can change or delete it"):
            store.rename(run.id, "mine", by)
        with pytest.raises(OptionError, match="was kept by anna"):
            store.delete(run.id, by)
    assert store.rename(run.id, "hers", "anna").owner == "anna"
    assert store.rename(run.id, "the machine's", None).name == "the machine's"
    store.delete(run.id, "anna")
    assert store.runs() == ()


def test_a_run_of_nobody_is_everybodys(start, tmp_path):
    button(start(), "Keep").click().run()
    store = RunStore(tmp_path / "runs")
    (run,) = store.runs()
    assert run.owner == ""
    store.delete(run.id, "ben")
    assert store.runs() == ()
