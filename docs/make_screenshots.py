"""Take the README's pictures from the running app: `make screenshots` (needs Chromium)."""

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser.conftest import CHROMIUM_FLAGS  # noqa: E402
from browser.steps import painted, pick_row, start_app, stop_app  # noqa: E402

_COLOURS = 256  # keeps each picture far below 400 KB


def main() -> None:
    """Write docs/explore-light.png and docs/explore-dark.png."""
    server, url = start_app()
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
                path = HERE / f"explore-{scheme}.png"
                page.screenshot(path=path)
                Image.open(path).convert("RGB").quantize(_COLOURS).save(path, optimize=True)
    finally:
        stop_app(server)


if __name__ == "__main__":
    main()
