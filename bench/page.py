"""How quick the page feels: from start to /health, and from Ctrl+Enter to running, first preview and picture.

    python -m bench.page [--runs 9] [--config FILE]

Starts the studio itself, on a free port with a data folder of its own, and looks at it through a real Chromium. Times
in the page are taken by the page, from the key press to the moment the DOM shows it. Kinds of runs are interleaved;
what is printed are medians with the fastest and the slowest.
"""

import argparse
import random
import shutil
import statistics
from collections import defaultdict
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.served import BROWSER_ARGUMENTS, running, seconds_until

ROOT = Path(__file__).resolve().parent.parent

TARGETS_S = {
    "start to /health": 10.0,
    "Ctrl+Enter to running": 0.3,
    "Ctrl+Enter to first preview, 60 steps": 0.6,
    "Ctrl+Enter to picture, 8 steps": 2.0,
}

# Resolves when the picture is there, with the ms after which the status line, a preview and the picture were seen.
WATCH = """
(steps) => { window.times = new Promise((resolve) => {
  const find = (root, selector) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.matches(selector)) return element;
      const found = element.shadowRoot && find(element.shadowRoot, selector);
      if (found) return found;
    }
  };
  const frame = find(document, ".frame"), old = frame.dataset.id, seen = {};
  let start = 0;
  document.querySelector("textarea").addEventListener("keydown", () => { start = performance.now(); }, {once: true});
  const look = () => {
    const now = performance.now() - start;
    if (!start) return;
    if (!seen.running && /Drawing|step/.test(document.querySelector(".st-key-status")?.textContent)) seen.running = now;
    const shown = frame.querySelector(".picture")?.src || "";
    if (!seen.preview && /preview/.test(shown) && frame.dataset.id !== old) seen.preview = now;
    if (frame.dataset.id !== old && /img/.test(shown) && shown.endsWith(frame.dataset.id)) {
      observer.disconnect();
      resolve({...seen, picture: now});
    }
  };
  const observer = new MutationObserver(look);
  for (const root of [document.body, frame]) {
    observer.observe(root, {subtree: true, childList: true, characterData: true, attributes: true});
  }
}); }
"""


def main() -> None:
    arguments = _arguments()
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(max(1, arguments.runs // 3)):
        with running(arguments.config) as (url, started_s):
            times["start to /health"].append(seconds_until(url, started_s, any_status=True))
            times["start to model loaded"].append(seconds_until(url, started_s))
    with running(arguments.config) as (url, started_s), sync_playwright() as playwright:
        seconds_until(url, started_s)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_ARGUMENTS)
        page = browser.new_page(locale="en-US")
        page.goto(url)
        page.wait_for_selector(".frame[data-state]")
        page.locator(".st-key-fine-tune summary").click()
        _measure(page, 8)  # the first picture of a process warms everything up; it is not counted
        for _ in range(arguments.runs):
            for steps in random.sample((8, 60), 2):
                seen = _measure(page, steps)
                if steps == 60:  # eight steps may be over before the line under the prompt is written anew
                    times["Ctrl+Enter to running"].append(seen["running"])
                    times["Ctrl+Enter to first preview, 60 steps"].append(seen["preview"])
                else:
                    times["Ctrl+Enter to picture, 8 steps"].append(seen["picture"])
        browser.close()
    _print(times)


def _measure(page: Page, steps: int) -> dict[str, float]:
    """Seconds to what was seen, for one picture of a prompt that was not asked for before."""
    field = page.get_by_label("Steps", exact=True)
    field.fill(str(steps))
    field.press("Enter")
    page.fill("textarea", f"a red house, number {random.randrange(10**9)}")
    page.wait_for_timeout(500)  # let the page come to rest: what is measured starts with the key
    page.evaluate(WATCH, steps)
    page.locator("textarea").press("Control+Enter")
    return {name: ms / 1000 for name, ms in page.evaluate("window.times").items()}


def _print(times: dict[str, list[float]]) -> None:
    print(f"{'seconds':40} {'median':>7} {'fastest':>8} {'slowest':>8} {'goal':>6} {'runs':>5}")
    for name, found in times.items():
        goal = f"{TARGETS_S[name]:g}" if name in TARGETS_S else ""
        row = f"{statistics.median(found):7.2f} {min(found):8.2f} {max(found):8.2f} {goal:>6} {len(found):5}"
        print(f"{name:40} {row}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How quick the page feels.")
    parser.add_argument("--runs", type=int, default=9, help="pictures of each kind")
    parser.add_argument("--config", type=Path, default=ROOT / "config.toml")
    return parser.parse_args()


if __name__ == "__main__":
    main()
