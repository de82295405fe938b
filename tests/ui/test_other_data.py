"""Other data are looked at by settings that suit them, which is said and can be undone."""

import numpy as np
from app_steps import (
    button,
    captions,
    gaussian,
    has,
    markdowns,
    metrics,
    npy,
    page_session,
    press,
    put,
    until,
    upload,
)

UNDO = "undo_settings"


def standing(app):
    state = app.session_state
    return state["components"], state["standardise"], state["scaling"]


def separation(app):
    return metrics(app)["Separation (AUROC)"]


def toasts(app):
    return [toast.value for toast in app.toast]


def test_an_example_is_looked_at_by_the_defaults_and_what_changed_can_be_undone(app):
    put(app.slider(key="components"), 40)
    put(app.radio(key="scaling"), "norm")
    put(app.toggle(key="standardise"), True)
    press(app.button(key="example_breast_cancer"))
    assert standing(app) == (16, False, "scale")
    (said,) = [words for words in captions(app) if words.startswith("Back at the defaults for these data")]
    assert all(
        part in said for part in ("components 40 → 16", "scaling norm → scale", "standardised yes → no")
    )
    assert said[:-1] in toasts(app)[0]
    press(app.button(key=UNDO))
    # These data have no more than thirty dimensions.
    assert standing(app) == (30, True, "norm")
    assert not has(app, "button", UNDO)


def test_a_file_with_few_columns_has_few_components_and_no_word_is_said_where_nothing_was_chosen(app):
    upload(app, "narrow.npy", npy(gaussian(d=8)))
    assert standing(app) == (8, False, "scale")
    assert not has(app, "button", UNDO) and not toasts(app)
    put(app.toggle(key="standardise"), True)
    upload(app, "wide.npy", npy(gaussian(d=20)))
    assert standing(app) == (16, False, "scale")
    assert has(app, "button", UNDO)


def test_a_threshold_on_the_old_scale_and_its_curve_are_taken_back_and_come_back(app):
    put(app.selectbox(key="rule"), "log_density")
    put(app.number_input(key="nats"), 25.0)
    put(app.number_input(key="midpoint"), 25.0)
    press(app.button(key="example_sentences"))
    assert (app.session_state["rule"], app.session_state["midpoint"]) == ("quantile", 12.0)
    assert "threshold · probability curve" in toasts(app)[0]
    press(app.button(key=UNDO))
    state = app.session_state
    assert (state["rule"], state["nats"], state["midpoint"]) == ("log_density", 25.0, 25.0)


def test_the_settings_of_a_link_stay(start):
    app = start(data="sample:breast_cancer", components="5", standardise="true", scaling="norm")
    assert standing(app) == (5, True, "norm")
    assert not has(app, "button", UNDO)


def test_a_second_file_to_score_changes_no_setting(app):
    upload(app, "a.npy", npy(gaussian()))
    put(app.slider(key="components"), 4)
    upload(app, "b.npy", npy(gaussian(50)), key="score_file")
    assert page_session(app).data.score_source == "b.npy"
    assert standing(app) == (4, False, "scale")


def test_the_headline_says_what_the_separation_was_and_the_way_back(app):
    press(app.button(key="example_breast_cancer"))
    before = until(app, lambda app: separation(app) == "0.984") and separation(app)
    assert not has(app, "button", "separation_before")
    put(app.toggle(key="standardise"), True)
    after = until(app, lambda app: separation(app) != before) and separation(app)
    back = app.button(key="separation_before")
    assert (before, after, back.label) == ("0.984", "0.937", "was 0.984")
    put(app.number_input(key="quantile_percent"), 5.0)  # a threshold moves no sample
    press(app.button(key="separation_before"))
    until(app, lambda app: separation(app) == before)
    assert app.button(key="separation_before").label == f"was {after}"
    press(app.button(key="example_sentences"))
    assert not has(app, "button", "separation_before")


def test_without_a_split_it_is_said_once_that_the_training_samples_are_scored(app):
    words = "those learned from are scored themselves"
    assert not any(words in text for text in captions(app))
    upload(app, "plain.npy", npy(gaussian()))
    assert sum(words in text for text in [*captions(app), *markdowns(app)]) == 1


def test_a_proposed_grid_compares_standardised_features_where_labels_can_tell(start):
    labelled = start(at="tune", data="sample:breast_cancer", standardise="true")
    assert labelled.session_state["grid_standardise"] == "no, yes"
    upload(labelled, "plain.npy", npy(gaussian()))
    assert labelled.session_state["grid_standardise"] == "no"


def test_a_chosen_log_density_flags_as_many_by_other_settings(app):
    put(app.selectbox(key="rule"), "log_density")
    before = page_session(app).screen.decision
    put(app.number_input(key="nats"), float(np.sort(before.analysis.scores)[37:39].mean()))
    put(app.radio(key="scaling"), "norm")
    after = page_session(app).screen.decision
    assert after.n_flagged == 38 and after.rule.kind == "log_density"
    assert app.session_state["nats"] == after.threshold != before.threshold
    assert any("38 samples stay flagged" in words for words in captions(app))
    # Somebody who moves it is not moved.
    put(app.number_input(key="nats"), after.threshold - 1)
    assert page_session(app).screen.decision.threshold == after.threshold - 1
    assert not any("stay flagged" in words for words in captions(app))


def test_a_chosen_log_density_stays_where_the_scores_do(app):
    put(app.selectbox(key="rule"), "log_density")
    put(app.number_input(key="nats"), float(np.sort(page_session(app).screen.analysis.scores)[37:39].mean()))
    put(app.slider(key="components"), 17)
    moved = page_session(app).screen.decision
    assert moved.n_flagged == 38
    for seed in (1, 2):  # all rows are learned from, whatever the seed
        put(app.number_input(key="seed"), seed)
        after = page_session(app).screen.decision
        assert after.analysis.settings.seed == seed
        assert (after.threshold, after.n_flagged) == (moved.threshold, 38)


def test_with_too_few_rows_nothing_is_said_of_scores_that_there_are_not(app):
    """Without any six rows of these there are not enough left for a model."""
    upload(app, "few.npy", npy(np.random.default_rng(0).standard_normal((6, 12)).astype(np.float32)))
    assert not page_session(app).screen.analysis.calibrated
    said = [*captions(app), *markdowns(app)]
    assert any(text.endswith("scored themselves, by the model that has seen them.") for text in said)
    assert not any("has not seen it" in text for text in said)
    assert metrics(app)["Expected false alarms"] == "not known"
    press(button(app, "Next"))
    told = " ".join(markdowns(app))
    assert "Log density **" in told and "∞ nats" not in told
