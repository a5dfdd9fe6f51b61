"""What many open pages cost: how long a click takes, and a look, while all of them look as often as they are told to.

    python -m bench.crowd [--pages 100] [--busy 8] [--runs 15] [--config FILE]

One page is real, in Chromium, and draws. `--busy` others follow its pictures, as pages do whose own picture is being
drawn (as many as `[queue] in_flight`); the rest are other people's, with nothing to draw. They look as pages do
(ui/live.js), over connections of their own. Each run asks for one picture of 100 steps. An action is timed twice: in
the studio, from the message that the key was pressed to the one that the page is drawn, and at the user's, until the
line under the prompt tells of the picture (where the browser shares the processor with the engine, much of that is the
browser's). Also each look, from request to answer, and the engine's steps per second.
"""

import argparse
import asyncio
import base64
import json
import random
import shutil
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.served import BROWSER_ARGUMENTS, running, seconds_until

ROOT = Path(__file__).resolve().parent.parent
STEPS = 100
GOAL_MS = 100

# Resolves with the ms from the key to the first change of the line that tells of the new picture.
ANSWER = """
() => { window.answered = new Promise((resolve) => {
  let start = 0;
  document.querySelector("textarea").addEventListener("keydown", () => { start = performance.now(); }, {once: true});
  const observer = new MutationObserver(() => {
    if (!start || !/Queued|Drawing/.test(document.querySelector(".st-key-status")?.textContent)) return;
    observer.disconnect();
    resolve(performance.now() - start);
  });
  observer.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
}); }
"""


def main() -> None:
    arguments = _arguments()
    with running(arguments.config) as (url, started_s), sync_playwright() as playwright:
        seconds_until(url, started_s)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_ARGUMENTS)
        page = browser.new_page(locale="en-US")
        wire = Wire(page)
        page.goto(url)
        page.wait_for_selector(".frame[data-state]")
        page.locator(".st-key-fine-tune summary").click()
        field = page.get_by_label("Steps", exact=True)
        field.fill(str(STEPS))
        field.press("Enter")
        _ask(page, wire)  # the first picture of a process warms everything up; it is not counted
        alone = [_ask(page, wire) for _ in range(arguments.runs)]
        busy = min(arguments.busy, arguments.pages - 1)
        strangers = [_strangers_cookie(url) for _ in range(arguments.pages - 1 - busy)]
        crowd = Crowd(url, [_cookie(page)] * busy + strangers)
        crowd.start()
        together = [_ask(page, wire) for _ in range(arguments.runs)]
        crowd.stop()
        browser.close()
    _print("one page", alone, [])
    _print(f"{arguments.pages} pages", together, crowd.looks_ms)


@dataclass(frozen=True)
class Asked:
    """Ms in the studio and until it is seen, and steps per second from there to the picture."""

    studio_ms: float
    seen_ms: float
    speed: float


class Wire:
    """When the page last asked over its websocket, and when the studio last said that the page is drawn; in seconds."""

    def __init__(self, page: Page) -> None:
        self.sent_s: list[float] = []
        self.drawn_s: list[float] = []
        session = page.context.new_cdp_session(page)
        session.on("Network.webSocketFrameSent", lambda event: self.sent_s.append(event["timestamp"]))
        session.on("Network.webSocketFrameReceived", self._received)
        session.send("Network.enable")

    def _received(self, event: dict[str, Any]) -> None:
        message = ForwardMsg.FromString(base64.b64decode(event["response"]["payloadData"]))
        if message.WhichOneof("type") == "script_finished":
            self.drawn_s.append(event["timestamp"])

    def last_ms(self, sent: int) -> float:
        """From the first message after the first `sent` to the first page drawn after it."""
        asked_s = self.sent_s[sent]
        return (min(at for at in self.drawn_s if at > asked_s) - asked_s) * 1000


def _ask(page: Page, wire: Wire) -> Asked:
    page.fill("textarea", f"a red house, number {random.randrange(10**9)}")
    page.wait_for_timeout(700)  # let the page come to rest: what is measured starts with the key
    page.evaluate(ANSWER)
    sent = len(wire.sent_s)
    page.locator("textarea").press("Control+Enter")
    seen_ms = float(page.evaluate("window.answered"))
    begun_s = time.perf_counter()
    page.wait_for_function("/Done/.test(document.querySelector('.st-key-status')?.textContent)")
    return Asked(wire.last_ms(sent), seen_ms, STEPS / (time.perf_counter() - begun_s))


class Crowd:
    """Pages that only look, on an event loop of their own."""

    def __init__(self, url: str, cookies: list[str]) -> None:
        self._where, self._cookies = urlsplit(url), cookies
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)
        self._over = threading.Event()
        self.looks_ms: list[float] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    async def _all(self) -> None:
        await asyncio.gather(*map(self._page, self._cookies))

    async def _page(self, cookie: str) -> None:
        reader, writer = await asyncio.open_connection(self._where.hostname, self._where.port)
        tag, again_ms = "", 200
        await asyncio.sleep(random.random())
        while not self._over.is_set():
            asked_s = time.perf_counter()
            request = f"GET /app/static/now?lang=en&seen={tag} HTTP/1.1\r\nHost: {self._where.netloc}\r\n"
            writer.write(f"{request}Cookie: {cookie}\r\n\r\n".encode())
            status, body = await _answer(reader)
            self.looks_ms.append((time.perf_counter() - asked_s) * 1000)
            if status == 200:
                look = json.loads(body)
                tag, again_ms = look["tag"], look["again_ms"]
            await asyncio.sleep(again_ms / 1000)
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next((int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length")), 0)
    return int(head.split()[1]), await reader.readexactly(length)


def _strangers_cookie(url: str) -> str:
    with urlopen(url) as answer:
        return str(answer.headers["set-cookie"]).split(";")[0]


def _cookie(page: Page) -> str:
    return "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies() if c["name"].startswith("jimeng_"))


def _print(name: str, asked: list[Asked], looks_ms: list[float]) -> None:
    print(f"{name}: an action {_spread([a.studio_ms for a in asked])} in the studio (goal p95 {GOAL_MS} ms)", end="")
    print(f", {_spread([a.seen_ms for a in asked])} until it is seen", end="")
    print(f"; engine {statistics.median(a.speed for a in asked):.1f} steps/s", end="")
    print(f"; {len(looks_ms)} looks, {_spread(looks_ms)}" if looks_ms else "")


def _spread(ms: list[float]) -> str:
    return f"{statistics.median(ms):.0f} ms (p95 {_p95(ms):.0f})"


def _p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * len(values)))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What many open pages cost.")
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--busy", type=int, default=8, help="pages that follow what is being drawn")
    parser.add_argument("--runs", type=int, default=15, help="pictures, alone and in the crowd")
    parser.add_argument("--config", type=Path, default=ROOT / "config.toml")
    return parser.parse_args()


if __name__ == "__main__":
    main()
