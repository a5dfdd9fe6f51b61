"""What an answer of the server costs, with and without uvloop and httptools, which uvicorn takes when they are there.

    python -m bench.answers [--runs 5] [--count 300]

Two studios on the demo model, asked in turn over a connection that stays open, as a browser does. Milliseconds a
request: from asking to the last byte, and of the server's processor.
"""

import argparse
import http.client
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import urlopen

import psutil

from bench.served import ROOT, running, seconds_until

WITHOUT = """
import runpy, sys
sys.modules["uvloop"] = sys.modules["httptools"] = None
runpy.run_path("app.py", run_name="__main__")
"""
KINDS = {"as installed": ("app.py",), "without": ("-c", WITHOUT)}
PATHS = {"a look at the jobs": "/app/static/now?lang=en&seen=", "health": "/health"}


@dataclass(frozen=True)
class Server:
    """A studio that runs, where it is, and the cookie it gave."""

    process: psutil.Process
    host: str
    cookie: str

    def ask(self, path: str, count: int) -> tuple[float, float]:
        """Ms a request, and ms of the processor."""
        used_s, began_s = self._used_s(), time.perf_counter()
        with closing(http.client.HTTPConnection(self.host, timeout=30)) as connection:
            for _ in range(count):
                connection.request("GET", path, headers={"Cookie": self.cookie})
                connection.getresponse().read()
        return (time.perf_counter() - began_s) * 1000 / count, (self._used_s() - used_s) * 1000 / count

    def _used_s(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


def main() -> None:
    parser = argparse.ArgumentParser(description="What an answer of the server costs.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--count", type=int, default=300, help="requests a run")
    arguments = parser.parse_args()
    found: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    with ExitStack() as servers:
        started = {name: servers.enter_context(_served(start)) for name, start in KINDS.items()}
        for _ in range(arguments.runs):
            for what, path in PATHS.items():
                for name, server in started.items():
                    found[what, name].append(server.ask(path, arguments.count))
    for what in PATHS:
        wall = {name: statistics.median(ms for ms, _ in found[what, name]) for name in KINDS}
        used = {name: statistics.median(ms for _, ms in found[what, name]) for name in KINDS}
        print(
            f"{what}: {wall['as installed']:.2f} ms, without {wall['without']:.2f} ms; of the processor"
            f" {used['as installed']:.2f} ms, without {used['without']:.2f} ms:"
            f" {used['without'] / used['as installed']:.1f}x"
        )


@contextmanager
def _served(start: Sequence[str]) -> Iterator[Server]:
    before = set(psutil.Process().children())
    with running(ROOT / "config.toml", start) as (url, started_s):
        (process,) = set(psutil.Process().children()) - before
        seconds_until(url, started_s)
        with urlopen(url) as answer:
            cookie = str(answer.headers["set-cookie"]).split(";")[0]
        yield Server(process, urlsplit(url).netloc, cookie)


if __name__ == "__main__":
    main()
