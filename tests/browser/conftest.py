"""The real studio, started as a user starts it, and a real Chromium in front of it."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000  # two busy cores
START_S = 120

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Served:
    """A studio that runs: where, and where its data are."""

    url: str
    data: Path
    lora: Path


@dataclass(frozen=True)
class StudioPage:
    """The page as a user sees it."""

    page: Page

    @property
    def prompt(self) -> Locator:
        return self.page.locator("textarea").first

    @property
    def frame(self) -> Locator:
        return self.page.locator(".frame")

    @property
    def picture(self) -> Locator:
        return self.page.locator(".frame .picture")

    @property
    def status(self) -> Locator:
        return self.page.locator(".st-key-status")

    @property
    def strip(self) -> Locator:
        return self.page.locator(".strip .tile")

    def tab(self) -> "StudioPage":
        """Another tab of the same browser."""
        page = self.page.context.new_page()
        page.goto(self.page.url)
        return StudioPage(page).opened()

    def opened(self) -> "StudioPage":
        expect(self.prompt).to_be_visible()
        expect(self.frame).to_have_attribute("data-state", re.compile("."))
        self.settled()
        return self

    def settled(self) -> None:
        """The page is drawn and its scripts have nothing left to do: before that Ctrl+Enter is nobody's."""
        expect(self.page.locator("[data-test-script-state=notRunning]")).to_be_attached()
        self.page.evaluate("() => new Promise((done) => requestIdleCallback(() => done()))")

    def go(self, name: str) -> None:
        """To another page, by its link."""
        link = self.page.locator(".st-key-pages").get_by_role("link", name=name)
        link.click(delay=50)  # as a finger takes; what was typed is sent when the field is left

    def ask(self, prompt: str) -> None:
        self.prompt.fill(prompt)
        self.prompt.press("Control+Enter")

    def wait_for_new(self, old: str = "") -> str:
        """The id of a finished picture that is not `old`, once it is in the frame."""
        expect(self.frame).to_have_attribute("data-state", "done")
        if old:
            expect(self.frame).not_to_have_attribute("data-id", old)
            expect(self.frame).to_have_attribute("data-state", "done")
        new = self.frame.get_attribute("data-id")
        assert new
        expect(self.picture).to_have_attribute("src", re.compile(f"/img/{new}$"))
        return new

    def draw(self, prompt: str, old: str = "") -> str:
        self.ask(prompt)
        return self.wait_for_new(old)

    def set_number(self, label: str, value: int) -> None:
        field = self.page.get_by_label(label, exact=True)
        if not field.is_visible():
            self.page.locator(".st-key-fine-tune summary").click()
        field.fill(str(value))
        field.press("Enter")

    def choose_style(self, name: str) -> None:
        self.page.get_by_role("combobox", name="Style").click()
        self.page.get_by_role("option", name=name, exact=True).click()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """Starts `python app.py` with a configuration and returns its address, once the model is there or has failed."""
    with ExitStack() as running:

        def start(config: Path) -> str:
            url = running.enter_context(_running(config))
            _wait_until_decided(url)
            return url

        yield start


@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, serve: Callable[[Path], str], demo_model: Path, demo_styles: Path
) -> Served:
    """The studio with the demo model, one for all tests; its data are its own."""
    folder = tmp_path_factory.mktemp("studio")
    data, lora, cache = folder / "data", folder / "lora", folder / "lora_cache"
    shutil.copytree(demo_styles, lora)
    config = folder / "config.toml"
    config.write_text(
        f'[model]\npath = "{demo_model.as_posix()}"\n'
        f'[paths]\ndata = "{data.as_posix()}"\nlora = "{lora.as_posix()}"\nlora_cache = "{cache.as_posix()}"\n',
        "utf-8",
    )
    return Served(serve(config), data, lora)


@contextmanager
def _running(config: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "app.py", "--config", str(config), "--port", str(port)]
    with config.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_decided(url: str) -> None:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
                if json.load(answer)["status"] != "loading":
                    return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.1)  # between two looks; nothing is promised about how long it takes
    raise TimeoutError("the studio did not start")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next((path for path in map(shutil.which, CANDIDATES) if path), None)
    if found is None:
        if os.environ.get("JIMENG_REQUIRE_BROWSER"):
            pytest.fail("no Chromium here, and JIMENG_REQUIRE_BROWSER is set")
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, served: Served) -> Iterator[Callable[..., StudioPage]]:
    """Opens the studio in a browser of its own: `visit(locale="zh-CN")`."""
    contexts: list[BrowserContext] = []

    def open_page(url: str = "", **options: object) -> StudioPage:
        context = chromium.new_context(**{"locale": "en-US", "base_url": served.url, **options})
        contexts.append(context)
        page = context.new_page()
        page.goto(url or "/")
        return StudioPage(page).opened()

    yield open_page
    for context in contexts:
        context.close()
