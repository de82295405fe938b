"""Charts are drawn into the element that is there, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser.steps import (
    click_on_map,
    drag_box,
    figure,
    metric,
    move_slider,
    sample_name,
    settled,
    upload,
)
from kdeviz import Settings, analyse, load_sample

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]

_MAP, _DENSITY = 0, 1


def chart(page: Page, number: int) -> Any:
    return page.locator(".js-plotly-plot").nth(number)


def x_range(page: Page, number: int) -> list[float]:
    return [float(end) for end in chart(page, number).evaluate("plot => plot._fullLayout.xaxis.range")]


def until(page: Page, number: int, true: str, *known: Any) -> None:
    """Wait for what a script says of a chart."""
    page.wait_for_function(
        f"known => ({true})(document.querySelectorAll('.js-plotly-plot')[{number}], ...known)",
        arg=list(known),
    )


def zoom(page: Page, number: int, low: float, high: float) -> list[float]:
    """Drag along the x axis over the middle of a chart."""
    area = chart(page, number).locator(".nsewdrag").first.bounding_box()
    assert area is not None
    height = area["y"] + area["height"] / 2
    before = x_range(page, number)
    page.mouse.move(area["x"] + low * area["width"], height)
    page.mouse.down()
    page.mouse.move(area["x"] + high * area["width"], height, steps=8)
    page.mouse.up()
    until(page, number, "(plot, before) => plot._fullLayout.xaxis.range[0] !== before", before[0])
    return x_range(page, number)


def mark_charts(page: Page) -> None:
    page.evaluate("document.querySelectorAll('.js-plotly-plot').forEach(plot => { plot.marked = true; })")


def marked(page: Page) -> list[bool]:
    return page.locator(".js-plotly-plot").evaluate_all("plots => plots.map(plot => plot.marked === true)")


def test_other_settings_other_data_and_messages_leave_every_chart_in_its_place(
    open_page: OpenPage, app_url: str, tmp_path: Path
) -> None:
    page = open_page(app_url)
    mark_charts(page)
    before = figure(page, _MAP)
    move_slider(page, "Components (PCA)", "ArrowLeft", 8)
    assert figure(page, _MAP)["traces"] != before["traces"]
    rows = np.random.default_rng(0).standard_normal((300, 24)).astype(np.float32)
    rows[7] = 0.0  # the checks open above the charts
    np.save(tmp_path / "zeros.npy", rows)
    upload(page, tmp_path / "zeros.npy")
    expect(page.get_by_role("heading", name="Checks of the file")).to_be_visible()
    expect(page.get_by_text("300 to learn from · 24")).to_be_visible()
    assert "of 300 samples" in figure(page, _MAP)["title"]
    # Without labels the density chart has the column for itself.
    assert marked(page)[_MAP] and marked(page)[-1]


def test_the_zoom_stays_for_another_threshold_and_goes_with_another_fit(
    open_page: OpenPage, app_url: str
) -> None:
    page = open_page(app_url)
    whole = x_range(page, _DENSITY)
    zoomed = zoom(page, _DENSITY, 0.5, 0.9)
    assert zoomed[1] - zoomed[0] < 0.6 * (whole[1] - whole[0])
    shapes = figure(page, _DENSITY)["shapes"]
    move_slider(page, "Threshold on log density", "ArrowLeft", 20)
    assert figure(page, _DENSITY)["shapes"] != shapes
    assert x_range(page, _DENSITY) == pytest.approx(zoomed)
    move_slider(page, "Components (PCA)", "ArrowLeft", 4)
    assert x_range(page, _DENSITY) != pytest.approx(zoomed)


def test_a_selection_that_is_cleared_leaves_nothing_faded(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    drag_box(page, 0.2, 0.2, 0.6, 0.7)
    selected = "plot => plot._fullData.map(trace => trace.selectedpoints !== undefined)"
    assert any(chart(page, _MAP).evaluate(selected))
    page.get_by_role("button", name="Clear all", exact=True).click()
    settled(page)
    assert not any(chart(page, _MAP).evaluate(selected))
    assert not chart(page, _MAP).evaluate("plot => (plot._fullLayout.selections || []).length")


def test_a_click_picks_what_the_present_chart_shows(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}?dimensions=3D")
    assert "scatter3d" in {trace["type"] for trace in figure(page, _MAP)["traces"]}
    page.get_by_role("button", name="Axes, colour").click()
    page.get_by_role("radio", name="2D").click()
    page.keyboard.press("Escape")
    settled(page)
    move_slider(page, "Components (PCA)", "ArrowLeft", 6)
    train, score = load_sample().train_and_test()
    analysis = analyse(train, score, Settings(10))
    points = analysis.coordinates[:, :2]
    alone = int(np.argmax([np.sort(np.linalg.norm(points - point, axis=1))[1] for point in points]))
    click_on_map(page, *points[alone])
    expect(sample_name(page)).to_have_text(str(analysis.inspected.ids[alone]))
    ring = next(trace for trace in figure(page, _MAP)["traces"] if trace["name"] == "picked")
    assert ring["x"][0] == pytest.approx(float(points[alone, 0]), abs=1e-5)


def test_charts_are_as_wide_as_there_is_room(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    fits = (
        """plot => Math.abs(plot._fullLayout.width - plot.parentElement.getBoundingClientRect().width) < 1"""
    )
    before = chart(page, _MAP).evaluate("plot => plot._fullLayout.width")
    page.set_viewport_size({"width": 1600, "height": 900})
    until(page, _MAP, "(plot, before) => plot._fullLayout.width > before + 50", before)
    settled(page)
    assert page.locator(".js-plotly-plot").evaluate_all(f"plots => plots.every({fits})")


def test_a_screen_reader_is_told_what_a_chart_shows(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    expect(page.get_by_role("figure", name="Map of the samples")).to_be_visible()


def test_without_its_drawing_library_the_page_says_so(context: BrowserContext, app_url: str) -> None:
    page = context.new_page()
    page.route("**/plotly.min.js", lambda route: route.abort())
    page.goto(app_url)
    expect(page.get_by_text("This chart could not be drawn").first).to_be_visible(timeout=30_000)
    assert metric(page, "Flagged").endswith("of 756")
    page.close()


def test_the_drawing_library_is_there_before_a_chart_asks_for_it(
    context: BrowserContext, app_url: str
) -> None:
    page = context.new_page()
    page.goto(f"{app_url}/export")
    page.wait_for_function("() => window.Plotly", timeout=30_000)
    assert page.locator(".kdeviz-chart").count() == 0
    page.close()


def test_another_colour_brings_back_what_the_legend_had_hidden(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}?colour=digit")
    visible = "plot => plot._fullData.filter(trace => trace.type === 'scatter').map(trace => trace.visible)"
    for entry in (0, 1):
        chart(page, _MAP).locator(".legendtoggle").nth(entry).click()
        hidden = f"plot => ({visible})(plot).filter(shown => shown === 'legendonly').length === {entry + 1}"
        until(page, _MAP, hidden)
    zoomed = zoom(page, _DENSITY, 0.5, 0.9)
    page.get_by_role("button", name="Axes, colour").click()
    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("option", name="verdict").click()
    page.keyboard.press("Escape")
    settled(page)
    assert {trace["name"] for trace in figure(page, _MAP)["traces"]} >= {"flagged", "not flagged"}
    assert "legendonly" not in chart(page, _MAP).evaluate(visible)
    assert x_range(page, _DENSITY) == pytest.approx(zoomed)


def test_charts_that_are_gone_leave_nothing_behind(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.evaluate("window.gone = Array.from(document.querySelectorAll('.js-plotly-plot'))")
    page.get_by_role("link", name="Export").click()
    settled(page)
    assert page.locator(".js-plotly-plot").count() == 0
    assert page.evaluate("window.gone.every(plot => plot._fullLayout === undefined && !plot.kdeviz.drawn)")
