"""A running app and a real browser. Without Chromium: skipped, except in CI, where that is a failure."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    WebError,
    expect,
    sync_playwright,
)

from browser.steps import been_here, find_chromium, leave, painted, start_app, stop_app
from browser.warm import Launcher

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "screenshots"
PATIENCE_MS = 30_000
"""For what must come: other tests run beside these, and the machine may be slow."""
STREAMLIT_LOOKS_FOR_ITSELF = re.compile(r"http://127\.0\.0\.1:\d+/\w+/_stcore/(health|host-config)")
"""Opened on a page other than the first, it looks for its server below that page, then beside it."""
VIEWPORT = {"width": 1280, "height": 720}
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page lives for seconds: to optimise its scripts takes longer than it saves.
    "--js-flags=--no-maglev --no-opt --always-sparkplug",
]
FAILED = pytest.StashKey[bool]()
"""Whether a test's own steps failed."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app that tests share; a test that marks samples launches its own."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("marks", "uploads")}
    server, url = start_app(*(f"--{name}={folder}" for name, folder in folders.items()))
    yield url
    stop_app(server)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        message = "no chromium on the PATH"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launcher]:
    """Start another app, which keeps its marks in tmp_path / "marks"; stopped after the pages are closed."""
    launcher = Launcher(tmp_path / "marks", tmp_path / "uploads")
    yield launcher
    launcher.stop()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Its pages outlive a test, empty: they open the app in half the time, with scripts already compiled."""
    context = browser.new_context(viewport=VIEWPORT, accept_downloads=True, reduced_motion="reduce")
    been_here(context)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def open_page(
    context: BrowserContext, launch: Launcher, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """Open a page; at the end, no error was printed and nothing was fetched from elsewhere."""
    problems: list[str] = []
    empty = list(context.pages)

    def on_console(message: ConsoleMessage) -> None:
        address = str(message.location.get("url"))
        if message.type == "error" and not STREAMLIT_LOOKS_FOR_ITSELF.fullmatch(address):
            problems.append(f"console: {message.text} {address}")

    def on_error(error: WebError) -> None:
        problems.append(f"script: {error.error}")

    def on_request(wanted: Request) -> None:
        if not wanted.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:")):
            problems.append(f"fetched {wanted.url}")

    def opened(url: str, scheme: str = "light") -> Page:
        page = empty.pop(0) if empty else context.new_page()
        page.set_viewport_size(VIEWPORT)
        page.emulate_media(color_scheme=scheme)
        page.goto(url)
        painted(page)
        return page

    listeners = {"console": on_console, "weberror": on_error, "request": on_request}
    for event, listener in listeners.items():
        context.on(event, listener)
    yield opened
    failed = request.node.stash.get(FAILED, False)
    for page in context.pages:
        leave(page)
        if failed:  # a press that was cut off leaves its key down
            page.close()
    for event, listener in listeners.items():
        context.remove_listener(event, listener)
    if failed:  # what the browser says is shown beside the test's own failure
        print(*problems, sep="\n")
    else:
        assert problems == []


@pytest.fixture(scope="session")
def screenshots() -> Path:
    SCREENSHOTS.mkdir(exist_ok=True)
    return SCREENSHOTS
