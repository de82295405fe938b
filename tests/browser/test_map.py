"""The map, the dragged threshold and charts as files, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from browser.steps import (
    click_on_map,
    drag_box,
    figure,
    metric,
    outcome,
    sample_name,
    settled,
    table_length,
)
from browser.warm import Launcher
from kdeviz import analyse, decide, load_sample
from kdeviz.charts import SeparatingAxes, projection_numbers
from kdeviz.decision import Decision

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def decision() -> Decision:
    return decide(analyse(*load_sample().train_and_test()))


def alone(points: np.ndarray) -> int:
    """The point that is farthest from its neighbour."""
    return int(np.argmax([np.sort(np.linalg.norm(points - point, axis=1))[1] for point in points]))


def choose_axes(page: Page, name: str) -> None:
    page.get_by_role("button", name="Axes, colour").click()
    page.get_by_role("combobox", name="Axes", exact=True).click()
    page.get_by_role("option", name=name).click()
    settled(page)
    page.keyboard.press("Escape")
    settled(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axes_that_separate_are_chosen_picked_on_and_selected_on(
    open_page: OpenPage, app_url: str, decision: Decision, screenshots: Path, scheme: str
) -> None:
    page = open_page(app_url, scheme)
    choose_axes(page, "Axes that separate")
    assert figure(page, 0)["subtitle"].startswith(
        "Axes chosen to pull the labelled anomalous apart; not neutral"
    )
    assert "axes=separating" in page.url
    page.screenshot(path=screenshots / f"separating-{scheme}.png")
    points = projection_numbers(decision, SeparatingAxes()).coordinates
    row = alone(points)
    click_on_map(page, *points[row])
    expect(sample_name(page)).to_have_text(str(decision.analysis.inspected.ids[row]))
    drag_box(page, 0.55, 0.02, 0.98, 0.98)
    assert 20 < table_length(page) < 700


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_neighbour_map_is_computed_and_drawn(
    open_page: OpenPage, app_url: str, screenshots: Path, scheme: str
) -> None:
    pytest.importorskip("openTSNE", reason="the neighbour map is an extra")
    page = open_page(f"{app_url}/?axes=neighbours&map_training=true", scheme)
    page.wait_for_function(
        """() => document.querySelector(".js-plotly-plot")
                 .layout.title.subtitle.text.startsWith("Neighbour")""",
        timeout=120_000,
    )
    settled(page)
    assert "training samples" in {trace["name"] for trace in figure(page, 0)["traces"]}
    page.screenshot(path=screenshots / f"neighbours-{scheme}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_columns_of_a_file_are_axes(
    open_page: OpenPage, launch: Launcher, tmp_path: Path, screenshots: Path, scheme: str
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.lognormal(size=(200, 6)), columns=["mean area", "texture", "c", "d", "e", "f"])
    frame.to_csv(tmp_path / "cells.csv", index=False)
    page = open_page(launch(str(tmp_path / "cells.csv")) + "/?axes=columns&column_y=d", scheme)
    titles = "plot => [plot.layout.xaxis.title.text, plot.layout.yaxis.title.text]"
    assert page.locator(".js-plotly-plot").first.evaluate(titles) == ["mean area", "d"]
    page.screenshot(path=screenshots / f"columns-{scheme}.png")
    page.get_by_role("button", name="Axes, colour").click()
    expect(page.get_by_role("combobox", name="Axes", exact=True)).to_have_value("Columns of the file")
    expect(page.get_by_role("combobox", name="y axis: column")).to_have_value("d")
    page.keyboard.press("Escape")
    settled(page)
    row = alone(frame[["mean area", "d"]].to_numpy())
    click_on_map(page, *frame.loc[row, ["mean area", "d"]])
    (ring,) = [trace for trace in figure(page, 0)["traces"] if trace["name"] == "picked"]
    assert ring["x"][0] == pytest.approx(frame.loc[row, "mean area"])


UNDER_ANOTHER = """plot => {
    const { xaxis, yaxis } = plot._fullLayout, points = [];
    for (const { x, y, marker: { symbol }, customdata } of plot._fullData.filter(trace => trace.customdata)) {
        const named = (i) => typeof symbol === "string" ? symbol : symbol[i];
        const at = (i) => [xaxis.d2p(x[i]), yaxis.d2p(y[i]), named(i), customdata[i], x[i], y[i]];
        x.forEach((_, i) => points.push(at(i)));
    }
    const near = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);
    const [flagged, others] = ["diamond", "circle"].map(name => points.filter(point => point[2] === name));
    const alone = flagged.filter(one => flagged.every(other => one === other || near(one, other) > 13));
    for (const above of alone) {
        const hidden = others.find(other => near(above, other) < 2);
        if (hidden) return { above: above[3], at: hidden.slice(4) };
    }
}"""


def test_a_click_takes_the_marker_that_is_seen(open_page: OpenPage, app_url: str, decision: Decision) -> None:
    """The smaller dot below a diamond is hidden: neither hovered over nor picked."""
    page = open_page(app_url)
    plot = page.locator(".js-plotly-plot").first
    found = plot.evaluate(UNDER_ANOTHER)
    click_on_map(page, *found["at"])
    name = str(decision.analysis.inspected.ids[found["above"]])
    expect(sample_name(page)).to_have_text(name)
    assert plot.evaluate("plot => plot._hoverdata[0].customdata") == found["above"]


def test_a_click_picks_in_three_dimensions(open_page: OpenPage, app_url: str, decision: Decision) -> None:
    page = open_page(f"{app_url}/?dimensions=3D")
    plot = page.locator(".js-plotly-plot").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    # What lies under the mouse is known once plotly has told it.
    plot.evaluate("plot => plot.on('plotly_hover', ({points}) => { window.over = points[0].customdata; })")
    found = None
    for x, y in ((x, y) for y in range(180, 300, 7) for x in range(150, 330, 9)):
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.wait_for_timeout(30)
        found = page.evaluate("() => window.over ?? null")
        if found is not None:
            break
    assert found is not None
    page.wait_for_timeout(200)
    found = page.evaluate("() => window.over")
    page.mouse.down()
    page.wait_for_timeout(100)
    page.mouse.up()
    settled(page)
    row = int(found[0] if isinstance(found, list) else found)
    expect(sample_name(page)).to_have_text(str(decision.analysis.inspected.ids[row]))
    assert "picked" in {trace["name"] for trace in figure(page, 0)["traces"]}


def test_turning_the_map_picks_nothing(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}/?dimensions=3D")
    box = page.locator(".js-plotly-plot").first.bounding_box()
    assert box is not None
    middle = box["x"] + 240, box["y"] + 240
    camera = (
        "() => JSON.stringify(document.querySelector('.js-plotly-plot')._fullLayout.scene._scene.getCamera())"
    )
    before = page.evaluate(camera)
    for shift in (0, 40):
        page.mouse.move(middle[0] + shift, middle[1] + shift)
        page.wait_for_timeout(100)
        page.mouse.down()
        page.mouse.move(middle[0] + shift + 90, middle[1] + 30, steps=4)  # each is drawn by software
        page.mouse.up()
        page.wait_for_timeout(100)
    settled(page)
    assert page.evaluate(camera) != before
    assert "picked" not in {trace["name"] for trace in figure(page, 0)["traces"]}


def test_numbers_follow_the_dragged_threshold_and_charts_its_release(
    open_page: OpenPage, app_url: str, decision: Decision
) -> None:
    page = open_page(app_url)
    slider = page.get_by_role("slider", name="Threshold on log density, nats")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    title = figure(page, 0)["title"]
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    seen = set()
    for share in (0.7, 0.6, 0.75, 0.5):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=4)
        threshold = float(page.locator(".threshold output").inner_text())
        assert figure(page, 0)["title"] == title
        now = Decision(decision.analysis, None, decision.curve, _exact(page, threshold))
        flagged = page.locator('.threshold [data-part="flagged"]').inner_text()
        assert flagged == f"{now.n_flagged} of 756 flagged"
        assert now.confusion is not None
        cell = page.get_by_role("button", name=re.compile("^Caught"))
        assert cell.inner_text().split()[-1] == str(now.confusion.true_positives)
        seen.add(flagged)
    assert len(seen) > 2
    recall, alarms = outcome(page, "Recall"), page.locator('.threshold [data-part="alarms"]').inner_text()
    page.mouse.up()
    settled(page)
    assert figure(page, 0)["title"].startswith(f"{now.n_flagged} of 756")
    assert metric(page, "Flagged") == f"{now.n_flagged} of 756"
    assert outcome(page, "Recall") == recall
    assert page.locator('.threshold [data-part="alarms"]').inner_text() == alarms
    expect(page.locator('.threshold [data-interval="recall"]')).to_have_text(re.compile(r"to .* %"))


def _exact(page: Page, shown: float) -> float:
    """The slider's threshold to the last digit."""
    step = int(page.get_by_role("slider", name="Threshold on log density, nats").input_value())
    script = "place => [place.strip.wanted.thresholds, place.strip.wanted.about]"
    thresholds, about = page.locator(".threshold").evaluate(script)
    assert float(thresholds[step]) == shown
    low, high = (float(end) for end in re.findall(r"\((-?[\d.]+), (-?[\d.]+)\)$", about)[0])
    return float(np.linspace(low, high, len(thresholds))[step])


@pytest.mark.parametrize("words", ["PNG picture", "SVG picture", "CSV of its numbers"])
def test_a_chart_is_downloaded(
    open_page: OpenPage, app_url: str, decision: Decision, tmp_path: Path, words: str
) -> None:
    page = open_page(app_url, "dark")
    plot = page.locator(".js-plotly-plot").first
    plot.hover()
    with page.expect_download() as download:
        plot.get_by_label("Download this chart").click()
        plot.get_by_role("button", name=words).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    flagged = metric(page, "Flagged").split()[0]
    assert file.stem == f"Map-of-the-samples-{flagged}-of-756-samples-fall-below-the-threshold"
    if file.suffix == ".png":
        picture = Image.open(file)
        assert picture.size == tuple(
            2 * plot.evaluate(f"plot => plot.client{side}") for side in ("Width", "Height")
        )
        assert picture.convert("RGBA").getpixel((3, 3)) == (0x11, 0x16, 0x1C, 255)
    elif file.suffix == ".svg":
        assert file.read_text().startswith("<svg")
        assert "fall below the threshold" in file.read_text()
    else:
        rows = pd.read_csv(file)
        points = rows[rows["series"].isin(["flagged", "not flagged"])]
        assert len(points) == 756
        assert (points["series"] == "flagged").sum() == decision.n_flagged
        x, y = [name for name in points if name.startswith("component")]
        expected = np.sort(decision.analysis.coordinates[:, 0])
        np.testing.assert_allclose(np.sort(points[x]), expected, rtol=1e-6)
        assert str(decision.analysis.inspected.ids[0]) in " ".join(points["text"])
        assert y.startswith("component 2")


def test_formulas_in_a_charts_numbers_are_no_formulas(
    open_page: OpenPage, launch: Launcher, tmp_path: Path
) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 5)), columns=list("abcde"))
    frame.insert(0, "id", ["=1+1", *(f"row, {i}" for i in range(59))])
    frame.to_csv(tmp_path / "t.csv", index=False)
    page = open_page(launch(str(tmp_path / "t.csv")))
    plot = page.locator(".js-plotly-plot").first
    plot.hover()
    with page.expect_download() as download:
        plot.get_by_label("Download this chart").click()
        plot.get_by_role("button", name="CSV").click()
    said = pd.read_csv(download.value.path())["text"].dropna()
    assert any(text.startswith("'=1+1") for text in said)
    assert not any(text.startswith("=") for text in said)
    assert any(text.startswith("row, 7") for text in said)


@pytest.mark.parametrize("query", ["", "axes=separating", "dimensions=3D&axis_x=5", "chart=F1", "chart=ROC"])
def test_no_title_is_cut_off_and_no_legend_lies_on_a_curve(
    open_page: OpenPage, app_url: str, query: str
) -> None:
    page = open_page(f"{app_url}/?{query}")
    script = """plots => plots.flatMap(plot => {
        const frame = plot.getBoundingClientRect();
        const texts = [...plot.querySelectorAll(".gtitle, .gtitle-subtitle, .xtitle, .ytitle, .y2title")];
        return texts.filter(text => {
            const box = text.getBoundingClientRect();
            return box.width && (box.right > frame.right + 1 || box.left < frame.left - 1
                || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
        }).map(text => text.textContent);
    })"""
    assert page.locator(".js-plotly-plot").evaluate_all(script) == []
    lies = """plots => plots.some(plot => {
        const legend = plot.querySelector(".legend"), area = plot.querySelector(".nsewdrag");
        if (!legend || !area) return false;
        const one = legend.getBoundingClientRect(), other = area.getBoundingClientRect();
        return one.bottom > other.top + 2 && one.top < other.bottom - 2
            && one.right > other.left && one.left < other.right;
    })"""
    assert not page.locator(".js-plotly-plot").evaluate_all(lies)


def test_no_hint_lies_over_the_tools(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}/?colour=digit")
    page.locator(".js-plotly-plot").first.locator(".legendtoggle").first.click()
    page.wait_for_timeout(800)
    expect(page.locator(".plotly-notifier .notifier-note")).to_have_count(0)
