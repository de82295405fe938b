"""Previews on the page: what they say, what stays when more is scored, and how they are cancelled."""

import dataclasses
import threading
from concurrent.futures import wait

import numpy as np
import pytest
from app_steps import (
    captions,
    gaussian,
    markdowns,
    metrics,
    npy,
    page_session,
    press,
    put,
    rerun,
    titles,
    until,
    visit,
)

from kdeviz.analysis import analyse, preview
from kdeviz.decision import RULES, decide
from kdeviz.settings import Settings
from kdeviz.ui.numbering import Numbering
from kdeviz.ui.work import jobs, loaded
from kdeviz.ui.work.fitting import Fitting
from kdeviz.ui.work.jobs import JobBoard
from kdeviz.ui.work.tasks import Task

PATIENCE = 60


class Steps:
    """An analysis that waits after each preview until the test lets it go on."""

    def __init__(self):
        self.shown, self._may, self.opened = [], threading.Semaphore(0), threading.Event()
        self.opened.set()

    def work(self, *given, on_preview=None, **options):
        def show(seen):
            on_preview(seen)
            self.shown.append(seen)
            assert self._may.acquire(timeout=PATIENCE)

        assert self.opened.wait(PATIENCE)
        return analyse(*given, on_preview=on_preview and show, **options)

    def on(self, times=1):
        """Let it compute up to so many more previews."""
        self._may.release(times)

    def hold(self):
        """Let it compute no more, whatever it might have."""
        while self._may.acquire(blocking=False):
            pass


@pytest.fixture
def steps(monkeypatch):
    """The board of the app, on which all work is long and its samples are small."""
    stepped = Steps()
    board = JobBoard(stepped.work)
    monkeypatch.setattr(jobs, "PREVIEWED_S", 0.0)
    monkeypatch.setattr(preview, "FIRST_ROWS", 100)
    monkeypatch.setattr("kdeviz.ui.work.fitting._PATIENCE_SECONDS", 0.05)
    for module in ("work.fitting", "work.reading", "panels.preflight"):
        monkeypatch.setattr(f"kdeviz.ui.{module}.job_board", lambda: board)
    yield stepped
    stepped.on(100)


def previewed(app, rows):
    """Wait until the page shows a preview of so many rows."""

    def shown(app):
        screen = page_session(app).screen
        return screen is not None and screen.preview is not None and len(screen.preview.rows) == rows

    until(app, shown)
    return app


def exact(app):
    def shown(app):
        screen = page_session(app).screen
        return screen is not None and screen.preview is None

    until(app, shown)
    return app


def expected():
    return analyse(loaded.sample().train, loaded.sample().score)


def test_a_preview_says_of_what_it_is_one_and_every_figure_says_about(start, steps):
    app = previewed(start(), 100)
    assert any(words.startswith("**Preview: 100 of 756 rows;**") for words in markdowns(app))
    shown = metrics(app)
    assert shown["Flagged"].startswith("about ")
    assert shown["Separation (AUROC)"].startswith("about 0.")
    ends = {metric.label: metric.delta for metric in app.metric}
    assert all(" to " in ends[name] for name in ("Flagged", "Expected false alarms", "Separation (AUROC)"))
    assert all(title.startswith("About: ") for title in titles(app))
    assert "Most anomalous samples so far" in [heading.value for heading in app.subheader]
    assert next(button for button in app.button if button.label == "Cancel")


def test_refinement_ends_with_what_analyse_gives(start, steps):
    app = previewed(start(), 100)
    for rows in (200, 400):
        steps.on()
        previewed(app, rows)
    steps.on()
    exact(app)
    np.testing.assert_array_equal(page_session(app).screen.fitted.scores, expected().scores)
    assert not any("Preview" in words for words in markdowns(app))
    assert not any(title.startswith("About") for title in titles(app))
    assert metrics(app)["Flagged"].endswith("of 756")
    assert any(toast.value.startswith("All 756 rows are scored") for toast in app.toast)


def test_what_is_picked_selected_and_set_stays_while_the_rest_is_scored(start, steps):
    app = previewed(start(), 100)
    session = page_session(app)
    first = session.screen.preview.rows
    session.pick(5)
    session.select(np.array([3, 5, 8]))
    app.session_state["rule"] = "log_density"
    app.session_state[RULES["log_density"].address_key()] = 20.0
    rerun(app)
    assert app.query_params["sample"] == str(first[5])
    for _ in range(3):
        steps.on()
        until(app, lambda app: page_session(app).screen.fitted is not steps.shown[0])
        assert session.picked_number == first[5]
        assert set(first[[3, 5, 8]]) == set(session.region_numbers)
        assert session.screen.decision.threshold == 20.0
    exact(app)
    assert session.picked == first[5]
    np.testing.assert_array_equal(session.region, np.sort(first[[3, 5, 8]]))
    assert session.screen.decision.threshold == 20.0


@pytest.fixture
def fewer_at_first(monkeypatch):
    """The first preview is of fewer training rows than was asked for."""

    def quick(n, d, settings, device="auto"):
        return dataclasses.replace(settings, max_training_points=200)

    monkeypatch.setattr("kdeviz.ui.work.jobs.quick_settings", quick)


def test_a_chosen_threshold_stays_when_previews_learn_from_more(start, steps, fewer_at_first):
    app = previewed(start(rule="log_density", nats="-20.0"), 100)
    assert page_session(app).screen.analysis.settings.max_training_points == 200
    steps.on(10)
    exact(app)
    screen = page_session(app).screen
    assert screen.analysis.settings.max_training_points > 200
    assert screen.decision.threshold == app.session_state["nats"] == -20.0
    assert not any("stay flagged" in words for words in captions(app))


def test_other_settings_flag_as_many_whatever_the_previews_learn_from(start, steps, fewer_at_first):
    app = previewed(start(rule="log_density"), 100)
    steps.on(10)
    exact(app)
    scores = np.sort(page_session(app).screen.analysis.scores)
    put(app.number_input(key="nats"), float(scores[37:39].mean()))
    put(app.radio(key="scaling"), "norm")
    steps.on(10)
    exact(until(app, lambda app: page_session(app).screen.key[1].feature_scaling_method.value == "norm"))
    assert page_session(app).screen.decision.n_flagged == 38
    assert any("38 samples stay flagged" in words for words in captions(app))


def test_as_many_stay_flagged_when_the_exact_scores_come_while_a_preview_is_followed(
    start, steps, fewer_at_first, monkeypatch
):
    app = previewed(start(rule="log_density"), 100)
    steps.on(10)
    exact(app)
    steps.hold()
    scores = np.sort(page_session(app).screen.analysis.scores)
    put(app.number_input(key="nats"), float(scores[37:39].mean()))
    followed = []

    def decided_late(analysis, rule):
        """All is scored before the number that was found on this preview gets on the screen."""
        followed.append(analysis.preview)
        steps.on(10)
        if job := page_session(app).own(Fitting).job:
            wait([job.future], PATIENCE)
        return decide(analysis, rule)

    monkeypatch.setattr("kdeviz.ui.panels.threshold.decide", decided_late)
    put(app.radio(key="scaling"), "norm")
    exact(until(app, lambda app: page_session(app).screen.key[1].feature_scaling_method.value == "norm"))
    assert [seen is None for seen in followed] == [False, True]
    assert page_session(app).screen.decision.n_flagged == 38


def test_what_a_link_names_is_picked_when_it_is_scored(start, steps):
    late = int(preview.parts_of(756, 0)[-1][7])
    app = previewed(start(sample=str(late), neighbour="8", chart="Sample"), 100)
    session = page_session(app)
    assert (session.picked, session.picked_number) == (None, late)
    rerun(app)
    asked = session.picks
    rerun(app)
    assert app.query_params["sample"] == str(late)
    assert app.query_params["neighbour"] == "8"
    assert session.picks == asked, "the table was asked for again"
    steps.on(10)
    exact(app)
    assert (session.picked, session.neighbour, session.picks) == (late, 8, asked + 1)
    press(next(button for button in app.button if button.label == "Back"))
    assert (session.picked, session.neighbour) == (late, None)


def test_cancelling_keeps_the_preview_and_going_on_starts_from_there(start, steps):
    app = previewed(start(), 100)
    steps.on()
    previewed(app, 200)
    next(button for button in app.button if button.label == "Cancel").click()
    rerun(app)
    steps.on()
    until(app, lambda app: any("Stopped: the preview" in words for words in markdowns(app)))
    screen = page_session(app).screen
    assert screen.preview is not None
    assert metrics(app)["Flagged"].startswith("about ")
    before = len(steps.shown)
    steps.on(10)
    app.button(key="go_on").click()
    rerun(app)
    exact(app)
    sizes = [len(each.scores) for each in steps.shown[before:]]
    assert min(sizes, default=400) > 200 or 200 in sizes
    assert all(size > len(screen.preview.rows) for size in sizes)
    np.testing.assert_array_equal(page_session(app).screen.fitted.scores, expected().scores)


@pytest.mark.parametrize("page", ["tune", "compare", "export", "present"])
def test_pages_that_need_all_scores_wait_for_them(start, steps, page):
    app = previewed(start(), 100)
    visit(app, page)
    assert any("Only 100 of 756 rows are scored" in info.value for info in app.info)


@pytest.mark.parametrize("page", ["tune", "present"])
def test_pages_that_need_all_scores_do_not_promise_a_fit_that_was_cancelled(start, steps, page):
    steps.opened.clear()
    app = start(at=page)
    assert any(info.value == "The first fit is under way." for info in app.info)
    next(button for button in app.button if button.label == "Cancel").click()
    rerun(app)
    steps.opened.set()
    until(app, lambda app: any("The fit did not finish" in words for words in markdowns(app)))
    assert [info.value for info in app.info] == [
        "There is nothing to show of these data: they are not fitted yet."
    ]


def test_other_data_never_stand_beside_the_numbers_of_those_before(start, steps):
    app = previewed(start(), 100)
    steps.on(10)
    exact(app)
    steps.opened.clear()
    app.file_uploader(key="main_file").upload("other.npy", npy(gaussian(90)))
    rerun(app)
    assert page_session(app).data.everything.name == "other"
    assert page_session(app).own(Fitting).job is not None
    assert not metrics(app)
    assert not titles(app)
    assert any(info.value == "The first fit is under way." for info in app.info)
    steps.opened.set()
    exact(app)
    assert metrics(app)["Flagged"].endswith("of 90")


def test_two_sessions_see_the_previews_of_one_run(steps):
    board, key = JobBoard(steps.work), ("sample", Settings(), "cpu")
    first = board.submit(key, loaded.sample())
    while not steps.shown:
        threading.Event().wait(0.02)
    second = board.submit(key, loaded.sample())
    assert first.preview is second.preview is steps.shown[0]
    steps.on(10)
    assert first.future.result(PATIENCE) is second.future.result(PATIENCE)


def test_until_its_first_preview_long_work_is_urgent():
    run = jobs._Run(60.0)
    assert run.rest < Task(10.0).rest
    run.show("preview")
    assert run.rest > Task(10.0).rest


def test_rows_by_other_numbers():
    def some(*rows):
        return preview.Preview(None, np.array(rows), False)

    small, large, other = some(4, 1, 7), some(4, 1, 7, 0, 2), some(7, 3)
    assert Numbering(small, large).stays
    assert Numbering(None, None).stays
    assert not Numbering(small, None).stays
    assert not Numbering(small, other).stays
    assert Numbering(small, None).rows(np.array([0, 2])).tolist() == [4, 7]
    assert Numbering(None, small).rows(np.array([7, 3, 4])).tolist() == [0, 2]
    assert [Numbering(small, other).row(row) for row in range(3)] == [None, None, 0]
    assert Numbering(small, None).back.row(1) == 1
