"""A server that asks for a key, as a browser meets it."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from browser.steps import painted, press, settled, upload
from kdeviz.data import resource
from kdeviz.ui.door.keys import Keys

pytestmark = pytest.mark.browser


def test_who_has_the_address_works_as_ever_and_nobody_else_sees_anything(
    launch, open_page, browser, monkeypatch, screenshots
):
    monkeypatch.setenv("KDEVIZ_SECRET", "a secret")
    url, key = launch("--user", "anna"), Keys(["anna"], "a secret").by_user()["anna"]
    stranger = browser.new_context().new_page()
    answer = stranger.goto(url)
    assert answer is not None and answer.status == 403
    assert "Open the address that kdeviz printed" in stranger.inner_text("body")
    stranger.context.close()

    page = open_page(f"{url}/?seed=inf&axis_y=1e400&components=8&token={key}")
    note = "Not possible in the address, and left out: seed, axis_y"
    expect(page.get_by_test_id("stToast")).to_contain_text(note)
    page.screenshot(path=screenshots / "address-note.png")
    assert "token" not in page.url and "seed" not in page.url and "components=8" in page.url
    upload(page, resource("sample_data/digits.parquet"))
    expect(page.get_by_test_id("stSidebar").get_by_text("digits", exact=True).first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Export").click()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").first.click()
    assert download.value.path().stat().st_size > 10_000
    page.reload()
    page.get_by_role("link", name="Explore").click()
    painted(page)


def test_damaged_pictures_are_placeholders_and_nothing_is_printed(launch, open_page, tmp_path):
    rows = pq.read_table(resource("sample_data/digits.parquet")).slice(0, 200)
    image = rows["thumbnail"][0].as_py()
    spoilt = [image[:8], image[:40], image[:-20], b"\xff\xd8\xff\xe0" + image, b"GIF89a" + bytes(30), image]
    column = pa.array([spoilt[row % len(spoilt)] for row in range(len(rows))], pa.binary())
    rows = rows.set_column(rows.schema.get_field_index("thumbnail"), "thumbnail", column)
    pq.write_table(rows, tmp_path / "spoilt.parquet")
    page = open_page(launch(str(tmp_path / "spoilt.parquet")))
    for _ in range(8):
        press(page, "n")
        picture = page.get_by_test_id("stMain").get_by_test_id("stImage").locator("img").first
        assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
