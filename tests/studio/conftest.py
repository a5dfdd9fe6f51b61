"""A studio without weights: the real jobs, worker and files around an engine that does what a test tells it."""

import itertools
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from core.engine import Event, Frame, ModelInfo, Picture, Progress
from core.errors import UserError
from core.request import GenerationRequest
from studio.files import PictureFiles
from studio.jobs import Jobs
from studio.styles import StyleLibrary

INFO = ModelInfo("scripted", "/nowhere", 16, 512, ((128, 128),), 8, 0.0)
FRAME = Frame(2, 1, b"\x01\x02\x03\xfd\xfe\xff")

MakeJobs = Callable[..., Jobs]


def ask(prompt: str = "a red house", width: int = 128, **more: object) -> GenerationRequest:
    return GenerationRequest(prompt, width, 128, 7, **more)  # type: ignore[arg-type]


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class ScriptedEngine:
    """What a prompt says is what happens. "wait" holds a job until `go`; "last" tells that all before it have ended."""

    info = INFO

    def __init__(self) -> None:
        self.running, self.go, self.last, self.closed = (threading.Event() for _ in range(4))
        self.load_error: Exception | None = None

    def load(self) -> Iterator[float]:
        yield 0.5
        if self.load_error is not None:
            raise self.load_error
        yield 1.0

    def generate(self, request: GenerationRequest) -> Generator[Event, None, None]:
        if request.prompt == "not even a generator":
            raise ValueError("at once")
        return self._events(request)

    def _events(self, request: GenerationRequest) -> Generator[Event, None, None]:
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
def files(tmp_path: Path) -> PictureFiles:
    return PictureFiles(tmp_path / "pictures")


@pytest.fixture
def library(tmp_path: Path) -> StyleLibrary:
    folder = tmp_path / "lora"
    folder.mkdir()
    (folder / "sketch.safetensors").write_bytes(b"one")
    return StyleLibrary(folder)


@pytest.fixture
def make_jobs(files: PictureFiles, library: StyleLibrary, clock: Clock) -> MakeJobs:
    def make(max_jobs: int = 100, max_jobs_per_owner: int = 50, info: ModelInfo | None = INFO) -> Jobs:
        ids = itertools.count()
        return Jobs(
            info,
            library,
            files,
            max_jobs=max_jobs,
            max_jobs_per_owner=max_jobs_per_owner,
            clock=clock,
            new_id=lambda: f"{next(ids):032x}",
        )

    return make


@pytest.fixture
def jobs(make_jobs: MakeJobs) -> Jobs:
    return make_jobs()
