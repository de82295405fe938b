"""Take the README's pictures and its animation from the running app: `make screenshots` (needs Chromium)."""

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser.conftest import CHROMIUM_FLAGS  # noqa: E402
from browser.steps import (  # noqa: E402
    been_here,
    choose,
    find_chromium,
    painted,
    pick_row,
    settled,
    start_app,
    stop_app,
)

_COLOURS = 256  # keeps each picture far below 400 KB
_STILL_MS = 1500  # until nothing moves any more
_SWEEP = re.compile(r"Run \d+ fits")


class Picture(NamedTuple):
    """One file, and what is done before it is taken."""

    name: str
    height: int
    do: Callable[[Page, str], bool]
    """Given a page and the app's address; False where this app has no such thing."""
    scheme: str = "light"


# --- what is shown


def explore(page: Page, url: str) -> bool:
    """All of Explore, with a flagged sample."""
    _open(page, url)
    pick_row(page, 4)
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
    return True


def inspect(page: Page, url: str) -> bool:
    """Why the tenth sample is anomalous, with a verdict."""
    _open(page, f"{url}/?why=Components")
    for _ in range(10):
        _press(page, "n")
    _press(page, "2")
    return True


def tune(page: Page, url: str) -> bool:
    """The sweep that is offered at first."""
    _open(page, url)
    _go(page, "Tune")
    page.get_by_role("button", name=_SWEEP).click()
    _swept(page)
    return True


def present(page: Page, url: str) -> bool:
    """What was found, as a room sees it."""
    _open(page, url)
    if not _go(page, "Present"):
        return False
    for _ in range(3):
        _press(page, "ArrowRight")
    return True


PICTURES = (
    Picture("explore-light.png", 1000, explore),
    Picture("explore-dark.png", 1000, explore, "dark"),
    Picture("inspect-light.png", 900, inspect),
    Picture("tune-light.png", 760, tune),
    Picture("present-light.png", 720, present),
)


# --- the animation


class Film:
    """Screens of one run, and how long each is shown."""

    SECONDS, QUALITY = 20, 75

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[tuple[Image.Image, float]] = []

    def show(self, parts: float) -> None:
        """The page as it is now, for so many parts of the whole."""
        with Image.open(io.BytesIO(self._page.screenshot())) as taken:
            self._frames.append((taken.convert("RGB"), parts))

    def save(self, path: Path) -> None:
        """Write an animated WebP of `SECONDS`."""
        images, parts = zip(*self._frames, strict=True)
        durations = [round(1000 * self.SECONDS * part / sum(parts)) for part in parts]
        first, *others = images
        how = {"quality": self.QUALITY, "method": 6, "loop": 0}
        first.save(path, save_all=True, append_images=others, duration=durations, **how)


def shoot(page: Page, url: str) -> Film:
    """Open, walk, move the threshold, sweep, take the best over, present."""
    film = Film(page)
    _open(page, url)
    film.show(2)
    for key in ("n", "n", "n"):
        _press(page, key)
        film.show(1.2)
    _drag(page, film)
    choose(page, "ROC")
    page.wait_for_timeout(_STILL_MS)
    film.show(1.5)
    _open(page, url)  # the threshold keeps to its rule again, whatever the settings
    _go(page, "Tune")
    film.show(1)
    page.get_by_role("button", name=_SWEEP).click()
    for _ in range(4):
        page.wait_for_timeout(400)
        film.show(0.4)
    _swept(page)
    film.show(2)
    page.get_by_role("button", name="Use").first.click()
    _go(page, "Explore")
    page.wait_for_timeout(_STILL_MS)
    film.show(1.8)
    if _go(page, "Present"):
        for _ in range(5):
            page.wait_for_timeout(_STILL_MS)
            film.show(1.1)
            _press(page, "ArrowRight")
    return film


def _drag(page: Page, film: Film) -> None:
    """Move the threshold step by step."""
    slider = page.get_by_role("slider", name="Threshold on log density")
    slider.focus()
    for _ in range(8):
        for _ in range(3):
            slider.press("ArrowRight")
        film.show(0.2)
    settled(page)
    page.wait_for_timeout(_STILL_MS)
    film.show(1.5)


# --- steps


def _open(page: Page, url: str) -> None:
    page.goto(url)
    painted(page)


def _go(page: Page, title: str) -> bool:
    """To another page; False where there is none of that name."""
    link = page.get_by_test_id("stTopNav").get_by_role("link", name=title)
    if not link.count():
        return False
    link.click()
    settled(page)
    return True


def _press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    settled(page)


def _swept(page: Page) -> None:
    page.get_by_text("Best AUROC:").wait_for()
    page.get_by_test_id("stProgress").wait_for(state="detached")
    settled(page)


def _page(browser: Browser, height: int, scheme: str) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": height}, color_scheme=scheme)
    been_here(page)
    return page


def _take(browser: Browser, picture: Picture, url: str) -> None:
    page, path = _page(browser, picture.height, picture.scheme), HERE / picture.name
    if picture.do(page, url):
        page.wait_for_timeout(_STILL_MS)
        page.screenshot(path=path)
        Image.open(path).convert("RGB").quantize(_COLOURS).save(path, optimize=True)
    page.close()


def main() -> None:
    """Write the pictures of `PICTURES` and kdeviz.webp beside this file."""
    marks = TemporaryDirectory()
    server, url = start_app("--marks", marks.name)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
            shoot(_page(browser, 720, "light"), url).save(HERE / "kdeviz.webp")
            for picture in PICTURES:
                _take(browser, picture, url)
    finally:
        stop_app(server)
        marks.cleanup()


if __name__ == "__main__":
    main()
