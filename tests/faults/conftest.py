"""A studio in a process of its own, that a test moves on quantum by quantum, and kills."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from studio.store.database import open_database
from tests.studio.conftest import clock, lora, open_studio, studio

__all__ = ["clock", "lora", "open_studio", "studio"]  # fixtures

ROOT = Path(__file__).resolve().parents[2]


class Victim:
    """`tell` asks it something and returns the answer, None when it has died; see victim.py for what can be asked."""

    def __init__(self, data: Path, options: tuple[str, ...] = ()) -> None:
        command = [sys.executable, "-m", "tests.faults.victim", str(data), *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, what: str, **more: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"what": what, **more}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else None

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        with suppress(BrokenPipeError):
            self.process.communicate()


@pytest.fixture
def start(data_folder: Path) -> Iterator[Callable[..., Victim]]:
    """Starts a studio on the test's data folder."""
    started: list[Victim] = []

    def start_one(*options: str) -> Victim:
        started.append(Victim(data_folder, options))
        return started[-1]

    yield start_one
    for victim in started:
        victim.kill()


@pytest.fixture
def history(data_folder: Path) -> Callable[[], list[tuple[str, str]]]:
    """All records: (job id, status)."""

    def read() -> list[tuple[str, str]]:
        database = open_database("sqlite", data_folder)
        with database.connect() as connection:
            rows = connection.execute(text("SELECT job_id, status FROM history ORDER BY number"))
            found = [(str(row[0]), str(row[1])) for row in rows]
        database.dispose()
        return found

    return read
