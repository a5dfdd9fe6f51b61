"""Run by the tests here: `python -m tests.faults.victim DATA [full]`, a studio that does what it is told on stdin.

Each line in is {"what": ...}, each line out its answer. The engine draws two steps; a picture's pixels are those of its
seed, so that one drawn anew can be told from another.
"""

import io
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from core.config import Config, PathsConfig
from core.engine import EngineFacts, Event, Frame, ModelInfo, Picture, Progress
from core.request import GenerationRequest, StyleUse
from studio.build import Studio, assemble
from studio.photos.settings import PhotoSettings

INFO = ModelInfo("victim", "/nowhere", 16, 512, ((128, 128),), 2, 0.0)
SIDE = 320
LARGEST_FILE = 250_000  # bytes: less than a picture, more than the database needs


def pixels(seed: int) -> bytes:
    return random.Random(seed).randbytes(SIDE * SIDE * 3)


class Engine:
    info = INFO

    def load(self) -> Iterator[float]:
        yield 1.0

    def generate(self, request: GenerationRequest, frugal: bool = False) -> Generator[Event, None, None]:
        yield Progress("text", 0, 2)
        if request.prompt == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        yield Progress("denoise", 1, 2)
        yield Progress("denoise", 2, 2)
        yield Picture(Frame(SIDE, SIDE, pixels(request.seed)))

    def prefetch(self, styles: Sequence[StyleUse]) -> None: ...

    def free(self) -> None: ...

    def lower(self) -> bool:
        return False

    def rest(self) -> Iterator[None]:
        yield

    def wake(self) -> None: ...

    def facts(self) -> EngineFacts:
        return EngineFacts("victim", "float32")


def main() -> None:
    data = Path(sys.argv[1])
    config = Config(paths=PathsConfig(lora=data / "lora", data=data))
    studio = assemble(config, INFO, Engine, do=lambda task: task())
    studio.jobs.adopt_orphans()
    if "full" in sys.argv:  # a disk that has no room for a picture
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    for line in sys.stdin:
        print(json.dumps(answer(studio, json.loads(line))), flush=True)


def answer(studio: Studio, order: dict[str, Any]) -> Any:
    if order["what"] == "submit":
        return studio.jobs.submit("ann", GenerationRequest(order["prompt"], 128, 128, order["seed"], 2))
    if order["what"] == "quantum":
        job = studio.worker.draw_quantum()
        return job.id if job else None
    if order["what"] == "photos":  # bring in so many, and draw them
        for number in range(order["count"]):
            shape = Image.new("RGB", (64 + number, 64), "red")
            shape.save(photo := io.BytesIO(), "PNG")
            list(studio.photos.add("ann", f"{number}.png", photo))
        studio.photos.draw("ann", PhotoSettings(longest=128, seed=7))
        return True
    if order["what"] == "feed":
        return studio.photos.feeder.round()
    if order["what"] == "states":
        return [photo.state for photo in studio.photos.look("ann").photos]
    if order["what"] == "list":
        return [[job.id, job.state, job.attempt, str(job.error)] for job in studio.jobs.list("ann")]
    raise ValueError(order)


if __name__ == "__main__":
    main()
