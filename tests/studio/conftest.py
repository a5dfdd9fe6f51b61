"""A studio without weights: the real jobs, worker and files around an engine that does what a test tells it."""

import itertools
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.config import Config, PathsConfig, QueueConfig
from core.engine import Engine, EngineFacts, Event, Frame, ModelInfo, Picture, Progress
from core.errors import DeviceLost, OutOfMemory, UserError
from core.request import GenerationRequest, StyleUse
from studio.build import Studio, assemble
from studio.jobs import Jobs

INFO = ModelInfo("scripted", "/nowhere", 16, 512, ((128, 128),), 8, 0.0)
FRAME = Frame(2, 1, b"\x01\x02\x03\xfd\xfe\xff")

ROOMY = {"max_jobs": 100, "max_jobs_per_owner": 50}

OpenStudio = Callable[..., Studio]


def ask(prompt: str = "a red house", width: int = 128, **more: object) -> GenerationRequest:
    return GenerationRequest(prompt, width, 128, 7, **more)  # type: ignore[arg-type]


class Clock:
    """Seconds that pass only when a test says so; `wall_s` is what the clock on the wall shows."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.wall_s = 1_770_000_000.0

    def __call__(self) -> float:
        return self.now_s


class ScriptedEngine:
    """What a prompt says is what happens. "wait" holds a job until `go`; "last" tells that all before it have ended."""

    info = INFO

    def __init__(self) -> None:
        self.running, self.go, self.last, self.closed = (threading.Event() for _ in range(4))
        self.load_error: Exception | None = None
        self.fetched: list[StyleUse] = []
        self.freed = self.lowered = self.may_lower = 0
        self.lost = 0  # so often it loses its device
        self.nights: list[str] = []

    def load(self) -> Iterator[float]:
        yield 0.5
        if self.load_error is not None:
            raise self.load_error
        yield 1.0

    def prefetch(self, styles: Sequence[StyleUse]) -> None:
        self.fetched += styles
        if styles[0].name == "bad":
            raise OSError("a bad file")

    def free(self) -> None:
        self.freed += 1

    def lower(self) -> bool:
        self.lowered += 1
        return self.lowered <= self.may_lower

    def rest(self) -> Iterator[None]:
        yield
        self.nights.append("rest")

    def wake(self) -> None:
        self.nights.append("wake")

    def facts(self) -> EngineFacts:
        return EngineFacts("scripted", "float32")

    def generate(self, request: GenerationRequest, frugal: bool = False) -> Generator[Event, None, None]:
        if request.prompt == "not even a generator":
            raise ValueError("at once")
        return self._events(request, frugal)

    def _events(self, request: GenerationRequest, frugal: bool) -> Generator[Event, None, None]:
        words = request.prompt
        if words == "last":
            self.last.set()
        try:
            yield Progress("text", 0, 2)
            self.running.set()
            if words.startswith("wait"):
                assert self.go.wait(30)
            if words == "a user error":
                raise UserError("The style {name} is broken.", name="x")
            if words == "too large" or (words == "large" and not frugal):
                raise OutOfMemory
            if words == "huge" and not self.lowered:
                raise OutOfMemory
            if words == "gone" and self.lost:
                self.lost -= 1
                raise DeviceLost
            if words == "a bug":
                raise KeyError("secret detail")
            yield Progress("denoise", 1, 2, FRAME)
            yield Progress("denoise", 2, 2)
            if words == "decode slowly":
                assert self.go.wait(30)
            if words != "no picture":
                yield Picture(FRAME)
        finally:
            self.closed.set()
            if words in ("bad at closing", "wait, bad at closing"):
                raise OSError("on the way out")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    folder = tmp_path / "lora"
    folder.mkdir()
    (folder / "sketch.safetensors").write_bytes(b"one")
    return folder


@pytest.fixture
def open_studio(data_folder: Path, lora: Path, clock: Clock) -> Iterator[OpenStudio]:
    """Opens the studio on the test's data folder, as often as wanted: each time is a process of its own, as far as the
    store can tell. Nothing runs by itself: what the keeper would do is done at once, on the caller's thread."""
    opened: list[Studio] = []
    ids = itertools.count()

    def open_one(info: ModelInfo | None = INFO, engine: Callable[[], Engine] = ScriptedEngine, **queue: int) -> Studio:
        config = Config(paths=PathsConfig(lora=lora, data=data_folder), queue=QueueConfig(**{**ROOMY, **queue}))
        opened.append(
            assemble(
                config,
                info,
                engine,
                do=lambda task: task(),
                clock=clock,
                now=lambda: datetime.fromtimestamp(clock.wall_s, UTC),
                new_id=lambda: f"{next(ids):032x}",
            )
        )
        return opened[-1]

    yield open_one
    for studio in opened:
        studio.close()


@pytest.fixture
def studio(open_studio: OpenStudio) -> Studio:
    return open_studio()


@pytest.fixture
def jobs(studio: Studio) -> Jobs:
    return studio.jobs
