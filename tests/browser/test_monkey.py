"""Somebody who presses everything: nothing breaks, and the browser has nothing to complain about.

KDEVIZ_MONKEY names another seed than the usual one.
"""

import os
import random

import pytest
from playwright.sync_api import Error, Page

from browser.steps import broken, painted, settled

pytestmark = pytest.mark.browser
SEED = os.environ.get("KDEVIZ_MONKEY", "1")
ACTIONS, LOOK_EVERY = 200, 10
PRESSABLE = (
    '[data-testid="stApp"] button:enabled:visible, [role="radio"]:visible, [role="tab"]:visible, '
    '[data-testid="stTopNavLink"]:visible, [role="option"]:visible, label[data-baseweb="checkbox"]:visible'
)
TYPED = ["0", "-1", "1e400", "inf", "3", "2:8", "scott, 2", "<b>x</b>", "9" * 30, "x" * 300, "💥", ""]
KEYS = ["n", "p", "Escape", "Tab", "Enter", "ArrowRight", "ArrowLeft", "Home", "End", "PageDown"]
WAIT_MS, PATIENCE_MS = 100, 300


def one_of(chance, page, selector):
    found = page.locator(selector)
    there = found.count()  # once, since the page changes meanwhile
    return found.nth(chance.randrange(there)) if there else None


def press_something(chance, page):
    place = one_of(chance, page, PRESSABLE)
    if place is not None:
        place.click(timeout=PATIENCE_MS)


def type_something(chance, page):
    place = one_of(chance, page, 'input[type="text"]:visible, input[type="number"]:visible')
    if place is not None:
        place.press("ControlOrMeta+a", timeout=PATIENCE_MS)
        page.keyboard.insert_text(chance.choice(TYPED))
        page.keyboard.press("Enter")


def move_a_slider(chance, page):
    place = one_of(chance, page, '[role="slider"]:visible, input[type="range"]:visible')
    if place is not None:
        place.press(chance.choice(["ArrowLeft", "ArrowRight", "Home", "End"]), timeout=PATIENCE_MS)


def hit_a_key(chance, page):
    page.keyboard.press(chance.choice(KEYS))


def click_anywhere(chance, page):
    page.mouse.click(chance.randrange(1280), chance.randrange(720), click_count=chance.choice([1, 1, 2]))


def drag(chance, page):
    page.mouse.move(chance.randrange(1280), chance.randrange(720))
    page.mouse.down()
    page.mouse.move(chance.randrange(1280), chance.randrange(720), steps=3)
    page.mouse.up()


def scroll(chance, page):
    page.mouse.move(800, 400)
    page.mouse.wheel(0, chance.choice([-600, 600]))


def turn_to_a_page(chance, page):
    page.keyboard.press("Escape")  # whoever wants to another page closes what covers this one
    place = one_of(chance, page, '[data-testid="stTopNavLink"]')
    if place is not None:
        place.click(timeout=10 * PATIENCE_MS)


def go_back(chance, page):
    page.evaluate("history.back()")


def reload(chance, page):
    page.reload()


ACTS = {
    press_something: 40,
    type_something: 10,
    move_a_slider: 15,
    hit_a_key: 8,
    click_anywhere: 8,
    drag: 4,
    scroll: 5,
    turn_to_a_page: 8,
    go_back: 2,
    reload: 1,
}


def act(chance: random.Random, page: Page) -> str:
    """Do something; what is gone or covered when it is to be pressed is left alone."""
    (what,) = chance.choices(list(ACTS), list(ACTS.values()))
    try:
        what(chance, page)
    except Error as error:
        if "Timeout" not in str(error) and "not attached" not in str(error):
            raise
    page.wait_for_timeout(WAIT_MS)
    return what.__name__


def test_two_hundred_things_that_anybody_might_do(launch, open_page, tmp_path):
    chance, done = random.Random(SEED), []
    page = open_page(launch("--runs", str(tmp_path / "runs")))
    start, seen = page.url, set()
    for number in range(1, ACTIONS + 1):
        done.append(act(chance, page))
        seen.add(page.url.partition("?")[0].rpartition("/")[2])
        if not page.url.startswith(start.rstrip("/")):  # back beyond the first page
            page.goto(start)
        if number % LOOK_EVERY == 0:
            assert broken(page).count() == 0, (done, broken(page).first.inner_text())
    page.goto(start)
    painted(page)
    settled(page)
    assert seen >= {"", "tune", "compare", "export"}
    assert len(set(done)) == len(ACTS)
    page.close()  # a press that found no time leaves Control down, for whoever had this page next
