"""The History page in a real browser: found, looked at, reused, compared, verified, thrown away and brought back."""

import io
import json
import re
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from bench.past import fill
from web.owners import Owners, signing_key

pytestmark = pytest.mark.browser

DROP = """([kind, bytes]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([Uint8Array.from(bytes)], "picture.png", {type: "image/png"}));
  document.body.dispatchEvent(new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true}));
}"""


def history(page: Page) -> Page:
    page.goto("/history")
    expect(page.locator(".gallery[data-ready]")).to_be_attached()
    return page


def tile(page: Page, index: int) -> Locator:
    return page.locator(f".tile[data-index='{index}']")


def tiles(page: Page) -> Locator:
    return page.locator(".tile")


def ids(page: Page) -> list[str | None]:
    """Those of the tiles, in order."""
    return [tile(page, n).get_attribute("data-id") for n in range(tiles(page).count())]


def search(page: Page, words: str) -> None:
    page.get_by_role("searchbox").fill(words)


def draw(studio, *prompts: str, after: str = "") -> list[str]:
    """Pictures of these; their ids. `after` is the one that is in the frame already."""
    drawn = [after]
    for prompt in prompts:
        drawn.append(studio.draw(prompt, drawn[-1]))
    return drawn[1:]


def owner_of(page: Page, data: Path) -> str:
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    owner = Owners(signing_key(data / "secret.key"), str).read(cookies)
    assert owner is not None
    return owner


def test_pictures_are_found_by_words_and_filters(visit):
    studio = visit()
    house, boat = draw(studio, "a red house", "a blue boat on the sea")
    studio.choose_style("cartoon")
    (cat,) = draw(studio, "an orange cat", after=boat)
    page = history(studio.page)
    expect(page.locator(".day h2")).to_have_text(["Today"])
    expect(tiles(page)).to_have_count(3)
    assert ids(page) == [cat, boat, house]
    search(page, "sea bo")
    expect(tiles(page)).to_have_count(1)
    assert ids(page) == [boat]
    search(page, "zeppelin")
    expect(page.locator(".empty")).to_contain_text("No picture matches.")
    page.locator(".empty").get_by_role("button", name="Clear the search").click()
    expect(tiles(page)).to_have_count(3)
    page.get_by_role("button", name="Filters").click()
    page.locator(".panel").get_by_role("button", name="cartoon").click()
    expect(tiles(page)).to_have_count(1)
    assert ids(page) == [cat]
    expect(page.get_by_role("button", name="Filters · 1")).to_be_visible()
    page.locator(".panel").get_by_role("button", name="cartoon").click()
    page.get_by_role("combobox", name="Order").select_option("oldest")
    expect(tile(page, 0)).to_have_attribute("data-id", house)


def test_reuse_brings_the_settings_back_to_the_studio(visit):
    studio = visit()
    studio.set_number("Seed", 7)
    studio.set_number("Steps", 5)
    studio.choose_style("sketch")
    (first,) = draw(studio, "a red house")
    studio.set_number("Steps", 9)
    studio.set_number("Seed", 8)
    studio.ask("something else")
    second = studio.wait_for_new(first)
    page = history(studio.page)
    tile(page, 1).click()
    page.get_by_role("button", name="Reuse", exact=True).click()
    studio.opened()
    expect(studio.prompt).to_have_value("a red house")
    expect(page.locator(".pick .name")).to_have_text("sketch")
    studio.prompt.press("Control+Enter")
    third = studio.wait_for_new(second)
    stored = [page.request.get(f"/app/static/img/{one}?clean=1").body() for one in (first, second, third)]
    assert stored[0] == stored[2] != stored[1]


def test_two_are_compared_by_picture_and_by_setting(visit):
    studio = visit()
    draw(studio, "a red house", "a blue boat")
    page = history(studio.page)
    tile(page, 0).click(modifiers=["Control"])
    tile(page, 1).click(modifiers=["Control"])
    page.get_by_role("toolbar").get_by_role("button", name="Compare").click()
    dialog = page.locator(".compare")
    expect(dialog.locator(".pane img")).to_have_count(2)
    differs = dialog.locator("tr.differs")
    expect(differs.filter(has_text="Prompt")).to_contain_text("a red house")
    expect(dialog.locator("tr.same").filter(has_text="Steps")).to_be_visible()
    first = dialog.locator(".pane").first
    first.dblclick()
    shown = dialog.locator(".paper").evaluate_all("all => all.map((one) => one.style.transform)")
    assert "scale(3)" in shown[0] and len(set(shown)) == 1  # alike, to the pixel
    dialog.get_by_role("button", name="One over the other").click()
    line = dialog.get_by_role("slider")
    line.fill("80")
    expect(dialog.locator(".pane")).to_have_attribute("style", re.compile(r"--cut: 80%"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_verify_says_that_a_picture_is_the_same_pixel_for_pixel(visit):
    studio = visit()
    draw(studio, "a red house")
    page = history(studio.page)
    tile(page, 0).click()
    page.get_by_role("button", name="Verify").click()
    expect(page.locator(".verify .says")).to_have_text("Identical, pixel for pixel.")
    page.keyboard.press("Escape")
    expect(tiles(page)).to_have_count(1)  # to draw it again leaves no second one
    tile(page, 0).click()
    expect(page.locator(".verify .says")).to_have_text("Identical, pixel for pixel.")


def test_what_is_thrown_away_can_be_undone_and_found_in_the_trash(visit):
    studio = visit()
    first, second = draw(studio, "a red house", "a blue boat")
    page = history(studio.page)
    tile(page, 0).focus()
    page.keyboard.press("Delete")
    expect(tiles(page)).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(tiles(page)).to_have_count(2)
    assert ids(page) == [second, first]
    page.keyboard.press("Control+a")
    page.get_by_role("toolbar").get_by_role("button", name="Move to the trash").click()
    expect(page.locator(".empty")).to_contain_text("can be found again")
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Trash").click()
    expect(tiles(page)).to_have_count(2)
    tile(page, 1).click(modifiers=["Control"])
    page.get_by_role("toolbar").get_by_role("button", name="Put back").click()
    expect(tiles(page)).to_have_count(1)
    page.get_by_role("button", name="Empty the trash").click()
    page.locator(".ask").get_by_role("button", name="Empty the trash").click()
    expect(page.locator(".empty")).to_contain_text("The trash is empty.")
    page.get_by_role("button", name="Back to all pictures").click()
    expect(tiles(page)).to_have_count(1)
    assert ids(page) == [first]


def test_selected_pictures_come_as_a_zip_that_opens(visit):
    studio = visit()
    drawn = draw(studio, "a red house", "a blue boat")
    page = history(studio.page)
    page.keyboard.press("Control+a")
    with page.expect_download() as download:
        page.get_by_role("toolbar").get_by_role("button", name="Download").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        pictures = [name for name in archive.namelist() if name.endswith(".png")]
        assert len(pictures) == 2 and {"manifest.csv", "manifest.json"} <= set(archive.namelist())
        for name in pictures:
            assert Image.open(io.BytesIO(archive.read(name))).size == (256, 256)
        assert all(one in archive.read("manifest.json").decode() for one in drawn)


def test_the_whole_history_goes_out_as_lines_and_comes_back(visit, tmp_path):
    studio = visit()
    draw(studio, "a red house", "a blue boat")
    page = history(studio.page)
    page.get_by_role("button", name="More").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Save the whole history").click()
    lines = Path(download.value.path()).read_text("utf-8").splitlines()
    assert [json.loads(line) is not None for line in lines].count(True) >= 2
    saved = tmp_path / "history.jsonl"
    saved.write_text("\n".join([*lines, "{broken"]), "utf-8")
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete all that is mine").click()
    page.locator(".ask").get_by_role("button", name="Delete all that is mine").click()
    expect(page.locator(".empty")).to_contain_text("can be found again")
    page.locator("input.lines").set_input_files(saved)
    expect(page.locator(".ask")).to_contain_text("2 records read.")
    expect(page.locator(".ask li").last).to_contain_text(f"Line {len(lines) + 1}")
    page.keyboard.press("Escape")
    expect(tiles(page)).to_have_count(2)


def test_a_note_is_kept_while_one_types_and_found_by_its_words(visit):
    studio = visit()
    draw(studio, "a red house", "a blue boat")
    page = history(studio.page)
    tile(page, 1).click()
    page.get_by_label("Note", exact=True).fill("for the autumn poster")
    page.get_by_label("Tags", exact=True).fill("client, 海报")
    expect(page.locator(".notes .says")).to_have_text("Kept")
    page.get_by_label("Note", exact=True).fill("for the winter poster")
    page.reload()  # at once: what was typed last is sent on the way out
    for words in ("winter", "client", "海报"):
        search(page, words)
        expect(tiles(page)).to_have_count(1)
    tile(page, 0).click()
    expect(page.get_by_label("Tags", exact=True)).to_have_value("client, 海报")


def test_the_keyboard_does_it_all(visit):
    studio = visit()
    first, second, third = draw(studio, "a red house", "a blue boat", "a tree")
    page = history(studio.page)
    page.keyboard.press("ArrowRight")
    expect(tile(page, 0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(tile(page, 1)).to_be_focused()
    page.keyboard.press("f")
    expect(tile(page, 1)).to_have_attribute("data-favourite", "true")
    page.keyboard.press("Space")
    expect(tile(page, 1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("toolbar")).to_contain_text("2 selected")
    page.keyboard.press("Escape")
    expect(page.get_by_role("toolbar")).to_be_hidden()
    page.keyboard.press("Enter")
    dialog = page.locator(".detail")
    expect(dialog.locator(".prompt")).to_have_text("a red house")
    page.keyboard.press("ArrowLeft")
    expect(dialog.locator(".prompt")).to_have_text("a blue boat")
    page.keyboard.press("Escape")
    expect(tile(page, 1)).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator(".help")).to_contain_text("Go from picture to picture")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("tree")
    expect(tiles(page)).to_have_count(1)
    assert ids(page) == [third]
    page.reload()
    page.get_by_role("button", name="Filters").click()
    page.locator(".panel").get_by_role("button", name="Favourites").click()
    expect(tiles(page)).to_have_count(1)
    assert ids(page) == [second] and first != second


def test_thousands_scroll_by_with_few_in_the_document(visit, served):
    page = visit().page
    fill(served.data, owner_of(page, served.data), 3_000, int(time.time() * 1000))
    history(page)
    most = 0
    for _ in range(100):
        most = max(most, tiles(page).count())
        loaded = page.locator(".gallery").evaluate(
            """async (gallery) => {
              const before = gallery.style.height;
              gallery.page.gallery.focus(gallery.page.gallery.cards.length - 1);
              for (let n = 0; n < 20 && gallery.style.height === before && gallery.page.next; n += 1) {
                await new Promise((resolve) => setTimeout(resolve, 25));
              }
              return gallery.page.gallery.cards.length;
            }"""
        )
        if loaded == 3_000:
            break
    assert loaded == 3_000 and most < 150
    page.locator(".gallery").evaluate("(gallery) => gallery.page.gallery.focus(2999)")
    expect(tile(page, 2_999)).to_be_in_viewport()
    expect(tile(page, 2_999)).to_have_attribute("aria-label", re.compile("number 0"))
    assert tiles(page).count() < 150
    page.keyboard.press("Home")
    expect(tile(page, 0)).to_be_focused()


def test_another_person_sees_and_reaches_nothing(visit):
    studio = visit()
    (picture,) = draw(studio, "a red house")
    other = history(visit().page)
    expect(other.locator(".empty")).to_contain_text("can be found again")
    assert other.request.get(f"/app/static/history/entry/{picture}").status == 422
    assert other.request.get(f"/app/static/img/{picture}").status == 404
    other.get_by_role("button", name="Draw a picture").click()
    expect(other.locator(".frame")).to_have_attribute("data-state", "empty")


def test_a_picture_dropped_on_the_studio_fills_its_fields(visit):
    studio = visit()
    studio.set_number("Seed", 77)
    studio.choose_style("cartoon")
    (picture,) = draw(studio, "a red house")
    page = studio.page
    ours, clean = (list(page.request.get(f"/app/static/img/{picture}{more}").body()) for more in ("", "?clean=1"))
    other = visit()
    other.prompt.fill("typed before")
    for wrong, says in ((clean, "There are no settings in that picture."), (list(b"<svg></svg>"), "HTML, SVG")):
        other.page.evaluate(DROP, ["drop", wrong])
        expect(other.page.get_by_role("alert").filter(has_text=says)).to_be_visible()
        expect(other.prompt).to_have_value("typed before")
    other.page.evaluate(DROP, ["dragover", ours])
    expect(other.page.get_by_text("Drop a picture here to use its settings")).to_be_visible()
    other.page.evaluate(DROP, ["drop", ours])
    expect(other.prompt).to_have_value("a red house")
    expect(other.page.locator(".pick .name")).to_have_text("cartoon")
    expect(other.page.locator(".st-key-notice")).to_contain_text("a picture from Jimeng Studio")
    again = draw(other, "a red house")[0]
    drawn = [
        studio.page.request.get(f"/app/static/img/{picture}?clean=1"),
        other.page.request.get(f"/app/static/img/{again}?clean=1"),
    ]
    assert drawn[0].body() == drawn[1].body()


def test_settings_are_kept_as_a_preset_and_used_with_a_click(visit):
    studio = visit()
    studio.set_number("Steps", 12)
    studio.choose_style("sketch")
    page = studio.page
    expect(page.locator(".pick .name")).to_have_text("sketch")
    studio.settled()
    page.get_by_role("button", name="Keep these settings as a preset").click()
    name = page.get_by_role("textbox", name="Name of the preset")
    name.press_sequentially("Client A")  # key by key, as a user does
    name.press("Enter")
    preset = page.get_by_role("button", name="Client A", exact=True)
    expect(preset).to_be_visible()
    studio.set_number("Steps", 8)
    page.get_by_role("button", name="Take off sketch").click()
    expect(page.locator(".pick .name")).to_have_text("None")
    studio.prompt.fill("a red house")
    preset.click()
    expect(page.locator(".pick .name")).to_have_text("sketch")
    expect(page.get_by_label("Steps", exact=True)).to_have_value("12")
    expect(studio.prompt).to_have_value("a red house")
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("button", name="Delete Client A").click()
    expect(preset).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(preset).to_be_visible()
