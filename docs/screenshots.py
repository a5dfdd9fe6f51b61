"""Take the screenshots of this folder anew: python -m docs.screenshots

Starts the studio with config.toml, and draws the examples of its model in a real Chromium.
"""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.served import BROWSER_ARGUMENTS, running, seconds_until

ROOT = Path(__file__).resolve().parent.parent

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 120_000
HERE = Path(__file__).resolve().parent


def main() -> None:
    with running(ROOT / "config.toml") as (url, started_s), sync_playwright() as playwright:
        seconds_until(url, started_s)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_ARGUMENTS)
        page = _drawn(browser, url, {"viewport": DESK, "locale": "en-US"})
        _shoot(page, "studio-light")
        _photos(page)
        _shoot(page, "photos")
        _history(page)
        _shoot(page, "history")
        page.context.close()
        for name, options in {
            "studio-dark": {"viewport": DESK, "locale": "en-US", "color_scheme": "dark"},
            "studio-zh": {"viewport": DESK, "locale": "zh-CN"},
            "studio-phone": {"viewport": PHONE, "locale": "en-US", "device_scale_factor": 2},
        }.items():
            page = _drawn(browser, url, options)
            _shoot(page, name)
            page.context.close()
        browser.close()


def _shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    for image in page.locator("img:visible").all():
        image.evaluate("image => image.decode()")  # waits for it, and says so where it cannot be shown
    page.mouse.move(0, 0)
    page.screenshot(path=HERE / f"{name}.png")
    print(f"docs/{name}.png")


def _drawn(browser: Browser, url: str, options: dict) -> Page:
    """Every example of the model, one after the other; the last one is in the frame, all are in the strip."""
    page = browser.new_context(base_url=url, **options).new_page()
    page.goto(url)
    expect(page.locator(".frame")).to_have_attribute("data-state", "empty")
    chips = page.locator(".st-key-examples button")
    for number in reversed(range(chips.count())):
        words = chips.nth(number).inner_text()
        chips.nth(number).click()
        expect(page.locator("textarea").first).to_have_value(words)
        _draw(page)
    return page


def _draw(page: Page) -> None:
    frame = page.locator(".frame")
    before = frame.get_attribute("data-id") or ""
    page.locator("textarea").first.press("Control+Enter")
    if before:
        expect(frame).not_to_have_attribute("data-id", before)
    expect(frame).to_have_attribute("data-state", "done", timeout=PATIENCE_MS)
    expect(frame.locator(".picture")).to_be_visible()


def _photos(page: Page) -> None:
    """What was drawn, as a set of photos, drawn anew."""
    ids = page.locator(".strip .tile").evaluate_all("tiles => tiles.map((tile) => tile.dataset.id)")
    files = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": page.request.get(f"/app/static/img/{one}").body()}
        for number, one in enumerate(ids, 1)
    ]
    page.get_by_role("link", name="Photos").click()
    expect(page.locator(".welcome")).to_be_visible()
    page.locator("input.files").set_input_files(files)
    expect(page.locator(".photo")).to_have_count(len(files))
    page.locator(".go button").click()
    expect(page.locator('.photo[data-state="done"]')).to_have_count(len(files), timeout=PATIENCE_MS)


def _history(page: Page) -> None:
    page.get_by_role("link", name="History").click()
    expect(page.locator(".gallery[data-ready]")).to_be_attached()
    expect(page.locator(".tile img").nth(3)).to_be_visible()


if __name__ == "__main__":
    main()
