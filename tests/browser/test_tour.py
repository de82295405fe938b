"""The newcomer's tour: once in a browser, by keyboard alone, and never over what it explains."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from browser.conftest import PATIENCE_MS, VIEWPORT
from browser.steps import leave, painted, settled
from kdeviz.ui.panels.help_menu import STEPS

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def newcomers(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=VIEWPORT, color_scheme="dark", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def newcomer(newcomers: BrowserContext) -> Iterator[Page]:
    """A browser that has never been here, or remembers nothing of it."""
    page = newcomers.new_page()
    yield page
    leave(page)
    page.close()


def card(page: Page) -> Locator:
    return page.locator(".tour .card")


def on_its_own(page: Page) -> bool:
    """Whether the card is whole in the window and beside the place that it is about."""
    return page.locator(".tour").evaluate(
        """tour => {
            const [spot, card] = [...tour.children].map((part) => part.getBoundingClientRect());
            const apart = card.left >= spot.right || card.right <= spot.left
                || card.top >= spot.bottom || card.bottom <= spot.top;
            const inside = card.left >= 0 && card.top >= 0;
            return apart && inside && card.right <= innerWidth && card.bottom <= innerHeight;
        }"""
    )


def walk(page: Page, steps: int) -> list[str]:
    """The titles, by the right arrow."""
    titles = []
    for step in range(steps):
        expect(card(page)).to_contain_text(f"{step + 1} of {steps}")
        titles.append(card(page).get_by_role("heading").inner_text())
        page.wait_for_timeout(300)
        assert on_its_own(page), titles[-1]
        page.keyboard.press("ArrowRight")
    expect(card(page)).to_be_hidden()
    return titles


def test_it_comes_once_and_again_when_asked_for(newcomer: Page, app_url: str) -> None:
    page = newcomer
    page.goto(app_url)
    painted(page)
    expect(card(page)).to_be_visible()
    expect(card(page).get_by_role("button", name="Next")).to_be_focused()
    assert walk(page, len(STEPS)) == [step.title for step in STEPS]
    page.reload()
    painted(page)
    page.wait_for_timeout(1000)
    expect(card(page)).to_be_hidden()

    page.get_by_role("link", name="Tune").click()
    settled(page)
    page.get_by_role("button", name="Help", exact=True).click()
    page.get_by_role("button", name="Show the tour").click()
    expect(card(page)).to_contain_text("1 of 5")
    page.keyboard.press("ArrowRight")
    expect(card(page)).to_contain_text("2 of 5")
    page.keyboard.press("ArrowLeft")
    expect(card(page)).to_contain_text("1 of 5")
    background = card(page).evaluate("card => getComputedStyle(card).backgroundColor")
    assert background == "rgb(17, 22, 28)"  # that of the dark page
    page.keyboard.press("Escape")
    expect(card(page)).to_be_hidden()
    page.keyboard.press("n")  # the page has its keys again
    settled(page)
    expect(page.locator(".st-key-sample_name")).to_be_visible()


def test_on_a_phone_it_leaves_out_what_is_out_of_sight(newcomer: Page, app_url: str) -> None:
    newcomer.set_viewport_size(PHONE)
    newcomer.goto(app_url)
    painted(newcomer)
    expect(card(newcomer)).to_be_visible()
    titles = walk(newcomer, len(STEPS) - 1)
    assert titles == [step.title for step in STEPS[1:]]


def test_no_other_page_shows_it_and_who_skips_it_is_left_alone(newcomer: Page, app_url: str) -> None:
    newcomer.goto(f"{app_url}/export")
    newcomer.get_by_role("heading", name="Scores").wait_for(timeout=120_000)
    settled(newcomer)
    newcomer.wait_for_timeout(1000)
    expect(card(newcomer)).to_have_count(0)
    newcomer.get_by_role("link", name="Explore").click()
    card(newcomer).get_by_role("button", name="Skip").click()
    expect(card(newcomer)).to_be_hidden()
    newcomer.get_by_role("link", name="Export").click()
    newcomer.get_by_role("link", name="Explore").click()
    painted(newcomer)
    newcomer.wait_for_timeout(1000)
    expect(card(newcomer)).to_be_hidden()
