"""The threshold's slider: what the browser has before it is dragged, and what comes of letting it go."""

import json

import pytest
from app_steps import gaussian, npy, on_strip, page_session, rerun, slide, strip, titles, upload

from kdeviz.decision import CELLS, Decision
from kdeviz.ui.panels import threshold_strip


def decision(app):
    return page_session(app).screen.decision


@pytest.mark.parametrize("step", [0, 137, 201, 333, 400])
def test_the_numbers_of_a_step_are_those_of_the_decision_after_release(app, step):
    _, sent = strip(app)
    while_dragging, shown = sent["states"][sent["state_of"][step]], sent["thresholds"][step]
    slide(app, step)
    _, after = strip(app)
    assert after["now"] == while_dragging
    assert after["threshold"] == shown
    if 0 < step < 400:  # from an end it could be dragged no further: there is more room then
        assert (after["at"], after["states"]) == (step, sent["states"])
    found = decision(app)
    assert found.threshold == float(app.query_params["nats"])
    assert while_dragging["flagged"] == f"{found.n_flagged} of 756 flagged"
    assert [while_dragging[cell].replace("\N{THIN SPACE}", "") for cell in CELLS] == [
        str(value) for value in found.confusion
    ]
    assert titles(app)[0].startswith(f"{found.n_flagged} of 756")


def test_every_step_has_its_words(app):
    _, sent = strip(app)
    assert len(sent["thresholds"]) == len(sent["state_of"]) == threshold_strip.STEPS + 1
    ends = [
        float(end.replace("\N{MINUS SIGN}", "-")) for end in (sent["thresholds"][0], sent["thresholds"][-1])
    ]
    assert ends[0] < decision(app).threshold < ends[1]
    counts = [int(sent["states"][state]["flagged"].split()[0]) for state in sent["state_of"]]
    assert counts == sorted(counts)
    assert len({json.dumps(state) for state in sent["states"]}) == len(sent["states"])


def test_a_move_on_a_strip_that_is_gone_does_not_count(app):
    before = decision(app).threshold
    on_strip(app, "moved", {"to": 3, "about": "another", "moves": 9})
    assert decision(app).threshold == before
    assert strip(app)[1]["moves"] == 0


def test_the_strip_says_which_move_it_answers(app):
    slide(app, 150)
    assert strip(app)[1]["moves"] == 151
    app.selectbox(key="rule").set_value("quantile")
    rerun(app)
    assert strip(app)[1]["moves"] == 151


def test_a_cell_lists_its_samples_and_again_all(app):
    on_strip(app, "cell", "missed")
    assert page_session(app).cell == strip(app)[1]["cell"] == "missed"
    on_strip(app, "cell", "caught")
    assert page_session(app).cell == "caught"
    on_strip(app, "cell", "caught")
    assert page_session(app).cell is None


def test_without_labels_there_are_alarms_and_flagged_only(app):
    upload(app, "rows.npy", npy(gaussian()))
    _, sent = strip(app)
    assert not sent["labelled"]
    assert sent["intervals"] == {}
    assert {tuple(state) for state in sent["states"]} == {("flagged", "alarms")}
    step = 220
    words = sent["states"][sent["state_of"][step]]
    slide(app, step)
    assert strip(app)[1]["now"] == words
    assert isinstance(decision(app), Decision)


def test_alarms_are_told_of_normal_samples(app):
    assert " alarms per 1 000 normal samples (" in strip(app)[1]["now"]["alarms"]


def test_intervals_are_those_of_the_decision(app):
    metrics = decision(app).metrics
    low, high = metrics.recall.interval
    assert strip(app)[1]["intervals"]["recall"] == f"{100 * low:.1f} to {100 * high:.1f} %"
