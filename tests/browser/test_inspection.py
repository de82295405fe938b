"""An inspector's way through Explore, in a real browser: reasons, marks, the threshold, the checks."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from browser.steps import (
    choose,
    click_on_chart,
    figure,
    leave,
    metric,
    move_slider,
    outcome,
    painted,
    pick_row,
    picked_rows,
    press,
    press_verdict,
    sample_name,
    seconds_to_panel,
    settled,
    table_length,
    table_row,
    upload,
    verdict_button,
)
from browser.warm import Launcher
from kdeviz import Analysis, Settings, analyse, load_sample
from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.data.load import load_embeddings
from kdeviz.data.mark_file import MarkFile
from kdeviz.data.marks import SampleMark
from kdeviz.decision.curve_fitting import curve_from_spread, platt
from kdeviz.decision.metrics.operating_points import operating_points
from kdeviz.decision.rules import ThresholdRule
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.wording import number

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def sample() -> Analysis:
    return analyse(*load_sample().train_and_test())


def by_anomaly(analysis: Analysis) -> np.ndarray:
    return np.argsort(analysis.scores, kind="stable")


def place_of(page: Page, analysis: Analysis, row: int) -> None:
    """The panel, the table and the map show this inspected row."""
    rank = int(np.flatnonzero(by_anomaly(analysis) == row)[0])
    expect(sample_name(page)).to_have_text(str(analysis.inspected.ids[row]))
    expect(page.get_by_text(f"Rank {rank + 1} of {len(analysis.scores)}")).to_be_visible()
    expect(picked_rows(page)).to_have_attribute("aria-rowindex", str(rank + 2))
    (ring,) = [trace for trace in figure(page, 0)["traces"] if trace["name"] == "picked"]
    np.testing.assert_allclose([ring["x"][0], ring["y"][0]], analysis.coordinates[row, :2], atol=1e-5)


def counts_at(analysis: Analysis, threshold: float) -> dict[str, int]:
    """Labelled samples in each cell, counted anew."""
    labels, flagged = analysis.inspected.labels, analysis.scores < threshold
    assert labels is not None
    return {
        "Caught": int((flagged & (labels == ANOMALOUS)).sum()),
        "Missed": int((~flagged & (labels == ANOMALOUS)).sum()),
        "False alarms": int((flagged & (labels == NORMAL)).sum()),
        "Passed": int((~flagged & (labels == NORMAL)).sum()),
    }


def cells(page: Page) -> dict[str, int]:
    shown = {}
    for name in ("Caught", "Missed", "False alarms", "Passed"):
        button = page.get_by_test_id("stMain").get_by_role("button", name=re.compile(f"^{name} \\d+$"))
        shown[name] = int(button.inner_text().split()[-1])
    return shown


def agree_on(page: Page, analysis: Analysis, threshold: float) -> None:
    """Density chart, map, headline and confusion counts are those of this threshold."""
    assert figure(page, 1)["shapes"][0] == pytest.approx(threshold, abs=1e-9)
    flagged, total = int((analysis.scores < threshold).sum()), len(analysis.scores)
    assert metric(page, "Flagged") == f"{flagged} of {total}"
    drawn = figure(page, 0)
    assert drawn["title"] == f"{flagged} of {total} samples fall below the threshold"
    assert sum(trace["symbols"].count("diamond") for trace in drawn["traces"]) == flagged
    assert cells(page) == counts_at(analysis, threshold)
    expected = counts_at(analysis, threshold)
    caught, wrong, missed = expected["Caught"], expected["False alarms"], expected["Missed"]
    assert outcome(page, "Precision") == f"{number(100 * caught / (caught + wrong))} %"
    assert outcome(page, "Recall") == f"{number(100 * caught / (caught + missed))} %"


def verdict(page: Page, name: str) -> None:
    pressed = verdict_button(page, name).and_(page.get_by_test_id("stBaseButton-primary"))
    expect(pressed).to_be_visible()


def test_walking_by_key_moves_table_map_and_panel_together(
    open_page: OpenPage, app_url: str, sample: Analysis
) -> None:
    page = open_page(app_url)
    order = by_anomaly(sample)
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    press(page, "n")
    place_of(page, sample, order[0])
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    press(page, "n")
    press(page, "n")
    place_of(page, sample, order[2])
    press(page, "p")
    place_of(page, sample, order[1])
    pick_row(page, 6)
    press(page, "n")
    place_of(page, sample, order[7])
    for part, title in (("Components", "adds most"), ("Features", "would have to change most")):
        choose(page, part)
        assert title in figure(page, 1)["title"]
    press(page, "p")
    place_of(page, sample, order[6])
    assert "would have to change most" in figure(page, 1)["title"]
    choose(page, "Neighbours")
    choose(page, "Density")
    (spot,) = [trace for trace in figure(page, 1)["traces"] if trace["name"] == "picked"]
    assert spot["x"][0] == pytest.approx(float(sample.scores[order[6]]), abs=1e-4)
    times = [seconds_to_panel(page, str(sample.inspected.ids[row])) for row in order[7:10]]
    print(f"\nfrom key to panel, in seconds: median {statistics.median(times):.2f} of {np.round(times, 2)}")


def test_marks_survive_a_reload_and_a_refit_and_can_be_undone(
    open_page: OpenPage, launch: Launcher, tmp_path: Path, sample: Analysis
) -> None:
    url = launch()
    page = open_page(url)
    first = by_anomaly(sample)[0]
    name = str(sample.inspected.ids[first])
    threshold = ThresholdRule().threshold(sample.held_out_scores, sample.scores)
    before = counts_at(sample, threshold)
    press(page, "n")
    press_verdict(page, "Normal")
    note = page.get_by_role("textbox", name="Note")
    note.click()
    page.keyboard.type("no pen: painted", delay=20)
    page.wait_for_timeout(400)
    place_of(page, sample, first)
    note.press("Enter")
    settled(page)
    (path,) = (tmp_path / "marks").glob("*.sqlite")
    assert MarkFile(path).marks == {name: SampleMark("normal", "no pen: painted")}
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()

    page.reload()
    painted(page)
    verdict(page, "Normal")
    expect(note).to_have_value("no pen: painted")
    move_slider(page, "Components (PCA)", "ArrowLeft", 1)
    refitted = analyse(*load_sample().train_and_test(), Settings(15))
    place_of(page, refitted, first)
    verdict(page, "Normal")
    expect(note).to_have_value("no pen: painted")
    move_slider(page, "Components (PCA)", "ArrowRight", 1)

    assert cells(page) == before
    assert "anomalous" in table_row(page, 0)
    page.get_by_text("Use my marks as labels").click()
    settled(page)
    assert cells(page) == {
        **before,
        "Caught": before["Caught"] - 1,
        "False alarms": before["False alarms"] + 1,
    }
    expect(page.locator(".st-key-sample_facts").get_by_text("label normal")).to_be_visible()
    assert table_row(page, 0)[2:6] == [name, "flagged", "normal", "normal"]

    expect(page.get_by_role("button", name="Undo")).to_be_enabled()  # which outlives a reload
    press_verdict(page, "Unsure")
    press(page, "n")  # undoing goes back to the sample that it is about
    page.get_by_role("button", name="Undo").click()
    settled(page)
    place_of(page, sample, first)
    verdict(page, "Normal")
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()  # what was done before the reload
    assert MarkFile(path).marks == {name: SampleMark("normal", "no pen: painted")}


def test_two_apps_see_each_others_marks_and_undo_only_their_own(
    open_page: OpenPage, launch: Launcher, tmp_path: Path, sample: Analysis
) -> None:
    one, other = open_page(launch()), open_page(launch())
    first, second = (str(sample.inspected.ids[row]) for row in by_anomaly(sample)[:2])
    press(one, "n")
    press_verdict(one, "Confirmed")
    press(other, "n")
    verdict(other, "Confirmed")
    expect(other.get_by_role("button", name="Undo")).to_be_disabled()
    press(other, "n")
    press_verdict(other, "Unsure")
    (path,) = (tmp_path / "marks").glob("*.sqlite")
    assert MarkFile(path).marks == {first: SampleMark("confirmed"), second: SampleMark("unsure")}
    one.get_by_role("button", name="Undo").click()
    settled(one)
    expect(one.get_by_role("button", name="Undo")).to_be_disabled()
    assert MarkFile(path).marks == {second: SampleMark("unsure")}
    other.get_by_role("button", name="Undo").click()
    settled(other)
    assert MarkFile(path).marks == {}

    press_verdict(one, "Normal")  # and the app that it was made in dies
    leave(one)
    launch.kill_first()
    press(other, "p")
    verdict(other, "Normal")
    assert MarkFile(path).marks == {first: SampleMark("normal")}


def test_a_click_on_a_curve_sets_the_threshold_everywhere(
    open_page: OpenPage, app_url: str, sample: Analysis, screenshots: Path
) -> None:
    page = open_page(app_url)
    labels = sample.inspected.labels
    assert labels is not None
    points = operating_points(sample.scores, labels).thinned()
    choose(page, "ROC")
    middle = len(points.tpr) // 3
    click_on_chart(page, 1, points.fpr[middle], points.tpr[middle])
    page.screenshot(path=screenshots / "roc.png")
    choose(page, "Density")
    threshold = figure(page, 1)["shapes"][0]
    # A pixel or two beside the point is another point.
    clicked = int(np.argmin(np.abs(points.thresholds - threshold)))
    assert threshold == pytest.approx(points.thresholds[clicked], abs=1e-9)
    assert abs(points.fpr[clicked] - points.fpr[middle]) < 0.02
    assert abs(points.tpr[clicked] - points.tpr[middle]) < 0.04
    agree_on(page, sample, threshold)
    again = open_page(page.url)
    agree_on(again, sample, threshold)
    again.close()

    move_slider(page, "Threshold on log density, nats", "ArrowLeft", 3)
    moved = figure(page, 1)["shapes"][0]
    assert moved < threshold
    agree_on(page, sample, moved)

    flagged = sample.scores < moved
    wrong = {str(name) for name in sample.inspected.ids[flagged & (labels == NORMAL)]}
    assert 0 < len(wrong) <= 200
    page.locator("button[data-cell='false alarms']").click()
    settled(page)
    expect(page.get_by_role("heading", name=f"{len(wrong)} of {len(flagged)} samples")).to_be_visible()
    assert table_length(page) == len(wrong)
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="CSV", exact=True)).to_have_count(0)
    table = pd.read_csv(download.value.path())
    assert set(table["id"]) == wrong and len(table) == len(wrong)
    page.locator("button[data-cell='false alarms']").click()
    settled(page)
    assert table_length(page) == 60

    rules = page.get_by_role("combobox", name="Flag samples by")
    rules.evaluate("element => element.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(300)
    rules.click()
    page.get_by_role("option", name="Best F1 score on the labels").click()
    settled(page)
    best = ThresholdRule("best_f1", 0.0).threshold(sample.held_out_scores, sample.scores, labels)
    agree_on(page, sample, best)
    every = operating_points(sample.scores, labels)
    caught, wrong_ones = counts_at(sample, best)["Caught"], counts_at(sample, best)["False alarms"]
    f1 = 2 * caught / (caught + wrong_ones + int((labels == ANOMALOUS).sum()))
    assert f1 == pytest.approx(every.f1.max())


def test_the_probability_curve_is_fitted_and_reset(
    open_page: OpenPage, app_url: str, sample: Analysis
) -> None:
    page = open_page(app_url)
    pick_row(page, 4)
    row = by_anomaly(sample)[4]
    threshold = ThresholdRule().threshold(sample.held_out_scores, sample.scores)
    labels = sample.inspected.labels
    assert labels is not None

    def shows(curve: ProbabilityCurve) -> None:
        for name, value in (("Midpoint, nats", curve.midpoint), ("Steepness, per nat", curve.steepness)):
            shown = page.get_by_role("spinbutton", name=name)
            assert float(shown.input_value()) == pytest.approx(value, abs=0.0051)
        name = "uncalibrated probability" if curve == ProbabilityCurve() else "probability"
        shown = f"{name} {number(float(curve(sample.scores[[row]])[0]))}"
        expect(page.locator(".st-key-sample_facts").get_by_text(shown, exact=True)).to_be_visible()

    page.get_by_text("Probability curve", exact=True).click()
    shows(ProbabilityCurve())
    page.get_by_role("button", name="Centre on the threshold").click()
    settled(page)
    shows(curve_from_spread(sample.held_out_scores, threshold))
    page.get_by_role("button", name="Fit to labels").click()
    settled(page)
    shows(platt(sample.scores, labels).curve)
    page.get_by_role("button", name="Reset", exact=True).click()
    settled(page)
    shows(ProbabilityCurve())
    choose(page, "Reliability")
    assert figure(page, 1)["title"].startswith("Fitting lowers the probability error")


def test_checks_open_by_themselves_and_fixes_can_be_undone(
    open_page: OpenPage, app_url: str, tmp_path: Path, screenshots: Path
) -> None:
    rows = np.random.default_rng(0).standard_normal((300, 24)).astype(np.float32)
    rows[7, 2] = rows[9, 5] = np.nan
    rows[20, 1] = np.inf
    rows[[50, 51, 52]] = rows[100]
    np.save(tmp_path / "rough.npy", rows)
    page = open_page(app_url)
    upload(page, tmp_path / "rough.npy")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Checks of the file")).to_be_visible()
    expect(page.get_by_text("The fit did not finish")).to_be_visible()
    expect(page.get_by_text("2 of 300 rows hold missing values")).to_be_visible()
    expect(page.get_by_text("1 of 300 rows holds infinite values")).to_be_visible()
    page.screenshot(path=screenshots / "checks.png")
    for title in ("Drop 2 rows", "Drop 1 row", "Drop 3 rows"):
        page.get_by_role("button", name=title, exact=True).click()
        settled(page)
    expect(page.get_by_text("The fit did not finish")).to_be_hidden()
    clean = np.delete(rows, [7, 9, 20, 51, 52, 100], axis=0)
    np.save(tmp_path / "clean.npy", clean)
    analysis = analyse(load_embeddings(tmp_path / "clean.npy"))
    threshold = ThresholdRule().threshold(analysis.held_out_scores, analysis.scores)
    assert metric(page, "Flagged") == f"{(analysis.scores < threshold).sum()} of 294"
    assert figure(page, 1)["shapes"][0] == pytest.approx(threshold, abs=1e-4)
    for done in ("2 rows with missing values dropped", "1 row with infinite values dropped"):
        expect(page.get_by_text(done)).to_be_visible()
    undo = page.get_by_role("button", name="Undo the last fix")
    undo.click()
    settled(page)
    assert metric(page, "Flagged").endswith("of 297")
    undo.click()
    settled(page)
    expect(page.get_by_text("The fit did not finish")).to_be_visible()
    expect(page.get_by_text("1 of 298 rows holds infinite values")).to_be_visible()
