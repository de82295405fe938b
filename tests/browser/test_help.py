"""Help and popovers at 1280 x 720: what they show is seen, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
POPOVERS = ("About this file", "Load data", "Keep run", "Axes, colour")
INSIDE = """body => {
  const box = body.getBoundingClientRect();
  return box.top >= 0 && box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight
    && body.scrollHeight <= body.clientHeight + 1;
}"""


@pytest.mark.parametrize("key", ["components", "chart"])
def test_help_shows_its_picture_also_where_a_control_has_no_name(
    open_page: OpenPage, app_url: str, key: str
) -> None:
    page = open_page(app_url)
    page.locator(f".st-key-{key}").hover()
    page.locator(f".st-key-{key}").get_by_test_id("stTooltipIcon").hover()
    picture = page.get_by_test_id("stTooltipContent").locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("picture => picture.naturalWidth") == 220


def test_popovers_fit_on_the_screen(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    for name in POPOVERS:
        page.get_by_role("button", name=name).first.click()
        body = page.get_by_test_id("stPopoverBody")
        expect(body).to_be_visible()
        page.wait_for_timeout(300)  # it grows as it opens
        assert body.evaluate(INSIDE), name
        page.keyboard.press("Escape")
        expect(body).to_be_hidden()
