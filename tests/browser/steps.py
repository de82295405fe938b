"""What a person does with the app, as functions."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import BrowserContext, Error, Locator, Page

CHROMIUM = "chromium-headless-shell", "chromium", "chromium-browser"
TABLE_LAGS_MS = 300  # what a table shows it tells screen readers, and tests, only after a while


def find_chromium() -> str | None:
    """The one without windows first: it opens the app with a sixth less of the processor's time."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(*arguments: str) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    command = [sys.executable, "-m", "kdeviz.cli", "app", *arguments, "--no-browser", "--port", str(port)]
    return serving(command, port)


def start_script(script: Path, *arguments: str) -> tuple[subprocess.Popen[bytes], str]:
    """An app that a script makes of ours, as streamlit runs it."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address=127.0.0.1"]
    command += ["--server.headless=true", "--server.showEmailPrompt=false", f"--server.port={port}"]
    return serving([*command, "--", *arguments], port)


def serving(command: list[str], port: int) -> tuple[subprocess.Popen[bytes], str]:
    """Wait until it answers."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return server, answering(port, server.kill)


def answering(port: int, give_up: Callable[[], object]) -> str:
    """The address of a server that was started, once it answers."""
    url = f"http://127.0.0.1:{port}"
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return url
    give_up()
    raise AssertionError("the app did not start")


def stop_app(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait(20)


def been_here(browser: BrowserContext | Page) -> None:
    """Let the app take this browser for one that has seen the newcomer's tour."""
    browser.add_init_script(
        "try { localStorage.setItem('kdeviz.tour', 'seen'); } catch { /* about:blank */ }"
    )


def leave(page: Page) -> None:
    """Go away from the app, and leave nothing in the browser."""
    try:
        if page.url != "about:blank":
            # Until it is gone, the app itself writes there, for instance that the sidebar is hidden.
            page.goto(urljoin(page.url, "/_stcore/health"))
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
            page.goto("about:blank")
        page.mouse.up()
    except Error:  # it crashed: the next test opens another
        page.close()


def painted(page: Page) -> None:
    """Wait until the charts are drawn and no rerun is under way; a new server has to load torch first."""
    page.locator(".js-plotly-plot .main-svg").or_(broken(page)).first.wait_for(timeout=120_000)
    assert broken(page).count() == 0, broken(page).first.inner_text()
    settled(page)


def broken(page: Page) -> Locator:
    """What Streamlit shows in place of an app that raised an exception."""
    return page.get_by_test_id("stException")


def settled(page: Page) -> None:
    """Wait until what was sent has been heard, no rerun is under way and what came of it is drawn."""
    for pause_ms in (150, 50):  # the longest that the app itself pauses before it sends is 120
        page.wait_for_timeout(pause_ms)
        page.evaluate("() => fetch('/_stcore/health')")  # answered after what was sent before
        page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.locator(".kdeviz-chart").evaluate_all("all => Promise.all(all.map(place => place.kdeviz.last))")


def metric(page: Page, label: str) -> str:
    box = page.get_by_test_id("stMetric").filter(has_text=label)
    return box.get_by_test_id("stMetricValue").inner_text()


def outcome(page: Page, name: str) -> str:
    """Precision, recall or F1, as the strip below the charts has it."""
    return page.locator(".threshold .metrics div").filter(has_text=name).locator(".value").inner_text()


def figure(page: Page, chart: int) -> dict[str, Any]:
    """Titles and traces of a chart as the browser has them; arrays as lists, one symbol for each point."""
    script = """(plot) => {
        const each = (value, n) => typeof value === "string" ? Array(n).fill(value) : Array.from(value || []);
        return JSON.stringify({
        title: plot.layout.title.text.replaceAll("<br>", " "),
        subtitle: plot.layout.title.subtitle.text.replaceAll("<br>", " "),
        shapes: (plot.layout.shapes || []).map(s => s.x0),
        traces: plot._fullData.map(t => ({name: t.name, type: t.type, n: (t.x || []).length,
                                          x: Array.from(t.x || []).slice(0, 5),
                                          y: Array.from(t.y || []).slice(0, 5),
                                          symbols: each((t.marker || {}).symbol, (t.x || []).length)})),
    })}"""
    return json.loads(page.locator(".js-plotly-plot").nth(chart).evaluate(script))


def titled(page: Page, chart: int, words: str) -> None:
    """Wait until the title of a chart begins so: the last rerun of a task comes a moment after its end."""
    script = """([chart, words]) => {
        const plot = document.querySelectorAll(".js-plotly-plot")[chart];
        return plot && plot.layout.title.text.replaceAll("<br>", " ").startsWith(words);
    }"""
    page.wait_for_function(script, arg=[chart, words])


def move_slider(page: Page, label: str, key: str, times: int) -> None:
    thumb = page.get_by_role("slider", name=label)
    thumb.focus()
    for _ in range(times):
        thumb.press(key)
    settled(page)


def choose_tool(page: Page, tool: str) -> None:
    choose(page, tool)


def drag_box(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Drag a box over a share of the map's plotting area."""
    choose_tool(page, "Box")
    area = page.locator(".js-plotly-plot").first.locator(".nsewdrag").first.bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + left * area["width"], area["y"] + top * area["height"])
    page.mouse.down()
    page.mouse.move(area["x"] + right * area["width"], area["y"] + bottom * area["height"], steps=12)
    page.mouse.up()
    settled(page)


def click_on_map(page: Page, x: float, y: float) -> None:
    """Click where the map draws these coordinates."""
    click_on_chart(page, 0, x, y)


def click_on_chart(page: Page, chart: int, x: float, y: float) -> None:
    """Click where a chart draws these coordinates."""
    plot = page.locator(".js-plotly-plot").nth(chart)
    script = """(plot, [x, y]) => {
        const {xaxis, yaxis} = plot._fullLayout;
        return [xaxis._offset + xaxis.d2p(x), yaxis._offset + yaxis.d2p(y)];
    }"""
    left, top = plot.evaluate(script, [float(x), float(y)])
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + left - 3, box["y"] + top)
    page.mouse.move(box["x"] + left, box["y"] + top, steps=3)
    page.mouse.click(box["x"] + left, box["y"] + top)
    settled(page)


def picked_rows(page: Page) -> Locator:
    """The highlighted rows of the table, as a screen reader meets them."""
    return page.get_by_test_id("stDataFrame").locator('tr[aria-selected="true"]')


def sample_name(page: Page) -> Locator:
    """The id of the sample that is looked at, beside the map."""
    return page.locator(".st-key-sample_name")


def table_row(page: Page, row: int) -> list[str]:
    """The cells of a row of the table of samples, counted from 0, from the left edge on as far as drawn."""
    page.wait_for_timeout(TABLE_LAGS_MS)
    cells = page.get_by_test_id("stDataFrame").first.locator(f'tr[aria-rowindex="{row + 2}"] td')
    cells.first.wait_for(state="attached")
    return cells.all_text_contents()


def table_length(page: Page) -> int:
    """How many samples the table lists."""
    page.wait_for_timeout(TABLE_LAGS_MS)
    grid = page.get_by_test_id("stDataFrame").first.locator("[aria-rowcount]").first
    return int(grid.get_attribute("aria-rowcount") or 0) - 1


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    settled(page)


def verdict_button(page: Page, verdict: str) -> Locator:
    """One of the three in the panel of a sample."""
    return page.locator(".st-key-verdicts").get_by_role("button").filter(has_text=verdict)


def press_verdict(page: Page, verdict: str) -> None:
    verdict_button(page, verdict).click()
    settled(page)


def choose(page: Page, option: str) -> None:
    """Press one part of a segmented control or radio of the page, not of the sidebar."""
    page.get_by_test_id("stMain").get_by_role("radio", name=option, exact=True).click()
    settled(page)


def pick_row(page: Page, row: int) -> None:
    table = page.get_by_test_id("stDataFrame").locator("canvas").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 35 + 48 * row + 24)
    settled(page)


def upload(page: Page, path: Path) -> None:
    if not page.get_by_text("Or look at an example").is_visible():
        page.get_by_role("button", name="Load data").click()
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.locator('input[type="file"]').first.set_input_files(path)
    settled(page)


def seconds_to_panel(page: Page, name: str) -> float:
    """Press N; how long until the panel shows this sample."""
    page.evaluate(
        """name => { window.step = new Promise(shown => {
            let pressed;
            const note = () => pressed = performance.now();
            window.addEventListener("keydown", note, {once: true, capture: true});
            const look = () => {
                const place = document.querySelector('.st-key-sample_name');
                if (pressed && place?.innerText === name)
                    shown((performance.now() - pressed) / 1000);
                else requestAnimationFrame(look);
            };
            look();
        })}""",
        name,
    )
    page.keyboard.press("n")
    seconds: float = page.evaluate("() => window.step")
    settled(page)
    return seconds
