"""Previews in a real browser: what they say, what stays while the rest is scored, cancelling and going on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from browser.steps import figure, leave, metric, painted, sample_name, settled, start_script, stop_app, upload
from kdeviz.analysis import analyse
from kdeviz.data import load_embeddings
from kdeviz.decision import decide

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
ROWS = 3000
STEPPED = """
import sys
import time
from pathlib import Path

from streamlit import App

from kdeviz.analysis import analyse, preview
from kdeviz.ui.door import SCRIPT, guards, opened
from kdeviz.ui.work import jobs

analysing = sys.modules[analyse.__module__]
score = analysing.scores_of


parts = []


def when_told(*given):
    parts.append(given)
    while len(list(Path(__file__).parent.glob("part-*"))) < len(parts):
        time.sleep(0.02)
    return score(*given)


jobs.PREVIEWED_S, preview.FIRST_ROWS, analysing.scores_of = 0.0, 600, when_told
app = App(SCRIPT, middleware=guards(), lifespan=opened)
"""


@pytest.fixture
def page(open_page: OpenPage, tmp_path: Path) -> Iterator[Page]:
    """An app in which samples are small, and a part of the rows is scored when `score_next` says so."""
    script = tmp_path / "stepped_app.py"
    script.write_text(STEPPED)
    score_next(tmp_path)  # the example, in one part
    folders = (f"--{name}={tmp_path / name}" for name in ("marks", "uploads"))
    server, url = start_script(script, *folders)
    page = open_page(url)
    yield page
    leave(page)
    stop_app(server)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    features = (random.standard_normal((ROWS, 6)) * np.arange(1, 7)).astype(np.float32)
    np.save(tmp_path / "rows.npy", features)
    return tmp_path / "rows.npy"


def score_next(folder: Path) -> None:
    (folder / f"part-{len(list(folder.glob('part-*')))}").touch()


def preview(page: Page, words: str = "") -> None:
    expect(page.locator(".st-key-preview")).to_contain_text(f"Preview: {words}")


def test_a_preview_is_refined_until_it_is_exact(
    page: Page, rows: Path, tmp_path: Path, screenshots: Path
) -> None:
    upload(page, rows)
    score_next(tmp_path)
    preview(page, "600 of 3\u202f000 rows")
    painted(page)
    assert metric(page, "Flagged").startswith("about ")
    assert figure(page, 0)["title"].startswith("About: ")
    page.screenshot(path=screenshots / "preview.png")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(sample_name(page)).to_be_visible()
    picked = sample_name(page).inner_text()
    score_next(tmp_path)
    preview(page, "1\u202f200 of 3\u202f000 rows")
    expect(sample_name(page)).to_have_text(picked)

    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Stopped: the preview of")).to_be_visible()
    score_next(tmp_path)  # the part that was under way
    settled(page)
    preview(page)
    assert metric(page, "Flagged").startswith("about ")
    expect(sample_name(page)).to_have_text(picked)
    page.get_by_role("button", name="Go on").click()
    score_next(tmp_path)
    expect(page.get_by_text("All 3\u202f000 rows are scored")).to_be_visible()
    expect(page.locator(".st-key-preview")).to_have_count(0)
    settled(page)
    expect(sample_name(page)).to_have_text(picked)

    decision = decide(analyse(load_embeddings(rows)))
    assert metric(page, "Flagged") == f"{decision.n_flagged} of 3\u202f000"
    assert figure(page, 0)["title"] == f"{decision.n_flagged} of 3\u202f000 samples fall below the threshold"
