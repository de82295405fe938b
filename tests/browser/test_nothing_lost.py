"""What was on the screen comes back: after a reload, a restart, Back and Forward, and on other pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from browser.steps import (
    choose_tool,
    drag_box,
    figure,
    leave,
    metric,
    move_slider,
    painted,
    press,
    settled,
    upload,
)
from browser.warm import Launcher

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.npy"
    np.save(path, np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32))
    return path


def where(page: Page) -> str:
    """The address without the server."""
    parts = urlsplit(page.url)
    return f"{parts.path}?{parts.query}"


def pick_next(page: Page) -> None:
    page.get_by_role("button", name="Next").click()
    settled(page)


def go_to(page: Page, name: str) -> None:
    page.get_by_test_id("stTopNavLinkContainer").get_by_role("link", name=name).click()
    settled(page)


def shown(page: Page) -> tuple[str, ...]:
    """What tells the screens of these tests apart."""
    components = page.get_by_role("slider", name="Components (PCA)").input_value()
    selected = page.get_by_text(re.compile("selected on the map")).all_inner_texts()
    points = [f"{trace['name']} {trace['n']} {trace['x'][:1]}" for trace in figure(page, 0)["traces"]]
    return where(page), metric(page, "Flagged"), components, " ".join(selected), *points


def test_an_uploaded_file_survives_a_reload_a_second_tab_and_a_restart(
    open_page: OpenPage, launch: Launcher, rows: Path, tmp_path: Path
) -> None:
    page = open_page(launch())
    upload(page, rows)
    expect(page.get_by_text("Back to the sample set")).to_be_hidden()  # the popover has done its work
    expect(page.get_by_test_id("stSidebar").get_by_text("rows", exact=True).first).to_be_visible()
    move_slider(page, "Components (PCA)", "ArrowLeft", 2)
    drag_box(page, 0.2, 0.2, 0.7, 0.7)
    press(page, "n")
    before = shown(page)
    assert before[1].endswith("of 300") and "selected" in before[3]
    page.reload()
    painted(page)
    assert shown(page) == before
    second = open_page(page.url)
    assert shown(second) == before
    leave(second)
    leave(page)
    launch.stop()
    page = open_page(launch() + before[0])
    assert shown(page) == before


def test_a_link_to_a_file_that_is_gone_says_so_and_the_file_brings_it_back(
    open_page: OpenPage, launch: Launcher, rows: Path, screenshots: Path
) -> None:
    page = open_page(launch())
    upload(page, rows)
    press(page, "n")
    link, before = page.url, shown(page)
    page.get_by_role("button", name="Load data").click()
    page.get_by_role("button", name="Forget uploaded files").click()
    settled(page)
    assert metric(page, "Flagged").endswith("of 756")
    expect(page.get_by_text("Back to the sample set")).to_be_hidden()
    page.goto(link)
    expect(page.get_by_text("The file of this address is no longer on this server")).to_be_visible()
    settled(page)
    expect(page.get_by_text("Handwritten digits")).to_be_hidden()
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
    page.screenshot(path=screenshots / "gone.png")
    upload(page, rows)
    painted(page)
    assert page.url == link and shown(page) == before


def test_a_file_that_cannot_be_read_is_told_in_sight_and_nothing_is_lost(
    open_page: OpenPage, app_url: str, tmp_path: Path
) -> None:
    page = open_page(app_url)
    press(page, "n")
    before = shown(page)
    (tmp_path / "junk.npy").write_bytes(b"no numbers")
    upload(page, tmp_path / "junk.npy")
    expect(page.locator(".st-key-upload_problem").get_by_text("junk.npy")).to_be_in_viewport()
    expect(page.get_by_text("Or look at an example")).to_be_in_viewport()
    page.keyboard.press("Escape")
    settled(page)
    assert shown(page) == before


def test_back_and_forward_visit_the_screens_that_were_seen(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    seen = [shown(page)]
    for change in (
        lambda: move_slider(page, "Components (PCA)", "ArrowLeft", 1),
        lambda: move_slider(page, "Threshold on log density", "ArrowLeft", 1),
        lambda: pick_next(page),
        lambda: choose_tool(page, "Box"),
        lambda: drag_box(page, 0.1, 0.1, 0.6, 0.6),
    ):
        change()
        seen.append(shown(page))
    assert len({*seen}) == 6
    for screen in reversed(seen[1:-1]):
        page.go_back()
        settled(page)
        assert shown(page) == screen
    page.go_back()
    settled(page)
    assert shown(page) == seen[0]
    for screen in seen[1:]:
        page.go_forward()
        settled(page)
        assert shown(page) == screen


def test_what_a_closed_popover_said_does_not_come_back_after_back(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    first = shown(page)
    page.get_by_role("button", name="Axes, colour").click()
    page.get_by_role("combobox", name="Axes").first.click()
    page.get_by_role("option").nth(1).click()
    settled(page)
    page.keyboard.press("Escape")
    assert "axes=" in page.url and shown(page)[4:] != first[4:]
    page.go_back()
    settled(page)
    assert shown(page) == first
    pick_next(page)  # any run of the page
    assert "axes=" not in page.url
    page.go_back()
    settled(page)
    assert shown(page) == first


def test_back_crosses_pages_and_returns_to_data_that_were_looked_at(
    open_page: OpenPage, launch: Launcher, rows: Path
) -> None:
    page = open_page(launch())
    first = shown(page)
    upload(page, rows)
    second = shown(page)
    go_to(page, "Tune")
    page.go_back()
    painted(page)
    assert shown(page) == second
    page.go_back()
    painted(page)
    assert shown(page) == first
    page.go_forward()
    painted(page)
    assert shown(page) == second


def test_grids_and_sweeps_stay(open_page: OpenPage, launch: Launcher) -> None:
    page = open_page(launch())
    go_to(page, "Tune")
    components = page.get_by_role("textbox", name="Components")
    for text in ("2, 3", "4"):
        for label, words in (("Bandwidth", "scott"), ("Components", text)):
            box = page.get_by_role("textbox", name=label)
            box.fill(words)
            box.press("Enter")
            settled(page)
        page.get_by_role("button", name=re.compile("Run . fits")).click()
        expect(page.get_by_text(re.compile(r"^In use now"))).to_be_visible()
        settled(page)
    components.fill("5, six")
    components.press("Enter")
    settled(page)
    for name in ("Explore", "Tune", "Compare", "Tune"):  # the second time it was empty
        go_to(page, name)
    assert components.input_value() == "5, six"
    page.reload()
    expect(components).to_have_value("5, six")
    expect(page.get_by_text("This grid cannot be read")).to_be_visible()
    settled(page)
    page.get_by_role("combobox", name="Sweep").click()
    assert page.get_by_role("option").count() == 2
    page.get_by_role("option").last.click()
    settled(page)
    page.get_by_role("button", name="Name", exact=True).click()
    name = page.get_by_role("textbox", name="Name")
    name.fill("the narrow one")
    name.press("Enter")
    settled(page)
    expect(name).to_be_hidden()
    expect(page.get_by_role("combobox", name="Sweep")).to_have_value("the narrow one")


def test_a_run_is_named_when_it_is_kept_and_its_name_is_read_in_full(
    open_page: OpenPage, launch: Launcher, tmp_path: Path, screenshots: Path
) -> None:
    page = open_page(launch("--runs", str(tmp_path / "runs")))
    page.get_by_role("button", name="Keep run").click()
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_have_value(re.compile("^Handwritten digits, 16 components, threshold "))
    assert in_full(name)
    page.screenshot(path=screenshots / "keep.png")
    long = "Handwritten digits, 16 components, the model that was shown at the meeting"
    name.fill(long)
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("button", name="Kept")).to_be_disabled()
    expect(name).to_be_hidden()
    move_slider(page, "Components (PCA)", "ArrowLeft", 1)
    go_to(page, "Compare")
    painted(page)
    first = page.get_by_role("combobox", name="First")
    expect(first).to_have_value(re.compile(f"^{long}"))
    assert in_full(first)
    first.click()
    option = page.get_by_role("option", name=long)
    expect(option).to_be_visible()
    assert all(in_full(part) for part in option.locator("*").all())


def in_full(place: Locator) -> bool:
    """Whether nothing of a text is cut off at its side."""
    return bool(place.evaluate("place => place.scrollWidth <= place.clientWidth + 1 || !place.clientWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_pages_are_in_sight_and_the_map_is_not_far_below(
    open_page: OpenPage, app_url: str, screenshots: Path, scheme: str
) -> None:
    page = open_page(app_url, scheme)
    links = page.locator(".st-key-phone_pages").get_by_role("link")
    expect(links).to_have_count(0)  # there are others above the page
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    place = page.locator(".js-plotly-plot").first.bounding_box()
    assert place is not None and place["y"] < 360
    page.screenshot(path=screenshots / f"phone-{scheme}.png")
    for name in ("Explore", "Tune", "Compare", "Export"):
        link = links.filter(has_text=name).bounding_box()
        assert link is not None and link["x"] >= 0 and link["x"] + link["width"] <= 390
    links.filter(has_text="Export").click()
    page.wait_for_url("**/export**")
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
