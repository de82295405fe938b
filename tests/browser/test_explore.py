"""A newcomer's way through the app, in a real browser."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from browser.steps import (
    choose,
    click_on_map,
    drag_box,
    figure,
    metric,
    move_slider,
    pick_row,
    picked_rows,
    sample_name,
    settled,
    upload,
)
from browser.warm import Launcher
from kdeviz import KDEClassifier, Settings, analyse, load_sample

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_first_paint_shows_the_sample_set_fitted(
    open_page: OpenPage, app_url: str, screenshots: Path, scheme: str
) -> None:
    page = open_page(app_url, scheme)
    train, score = load_sample().train_and_test()
    analysis = analyse(train, score)
    assert metric(page, "Flagged").endswith("of 756")
    assert float(metric(page, "Separation")) == pytest.approx(0.9435, abs=0.002)
    assert figure(page, 0)["title"].startswith(metric(page, "Flagged").split(" ")[0])
    assert sum(t["n"] for t in figure(page, 0)["traces"] if t["type"] == "scatter") == len(analysis.scores)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.wait_for_timeout(800)
    page.screenshot(path=screenshots / f"explore-{scheme}.png")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0


def test_moving_a_slider_changes_charts_numbers_and_address(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    before = metric(page, "Separation"), figure(page, 1)
    move_slider(page, "Components (PCA)", "ArrowLeft", 8)
    expect(page.get_by_text("8 components keep").first).to_be_visible()
    after = metric(page, "Separation"), figure(page, 1)
    assert after[0] != before[0]
    assert after[1]["shapes"] != before[1]["shapes"]
    assert "components=8" in page.url
    again = open_page(page.url)
    assert metric(again, "Separation") == after[0]
    assert figure(again, 1)["shapes"] == after[1]["shapes"]


def test_every_setting_survives_in_the_address(open_page: OpenPage, app_url: str) -> None:
    query = "?components=12&scaling=norm&cap=500&bandwidth=factor&factor=1.5&seed=7&rule=top_k&top_k=30"
    page = open_page(app_url + query + "&colour=digit&axis_x=2&axis_y=3&midpoint=20&steepness=0.2")
    train, score = load_sample().train_and_test()
    analysis = analyse(train, score, Settings(12, "norm", 500, 1.5, 7))
    assert metric(page, "Flagged") == "30 of 756"
    threshold = np.sort(analysis.scores)[29:31].mean()
    assert figure(page, 1)["shapes"][0] == pytest.approx(threshold, abs=1e-4)
    assert {trace["name"] for trace in figure(page, 0)["traces"]} >= {"0", "9"}


def test_a_broken_file_changes_nothing_and_says_why(
    open_page: OpenPage, app_url: str, tmp_path: Path, screenshots: Path
) -> None:
    page = open_page(app_url)
    before = metric(page, "Flagged")
    broken = tmp_path / "broken ![x](http:..x).npy"
    broken.write_bytes(b"this is no array")
    upload(page, broken)
    expect(page.get_by_text("That file could not be loaded").first).to_be_visible()
    page.screenshot(path=screenshots / "broken-file.png")
    assert metric(page, "Flagged") == before


def test_an_uploaded_array_is_fitted_and_the_sample_set_comes_back(
    open_page: OpenPage, app_url: str, tmp_path: Path
) -> None:
    rows = np.random.default_rng(0).standard_normal((300, 24)).astype(np.float32)
    np.save(tmp_path / "features.npy", rows)
    page = open_page(app_url)
    upload(page, tmp_path / "features.npy")
    expect(page.get_by_text("300 to learn from")).to_be_visible()
    assert metric(page, "Flagged") == "3 of 300"
    assert metric(page, "Separation") == "no labels"
    page.get_by_role("button", name="Load data").click()
    page.get_by_role("button", name="Handwritten digits").click()
    settled(page)
    assert metric(page, "Flagged").endswith("of 756")


def test_a_file_with_nan_shows_its_checks_and_no_other_numbers(
    open_page: OpenPage, app_url: str, tmp_path: Path
) -> None:
    rows = np.ones((50, 4), dtype=np.float32)
    rows[7, 2] = np.nan
    np.save(tmp_path / "holes.npy", rows)
    page = open_page(app_url)
    upload(page, tmp_path / "holes.npy")
    expect(page.get_by_text(re.compile("1 of 50 rows hold NaN or infinity \\(rows 7\\)"))).to_be_visible()
    expect(page.get_by_text("There is nothing to show of these data")).to_be_visible()
    expect(page.get_by_role("heading", name="Checks of the file")).to_be_visible()
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
    expect(page.locator(".js-plotly-plot")).to_have_count(0)


def test_a_box_on_the_map_filters_the_table_and_exports_it(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    drag_box(page, 0.02, 0.02, 0.45, 0.5)
    heading = page.get_by_role("heading", name=re.compile("of 756 samples"))
    selected = int(heading.inner_text().split()[0].replace("\u202f", ""))
    assert 0 < selected < 756
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    page.keyboard.press("Escape")
    table = pd.read_csv(download.value.path())
    assert len(table) == selected
    pick_row(page, 0)
    expect(heading).to_be_visible()
    page.get_by_role("button", name="Clear all", exact=True).click()
    settled(page)
    expect(page.get_by_role("heading", name="Most anomalous samples")).to_be_visible()


def test_the_table_follows_a_pick_on_the_map(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    pick_row(page, 1)
    expect(picked_rows(page)).to_have_attribute("aria-rowindex", "3")
    train, score = load_sample().train_and_test()
    analysis = analyse(train, score)
    points = analysis.coordinates[:, :2]
    top = np.argsort(analysis.scores, kind="stable")[:10]
    gaps = [np.sort(np.linalg.norm(points - points[row], axis=1))[1] for row in top]
    rank = int(np.argmax(gaps))  # counted from 0: a sample that no other hides
    click_on_map(page, *points[top[rank]])
    expect(sample_name(page)).to_have_text(str(analysis.inspected.ids[top[rank]]))
    expect(picked_rows(page)).to_have_attribute("aria-rowindex", str(rank + 2))


def test_addresses_in_a_file_are_shown_and_never_fetched(
    open_page: OpenPage, app_url: str, tmp_path: Path, screenshots: Path
) -> None:
    rows = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)
    frame = pd.DataFrame(rows, columns=[f"f{i}" for i in range(8)])
    address = "http://kdeviz.invalid/x.png"
    for name in ("picture", "id", "![x](http://kdeviz.invalid/head.png)", f"<img src='{address}'>"):
        frame[name] = [f"{address}?{i}" for i in range(60)]
    frame["markdown"] = f"![x]({address}) <img src='{address}'>"
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(picture, "PNG")
    frame["thumbnail"] = [picture.getvalue()] * 60
    frame.to_parquet(tmp_path / "addresses.parquet")
    page = open_page(app_url)
    upload(page, tmp_path / "addresses.parquet")
    page.keyboard.press("Escape")
    pick_row(page, 0)
    expect(page.get_by_test_id("stImage").locator("img")).to_have_attribute("src", re.compile("^data:"))
    page.screenshot(path=screenshots / "addresses.png")


def test_picking_a_row_rings_the_sample_on_every_chart(
    open_page: OpenPage, app_url: str, screenshots: Path
) -> None:
    page = open_page(app_url)
    pick_row(page, 1)
    train, score = load_sample().train_and_test()
    analysis = analyse(train, score)
    second = int(np.argsort(analysis.scores, kind="stable")[1])
    expect(sample_name(page)).to_have_text(str(analysis.inspected.ids[second]))
    expect(page.locator(".st-key-sample_facts").get_by_text("label anomalous")).to_be_visible()
    ring = next(trace for trace in figure(page, 0)["traces"] if trace["name"] == "picked")
    assert ring["x"][0] == pytest.approx(float(analysis.coordinates[second, 0]), abs=1e-5)
    choose(page, "Density")
    assert any(trace["name"] == "picked" for trace in figure(page, 1)["traces"])
    page.screenshot(path=screenshots / "picked.png")


def test_the_downloaded_model_gives_the_scores_on_the_screen(
    open_page: OpenPage, app_url: str, tmp_path: Path, screenshots: Path
) -> None:
    page = open_page(f"{app_url}/?components=10")
    page.get_by_role("link", name="Export").click()
    settled(page)
    page.screenshot(path=screenshots / "export.png")
    exported(page, screenshots / "exported.png")
    with page.expect_download() as model:
        page.get_by_role("button", name="model.safetensors").click()
    model.value.save_as(tmp_path / "model.safetensors")
    with page.expect_download() as scores:
        page.get_by_role("button", name="Parquet", exact=True).click()
    shown = pd.read_parquet(scores.value.path())
    loaded = KDEClassifier.load(tmp_path / "model.safetensors", device="cpu")
    _, score = load_sample().train_and_test()
    assert score is not None
    expected = loaded.log_density(score.features).numpy()
    by_id = shown.set_index("id")["log_density"].loc[score.ids].to_numpy()
    np.testing.assert_array_equal(by_id, expected)
    assert loaded.settings.n_pca_components == 10
    assert int((expected < loaded.threshold).sum()) == int(shown["flagged"].sum())


def exported(page: Page, picture: Path) -> None:
    """Have the format that is chosen written and compared."""
    page.get_by_role("button", name="Export and check").click()
    expect(page.get_by_text("Same model")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("row", name="Other verdicts 0")).to_be_visible()
    page.screenshot(path=picture)


def test_an_onnx_export_gives_the_scores_on_the_screen_in_onnx_runtime(
    open_page: OpenPage, app_url: str, tmp_path: Path, screenshots: Path
) -> None:
    page = open_page(f"{app_url}/?components=10")
    page.get_by_role("link", name="Export").click()
    settled(page)
    page.get_by_role("combobox", name="Format").click()
    page.get_by_role("option", name="ONNX", exact=True).click()
    settled(page)
    exported(page, screenshots / "exported-onnx.png")
    names = {"model.onnx": "model.onnx", "Model card": "card.md", "Record": "record.json"}
    for button, name in names.items():
        with page.expect_download() as file:
            page.get_by_role("button", name=button, exact=True).click()
        file.value.save_as(tmp_path / name)
    with page.expect_download() as scores:
        page.get_by_role("button", name="Parquet", exact=True).click()
    shown = pd.read_parquet(scores.value.path()).set_index("id")
    _, score = load_sample().train_and_test()
    assert score is not None
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    log_density, p_value, probability, flagged = session.run(None, {"features": score.features})
    shown = shown.loc[score.ids]
    np.testing.assert_allclose(log_density, shown["log_density"], atol=1e-4, rtol=1e-5)
    np.testing.assert_allclose(probability, shown["probability"], atol=1e-5)
    np.testing.assert_allclose(p_value, shown["p_value"], atol=2e-3)
    np.testing.assert_array_equal(flagged, shown["flagged"])
    assert json.loads((tmp_path / "record.json").read_text())["verdict_flips"] == 0
    assert "10 components, scale" in (tmp_path / "card.md").read_text()


def test_three_dimensions_and_colours(open_page: OpenPage, app_url: str, screenshots: Path) -> None:
    page = open_page(f"{app_url}/?dimensions=3D&colour=verdict")
    page.wait_for_timeout(1500)
    kinds = {trace["type"] for trace in figure(page, 0)["traces"]}
    assert kinds == {"scatter3d"}
    assert {trace["name"] for trace in figure(page, 0)["traces"]} == {"not flagged", "flagged"}
    page.screenshot(path=screenshots / "three-d.png")


def test_a_long_fit_waits_for_a_button_can_be_cancelled_and_keeps_the_screen(
    open_page: OpenPage, app_url: str, tmp_path: Path, screenshots: Path
) -> None:
    rows = np.random.default_rng(0).standard_normal((300_000, 16)).astype(np.float16)
    np.save(tmp_path / "large.npy", rows)
    page = open_page(app_url)
    upload(page, tmp_path / "large.npy")
    page.keyboard.press("Escape")
    # Opened, it is fitted unasked; 1e10 pairs, for other settings, are seconds on any machine.
    flagged = page.get_by_test_id("stMetric").filter(has_text="Flagged").get_by_test_id("stMetricValue")
    expect(flagged).to_have_text(re.compile(r"^[\d\s]+ of 300\s000$"), timeout=90_000)
    move_slider(page, "Components (PCA)", "ArrowLeft", 1)
    page.get_by_role("button", name=re.compile("Fit · about")).click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.screenshot(path=screenshots / "long-fit.png")
    # What was there before, or already a preview of what comes.
    expect(flagged).to_have_text(re.compile(r"of 300\s000$|^about "))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled.").or_(page.get_by_text("Stopped: the preview"))).to_be_visible()


def test_a_file_given_on_the_command_line_is_opened(
    open_page: OpenPage, launch: Launcher, tmp_path: Path
) -> None:
    rows = np.random.default_rng(1).standard_normal((200, 12))
    frame = pd.DataFrame(rows, columns=[f"f{i}" for i in range(12)])
    frame.insert(0, "id", [f"<b>row {i}</b>" for i in range(200)])
    frame.insert(1, "label", ["good"] * 190 + ["scratch"] * 10)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    page = open_page(launch(str(tmp_path / "rows.csv")))
    expect(page.get_by_test_id("stSidebar").get_by_text("200 to learn from")).to_be_visible()
    expect(page.get_by_text("10 of 200 training rows are labelled anomalous")).to_be_visible()
    assert metric(page, "Separation") != "no labels"
