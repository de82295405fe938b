"""One click takes settings over that help: standardised features, a smaller bandwidth, a larger grid."""

import numpy as np
import pytest
from app_steps import button, has, npy, page_session, press, put, texts, until, upload

from kdeviz.analysis.analyse import analyse
from kdeviz.settings import Settings

BUTTON = "Standardise features"


def of_many_units():
    return np.random.default_rng(0).normal(size=(200, 10)) * [1, 1, 1, 800, 1, 1, 1, 1, 1, 1]


def settings_of(app):
    return page_session(app).screen.analysis.settings


def test_the_check_standardises_with_one_click_and_that_can_be_undone(start):
    app = start()
    upload(app, "rows.npy", npy(of_many_units()))
    assert any("Feature 3 alone carries > 99.9 %" in text for text in texts(app))
    press(button(app, BUTTON))
    until(app, lambda app: settings_of(app).standardise)
    assert app.toggle(key="standardise").value and not any("alone carries" in text for text in texts(app))
    shown = page_session(app).screen.analysis
    np.testing.assert_array_equal(shown.scores, analyse(shown.train, None, shown.settings).scores)
    press(app.button(key="undo_settings"))
    until(app, lambda app: not settings_of(app).standardise)


def test_the_address_tells_whether_features_are_standardised(start):
    app = start(standardise="true")
    assert settings_of(app) == Settings(standardise=True)
    assert app.query_params["standardise"] in ("true", ["true"])


@pytest.mark.parametrize("text", ["maybe", "1; drop", ""])
def test_an_address_that_says_something_else_is_left_out(start, text):
    assert settings_of(start(standardise=text)) == Settings()


def test_groups_far_apart_are_told_and_one_click_narrows_the_bandwidth(start):
    rows = np.random.default_rng(0).normal(size=(300, 2))
    rows[::2, 0] += 1000
    app = start()
    upload(app, "rows.npy", npy(rows))
    groups = page_session(app).screen.analysis.groups
    assert groups.in_words in texts(app)
    press(app.button(key="offer_groups"))
    until(app, lambda app: settings_of(app).bandwidth == groups.offer.changes["bandwidth"])
    assert not has(app, "button", "offer_groups")


def test_a_best_row_at_the_edge_is_told_and_one_click_goes_on(start):
    app = start(at="tune")
    put(app.text_input(key="grid_components"), "2, 3")
    put(app.text_input(key="grid_bandwidths"), "scott")
    press(app.button(key="run_sweep"))
    until(app, lambda app: not page_session(app).swept.task.running and has(app, "button", "go_on"))
    before = page_session(app).swept
    assert any("at the edge of what was tried" in text for text in texts(app))
    press(app.button(key="go_on"))
    until(app, lambda app: not page_session(app).swept.task.running)
    after = page_session(app).swept
    assert after is not before and set(before.grid.components) < set(after.grid.components)
    kept = {row.settings: row for row in after.rows}
    assert all(kept[row.settings] == row for row in before.rows)
    assert app.text_input(key="grid_components").value == ", ".join(map(str, after.grid.components))
