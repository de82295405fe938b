"""Map, sample and reason on one screen, with the built-in pictures, texts and table."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from browser.steps import choose, figure, painted, press, sample_name, settled, upload
from kdeviz import Analysis, analyse, decide, load_sample
from kdeviz.explain import explain
from kdeviz.wording import number

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
SIZE = {"width": 1280, "height": 720}
NASTY = "<img src=x onerror=alert(1)> <b>bold</b> [link](http://example.com) ![p](http://example.com/p.png) "


@pytest.fixture(scope="module")
def texts() -> Analysis:
    return analyse(*load_sample("sentences").train_and_test())


@pytest.fixture(scope="module")
def cells() -> Analysis:
    return analyse(*load_sample("breast_cancer").train_and_test())


def example(name: str) -> str:
    return f"?data=sample:{name}"


def in_sight(page: Page, part: Locator) -> None:
    """The whole of it is on the screen."""
    box = part.bounding_box()
    assert box is not None
    assert box["x"] >= 0 and box["x"] + box["width"] <= SIZE["width"]
    assert box["y"] >= 0 and box["y"] + box["height"] <= SIZE["height"], part


def facts(page: Page) -> Locator:
    return page.locator(".st-key-sample_facts")


def neighbours(page: Page) -> Locator:
    return page.get_by_role("group", name=re.compile("nearest training samples$")).get_by_role("button")


@pytest.mark.parametrize("name", ["digits", "sentences", "breast_cancer"])
def test_one_key_shows_the_ring_and_all_of_the_sample_without_scrolling(
    open_page: OpenPage, app_url: str, screenshots: Path, name: str
) -> None:
    page = open_page(app_url + ("" if name == "digits" else example(name)))
    analysis = analyse(*load_sample(name).train_and_test())
    decision, first = decide(analysis), int(np.argmin(analysis.scores))
    if name == "breast_cancer":  # whose check has something to say, which stands above all else
        page.get_by_role("button", name="Close", exact=True).click()
    choose(page, "ROC")
    press(page, "n")
    expect(page.get_by_test_id("stMain").get_by_role("radio", name="Sample", exact=True)).to_be_checked()
    page.screenshot(path=screenshots / f"sample-{name}.png")
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollTop") == 0
    assert page.evaluate("window.scrollY") == 0
    expect(sample_name(page)).to_have_text(str(analysis.inspected.ids[first]))
    assert decision.p_values is not None
    away = abs(float(analysis.scores[first]) - decision.threshold)
    for words in (
        "Verdict",
        "flagged",
        "label anomalous",
        f"Rank 1 of {len(analysis.scores)}",
        f"1 in {len(analysis.calibration) + 1:,} normal samples score this low".replace(",", "\u202f"),
        f"p-value {number(float(decision.p_values[first]))}",
        f"Log density {number(float(analysis.scores[first]))}, {number(away)} nats below the threshold",
        "uncalibrated probability",
    ):
        expect(facts(page)).to_contain_text(words)
    reason = page.locator(".st-key-sample_reason")
    expect(reason).to_contain_text("Flagged because component")
    for part in (page.locator(".js-plotly-plot").first, facts(page), reason, *neighbours(page).all()[:5]):
        in_sight(page, part)
    ring = [trace for trace in figure(page, 0)["traces"] if trace["name"] == "picked"]
    np.testing.assert_allclose([ring[0]["x"][0], ring[0]["y"][0]], analysis.coordinates[first, :2], atol=1e-4)
    if name == "digits":
        in_sight(page, facts(page).locator("img"))
        assert neighbours(page).locator("img").count() == neighbours(page).count()
    if name == "sentences":
        in_sight(page, page.locator(".st-key-sample_text"))
        expect(page.locator(".st-key-sample_text")).to_have_text(analysis.inspected.texts([first])[0])


def test_neighbours_are_clicked_and_back_returns(open_page: OpenPage, app_url: str, texts: Analysis) -> None:
    page = open_page(app_url + example("sentences"))
    press(page, "n")
    first = int(np.argmin(texts.scores))
    near = explain(texts, first).neighbours.rows
    back = page.get_by_role("button", name="Back")
    expect(back).to_be_disabled()
    for shown, row in zip(neighbours(page).all(), near, strict=False):
        expect(shown).to_contain_text(str(texts.train.ids[row]))
        expect(shown).to_contain_text(texts.train.texts([row])[0][:30])
    neighbours(page).nth(1).click()
    settled(page)
    expect(sample_name(page)).to_have_text(str(texts.train.ids[near[1]]))
    expect(facts(page)).to_contain_text("a training sample")
    expect(page.locator(".st-key-sample_text")).to_have_text(texts.train.texts([near[1]])[0])
    neighbours(page).first.click()
    settled(page)
    press(page, "b")
    expect(sample_name(page)).to_have_text(str(texts.train.ids[near[1]]))
    back.click()
    settled(page)
    expect(sample_name(page)).to_have_text(str(texts.inspected.ids[first]))
    expect(back).to_be_disabled()
    neighbours(page).first.click()
    settled(page)
    press(page, "n")  # another sample ends the way
    expect(back).to_be_disabled()
    second = int(np.argsort(texts.scores)[1])
    expect(sample_name(page)).to_have_text(str(texts.inspected.ids[second]))


def test_hovering_names_label_and_verdict_and_stays_inside_the_chart(
    open_page: OpenPage, app_url: str, texts: Analysis
) -> None:
    page = open_page(app_url + example("sentences"))
    plot = page.locator(".js-plotly-plot").first
    ends = [texts.coordinates[:, axis].argsort()[[0, -1]] for axis in (0, 1)]
    for row in np.concatenate(ends):
        left, top = plot.evaluate(
            """(plot, [x, y]) => {
                const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
                return [box.x + xaxis._offset + xaxis.d2p(x), box.y + yaxis._offset + yaxis.d2p(y)];
            }""",
            texts.coordinates[row, :2].astype(float).tolist(),
        )
        page.mouse.move(left - 2, top)
        page.mouse.move(left, top, steps=2)
        shown = plot.locator(".hoverlayer .hovertext")
        expect(shown).to_contain_text("label: ")
        expect(shown).to_contain_text("verdict: ")
        box, room = shown.bounding_box(), plot.bounding_box()
        assert box is not None and room is not None
        assert room["x"] - 1 <= box["x"] and box["x"] + box["width"] <= room["x"] + room["width"] + 1
        assert room["y"] - 1 <= box["y"] and box["y"] + box["height"] <= room["y"] + room["height"] + 1


def test_features_have_their_names_wherever_one_is_named(
    open_page: OpenPage, app_url: str, cells: Analysis, screenshots: Path
) -> None:
    page = open_page(app_url + example("breast_cancer"))
    press(page, "n")
    first = int(np.argmin(cells.scores))
    direction = explain(cells, first).direction
    name = cells.train.feature_name(int(direction.features[0]))
    expect(page.locator(".st-key-sample_reason")).to_contain_text(f"with {name} ")
    page.get_by_role("radiogroup", name="Why").get_by_role("radio", name="Features").click()
    settled(page)
    assert figure(page, 1)["title"].lower().startswith(f"{name} would have to change most")
    assert figure(page, 1)["traces"][0]["y"][0] == name
    page.screenshot(path=screenshots / "features-of-one.png")
    page.get_by_role("radiogroup", name="Why").get_by_role("radio", name="Meaning").click()
    settled(page)
    expect(page.locator(".st-key-sample_meaning")).to_contain_text("A high value means")
    high = page.get_by_role("group", name=re.compile("^High end of component")).get_by_role("button")
    ends = high.all_inner_texts()
    assert len(ends) == 4
    high.first.click()
    settled(page)
    expect(sample_name(page)).to_have_text(ends[0].split("\n")[0])
    press(page, "b")
    page.get_by_role("radiogroup", name="Beside the map").get_by_role("radio", name="What matters").click()
    settled(page)
    page.screenshot(path=screenshots / "features-that-matter.png")
    assert re.match(r".+ matters most, by [\d.]+ σ", figure(page, 1)["title"])
    assert set(figure(page, 1)["traces"][0]["y"]) <= set(cells.train.feature_names or ())


def test_user_text_is_text_everywhere(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.standard_normal((80, 4)), columns=["a<b>b</b>", "c", "d", "e"])
    frame.insert(0, "id", [f"<i>{i}</i> {NASTY}" for i in range(80)])
    frame["review"] = NASTY * 8
    frame.to_parquet(tmp_path / "nasty.parquet")
    page = open_page(app_url)
    upload(page, tmp_path / "nasty.parquet")
    page.keyboard.press("Escape")
    press(page, "n")
    expect(sample_name(page)).to_contain_text("<img src=x")
    expect(page.locator(".st-key-sample_text")).to_contain_text("[link](http://example.com)")
    panel = page.get_by_test_id("stMain")
    assert panel.locator(".st-key-sample_text img, .kdeviz-tiles img, .st-key-sample_name img").count() == 0
    for part in ("Components", "Meaning", "Features", "Slice", "Neighbours"):
        page.get_by_role("radiogroup", name="Why").get_by_role("radio", name=part).click()
        settled(page)
    neighbours(page).first.click()
    settled(page)
    expect(sample_name(page)).to_contain_text("<i>")
    box = page.locator(".st-key-sample_text").bounding_box()
    assert box is not None and box["height"] < 150  # a long text scrolls inside


def test_where_all_components_are_kept_nothing_is_said_to_be_left_out(
    open_page: OpenPage, app_url: str
) -> None:
    page = open_page(app_url + example("sentences"))
    press(page, "n")
    expect(page.get_by_text("All 16 components are kept").first).to_be_visible()
    expect(page.get_by_text("leave out")).to_have_count(0)


def test_a_sound_is_played_beside_the_map(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    rate, samples = 8000, (np.sin(np.arange(4000) / 3) * 9000).astype("<i2").tobytes()
    head = b"RIFF" + (36 + len(samples)).to_bytes(4, "little") + b"WAVEfmt "
    head += b"\x10\0\0\0\1\0\1\0" + rate.to_bytes(4, "little") + (2 * rate).to_bytes(4, "little")
    sound = head + b"\2\0\x10\0data" + len(samples).to_bytes(4, "little") + samples
    frame = pd.DataFrame(np.random.default_rng(0).standard_normal((60, 4)), columns=list("abcd"))
    frame["clip"] = f"data:audio/wav;base64,{base64.b64encode(sound).decode()}"
    frame.to_parquet(tmp_path / "clips.parquet")
    page = open_page(app_url)
    upload(page, tmp_path / "clips.parquet")
    page.keyboard.press("Escape")
    press(page, "n")
    player = page.get_by_test_id("stAudio")
    expect(player).to_be_visible()
    page.wait_for_function("document.querySelector('audio').duration > 0.4")


def test_examples_are_chosen_and_come_back_after_a_reload(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    for title in ("Coffee machine reviews", "Breast cancer"):
        page.get_by_role("button", name="Load data").click()
        page.get_by_role("button", name=title).click()
        settled(page)
        expect(page.get_by_test_id("stSidebar").get_by_text(title).first).to_be_visible()
        page.keyboard.press("Escape")
    page.reload()
    painted(page)
    expect(page.get_by_test_id("stSidebar").get_by_text("Breast cancer").first).to_be_visible()


def test_nothing_is_wider_than_a_phone(open_page: OpenPage, app_url: str, screenshots: Path) -> None:
    page = open_page(app_url + example("sentences"))
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    press(page, "n")
    page.screenshot(path=screenshots / "phone.png", full_page=True)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")


def test_on_a_tablet_no_control_and_no_name_is_cut_off(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"
    beyond = """all => all.filter(one => {
        const column = one.closest('[data-testid="stColumn"]');
        return one.getBoundingClientRect().right > column.getBoundingClientRect().right + 1;
    }).map(one => one.textContent)"""
    for width in (800, 1024):
        page.set_viewport_size({"width": width, "height": 768})
        settled(page)
        assert page.get_by_test_id("stMetricLabel").locator("p").evaluate_all(cut) == []
        assert page.get_by_test_id("stMain").get_by_role("radio").evaluate_all(beyond) == []
    page.get_by_test_id("stTopNavLinkContainer").get_by_role("link", name="Tune").click()
    settled(page)
    grid = page.locator(".st-key-sweep_grid")
    fields = grid.locator("input, [data-baseweb='select'] div")
    expect(grid.get_by_role("button", name=re.compile("^Run "))).to_be_visible()
    assert fields.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length") == 0
