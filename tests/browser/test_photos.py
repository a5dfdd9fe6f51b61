"""Photos become pictures, in a real browser, with the real engine."""

import csv
import io
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Download, Page, expect

from tests.hostile import photos as hostile

pytestmark = pytest.mark.browser

DROP = """([zone, files]) => {
  const carried = new DataTransfer();
  for (const { name, bytes } of files) carried.items.add(new File([new Uint8Array(bytes)], name));
  for (const kind of ["dragover", "drop"]) {
    document.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""
BROKEN = b"\xff\xd8\xff\xe0 this is no photo"


def photo(width: int = 200, height: int = 150) -> bytes:
    return hostile.saved(hostile.picture(width, height), "JPEG")


def drop(page: Page, **files: bytes) -> None:
    """As a user drops files onto the page."""
    carried = [{"name": name.replace("__", "."), "bytes": list(data)} for name, data in files.items()]
    page.evaluate(DROP, [None, carried])


def open_photos(visit, **options: object) -> Page:
    studio = visit(**options)
    studio.go("Photos")
    expect(studio.page.locator(".welcome")).to_be_visible()
    return studio.page


def row(page: Page, name: str):
    return page.locator(".photo").filter(has=page.get_by_text(name, exact=True))


def draw(page: Page) -> None:
    page.locator(".go button").click()


def one_drawn(visit, **file: bytes) -> Page:
    """A set of one photo, which is drawn."""
    page = open_photos(visit)
    drop(page, **file)
    expect(page.locator(".single .pane")).to_be_visible()
    draw(page)
    expect(page.locator(".single")).to_have_attribute("data-state", "done")
    return page


def downloaded(page: Page, link) -> Download:
    with page.expect_download() as coming:
        link.click()
    return coming.value


def test_three_photos_of_which_one_is_broken(visit):
    page = open_photos(visit)
    drop(page, one__jpg=photo(), broken__jpg=BROKEN, two__jpg=photo(150, 200))
    expect(page.locator(".photo")).to_have_count(3)
    expect(row(page, "broken.jpg")).to_have_attribute("data-state", "refused")
    expect(row(page, "broken.jpg").locator(".why")).to_contain_text("damaged or cut off")
    page.get_by_label("File format").select_option("jpeg")
    draw(page)
    for name in ("one.jpg", "two.jpg"):
        expect(row(page, name)).to_have_attribute("data-state", "done")
    expect(page.locator(".head")).to_contain_text("2 of 2 drawn")

    saved = downloaded(page, row(page, "one.jpg").get_by_role("link", name="Save one.jpg"))
    assert re.fullmatch(r"one_cartoon_20_\d+x\d+_seed\d+\.jpg", saved.suggested_filename)
    with zipfile.ZipFile(Path(downloaded(page, page.get_by_role("link", name="Download all")).path())) as archive:
        assert archive.testzip() is None
        pictures = [name for name in archive.namelist() if name.endswith(".jpg")]
        assert [name.split("_")[0] for name in pictures] == ["one", "two"]
        assert Image.open(io.BytesIO(archive.read(pictures[1]))).format == "JPEG"
        table = list(csv.DictReader(io.StringIO(archive.read("photos.csv").decode("utf-8-sig"))))
    assert {line["photo"]: line["state"] for line in table} == {
        "one.jpg": "done", "broken.jpg": "refused", "two.jpg": "done",
    }  # fmt: skip
    assert len({line["seed"] for line in table if line["seed"]}) == 1


def test_before_and_after_with_a_line_between_them(visit):
    page = one_drawn(visit, one__jpg=photo())
    pane = page.locator(".single .pane")
    line = page.get_by_label("Before and after: move the line")
    line.focus()
    before = pane.evaluate("pane => pane.style.getPropertyValue('--cut')")
    for _ in range(20):
        line.press("ArrowRight")
    assert pane.evaluate("pane => pane.style.getPropertyValue('--cut')") != before
    box = pane.bounding_box()
    page.locator(".mark").hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.up()
    assert float(pane.evaluate("pane => pane.style.getPropertyValue('--cut')").rstrip("%")) == pytest.approx(25, abs=3)
    assert pane.locator("img:not(.preview)").evaluate_all("all => all.every((one) => one.naturalWidth > 0)")


def test_one_that_failed_says_why_and_is_tried_again(visit, served, tmp_path):
    page = open_photos(visit)
    drop(page, one__png=hostile.saved(hostile.picture()), two__png=hostile.saved(hostile.picture(80, 60)))
    expect(page.locator(".photo")).to_have_count(2)
    style, away = served.lora / "cartoon.safetensors", tmp_path / "cartoon.safetensors"
    shutil.move(style, away)
    try:
        draw(page)
        expect(page.locator('.photo[data-state="failed"]')).to_have_count(2)
        expect(row(page, "one.png").locator(".why")).to_contain_text("cartoon")
    finally:
        shutil.move(away, style)
    expect(page.locator(".go button")).to_be_enabled()
    again = row(page, "one.png").get_by_role("button", name="Try again")
    for _ in range(15):  # until the style was looked at again
        if again.count():
            again.click()
        page.wait_for_timeout(2000)
        if row(page, "one.png").get_attribute("data-state") == "done":
            break
    expect(row(page, "one.png")).to_have_attribute("data-state", "done")
    expect(row(page, "two.png")).to_have_attribute("data-state", "failed")


def test_a_set_is_there_again_after_a_reload_and_in_no_other_browser(visit):
    page = open_photos(visit)
    drop(page, one__jpg=photo(), two__jpg=photo())
    expect(page.locator(".photo")).to_have_count(2)
    page.get_by_label("In words").fill("a red house")
    page.get_by_label("In words").blur()
    page.wait_for_timeout(1500)  # it is kept half a second after the last letter
    page.reload()
    expect(page.locator(".photo")).to_have_count(2)
    expect(page.get_by_label("In words")).to_have_value("a red house")
    assert open_photos(visit).locator(".photo").count() == 0


def test_one_photo_at_five_strengths_and_a_click_takes_one(visit):
    page = open_photos(visit)
    drop(page, one__jpg=photo())
    page.get_by_role("button", name="Try five strengths on one photo").click()
    tiles = page.locator(".strip .tile")
    expect(tiles).to_have_count(5)
    expect(page.locator('.strip .tile[data-state="done"]')).to_have_count(5)
    tiles.nth(1).click()
    expect(tiles.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".strength .says")).to_have_text("Lightly redrawn · 40 %")


def test_paused_stopped_and_put_away(visit):
    page = open_photos(visit)
    drop(page, **{f"photo{n}__jpg": photo(200 + n) for n in range(12)})
    expect(page.locator(".photo")).to_have_count(12)
    page.get_by_label("Longest side").select_option("256")
    draw(page)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".head")).to_contain_text("paused")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".go button")).to_be_enabled()
    page.get_by_role("button", name="New set").click()
    page.get_by_role("button", name="Take all of them away?").click()
    expect(page.locator(".welcome")).to_be_visible()


def test_it_speaks_chinese(visit):
    studio = visit(locale="zh-CN")
    studio.go("照片")
    expect(studio.page.locator(".welcome")).to_contain_text("把照片拖到这里")


def test_what_was_drawn_from_a_photo_is_drawn_from_it_again(visit):
    page = one_drawn(visit, ann__jpg=photo())
    page.get_by_role("button", name="Take another photo").click()
    expect(page.locator(".welcome")).to_be_visible()
    page.get_by_role("link", name="History").click()
    page.locator(".tile").first.click()
    page.get_by_role("button", name="Reuse", exact=True).click()
    expect(page.locator(".single .name")).to_have_text("ann.jpg")
    draw(page)
    expect(page.locator(".single")).to_have_attribute("data-state", "done")
    page.get_by_role("link", name="History").click()
    expect(page.locator(".tile")).to_have_count(2)
    first, second = (page.locator(f".tile[data-index='{n}']").get_attribute("data-id") for n in (0, 1))
    pixels = [page.request.get(f"/app/static/img/{one}?clean=1").body() for one in (first, second)]
    assert pixels[0] == pixels[1]
