"""From a prompt to a picture, in a real browser, with the real engine."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.kept import file_of, pixels_of

pytestmark = pytest.mark.browser

# Watches the frame from inside the page, so that nothing which was shown only for a moment is missed: what is shown,
# and every size that the frame has.
WATCH = """
() => {
  const frame = find(document, ".frame");
  const look = () => {
    const picture = frame.querySelector(".picture"), { width, height } = frame.getBoundingClientRect();
    window.seen.push(picture ? picture.src : "");
    window.sizes.add(`${width} x ${height}`);
  };
  window.seen = [];
  window.sizes = new Set();
  look();
  new MutationObserver(look).observe(frame, {subtree: true, childList: true, attributes: true});
  function find(root, selector) {
    for (const element of root.querySelectorAll("*")) {
      const found = element.matches(selector) ? element : element.shadowRoot && find(element.shadowRoot, selector);
      if (found) return found;
    }
  }
}
"""


def test_a_prompt_becomes_a_picture_with_previews_on_the_way(visit, served):
    studio = visit()
    studio.set_number("Steps", 60)
    studio.ask("a red house on a green meadow")
    expect(studio.status).to_contain_text("Drawing")
    studio.page.evaluate(WATCH)
    picture = studio.wait_for_new()
    seen = studio.page.evaluate("window.seen")
    assert any("/app/static/preview/" in src for src in seen)
    assert seen[-1].endswith(f"/app/static/img/{picture}")
    assert "" not in seen[[bool(src) for src in seen].index(True) :]  # from one to the next without a gap
    assert len(studio.page.evaluate("[...window.sizes]")) == 1  # and nothing moved
    expect(studio.status).to_contain_text("Done in")
    expect(studio.page.locator(".caption .prompt")).to_have_text("a red house on a green meadow")
    shown = studio.picture.evaluate("image => [image.naturalWidth, image.naturalHeight, image.complete]")
    assert shown == [256, 256, True]


def test_save_full_size_is_the_exact_png_that_is_stored(visit, served):
    studio = visit()
    picture = studio.draw("a blue boat on the sea")
    with studio.page.expect_download() as download:
        studio.page.get_by_text("Save full size").click()
    assert download.value.suggested_filename.endswith(f"_{picture[:6]}.png")
    assert Path(download.value.path()).read_bytes() == file_of(served.data, picture).read_bytes()
    assert file_of(served.data, picture).read_bytes().startswith(b"\x89PNG")


def test_a_style_changes_the_picture_and_the_same_seed_brings_the_first_one_back(visit, served):
    studio = visit()
    studio.set_number("Seed", 7)
    plain = studio.draw("a red house on a green meadow")
    studio.choose_style("sketch")
    styled = studio.draw("a red house on a green meadow", plain)
    expect(studio.page.locator(".facts")).to_contain_text("sketch 1")
    studio.choose_style("None")
    again = studio.draw("a red house on a green meadow", styled)
    assert pixels_of(served.data, plain) != pixels_of(served.data, styled)
    assert pixels_of(served.data, plain) == pixels_of(served.data, again)


def test_a_reload_finds_the_picture_and_the_latest_ones_again(visit):
    studio = visit()
    first = studio.draw("a yellow star, night, snow")
    second = studio.draw("an orange cat", first)
    studio.page.reload()
    expect(studio.frame).to_have_attribute("data-id", second)
    assert studio.wait_for_new() == second
    thumbnails = studio.page.locator(".strip .pick")
    expect(thumbnails).to_have_count(2)
    thumbnails.nth(1).click()
    expect(studio.frame).to_have_attribute("data-id", first)
    expect(studio.picture).to_have_attribute("src", re.compile(f"/img/{first}$"))


def test_a_reload_in_the_middle_finds_the_running_job_again(visit):
    studio = visit()
    studio.set_number("Steps", 100)
    studio.ask("a red house")
    expect(studio.status).to_contain_text("Drawing")
    studio.page.reload()
    expect(studio.status).to_contain_text("Drawing")
    studio.wait_for_new()


def test_more_like_this_draws_the_next_seed(visit):
    studio = visit()
    studio.set_number("Seed", 40)
    first = studio.draw("a green tree")
    studio.page.get_by_text("More like this").click()
    studio.wait_for_new(first)
    expect(studio.page.locator(".facts")).to_contain_text("Seed 41")


def test_cancel_stops_a_picture_and_the_next_one_is_drawn(visit):
    studio = visit()
    studio.set_number("Steps", 100)
    studio.ask("a red house")
    studio.page.get_by_role("button", name="Cancel", exact=True).click()
    expect(studio.status).to_contain_text("Cancelled")
    studio.set_number("Steps", 2)
    studio.draw("a red house")


def test_what_is_being_typed_survives_the_end_of_a_picture(visit):
    studio = visit()
    studio.ask("a red house")
    studio.prompt.fill("and now something quite dif")
    studio.wait_for_new()
    expect(studio.status).to_contain_text("Done in")
    expect(studio.prompt).to_have_value("and now something quite dif")
    expect(studio.prompt).to_be_focused()
    studio.prompt.press_sequentially("ferent")
    expect(studio.prompt).to_have_value("and now something quite different")


def test_a_click_on_the_picture_fills_the_window_and_escape_leaves_it(visit):
    studio = visit()
    studio.draw("a red heart")
    studio.picture.click()
    full = studio.page.locator("dialog.full img")
    expect(full).to_be_visible()
    size = studio.page.viewport_size
    assert full.bounding_box()["width"] == size["width"] and full.bounding_box()["height"] == size["height"]
    studio.page.keyboard.press("Escape")
    expect(full).to_be_hidden()


def test_two_browsers_do_not_see_each_others_pictures(visit, served):
    one, two = visit(), visit()
    picture = one.draw("a purple fish")
    two.page.reload()
    expect(two.frame).to_have_attribute("data-state", "empty")
    for kind in ("img", "thumb", "preview"):
        url = f"{served.url}/app/static/{kind}/{picture}"
        assert two.page.request.get(url).status == 404
        if kind != "preview":
            assert one.page.request.get(url).status == 200


def test_a_chinese_browser_meets_a_chinese_page_and_may_switch(visit):
    studio = visit(locale="zh-CN")
    expect(studio.page.get_by_role("button", name="生成")).to_be_visible()
    studio.draw("草地上一座红色的房子")
    expect(studio.status).to_contain_text("完成")
    assert studio.page.evaluate("document.documentElement.lang") == "zh-CN"
    studio.page.get_by_role("button", name="English").click()
    expect(studio.page.get_by_role("button", name="Generate")).to_be_visible()
    expect(studio.prompt).to_have_value("草地上一座红色的房子")
    studio.page.reload()
    expect(studio.page.get_by_role("button", name="Generate")).to_be_visible()


def test_a_prompt_of_markup_is_shown_as_it_was_typed(visit):
    studio = visit()
    words = '<img src=x onerror="window.hacked=1"> **b** {prompt} $& :red[x]'
    studio.draw(words)
    expect(studio.page.locator(".caption .prompt")).to_have_text(words)
    assert studio.picture.get_attribute("alt") == f"Picture: {words}"
    assert studio.page.evaluate("window.hacked") is None


def test_bad_prompts_are_refused_where_they_were_typed_and_the_next_one_is_drawn(visit):
    studio = visit()
    problem = studio.page.locator(".st-key-problem")
    studio.ask("   ")
    expect(problem).to_contain_text("The prompt is empty.")
    studio.ask("x" * 100_000)
    expect(problem).to_contain_text("100000 characters")
    assert len(studio.prompt.input_value()) == 100_000
    studio.ask("a \x07 house")
    expect(problem).to_contain_text("cannot be read as text")
    studio.draw("a red house")
    expect(problem).to_have_count(0)


def test_a_picture_whose_file_was_deleted_is_said_to_be_gone(visit, served):
    studio = visit()
    picture = studio.draw("a red apple")
    file_of(served.data, picture).unlink()
    again = visit(storage_state=studio.page.context.storage_state())  # the same owner, with nothing in its cache
    expect(again.page.locator(".frame .note")).to_have_text("The file of this picture is no longer there.")


def test_the_picture_in_the_frame_is_saved_in_another_format_made_larger_and_redrawn(visit):
    studio = visit()
    page, picture = studio.page, studio.draw("a red house")
    more = page.get_by_role("button", name="More", exact=True)

    def pick(name: str) -> None:
        more.click()
        page.get_by_role("menuitem", name=name).click()
        expect(page.get_by_role("menu")).to_be_hidden()

    with page.expect_download() as coming:
        pick("Save as JPEG")
    assert coming.value.suggested_filename.endswith(".jpg")
    with Image.open(coming.value.path()) as image:
        assert (image.format, image.size) == ("JPEG", (256, 256))
    pick("Finish at 512 × 512")
    studio.wait_for_new(picture)
    assert studio.picture.evaluate("image => image.naturalWidth") == 512
    pick("Redraw as a photo")
    expect(page.locator(".single .pane img").first).to_be_visible()
