"""A report in a real browser, opened from disk without a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, WebError

from browser.conftest import PATIENCE_MS, VIEWPORT
from browser.steps import metric
from kdeviz import Settings, ThresholdRule, analyse, decide
from kdeviz.data import ANOMALOUS, NORMAL, EmbeddingSet
from kdeviz.output import Extras, report
from kdeviz.preflight import preflight

HOSTILE = "</script><script>alert(1)</script><img src=http://evil.test/x onerror=alert(2)><b>"
A4_WIDTH = 595  # points


class Opened:
    """A report, and what the browser did and said with it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        self.fetched: list[str] = []
        page.on("console", self._on_console)
        page.on("request", self._on_request)
        page.on("dialog", lambda dialog: (self.problems.append("a dialog"), dialog.dismiss()))
        page.context.on("weberror", self._on_error)

    def open(self, path: Path, scheme: str = "light") -> Page:
        self.page.emulate_media(color_scheme=scheme)
        if self.page.url != path.as_uri():
            self.page.goto(path.as_uri())
        self.page.locator("html[data-drawn=all]").wait_for()
        return self.page

    def _on_console(self, message: ConsoleMessage) -> None:
        self.problems.append(message.text)

    def _on_error(self, error: WebError) -> None:
        self.problems.append(str(error.error))

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.fetched.append(request.url)


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Opened]:
    """At the end nothing was printed, no policy was violated, and no page but the reports was fetched."""
    context = browser.new_context(viewport=VIEWPORT, offline=True)
    context.set_default_timeout(PATIENCE_MS)
    opened = Opened(context.new_page())
    yield opened
    context.close()
    assert opened.problems == []
    assert all(url.startswith("file:") and url.endswith(".html") for url in opened.fetched)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whose names, labels and texts would do harm if they were markup."""
    rng, n = np.random.default_rng(0), 80
    parts: dict[str, Any] = {
        "ids": np.array([f"{HOSTILE}{i}" for i in range(n)]),
        "labels": np.where(np.arange(n) % 3, NORMAL, ANOMALOUS).astype(np.int8),
        "metadata": pd.DataFrame({HOSTILE: [f"{HOSTILE} some words {i}" for i in range(n)]}),
        "name": HOSTILE,
        "feature_names": tuple(f"{HOSTILE}{i}" for i in range(3)),
    }
    train, score = (EmbeddingSet(rng.normal(size=(n, 3)), **parts) for _ in range(2))
    decision = decide(analyse(train, score, Settings(2), device="cpu"), ThresholdRule("top_k", 12))
    path = tmp_path_factory.mktemp("report") / "hostile.html"
    path.write_text(report(decision, Extras(HOSTILE, command=HOSTILE)), "utf-8")
    return path


def shown_rows(page: Page) -> list[str]:
    """The names of the listed samples, in order."""
    names: list[str] = page.locator("#samples tbody tr:visible th").all_inner_texts()
    return names


def test_it_opens_offline_with_the_numbers_of_the_app(
    open_page: Callable[..., Page], app_url: str, opened: Opened, tmp_path: Path
) -> None:
    app = open_page(app_url)
    shown = {name: metric(app, name) for name in ("Flagged", "Expected false alarms", "Separation (AUROC)")}
    app.get_by_role("link", name="Export").first.click()
    app.get_by_role("button", name="Write the report").click()
    with app.expect_download() as download:
        app.get_by_role("button", name=re.compile("^Download \\(")).click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    page = opened.open(path)
    rows = page.locator(".figures > div").all()
    told = {row.locator("dt").inner_text(): row.locator("dd").first.inner_text() for row in rows}
    assert shown.items() <= {name: value.replace("\u00a0%", " %") for name, value in told.items()}.items()
    assert page.locator(".chart.js-plotly-plot .main-svg").first.is_visible()
    assert page.locator(".chart").count() == page.locator(".chart.js-plotly-plot").count() >= 8
    assert page.locator("canvas").count() == 0, "WebGL would need eval"


def test_samples_are_found_and_sorted_without_a_server(hostile: Path, opened: Opened) -> None:
    page = opened.open(hostile)
    names = shown_rows(page)
    assert len(names) == 12
    page.get_by_role("button", name="Log density, nats").click()
    assert shown_rows(page) == names
    page.get_by_role("button", name="Log density, nats").click()
    assert shown_rows(page) == names[::-1]
    head = page.locator("#samples th[aria-sort=descending]")
    assert head.inner_text().startswith("Log density")
    page.get_by_role("combobox", name="Label").select_option("anomalous")
    some = shown_rows(page)
    assert 0 < len(some) < 12
    assert page.locator(".controls output").inner_text() == f"{len(some)} of 12 shown"
    page.get_by_role("combobox", name="Label").select_option("")
    page.get_by_label("Find").fill(f"WORDS {names[0].removeprefix(HOSTILE)} ")
    assert names[0] in shown_rows(page)
    page.get_by_label("Find").fill("nobody has said this")
    assert shown_rows(page) == []
    page.get_by_label("Find").fill("")
    assert len(shown_rows(page)) == 12


def test_what_a_file_says_does_nothing(hostile: Path, opened: Opened) -> None:
    page = opened.open(hostile)
    points = page.locator("#chart-map .points path")
    points.nth(points.count() // 2).hover(force=True)
    page.locator("#chart-map .hoverlayer text").first.wait_for()
    assert "onerror" in (page.locator("#chart-map .hoverlayer").text_content() or "")
    assert page.locator("script").count() == 4
    assert page.locator("main b, main script").count() == page.locator(".gallery b").count()
    assert page.locator("img").count() == 0
    run = "() => { const made = document.createElement('script'); made.text = 'window.harm = 1'; "
    assert page.evaluate(run + "document.body.append(made); return window.harm ?? 0; }") == 0
    opened.problems[:] = [text for text in opened.problems if "inline script" not in text]  # that was ours


def test_dark_light_and_paper(hostile: Path, opened: Opened) -> None:
    page = opened.open(hostile, "dark")
    paper = "() => getComputedStyle(document.documentElement).backgroundColor"
    colours = (
        "() => [...document.querySelectorAll('#chart-map .xtick text')].map(t => getComputedStyle(t).fill)"
    )
    assert page.evaluate(paper) == "rgb(17, 22, 28)"
    dark = set(page.evaluate(colours))
    content = page.pdf(prefer_css_page_size=True)
    assert content.startswith(b"%PDF")
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) [\d.]+\]", content)
    assert {round(float(width)) for width in boxes} <= {A4_WIDTH, A4_WIDTH + 1}
    assert set(page.evaluate(colours)) == dark, "as it was before printing"
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(100)
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    assert set(page.evaluate(colours)).isdisjoint(dark)


def test_nothing_is_cut_off_on_paper(hostile: Path, opened: Opened) -> None:
    page = opened.open(hostile, "dark")
    page.evaluate("() => { window.print = () => {}; dispatchEvent(new Event('beforeprint')); }")
    page.emulate_media(media="print", color_scheme="light")
    page.set_viewport_size({"width": 688, "height": 972})  # what A4 leaves for text
    wide = """() => [...document.querySelectorAll('main *, header *')]
        .filter(each => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('svg'))
        .map(each => each.outerHTML.slice(0, 80))"""
    assert page.evaluate(wide) == []
    widths = page.locator(".chart .main-svg").evaluate_all("all => all.map(each => each.clientWidth)")
    assert set(widths) == {680}
    for hidden in ("nav", ".controls"):
        assert not page.locator(hidden).first.is_visible()
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    page.set_viewport_size(VIEWPORT)


@pytest.fixture(scope="module")
def wordy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With texts, labels and long reasons, as tables of measurements have them."""
    rng, n = np.random.default_rng(0), 80
    words = "the pump leaks where its valve was left open after the last inspection of the line"
    data = EmbeddingSet(
        rng.normal(size=(n, 4)),
        ids=np.arange(n).astype(str),
        labels=np.where(np.arange(n) % 3, NORMAL, ANOMALOUS).astype(np.int8),
        metadata=pd.DataFrame({"note": [f"{words} {i}" for i in range(n)]}),
        name="pumps",
        feature_names=("fixed acidity (g/L)", "volatile, acidity", "total sulfur", "alcohol"),
    )
    decision = decide(analyse(data, None, Settings(3), device="cpu"), ThresholdRule("top_k", 12))
    path = tmp_path_factory.mktemp("report") / "wordy.html"
    path.write_text(report(decision, Extras("pumps", checks=preflight(data))), "utf-8")
    return path


@pytest.mark.parametrize("width", [1024, 1280])
def test_tables_are_as_wide_as_the_page_and_cut_no_word(wordy: Path, opened: Opened, width: int) -> None:
    page = opened.open(wordy)
    page.set_viewport_size({"width": width, "height": 720})
    over = "all => all.map(each => each.scrollWidth - each.clientWidth)"
    assert set(page.locator(".scroll").evaluate_all(over)) == {0}
    lines = """all => all.map(each => {
        const range = document.createRange(); range.selectNodeContents(each);
        return new Set([...range.getClientRects()].map(line => line.top)).size; })"""
    checks = page.locator("#checks tbody th, #data tbody th").filter(has_text=re.compile("^Contamination$"))
    assert checks.evaluate_all(lines) == [1]
    page.set_viewport_size(VIEWPORT)
