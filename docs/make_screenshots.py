"""Take the README's pictures from the running app: `make screenshots` (needs Chromium)."""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser.conftest import CHROMIUM_FLAGS  # noqa: E402
from browser.steps import painted, pick_row, settled, start_app, stop_app  # noqa: E402

_COLOURS = 256  # keeps each picture far below 400 KB


def main() -> None:
    """Write docs/explore-light.png, explore-dark.png, inspect-light.png and tune-light.png."""
    marks = TemporaryDirectory()
    server, url = start_app("--marks", marks.name)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
            )
            for scheme in ("light", "dark"):
                page = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
                page.goto(url)
                painted(page)
                pick_row(page, 4)
                page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
                page.wait_for_timeout(1500)
                _save(page, f"explore-{scheme}.png")
            _save(
                _inspected(browser.new_page(viewport={"width": 1280, "height": 900}), url),
                "inspect-light.png",
            )
            _save(
                _tuned(browser.new_page(viewport={"width": 1280, "height": 760}), url),
                "tune-light.png",
            )
    finally:
        stop_app(server)
        marks.cleanup()


def _inspected(page: Page, url: str) -> Page:
    """Why the tenth sample is anomalous, with a verdict."""
    page.goto(f"{url}/?why=Components")
    painted(page)
    for _ in range(10):
        page.keyboard.press("n")
        settled(page)
    page.keyboard.press("2")  # a false alarm
    settled(page)
    page.wait_for_timeout(1500)
    return page


def _tuned(page: Page, url: str) -> Page:
    """The sweep that is offered at first."""
    page.goto(url)
    painted(page)
    page.get_by_role("link", name="Tune").click()
    page.get_by_role("button", name="Run 36 fits").click()
    page.get_by_text("Best AUROC:").wait_for()
    page.get_by_test_id("stProgress").wait_for(state="detached")
    settled(page)
    page.wait_for_timeout(1500)
    return page


def _save(page: Page, name: str) -> None:
    path = HERE / name
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(_COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
