"""Styles from the file to the picture, in a real browser, with the real engine."""

import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from safetensors import safe_open
from safetensors.torch import save_file

from tests.browser.kept import pixels_of

pytestmark = pytest.mark.browser

MakeStyle = Callable[..., Path]


@pytest.fixture
def make_style(demo_styles: Path, tmp_path: Path) -> MakeStyle:
    """A style file of its own content: the demo's cartoon, by `scale`."""

    def make(name: str, scale: float) -> Path:
        with safe_open(demo_styles / "cartoon.safetensors", "pt") as source:
            tensors = {key: source.get_tensor(key) for key in source.keys()}  # noqa: SIM118 (it is no mapping)
        file = tmp_path / f"{name}.safetensors"
        save_file({key: value * (scale if "lora_B" in key else 1) for key, value in tensors.items()}, file)
        return file

    return make


@pytest.fixture(autouse=True)
def only_the_demos_styles(served, demo_styles: Path) -> Iterator[None]:
    """Each test leaves the studio with the styles it found."""
    yield
    for path in served.lora.iterdir():
        if not (demo_styles / path.name).exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def drop_in(served, file: Path, **beside: bytes) -> None:
    """As a user copies a file into the folder, with what lies beside it."""
    for ending, content in beside.items():
        (served.lora / f"{file.stem}.{ending}").write_bytes(content)
    shutil.copy(file, served.lora)


def cards(page: Page) -> Locator:
    return page.locator(".card")


def card(page: Page, title: str) -> Locator:
    return page.locator(".card").filter(has=page.locator(".title", has_text=re.compile(f"^{re.escape(title)}$")))


def open_view(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).click()
    expect(page.get_by_role("radio", name=name)).to_have_attribute("aria-checked", "true")


def draw_all(page: Page, count: int) -> None:
    page.get_by_role("button", name="Draw them all").click()
    expect(page.locator(".progress")).to_have_text(f"{count} of {count}")


def set_strength(page: Page, value: str) -> None:
    field = page.get_by_role("spinbutton", name="Strength as a number")
    field.fill(value)
    field.press("Enter")


def test_an_uploaded_style_is_used_and_its_strength_changes_the_picture(visit, served, make_style):
    studio = visit()
    studio.set_number("Seed", 7)
    plain = studio.draw("a red house")
    studio.go("Styles")
    expect(card(studio.page, "Cartoon")).to_be_visible()
    studio.page.locator("input.files").set_input_files(make_style("Neon lights", 1.2))
    card(studio.page, "Neon lights").click()
    expect(studio.page.locator(".details")).to_contain_text("56 of 56 modules")
    studio.page.get_by_role("button", name="Use in the Studio").click()
    expect(studio.page.locator(".pick .name")).to_have_text("Neon lights")
    expect(studio.prompt).to_have_value("a red house")
    weak = studio.draw("a red house", plain)
    expect(studio.page.locator(".facts")).to_contain_text("Neon lights 1")
    set_strength(studio.page, "0.3")
    strong = studio.draw("a red house", weak)
    expect(studio.page.locator(".facts")).to_contain_text("Neon lights 0.3")
    assert len({pixels_of(served.data, picture) for picture in (plain, weak, strong)}) == 3


def test_a_file_dropped_on_the_page_becomes_a_style_and_a_bad_one_says_why(visit, served, make_style):
    page = visit().page
    page.goto("/styles")
    expect(card(page, "Sketch")).to_be_visible()
    before = sorted(path.name for path in served.lora.iterdir())
    drop = """([name, content]) => {
      const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], name));
      document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
    }"""
    whole = make_style("dropped", 0.9).read_bytes()
    page.evaluate(drop, ["half.safetensors", base64.b64encode(whole[:9_000]).decode()])
    refused = page.locator(".uploads li[data-state=refused]")
    expect(refused).to_contain_text("half.safetensors")
    expect(refused.locator(".says")).to_contain_text("damaged")
    assert sorted(path.name for path in served.lora.iterdir()) == before
    page.evaluate(drop, ["dropped.safetensors", base64.b64encode(whole).decode()])
    expect(card(page, "dropped")).to_be_visible()
    page.evaluate(drop, ["again.safetensors", base64.b64encode(whole).decode()])
    expect(refused.filter(has_text="again.safetensors").locator(".says")).to_have_text(
        'You have this style already. It is called "dropped".'
    )


def test_a_style_is_renamed_removed_and_brought_back(visit, served, make_style):
    drop_in(served, make_style("ink", 0.7), json=b'{"trigger words": ["ink wash"]}')
    page = visit().page
    page.goto("/styles")
    card(page, "ink").click()
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="New name").fill("Pencil")
    page.get_by_role("button", name="Save").click()
    expect(card(page, "Pencil")).to_contain_text("ink wash")
    assert {"Pencil.safetensors", "Pencil.json"} <= {path.name for path in served.lora.iterdir()}
    card(page, "Pencil").click()
    page.get_by_role("button", name="Remove").click()
    expect(card(page, "Pencil")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(card(page, "Pencil")).to_contain_text("ink wash")
    assert {"Pencil.safetensors", "Pencil.json"} <= {path.name for path in served.lora.iterdir()}


def test_a_file_that_appears_in_the_folder_is_offered_without_a_reload(visit, served, make_style):
    studio = visit()
    styles = visit().page
    styles.goto("/styles")
    expect(cards(styles).first).to_be_visible()
    studio.page.get_by_role("combobox", name="Style").click()
    drop_in(served, make_style("newcomer", 0.8))
    expect(card(styles, "newcomer")).to_contain_text("56 of 56 modules")
    studio.page.get_by_role("option", name="newcomer", exact=True).click()
    expect(studio.page.locator(".pick .dot")).to_be_visible()  # it was fetched when it was chosen
    (served.lora / "newcomer.safetensors").unlink()
    expect(card(styles, "newcomer")).to_have_count(0)
    expect(studio.page.locator(".pick .name")).to_have_text("None")


def test_the_first_style_of_an_empty_folder_is_offered_without_a_reload(visit, served, demo_styles):
    for path in served.lora.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    try:
        studio = visit()
        expect(studio.page.get_by_text("No styles yet. Put .safetensors files into lora/.")).to_be_visible()
        shutil.copy(demo_styles / "sketch.safetensors", served.lora)
        expect(studio.page.get_by_text("No styles yet.")).to_have_count(0)
        studio.choose_style("sketch")
    finally:
        shutil.copytree(demo_styles, served.lora, dirs_exist_ok=True)


def test_a_trigger_word_is_added_to_what_is_being_typed_and_not_twice(visit, served, make_style):
    drop_in(served, make_style("ink", 0.7), json=json.dumps({"trigger words": ["ink wash", "paper"]}).encode())
    studio = visit()
    studio.choose_style("ink")
    expect(studio.prompt).to_have_value("")
    studio.prompt.press_sequentially("a red house")
    for word in ("ink wash", "ink wash", "paper"):
        studio.page.get_by_role("button", name=word).click()
    expect(studio.prompt).to_have_value("a red house, ink wash, paper")
    expect(studio.prompt).to_be_focused()
    studio.prompt.press("Control+Enter")
    studio.wait_for_new()
    expect(studio.page.locator(".caption .prompt")).to_have_text("a red house, ink wash, paper")


def test_styles_are_chosen_blended_and_taken_off_by_keyboard(visit):
    studio = visit()
    pick = studio.page.get_by_role("combobox", name="Style")
    pick.focus()
    pick.press("ArrowDown")
    studio.page.keyboard.press("End")
    last = studio.page.get_by_role("option").last.inner_text()
    studio.page.keyboard.press("Enter")
    expect(pick.locator(".name")).to_have_text(last)
    studio.page.get_by_role("button", name="Add another style").click()
    studio.page.get_by_role("option").nth(1).click()
    studio.draw("a red house")
    expect(studio.page.locator(".facts")).to_have_text(re.compile(rf"{re.escape(last)} 1 · .+ 1$"))
    studio.page.get_by_role("button", name="Take off").first.click()
    studio.page.get_by_role("button", name="Take off").first.click()
    expect(pick.locator(".name")).to_have_text("None")


def test_the_wall_draws_every_style_and_a_picture_becomes_the_styles_own(visit, served, make_style):
    drop_in(served, make_style("ink", 0.7))
    page = visit().page
    page.goto("/styles")
    expect(card(page, "ink")).to_contain_text("56 of 56 modules")
    expect(card(page, "ink").locator("img")).to_have_count(0)
    count = cards(page).count() + 1
    open_view(page, "Every style at once")
    draw_all(page, count)
    expect(page.locator(".cell[data-state=done]")).to_have_count(count)
    jobs = page.locator(".cell").evaluate_all("cells => cells.map((cell) => cell.dataset.job)")
    assert len({pixels_of(served.data, job) for job in jobs}) == count
    cell = page.locator(".cell", has_text="ink")
    cell.hover()
    cell.get_by_role("button", name="Use as its picture").click()
    expect(cell.get_by_role("button", name="Its picture now")).to_be_disabled()
    open_view(page, "All styles")
    expect(card(page, "ink").locator("img")).to_be_visible()
    assert card(page, "ink").locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 1


def test_a_slider_leads_through_the_checkpoints_of_a_style(visit, served, make_style):
    for number, scale in ((2, 0.3), (10, 0.6)):
        drop_in(served, make_style(f"ink_epoch_{number}", scale))
    page = visit().page
    page.goto("/styles")
    expect(card(page, "ink_epoch_10")).to_contain_text("56 of 56 modules")
    open_view(page, "Stages of training")
    draw_all(page, 2)
    large, at = page.locator(".large"), page.locator(".at")
    expect(at).to_have_text("Epoch 10")
    late = large.get_attribute("src")
    slider = page.get_by_role("slider", name="Stage of training")
    slider.focus()
    slider.press("ArrowLeft")
    expect(at).to_have_text("Epoch 2")
    assert large.get_attribute("src") != late


def test_the_grid_draws_from_weak_to_strong_and_can_be_stopped(visit):
    page = visit().page
    page.goto("/styles")
    open_view(page, "From weak to strong")
    draw_all(page, 5)
    expect(page.locator(".cell").first).to_contain_text("0.25")
    expect(page.locator(".cell").last).to_contain_text("1.25")
    page.get_by_role("button", name="Draw them all").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".progress")).to_contain_text("Stopped after")


def test_what_strangers_wrote_is_text_and_nothing_else(visit, served, make_style):
    markup = "<img src=x onerror=window.hacked=1> **b** :red[x]"
    words = json.dumps({"name": markup, "author": markup, "description": markup, "trigger words": [markup]})
    drop_in(served, make_style("<b onclick=x> & 'q'", 0.7), json=words.encode())
    studio = visit()
    studio.choose_style("<b onclick=x> & 'q'")
    expect(studio.page.locator(".word")).to_have_text(markup)
    studio.go("Styles")
    card(studio.page, markup).click()
    expect(studio.page.locator(".details h2")).to_have_text(markup)
    expect(studio.page.locator(".details .text")).to_have_text(markup)
    assert studio.page.evaluate("window.hacked") is None


def test_the_styles_page_speaks_chinese(visit):
    page = visit(locale="zh-CN").page
    page.goto("/styles")
    expect(page.get_by_role("button", name="添加风格")).to_be_visible()
    open_view(page, "所有风格对比")
    expect(page.get_by_role("button", name="全部绘制")).to_be_visible()
