"""An analyst's way through Tune and Compare, in a real browser, over a restart of the server."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.steps import TABLE_LAGS_MS, choose, leave, metric, painted, settled, titled
from browser.warm import Launcher
from kdeviz import Settings, ThresholdRule, analyse, decide, load_sample
from kdeviz.comparison.compare import Comparison, compare
from kdeviz.comparison.scored import scored_decision
from kdeviz.comparison.words import separation_words, verdict_words
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.sweep.choice import best
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.sweep import sweep
from kdeviz.wording import count, number

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]

GRID = {"components": "4, 8, 20", "scalings": "scale, norm", "bandwidths": "scott", "standardise": "no, yes"}
LONG = {"Components": "1:60", "Bandwidth": "scott", "Seeds": "0:39"}
MANY = 60 * 2 * 2 * 40  # minutes on any machine: no test waits for its end


def fill_grid(page: Page, **texts: str) -> None:
    for label, text in texts.items():
        box = page.get_by_test_id("stMain").get_by_role("textbox", name=label)
        box.fill(text)
        box.press("Enter")
        settled(page)


def go_to(page: Page, name: str) -> None:
    page.get_by_test_id("stTopNavLinkContainer").get_by_role("link", name=name).click()
    settled(page)


def rows_of(table: Locator) -> int:
    table.page.wait_for_timeout(TABLE_LAGS_MS)
    return int(table.locator("[aria-rowcount]").first.get_attribute("aria-rowcount") or 0) - 1


def compared(settings: Settings) -> Comparison:
    """The defaults against these settings, computed here."""
    train, test = load_sample().train_and_test()
    rule, curve = ThresholdRule(), ProbabilityCurve()
    sides = []
    for each in (Settings(), settings):
        analysis = analyse(train, test, each)
        sides.append(scored_decision(decide(analysis, rule, curve)))
    return compare(*sides)


def test_sweep_cancel_apply_keep_restart_compare(
    open_page: OpenPage, launch: Launcher, tmp_path: Path, screenshots: Path
) -> None:
    runs = "--runs", str(tmp_path / "runs")
    choice = best(sweep(*load_sample().train_and_test(), Grid.parse(**GRID)))
    page = open_page(launch(*runs))
    page.get_by_role("button", name="Keep run").click()
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("button", name="Kept")).to_be_disabled()
    go_to(page, "Tune")

    fill_grid(page, **LONG)
    page.get_by_role("button", name=f"Run {count(MANY)} fits").click()
    expect(page.get_by_text(re.compile(r"^Setting ([5-9]|\d\d)"))).to_be_visible()
    # A row can be used while others are still to come.
    page.get_by_role("button", name="Use").first.click()
    components = page.get_by_role("slider", name="Components (PCA)")
    expect(components).not_to_have_value("16")
    used = components.input_value()
    page.wait_for_timeout(2500)
    assert components.input_value() == used
    page.get_by_role("button", name="Undo the new settings").click()
    settled(page)
    expect(components).to_have_value("16")
    page.get_by_role("button", name="Cancel").click()
    stopped = page.get_by_text(re.compile(rf"^Cancelled: .+ of {count(MANY)} settings are done and kept"))
    expect(stopped).to_be_visible()
    settled(page)
    done = rows_of(page.get_by_test_id("stDataFrame").first)
    assert 4 <= done < MANY
    assert stopped.inner_text().startswith(f"Cancelled: {count(done)} of ")

    fill_grid(page, Components=GRID["components"], Seeds="0")
    page.get_by_role("button", name="Run 12 fits").click()
    expect(page.get_by_text(f"Best AUROC: {number(choice.best.auroc.value)}")).to_be_visible()
    expect(page.get_by_text("Cancelled:")).to_be_hidden()
    settled(page)
    assert choice.best.settings == Settings(20, "norm")
    titled(page, 0, "20 components, norm")
    settled(page)
    page.screenshot(path=screenshots / "tune.png")
    page.get_by_role("button", name="Use").first.click()
    settled(page)
    expect(page.get_by_role("slider", name="Components (PCA)")).to_have_value("20")
    page.get_by_role("link", name="See it in Explore").click()
    painted(page)
    assert metric(page, "Separation (AUROC)") == number(choice.best.auroc.value)
    page.get_by_role("button", name="Keep run").click()
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("button", name="Kept")).to_be_disabled()
    leave(page)
    launch.stop()
    assert len(list((tmp_path / "runs").iterdir())) == 2

    page = open_page(launch(*runs))
    go_to(page, "Compare")
    second = page.get_by_role("combobox", name=re.compile("Second"))
    second.click()
    page.get_by_role("option", name=re.compile("16 components.*kept")).click()
    settled(page)
    first = page.get_by_role("combobox", name=re.compile("First"))
    first.click()
    page.get_by_role("option", name=re.compile("20 components.*kept")).click()
    settled(page)
    page.get_by_role("button", name="Swap").click()
    settled(page)
    found = compared(choice.best.settings)
    assert found.separation is not None and found.verdicts is not None
    expect(page.get_by_text(separation_words(found.separation))).to_be_visible()
    expect(page.get_by_text(verdict_words(found.verdicts))).to_be_visible()
    expect(
        page.get_by_text(f"Flagged only by the first: {len(found.disagreements.only_first)}")
    ).to_be_visible()
    expect(
        page.get_by_text(f"Flagged only by the second: {len(found.disagreements.only_second)}")
    ).to_be_visible()
    page.screenshot(path=screenshots / "compare.png")
    choose(page, "Kept runs")
    assert rows_of(page.get_by_test_id("stDataFrame").first) == 2
    go_to(page, "Tune")
    fill_grid(page, **LONG)
    page.get_by_role("button", name=re.compile("Run .* fits")).click()
    expect(page.get_by_text(re.compile(r"^Setting "))).to_be_visible()
    leave(page)
    launch.stop()  # it does not wait for the sweep
