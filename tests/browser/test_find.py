"""Finding samples in a real browser: search, filters, order, description, zoom and marks in bulk."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from browser.steps import (
    drag_box,
    figure,
    painted,
    picked_rows,
    press,
    settled,
    table_length,
    table_row,
    verdict_button,
)
from browser.warm import Launcher
from kdeviz.data import load_embeddings
from kdeviz.data.mark_file import MarkFile

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
SENTENCES = Path(__file__).parents[2] / "sample_data" / "sentences.parquet"
SIZES = {"laptop": (1280, 720), "screen": (1920, 1080), "phone": (390, 844)}


@pytest.fixture
def page(open_page: OpenPage, app_url: str) -> Page:
    """The text set."""
    return open_page(f"{app_url}/?data=sample:sentences")


def inspected():
    _, score = load_embeddings(SENTENCES).train_and_test()
    assert score is not None
    return score


def search(page: Page, text: str) -> None:
    field = page.get_by_role("searchbox")
    field.fill(text)
    page.wait_for_timeout(600)  # it is sent after a pause
    settled(page)


def shown(page: Page, found: int, total: int) -> None:
    expect(page.get_by_role("heading", name=f"{found} of {total} samples", exact=True)).to_be_visible()


def press_button(page: Page, key: str) -> None:
    page.locator(f".st-key-{key} button:visible").first.click()  # one with help is there twice
    settled(page)


def press_caught(page: Page) -> None:
    page.get_by_test_id("stMain").get_by_role("button", name=re.compile("^Caught")).first.click()
    settled(page)


def add_filter(page: Page, column: str, *values: str) -> None:
    press_button(page, "add_filter")
    page.get_by_role("combobox", name="Column").click()
    page.get_by_role("option", name=column, exact=True).click()
    settled(page)
    for value in values:
        page.locator(".stPopoverBody, [data-testid='stPopoverBody']").get_by_role("button").filter(
            has_text=f"{value} ("
        ).click()
        settled(page)
    press_button(page, "put_filter")


def axis_ranges(page: Page) -> np.ndarray:
    script = "plot => [plot._fullLayout.xaxis.range, plot._fullLayout.yaxis.range]"
    return np.array(page.locator(".js-plotly-plot").first.evaluate(script), float)


def test_search_and_filters_count_all_samples_and_survive_a_reload(page: Page) -> None:
    samples = inspected()
    table = samples.metadata
    assert table is not None
    texts = table[samples.text_columns[0]].str.lower()
    search(page, "THE ")
    with_word = texts.str.contains("the").to_numpy() | np.char.find(np.char.lower(samples.ids), "the") >= 0
    assert 0 < texts.str.contains("the").sum() < len(texts)
    count = int(page.get_by_role("heading", name=re.compile("of 174 samples")).inner_text().split()[0])
    assert texts.str.contains("the").sum() <= count <= max(with_word.sum(), count)
    add_filter(page, "label", "anomalous")
    expect(page.get_by_text("Add filter")).to_be_visible()
    expect(page.get_by_role("combobox", name="Column")).to_have_count(0)  # closed when its work is done
    heading = page.get_by_role("heading", name=re.compile("of 174 samples")).inner_text()
    fewer = int(heading.split()[0])
    assert 0 < fewer < count
    assert table_length(page) == fewer
    page.reload()
    painted(page)
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("^THE"))
    page.get_by_role("button", name=re.compile("^label")).click()
    settled(page)
    shown(page, count, len(texts))
    search(page, "")
    expect(page.get_by_role("heading", name="Most anomalous samples")).to_be_visible()


@pytest.mark.parametrize("height", [720, 450])
def test_a_filter_asked_for_low_on_the_screen_can_be_read_and_added(page: Page, height: int) -> None:
    page.set_viewport_size({"width": 1280, "height": height})
    button = page.locator(".st-key-add_filter button:visible").first
    button.evaluate("button => button.scrollIntoView({block: 'end'})")
    page.get_by_test_id("stMain").evaluate("(main, by) => main.scrollBy(0, by)", height / 5)
    press_button(page, "add_filter")
    page.get_by_role("combobox", name="Column").click()
    page.get_by_role("option", name="label", exact=True).click()
    settled(page)
    expect(page.locator(".st-key-put_filter button")).to_be_in_viewport(ratio=1)
    if height == 720:
        expect(page.get_by_role("combobox", name="Column")).to_be_in_viewport(ratio=0.9)
        for value in page.locator(".st-key-values_label button").all():
            expect(value).to_be_in_viewport(ratio=1)


def test_a_click_beside_all_controls_and_a_key_frame_nothing(page: Page) -> None:
    main = page.get_by_test_id("stMain")
    page.mouse.click(1270, 400)
    press(page, "n")
    expect(main).to_be_focused()
    script = "main => [getComputedStyle(main).outlineStyle, getComputedStyle(main, '::before').content]"
    assert main.evaluate(script) == ["none", "none"]
    page.keyboard.press("Tab")
    ring = "() => getComputedStyle(document.activeElement)"
    assert page.evaluate(f"{ring}.boxShadow") != "none" or page.evaluate(f"{ring}.outlineStyle") != "none"


def test_typing_in_the_search_field_walks_nowhere(page: Page) -> None:
    page.get_by_role("searchbox").click()
    page.keyboard.type("n p 1 2 3 z", delay=30)
    page.wait_for_timeout(600)
    settled(page)
    expect(page.get_by_role("heading", name="0 of 174 samples")).to_be_visible()
    expect(page.locator(".st-key-verdicts")).to_have_count(0)


def test_a_box_on_the_map_and_a_search_together(page: Page) -> None:
    drag_box(page, 0.1, 0.1, 0.6, 0.7)
    heading = page.get_by_role("heading", name=re.compile("of 174 samples"))
    boxed = int(heading.inner_text().split()[0])
    search(page, "the")
    both = int(heading.inner_text().split()[0])
    assert 0 < both < boxed < 174
    page.get_by_role("button", name=re.compile("selected on the map")).click()
    settled(page)
    assert int(heading.inner_text().split()[0]) > both


def test_a_heading_sorts_all_samples_and_the_toolbar_covers_nothing(page: Page) -> None:
    canvas = page.locator(".st-key-samples").get_by_test_id("stDataFrame").locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 90)
    expect(page.locator(".st-key-samples").get_by_test_id("stElementToolbar")).to_be_hidden()
    page.get_by_role("button", name="More", exact=True).click(timeout=5000)
    settled(page)
    expect(page.get_by_text("61 to 120 of 174 listed")).to_be_visible()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 130, box["y"] + 17)  # the heading of the ids
    settled(page)
    ids = sorted(inspected().ids.tolist())
    assert ids[0] in table_row(page, 0)
    expect(page.get_by_text("1 to 60 of 174 listed")).to_be_visible()
    press_button(page, "sort_direction")
    assert ids[-1] in table_row(page, 0)
    page.reload()
    painted(page)
    assert ids[-1] in table_row(page, 0)


@pytest.mark.parametrize("size", ["laptop", "phone"])
def test_a_row_is_pressed_anywhere_and_its_sample_comes_into_view(page: Page, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    settled(page)
    canvas = page.locator(".st-key-samples").get_by_test_id("stDataFrame").locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    wanted = table_row(page, 2)[1]
    page.mouse.click(box["x"] + 130, box["y"] + 38 + 35 * 2 + 15)
    settled(page)
    name = page.locator(".st-key-sample_name")
    expect(name).to_have_text(wanted)
    expect(name).to_be_in_viewport()
    expect(page.get_by_role("button", name="Next")).to_be_in_viewport()
    expect(picked_rows(page)).to_have_count(1)


def test_a_selection_is_described_and_the_map_zooms_to_it(page: Page, screenshots: Path) -> None:
    whole = axis_ranges(page)
    press_caught(page)
    press_button(page, "describe")
    expect(page.get_by_text("More often here than among the others")).to_be_visible()
    assert figure(page, 2)["title"].startswith("Median ")
    press_button(page, "zoom")
    near = axis_ranges(page)
    assert (np.ptp(near, axis=1) < np.ptp(whole, axis=1)).all()
    page.locator(".st-key-samples").scroll_into_view_if_needed()
    page.screenshot(path=screenshots / "described.png")
    tile = page.locator(".st-key-middle button").first
    tile.click()
    settled(page)
    expect(picked_rows(page)).to_have_count(1)
    press_button(page, "whole_map")
    np.testing.assert_allclose(axis_ranges(page), whole)


def test_marks_in_bulk_and_by_key_with_undo_and_redo(
    open_page: OpenPage, launch: Launcher, tmp_path: Path
) -> None:
    page = open_page(launch(str(SENTENCES)))
    press_caught(page)
    caught = int(page.get_by_role("heading", name=re.compile("of 174 samples")).inner_text().split()[0])
    press_button(page, "mark_many")
    page.get_by_role("button", name="Unsure", exact=True).click()
    settled(page)
    (path,) = (tmp_path / "marks").glob("*.sqlite")

    def counts() -> dict[str, int]:
        verdicts = [mark.verdict for mark in MarkFile(path).marks.values()]
        return {verdict: verdicts.count(verdict) for verdict in set(verdicts)}

    assert counts() == {"unsure": caught}
    press(page, "n")
    press(page, "1")
    expect(
        verdict_button(page, "Confirmed").and_(page.get_by_test_id("stBaseButton-primary"))
    ).to_be_visible()
    press(page, "n")
    press(page, "2")
    press(page, "n")
    press(page, "3")  # it was unsure already: taken away
    assert counts() == {"unsure": caught - 3, "confirmed": 1, "normal": 1}
    page.keyboard.press("z")
    expect(page.get_by_test_id("stToast").filter(has_text="unsure taken away")).to_be_visible()
    settled(page)
    press(page, "z")
    press(page, "z")
    assert counts() == {"unsure": caught}
    page.keyboard.press("z")
    told = page.get_by_test_id("stToast").filter(has_text=f"{caught} samples, marked unsure.")
    expect(told).to_be_visible()
    settled(page)
    assert counts() == {}
    press(page, "Shift+Z")
    assert counts() == {"unsure": caught}
    page.reload()
    painted(page)
    expect(page.locator(".st-key-redo button:visible")).to_be_enabled()  # only then is its key heard
    press(page, "Shift+Z")
    assert counts() == {"unsure": caught - 1, "confirmed": 1}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_found_fits_every_screen(
    open_page: OpenPage, app_url: str, screenshots: Path, scheme: str
) -> None:
    page = open_page(app_url + "?data=sample:sentences", scheme)
    search(page, "the")
    add_filter(page, "label", "anomalous")
    press_button(page, "describe")
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        settled(page)
        page.locator(".st-key-samples").scroll_into_view_if_needed()
        overhang = """all => all.filter(one =>
            one.offsetWidth && one.getBoundingClientRect().right > innerWidth + 1).length"""
        assert page.locator(".st-key-samples").locator("button, input").evaluate_all(overhang) == 0
        page.screenshot(path=screenshots / f"found-{size}-{scheme}.png", full_page=True)


@pytest.mark.parametrize("size", ["screen", "phone"])
def test_a_filter_is_added_on_every_screen(page: Page, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    settled(page)
    add_filter(page, "label", "anomalous")
    expect(page.get_by_role("button", name=re.compile("^label"))).to_be_visible()
