"""A talk in a real browser: driven by keys, found again, and readable by everybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from browser.steps import metric, painted, press, settled

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


class Known(NamedTuple):
    """A finding of axe that is Streamlit's own."""

    rule: str
    html: str
    """What the markup matches."""
    why: str


STREAMLITS_OWN = (
    Known("color-contrast", r'class="token', "Streamlit colours code itself; the colours cannot be set"),
)


def heading(page: Page) -> Any:
    return page.locator(".kdeviz-words h1")


def sentences(page: Page) -> list[str]:
    return page.locator(".kdeviz-words p").all_inner_texts()


def shown(page: Page) -> tuple[Any, ...]:
    """What tells the screens of a talk apart."""
    at = page.locator('.kdeviz-rail [aria-current="step"]').inner_text()
    pressed = page.get_by_test_id("stMain").locator('[role="radio"][aria-checked="true"]').all_inner_texts()
    alts = (
        page.get_by_test_id("stMain")
        .get_by_role("figure")
        .evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    )
    return at, heading(page).inner_text(), sentences(page), pressed, alts, page.url


def go_to(page: Page, name: str) -> None:
    page.get_by_test_id("stTopNavLinkContainer").get_by_role("link", name=name).click()
    settled(page)


def reloaded(page: Page) -> tuple[Any, ...]:
    page.reload()
    page.locator(".kdeviz-rail").wait_for()
    settled(page)
    return shown(page)


def test_a_talk_is_driven_by_keys_and_its_numbers_are_those_of_explore(
    open_page: OpenPage, app_url: str
) -> None:
    page = open_page(f"{app_url}/present")
    expect(heading(page)).to_have_text("What normal looks like")
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    press(page, "ArrowRight")
    expect(heading(page)).to_have_text("How unusual each sample is")
    press(page, "PageDown")
    expect(heading(page)).to_have_text("Where we draw the line")
    before = sentences(page)
    slider = page.get_by_role("slider", name="Where the line is")
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
    settled(page)
    expect(page.locator(".kdeviz-words p").nth(1)).not_to_have_text(before[1])
    assert reloaded(page)[0].endswith("Where we draw the line")
    drawn = sentences(page)
    steps = ("PageDown", "What we found", "PageUp"), ("PageUp", "How unusual each sample is", "PageDown")
    for key, words, back in steps:
        slider.focus()  # as after a drag
        slider.press(key)
        settled(page)
        expect(heading(page)).to_have_text(words)
        press(page, back)
    assert sentences(page) == drawn
    press(page, "ArrowRight")
    flagged = re.match(r"(\d+) of the (\d+) samples are flagged", sentences(page)[0].replace("\u202f", ""))
    assert flagged is not None
    press(page, "ArrowDown")
    assert "sample=" in page.url
    page.get_by_role("radio", name="Map", exact=True).click()
    settled(page)
    before_reload = shown(page)
    assert reloaded(page) == before_reload
    press(page, "End")
    expect(heading(page)).to_have_text("How sure we are")
    told = re.search(r"in ([\d.]+) %", sentences(page)[0])
    go_to(page, "Explore")
    painted(page)
    assert metric(page, "Flagged").replace("\u202f", "") == f"{flagged[1]} of {flagged[2]}"
    assert told is not None
    assert float(metric(page, "Separation")) == pytest.approx(float(told[1]) / 100, abs=0.0006)


def test_a_click_on_the_enlarged_map_picks_what_is_there(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}/present?step=4&picture=Map")
    place = page.locator(".js-plotly-plot").first
    script = """plot => {
        const {x, y, customdata} = plot._fullData.find(trace => trace.name.startsWith("flagged"));
        const i = Array.from(x).indexOf(Math.max(...x)), {xaxis, yaxis} = plot._fullLayout;
        const box = plot.getBoundingClientRect(), zoom = box.width / plot._fullLayout.width;
        const [left, top] = [xaxis._offset + xaxis.d2p(x[i]), yaxis._offset + yaxis.d2p(y[i])];
        return [box.x + zoom * left, box.y + zoom * top, customdata[i], zoom];
    }"""
    left, top, row, zoom = place.evaluate(script)
    assert zoom > 1.3  # readable from afar
    page.mouse.move(left - 4, top)
    page.mouse.move(left, top, steps=3)
    page.mouse.click(left, top)
    settled(page)
    assert f"sample={row}" in page.url


def test_how_it_works_moves_through_its_stages_and_back(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}/present?step=2")
    page.get_by_role("button", name="How it works").click()
    settled(page)
    expect(heading(page)).to_have_text("Points")
    drawn = page.locator(".kdeviz-bumps circle").count()
    assert drawn > 100
    for stage in ("Bumps", "Density", "Threshold"):
        press(page, "ArrowRight")
        expect(heading(page)).to_have_text(stage)
    expect(page.locator(".kdeviz-bumps text")).to_contain_text("% of training samples below")
    told = re.search(r"(\d+) of (\d+) flagged", sentences(page)[1])
    assert told is not None
    rings = page.locator(".kdeviz-bumps circle[stroke]")
    expect(rings).to_have_count(int(told[2]) - int(told[1]))
    expect(page.get_by_role("img", name="A sample is flagged where")).to_be_visible()
    assert reloaded(page)[1] == "Threshold"
    page.get_by_role("button", name="How it works").click()
    settled(page)
    expect(heading(page)).to_have_text("How unusual each sample is")


def test_a_swipe_goes_on_and_back_and_a_tablet_needs_no_scrolling(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}/present?step=3")
    page.set_viewport_size({"width": 1024, "height": 768})
    settled(page)
    swipe = """by => {
        const target = document.querySelector(".kdeviz-words");
        const touch = (x) => new Touch({identifier: 1, target, clientX: x, clientY: 300});
        target.dispatchEvent(new TouchEvent("touchstart", {touches: [touch(500)], bubbles: true}));
        target.dispatchEvent(new TouchEvent("touchend", {changedTouches: [touch(500 + by)], bubbles: true}));
    }"""
    for by, words in (
        (-200, "What we found"),
        (200, "Where we draw the line"),
        (-20, "Where we draw the line"),
    ):
        page.evaluate(swipe, by)
        settled(page)
        expect(heading(page)).to_have_text(words)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollHeight - innerHeight") <= 2
    tall = "all => all.filter(one => one.getBoundingClientRect().height < 44).length"
    assert page.locator(".kdeviz-rail button").evaluate_all(tall) == 0


def test_on_a_phone_a_chart_is_high_enough_to_be_read(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}/present?step=5")
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area is not None
    assert area["height"] >= 240
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def findings(page: Page) -> Iterator[str]:
    """What axe finds serious or critical in our own markup."""
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    for violation in found["violations"]:
        if violation["impact"] not in ("serious", "critical"):
            continue
        for node in violation["nodes"]:
            own = any(
                violation["id"] == known.rule and re.search(known.html, node["html"])
                for known in STREAMLITS_OWN
            )
            if not own:
                yield f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out(open_page: OpenPage, app_url: str, scheme: str) -> None:
    page = open_page(app_url, scheme)
    assert list(findings(page)) == []
    unnamed = page.locator(".kdeviz-chart").evaluate_all(
        "all => all.map(one => one.ariaLabel).filter(name => !name.includes('. '))"
    )
    assert unnamed == []
    for name in ("Tune", "Compare", "Export", "Present"):
        go_to(page, name)
        assert (name, list(findings(page))) == (name, [])
    press(page, "End")
    press(page, "ArrowLeft")
    assert list(findings(page)) == []
