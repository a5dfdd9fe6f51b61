"""A studio to look at: started as a user starts it, stopped at the end."""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


@contextmanager
def running(config: Path, start: Sequence[str] = ("app.py",)) -> Iterator[tuple[str, float]]:
    """`python app.py` on a free port with a data folder of its own: its address, and when it was started."""
    with socket.socket() as probe, tempfile.TemporaryDirectory() as folder:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        own = Path(folder, "config.toml")
        data = Path(folder, "data").as_posix()
        own.write_text(config.read_text("utf-8").replace('data = "data"', f'data = "{data}"'), "utf-8")
        command = [sys.executable, *start, "--config", str(own), "--port", str(port)]
        started_s = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield f"http://127.0.0.1:{port}", started_s
        finally:
            process.terminate()
            process.wait()


def seconds_until(url: str, started_s: float, any_status: bool = False) -> float:
    """Seconds since the start until /health answers, or says that the model is ready."""
    while time.perf_counter() - started_s < 300:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=30) as answer:
                status = json.load(answer)["status"]
                if any_status or status == "ready":
                    return time.perf_counter() - started_s
                if status == "failed":
                    sys.exit("the model cannot be used: python -m studio doctor says why")
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.02)
    sys.exit("the studio did not start")
