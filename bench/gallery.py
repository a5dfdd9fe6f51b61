"""How quick the History page is with a long past behind it: the first pictures, the next ones, and any place between.

    python -m bench.gallery [--records 100000] [--jumps 40]

Starts the studio itself with a data folder of its own, puts so many records of one browser into it, and looks at them
through a real Chromium. Times are taken by the page, from the scroll to the moment when pictures stand where it went.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from bench.past import fill
from bench.served import BROWSER_ARGUMENTS, running, seconds_until
from studio.store.database import open_database
from studio.store.records import Records

ROOT = Path(__file__).resolve().parent.parent
GOAL_MS = 150
THUMBNAILS = 40

# What the scripts below share: the gallery, what scrolls it, and a wait for pictures in the middle of the window.
SHARED = """
  const find = (root, selector) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.matches(selector)) return element;
      const found = element.shadowRoot && find(element.shadowRoot, selector);
      if (found) return found;
    }
  };
  const root = find(document, ".gallery"), view = root.page.gallery;
  const scroller = document.querySelector('[data-testid="stMain"]');
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const stands = () => [...root.children].some((tile) => {
    const box = tile.getBoundingClientRect();
    return tile.matches(".tile") && box.bottom > innerHeight * 0.3 && box.top < innerHeight * 0.7;
  });
  const settled = async () => { do await frame(); while (!stands()); };
"""
# To the end again and again until all is loaded: ms from each scroll to pictures below the old end.
TO_THE_END = (
    "async () => {"
    + SHARED
    + """
  const times = [];
  let most = 0;
  while (root.page.next || root.page.asking) {
    const before = view.cards.length, start = performance.now();
    scroller.scrollTop = scroller.scrollHeight;
    while (view.cards.length === before && (root.page.next || root.page.asking)) await frame();
    await settled();
    times.push(performance.now() - start);
    most = Math.max(most, root.children.length);
  }
  return {times, most, loaded: view.cards.length};
}"""
)
# Anywhere within what is loaded: ms from the scroll to pictures there.
JUMPS = (
    "async (count) => {"
    + SHARED
    + """
  const times = [];
  for (let n = 0; n < count; n += 1) {
    const start = performance.now();
    scroller.scrollTop = (scroller.scrollHeight - innerHeight) * ((n * 0.6180339887) % 1);
    await settled();
    times.push(performance.now() - start);
  }
  return times;
}"""
)
# Steadily down: ms between frames.
STEADY = (
    "async (count) => {"
    + SHARED
    + """
  scroller.scrollTop = scroller.scrollHeight / 3;
  await settled();
  const times = [];
  let last = performance.now();
  for (let n = 0; n < count; n += 1) {
    scroller.scrollTop += 60;
    await frame();
    times.push(performance.now() - last);
    last = performance.now();
  }
  return times;
}"""
)


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "config.toml"
        config.write_text(f'[paths]\ndata = "{(folder / "data").as_posix()}"\n', "utf-8")
        with running(config) as (url, started_s), sync_playwright() as playwright:
            seconds_until(url, started_s)
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_ARGUMENTS)
            page = browser.new_page(locale="en-US", viewport={"width": 1440, "height": 900})
            _become_known(page, url)
            _fill(folder, arguments.records)
            _measure(page, url, arguments.jumps)
            browser.close()


def _become_known(page: Page, url: str) -> None:
    """Draw one picture: its record says whose the others are to be."""
    page.goto(url)
    page.wait_for_selector(".frame[data-state]")
    page.fill("textarea", "a red house")
    page.locator("textarea").press("Control+Enter")
    page.wait_for_selector('.frame[data-state="done"]')


def _fill(folder: Path, count: int) -> None:
    database = open_database("sqlite", folder / "data")
    ((owner, _),) = Records(database).owners()
    database.dispose()
    thumbnails = [folder / f"{number}.webp" for number in range(THUMBNAILS)]
    for number, file in enumerate(thumbnails):
        Image.effect_noise((320, 320), 60).convert("RGB").resize((320, 320)).save(file, quality=85, method=number % 3)
    fill(folder / "data", owner, count, int(time.time() * 1000), thumbnails)


def _measure(page: Page, url: str, jumps: int) -> None:
    first = []
    for _ in range(5):
        start = time.perf_counter()
        page.goto(f"{url}/history")
        page.wait_for_selector(".tile")
        first.append((time.perf_counter() - start) * 1000)
    print(f"{'ms':44} {'median':>7} {'95 %':>7} {'slowest':>8} {'goal':>5} {'runs':>6}")
    _row("page opened to first tiles, Streamlit included", first)
    ended = page.evaluate(TO_THE_END)
    times = ended["times"]
    _row("scroll past the end to the next pictures", times, GOAL_MS)
    _row("  the last tenth of them", times[-max(1, len(times) // 10) :], GOAL_MS)
    _row("scroll anywhere to the pictures there", page.evaluate(JUMPS, jumps), GOAL_MS)
    _row("between frames while scrolling steadily", page.evaluate(STEADY, 200))
    print(f"{ended['loaded']} pictures loaded, at most {ended['most']} tiles and headings in the document")


def _row(name: str, times: list[float], goal: int | None = None) -> None:
    ordered = sorted(times)
    tail = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(
        f"{name:44} {statistics.median(ordered):7.1f} {tail:7.1f} {ordered[-1]:8.1f} {goal or '':>5} {len(ordered):6}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How quick the History page is.")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--jumps", type=int, default=40)
    return parser.parse_args()


if __name__ == "__main__":
    main()
