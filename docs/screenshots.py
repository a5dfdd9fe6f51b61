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
HERE = Path(__file__).resolve().parent


def main() -> None:
    with running(ROOT / "config.toml") as (url, started_s), sync_playwright() as playwright:
        seconds_until(url, started_s)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_ARGUMENTS)
        for name, options in {
            "studio-light": {"viewport": DESK, "locale": "en-US"},
            "studio-dark": {"viewport": DESK, "locale": "en-US", "color_scheme": "dark"},
            "studio-zh": {"viewport": DESK, "locale": "zh-CN"},
            "studio-phone": {"viewport": PHONE, "locale": "en-US", "device_scale_factor": 2},
        }.items():
            _shoot(browser, url, HERE / f"{name}.png", options)
        browser.close()


def _shoot(browser: Browser, url: str, file: Path, options: dict) -> None:
    """Every example of the model, one after the other; the last one is in the frame, all are in the strip."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(url)
    expect(page.locator(".frame")).to_have_attribute("data-state", "empty")
    chips = page.locator(".st-key-examples button")
    for number in reversed(range(chips.count())):
        words = chips.nth(number).inner_text()
        chips.nth(number).click()
        expect(page.locator("textarea").first).to_have_value(words)
        _draw(page)
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    page.screenshot(path=file)
    context.close()
    print(file.relative_to(ROOT))


def _draw(page: Page) -> None:
    frame = page.locator(".frame")
    before = frame.get_attribute("data-id") or ""
    page.locator("textarea").first.press("Control+Enter")
    if before:
        expect(frame).not_to_have_attribute("data-id", before)
    expect(frame).to_have_attribute("data-state", "done", timeout=60_000)


if __name__ == "__main__":
    main()
