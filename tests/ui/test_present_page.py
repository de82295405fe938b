"""Present: its sentences and pictures are those of the decision, and the address has them all."""

import base64

import numpy as np
import pytest
from app_steps import (
    chart,
    charts,
    figures,
    gaussian,
    has,
    key_of,
    npy,
    page_session,
    put,
    until,
    upload,
    visit,
)

from kdeviz import EmbeddingSet, Settings, analyse, decide, load_sample
from kdeviz.charts import found_map, how_it_works_numbers
from kdeviz.decision import rank_order
from kdeviz.output import story, why


def words(app):
    return " ".join(block.proto.body for block in app.get("html") if "kdeviz-words" in block.proto.body)


@pytest.fixture(scope="module")
def decision():
    return decide(analyse(*load_sample().train_and_test()))


@pytest.mark.parametrize("step", range(1, 6))
def test_each_step_says_its_two_sentences_and_draws(start, decision, step):
    app = start(at="present", step=str(step))
    title, sentences = story(decision)[step - 1]
    assert title in words(app)
    for sentence in sentences:
        assert f"<p>{sentence}</p>" in words(app)
    drawn = [key_of(one) for one in charts(app)]
    assert drawn == ([] if step == 4 else ["present_chart"])


def test_what_the_address_says_is_shown_and_another_picture_is_written(start, decision):
    app = start(at="present", step="4", picture="Map", sample="7")
    drawn = figures(app)[0]
    ring = next(trace for trace in drawn["data"] if trace.get("name") == "ringed")
    x = np.frombuffer(base64.b64decode(ring["x"]["bdata"]), ring["x"]["dtype"])
    assert x == pytest.approx(decision.analysis.coordinates[[7], 0], rel=1e-5)
    put(app.segmented_control(key="picture_4"), "Map pulled apart")
    assert app.query_params["picture"] in ("Map pulled apart", ["Map pulled apart"])
    assert app.query_params["step"] in ("4", ["4"])


def test_what_the_address_cannot_mean_is_left_out(start):
    app = start(at="present", step="9", picture="Nothing", how="7")
    assert "What normal looks like" in words(app)
    assert "Not possible in the address" in app.toast[0].value


def test_how_it_works_has_four_stages_and_the_model_in_them(start, decision):
    app = start(at="present", how="4")
    threshold = f"{decision.threshold:.1f}".replace("-", "−")
    assert threshold in words(app)
    bumps = [one for one in app.get("bidi_component") if one.proto.component_name == "kdeviz.bumps"]
    assert len(bumps) == 1 and not charts(app)
    numbers = how_it_works_numbers(decision)
    assert f"{numbers.n_below} of {numbers.n_flagged} flagged samples lie below its line (dots)" in words(app)


def test_a_model_of_one_component_is_told_without_the_others(start):
    app = start(at="present", how="4", components="1")
    assert "There is one component, and the line is that threshold." in words(app)


def test_without_labels_the_fit_is_repeated_to_see_whether_the_same_comes_out(app):
    upload(app, "rows.npy", npy(gaussian(80, 4)))
    app.session_state["step"] = 5
    visit(app, "present")
    until(app, lambda app: "With other training samples" in words(app))
    assert key_of(charts(app)[0]) == "present_chart"
    assert chart(app, "present_chart")
    assert page_session(app).screen.decision.labels is None


def test_where_no_alarm_can_be_expected_none_is_drawn_as_dots(app):
    upload(app, "few.npy", npy(gaussian(17, 20)))
    put(app.slider(key="components"), 16)
    assert not page_session(app).screen.analysis.calibrated
    for step in (3, 5):
        app.session_state["step"] = step
        visit(app, "present")
        assert "is not known" in words(app)
        assert not has(app, "button_group", f"picture_{step}")
        assert len(charts(app)) == 1


def test_a_talk_draws_no_more_flagged_samples_than_explore(start, monkeypatch):
    monkeypatch.setattr("kdeviz.ui.panels.present_pictures.MOST_FLAGGED", 10)
    asked = []

    def note(decision, axes, picked, shown, most_flagged=None):
        asked.append(most_flagged)
        return found_map(decision, axes, picked, shown)

    monkeypatch.setattr("kdeviz.charts.found_map", note)
    start(at="present", step="4", picture="Map")
    assert asked == [10]


def test_the_reason_of_a_sample_with_named_measurements_tells_what_is_usual():
    train, score = load_sample("breast_cancer").train_and_test()
    decision = decide(analyse(train, score))
    row = int(rank_order(decision.analysis).rows[0])
    rarity, measured = why(decision, row)
    assert rarity == "At most 1 in 233 normal samples score this low."
    assert "of normal samples 9 in 10 have" in measured


def test_the_reason_of_a_sample_without_names_is_its_distance():
    rows = np.random.default_rng(0).standard_normal((200, 5))
    far = EmbeddingSet.from_array(np.full((1, 5), 9.0))
    decision = decide(analyse(EmbeddingSet.from_array(rows), far, Settings(3)))
    assert "times as far away" in why(decision, 0)[-1]
