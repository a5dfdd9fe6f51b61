"""Receivers of webhooks that do what a test tells them, and a clock that stands still."""

import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from studio.hooks.webhook import Webhook
from studio.store.outbox import Taken

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Receiver:
    """`answer` is what it does next; `seen` are (path, headers, body) of all it was asked. `over` is set at the end."""

    server: ThreadingHTTPServer
    over: threading.Event
    answer: Answer = lambda asked: say(asked, 204)
    seen: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    def wrap(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def port(self) -> int:
        return int(self.server.server_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=b"


def say(asked: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
    asked.send_response(status)
    for name, value in headers.items():
        asked.send_header(name.replace("_", "-"), value)
    asked.send_header("Content-Length", "0")
    asked.end_headers()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            it.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            with suppress(OSError):
                it.answer(self)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    it = Receiver(server, over)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield it
    over.set()
    server.shutdown()
    thread.join()
    server.server_close()


class Time:
    """Passes only when a test says so."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


def webhook(url: str, time: Time, private: bool = True, **more: Any) -> Webhook:
    return Webhook(url, SECRET, private, time, **more)


def letter(body: str = '{"type":"picture.finished"}', message: str = "msg_1", attempts: int = 1) -> Taken:
    return Taken(1, message, body, 0, attempts)
