"""What it costs a picture that others are told of it, also when they sleep or fail.

python -m bench.hooks

Studios with and without hooks, a picture of each in turn, in one process, on an engine that draws at once: what is
measured is the studio around it, from the submit to the end that a page sees, disk included.
"""

import argparse
import base64
import logging
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from core.config import EVENTS, ArchiveConfig, Config, HistoryConfig, PathsConfig, QueueConfig, WebhooksConfig
from core.engine import EngineFacts, Event, Frame, ModelInfo, Picture, Progress
from core.request import GenerationRequest, StyleUse
from studio.build import Studio, assemble
from studio.hooks import Hooks
from studio.store.database import open_database
from studio.store.outbox import Outbox
from studio.store.recording import Ending
from studio.store.store import NewJob, Store

SIDE = 256
INFO = ModelInfo("at once", "/nowhere", 16, 512, ((SIDE, SIDE),), 1, 0.0)
FRAME = Frame(SIDE, SIDE, bytes(SIDE * SIDE * 3))
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
SLEEP_S = 60.0
NOBODY = "nobody is told"


class AtOnce:
    info = INFO

    def load(self) -> Iterator[float]:
        yield 1.0

    def prefetch(self, styles: Sequence[StyleUse]) -> None: ...

    def free(self) -> None: ...

    def lower(self) -> bool:
        return False

    def rest(self) -> Iterator[None]:
        yield

    def wake(self) -> None: ...

    def facts(self) -> EngineFacts:
        return EngineFacts("none", "none")

    def generate(self, request: GenerationRequest, frugal: bool = False) -> Generator[Event, None, None]:
        yield Progress("text", 0, 1)
        yield Progress("denoise", 1, 1)
        yield Picture(FRAME)


class Receiver(BaseHTTPRequestHandler):
    """/well answers at once, /sleeps after a minute, /fails with 500."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/sleeps"):
            sleep(SLEEP_S)
        with suppress(OSError):
            self.send_response(500 if self.path.startswith("/fails") else 204)
            self.end_headers()

    def log_message(self, *_: Any) -> None: ...


def serve() -> None:
    """In a process of its own, so that it takes nothing from what is measured."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


@contextmanager
def receivers() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-m", "bench.hooks", "--serve"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
    finally:
        process.kill()


def hooked(base: str, *names: str) -> dict[str, Any]:
    urls = tuple(base + name for name in names)
    return {"webhooks": WebhooksConfig(urls=urls, secrets=(SECRET,), events=EVENTS, private=True)}


@contextmanager
def studio(**sections: Any) -> Iterator[Studio]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        paths = PathsConfig(lora=Path(folder) / "lora", data=Path(folder) / "data")
        (Path(folder) / "copies").mkdir()
        if "archive" in sections:
            sections["archive"] = ArchiveConfig(folder=str(Path(folder) / sections["archive"]))
        config = Config(paths=paths, queue=QueueConfig(max_jobs=10_000, max_jobs_per_owner=10_000), **sections)
        built = assemble(config, INFO, AtOnce)
        built.start()
        try:
            yield built
        finally:
            built.stop()


def took(studio: Studio, seed: int) -> float:
    """From the submit to the end, in milliseconds."""
    began_s = monotonic()
    job_id = studio.jobs.submit("ann", GenerationRequest("a red house", SIDE, SIDE, seed, 1))
    *_, last = studio.jobs.watch("ann", job_id)
    assert last.state == "done", last
    return (monotonic() - began_s) * 1000


def transactions(times: int = 150) -> None:
    """What the letters add to the transactions that a picture waits for: accepted, started, finished."""
    request = GenerationRequest("a red house", SIDE, SIDE, 1, 1).to_json()
    spent: dict[int, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        database = open_database("sqlite", Path(folder))
        stores = {}
        for told in (0, 1, 4):
            sections = hooked("http://127.0.0.1:9/", *map(str, range(told))) if told else {}
            outbox = Outbox(database, "bench")
            hooks = Hooks(Config(paths=PathsConfig(data=Path(folder)), **sections), outbox, lambda: datetime.now(UTC))
            stores[told], spent[told] = Store(database, "bench", outbox.teller(hooks.letters)), []
        for turn in range(times):
            for told, store in stores.items():
                job_id, began_s = f"{told}-{turn}", monotonic()
                store.add(NewJob(job_id, "ann", None, "interactive", request, 1_000), 1)
                store.begin(job_id, 2_000)
                store.end(job_id, Ending("done", 1, SIDE, SIDE, 3_000, 5, "x.png"))
                spent[told].append((monotonic() - began_s) * 1000)
        database.dispose()
    for told, each in spent.items():
        print(f"the three transactions of a job, {told} addresses told of all: {statistics.median(each):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two, in which a device would draw")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    logging.disable()
    transactions()
    with receivers() as base:
        measure(base, options.rounds, options.pause)


def measure(base: str, rounds: int, pause_s: float) -> None:
    kinds: dict[str, dict[str, Any]] = {
        NOBODY: {},
        "a receiver that answers": hooked(base, "well"),
        "a receiver that sleeps 60 s": hooked(base, "sleeps"),
        "a receiver that fails": hooked(base, "fails"),
        "all of these, a day log, an archive": {
            **hooked(base, "well", "sleeps", "fails"), "history": HistoryConfig(log=True), "archive": "copies",
        },
        "an archive that is away": {"archive": "not-there"},
    }  # fmt: skip
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    order = random.Random(7)
    with ExitStack() as stack:
        opened = {kind: stack.enter_context(studio(**dict(sections))) for kind, sections in kinds.items()}
        for each in opened.values():
            took(each, 0)  # the first one finds everything cold
        sleep(3)
        for seed in range(1, rounds + 1):
            for kind in order.sample(list(kinds), len(kinds)):
                sleep(pause_s)
                times[kind].append(took(opened[kind], seed))
    later = {kind: [a - b for a, b in zip(spent, times[NOBODY], strict=True)] for kind, spent in times.items()}
    print("ms a picture".ljust(40), "median     p95   later by (median of rounds)")
    for kind, spent in times.items():
        p95 = sorted(spent)[int(len(spent) * 0.95)]
        print(f"{kind:40} {statistics.median(spent):6.2f}  {p95:6.2f}   {statistics.median(later[kind]):+.2f}")


if __name__ == "__main__":
    main()
