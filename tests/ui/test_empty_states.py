"""Where there is nothing to see, the page says what to do."""

import numpy as np
import pytest
from app_steps import captions, gaussian, has, press, texts, titles

from kdeviz.decision import RULES


def infos(app):
    return [info.value for info in app.info]


@pytest.fixture
def numbers_alone(start, tmp_path):
    """A file without ids, labels, texts, pictures or anything else."""
    np.save(tmp_path / "numbers.npy", gaussian(60, 4))
    return start(str(tmp_path / "numbers.npy"))


def test_a_file_of_numbers_says_where_names_and_labels_could_come_from(numbers_alone):
    assert any("The file holds numbers alone" in words for words in captions(numbers_alone))


def test_the_sample_set_has_more_than_numbers(app):
    assert not any("numbers alone" in words for words in captions(app))


def test_nothing_found_leads_back_to_everything(start):
    app = start(find="no sample says this")
    assert any(words.startswith("No sample passes all of this") for words in captions(app))
    app = press(app.button(key="list_all"))
    assert "1 to 60 of 756 listed" in captions(app)
    assert not has(app, "button", "list_all")


def test_nothing_flagged_says_how_to_flag_something(start):
    app = start(
        **{"rule": "log_density", RULES["log_density"].address_key(): "-1000", "chart": "What matters"}
    )
    assert any(words.startswith("Nothing is flagged: move the threshold") for words in captions(app))
    assert "No sample is flagged, so no feature matters yet: raise the threshold." in texts(app)


def test_a_chart_that_needs_labels_or_a_known_truth_is_not_offered_without(start, numbers_alone):
    (offered,) = [group.options for group in numbers_alone.button_group if group.key == "chart"]
    assert {"ROC", "Truth"}.isdisjoint(offered) and "Density" in offered


def test_the_truth_is_compared_where_the_file_tells_it(start):
    app = start("sample:mixture", chart="Truth")
    assert any(title.startswith("The estimate is typically off by a factor of") for title in titles(app))


@pytest.mark.parametrize(
    ("page", "part", "words"),
    [
        ("tune", {}, "press the button beside them"),
        ("tune", {"tune": "Stability"}, "Press “Repeat the fit”"),
        ("compare", {}, "Keep it with “Keep run”"),
    ],
)
def test_pages_without_results_say_how_to_get_some(start, page, part, words):
    assert any(words in info for info in infos(start(at=page, **part)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "Press “Keep run” in the sidebar"), (("--read-only",), "This app is read-only")],
)
def test_no_kept_run_says_how_to_keep_one(start, arguments, words):
    app = start(*arguments, at="compare", compare="Kept runs")
    assert any(words in caption for caption in captions(app))
