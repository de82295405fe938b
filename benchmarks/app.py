"""The app in a real browser: from a moved slider or an opened file to charts, from a key to the reasons."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.tables import Table
from benchmarks.timing import seconds
from kdeviz.analysis import analyse
from kdeviz.data import EXAMPLES, load_sample, sample_source
from kdeviz.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

_TESTS = str(Path(__file__).parents[1] / "tests")
_PATIENCE = 120_000  # milliseconds
_SLIDER = "Components (PCA)"
_FILES = 5
_SOURCES = {name: sample_source(name) for name in EXAMPLES}

# From the first key or file event on, looks every 15 ms whether charts were drawn anew and look different,
# and presses Fit when it is there. They count as painted at the first frame after their last change, once the
# app has rested for half a second. Drawing starts with the rerun that changed them, when the app was last at
# rest. Looking in every frame instead would keep the browser drawing: it took half a processor from the fit.
_WATCH = """(event) => {
    const some = values => values && typeof values === "object" ? Array.from(values).slice(0, 40) : values;
    const look = plot => JSON.stringify([
        (plot._fullData || []).map(t => [some(t.x), some(t.y), some(t.z), some((t.marker || {}).color)]),
        ((plot.layout || {}).shapes || []).map(shape => shape.x0)]);
    const plots = () => Array.from(document.querySelectorAll(".js-plotly-plot"));
    const looks = () => plots().map(look).join();
    const drawings = () => plots().map(plot => plot._fullData);  // each drawing makes a new one
    const idle = () => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]');
    window.painted = new Promise(resolve => document.addEventListener(event, () => {
        const start = performance.now();
        let before = looks(), drawn = drawings(), changed = null, began = start, rest = start, busy = start;
        const glance = () => {
            const now = performance.now(), latest = drawings();
            if (latest.length !== drawn.length || latest.some((data, i) => data !== drawn[i])) {
                drawn = latest;
                const present = looks();
                if (present !== before) {
                    before = present;
                    changed = now;
                    requestAnimationFrame(() => { changed = performance.now(); });
                    if (!idle()) began = rest;
                }
            }
            if (idle()) rest = now;
            if (!idle() || document.querySelector('[data-testid="stProgress"]')) busy = now;
            const fit = document.querySelector('.st-key-fit button:not([disabled])');
            if (fit && !window.pressed) { window.pressed = true; fit.click(); }
            if (changed === null || fit || now < Math.max(changed, busy) + 500) setTimeout(glance, 15);
            else resolve([changed - start, changed - began]);
        };
        glance();
    }, {capture: true, once: true}));
}"""


def run(moves: int = 20, shape: tuple[int, int] = (40_000, 512)) -> Iterator[Table]:
    """One table, or the reason why there is none."""
    header = ("", "median, s", "min", "max")
    try:
        rows = list(_rows(moves, shape))
    except ImportError as error:
        rows = [[f"skipped: {error}", "", "", ""]]
    yield Table("The app in Chromium", header, rows)


def _rows(moves: int, shape: tuple[int, int]) -> Iterator[list[str | float]]:
    sys.path.insert(0, _TESTS)
    from browser.conftest import CHROMIUM_FLAGS
    from browser.steps import been_here, find_chromium, painted, start_app, stop_app
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    if chromium is None:
        raise ImportError("no chromium on the PATH")
    yield _row("sample set: `analyse` alone", _analyses(moves))
    server, url = start_app()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            been_here(page)
            page.set_default_timeout(_PATIENCE)
            page.goto(url)
            painted(page)
            yield _row("sample set: slider to new charts", [_move(page) for _ in range(moves)])
            page.goto(url)
            painted(page)
            yield _row("sample set: key N to why this sample", list(_walk(page, moves)))
            opened = [_example(page, url, name) for _ in range(_FILES) for name in EXAMPLES]
            for place, name in enumerate(EXAMPLES):
                times = opened[place :: len(EXAMPLES)]
                yield _row(f"example {name}: clicked to charts", times)
            # Another seed each time, so that nothing is known of the file.
            total, drawing = zip(
                *(_open(browser.new_page(), url, shape, seed) for seed in range(_FILES)), strict=True
            )
            yield _row(f"{shape[0]} x {shape[1]} .npy file: opened to charts", total)
            yield _row("of which the rerun after the fit: views and drawing", drawing)
            browser.close()
    finally:
        stop_app(server)


def _row(name: str, times: Sequence[float]) -> list[str | float]:
    return [name, median(times), min(times), max(times)]


def _analyses(moves: int) -> list[float]:
    """Other component counts on the sample set, as the slider asks for them."""
    train, score = load_sample().train_and_test()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = [Settings(16 + i) for i in range(moves + 1)]
        return [seconds(lambda s=s: analyse(train, score, s, device="cpu")) for s in settings][1:]


def _move(page: Page) -> float:
    """One step of the component slider, to a count that was not shown before."""
    thumb = page.get_by_role("slider", name=re.compile(re.escape(_SLIDER)))
    thumb.focus()
    page.evaluate(_WATCH, "keydown")
    thumb.press("ArrowRight")
    return float(page.evaluate("window.painted")[0]) / 1000


def _walk(page: Page, steps: int) -> Iterator[float]:
    """The most anomalous samples of the fit on the screen, one after the other."""
    from browser.steps import seconds_to_panel

    train, score = load_sample().train_and_test()
    shown = analyse(train, score, Settings(16), device="cpu")
    for row in np.argsort(shown.scores, kind="stable")[:steps]:
        yield seconds_to_panel(page, str(shown.inspected.ids[row]))


def _example(page: Page, url: str, name: str) -> float:
    """Seconds from the click on an example to painted charts, coming from another one."""
    from browser.steps import painted, settled

    other = next(source for other, source in _SOURCES.items() if other != name)
    page.goto(f"{url}/?data={other}")
    painted(page)
    page.get_by_role("button", name="Load data").click()
    settled(page)
    page.evaluate(_WATCH, "click")
    page.locator(f".st-key-example_{name} button:visible").first.click()
    return float(page.evaluate("window.painted")[0]) / 1000


def _open(page: Page, url: str, shape: tuple[int, int], seed: int) -> tuple[float, float]:
    """(seconds from the choice of a file to painted charts, seconds of that in the last rerun)."""
    from browser.steps import been_here, painted

    been_here(page)
    page.set_default_timeout(_PATIENCE)
    page.goto(url)
    painted(page)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "embeddings.npy"
        np.save(path, np.random.default_rng(seed).standard_normal(shape, np.float32))
        os.sync()  # the file of somebody who opens it is not being written at the same time
        page.get_by_role("button", name="Load data").click()
        chooser = page.locator('input[type="file"]').first
        page.evaluate(_WATCH, "change")
        chooser.set_input_files(path)
        total, drawing = page.evaluate("window.painted")
    page.close()
    return total / 1000, drawing / 1000
