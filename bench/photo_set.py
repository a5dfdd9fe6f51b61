"""A set of photos through the studio, beside the engine alone on the same requests: what queue, files and history cost.

    python -m bench.photo_set [--photos 100] [--rounds 5]

The rounds share the photos. Each is timed from "Draw" to the last file, then its requests are drawn again by the same
engine with nothing around it. The studio has no page open.
"""

import argparse
import io
import statistics
import tempfile
from pathlib import Path
from time import perf_counter, sleep, time

import psutil
from PIL import Image

from bench.png import photograph
from core.config import Config, MemoryConfig, PathsConfig
from core.config import load as load_config
from core.engine import Engine
from core.request import GenerationRequest
from studio.build import Studio, assemble, describe, make_engine
from studio.photos.settings import PhotoSettings

GOAL = 0.97
SIDE = 640  # of a photo, in pixels


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.photo_set")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    given = load_config()
    info, made = describe(given.model.path), list[Engine]()

    def engine() -> Engine:
        made.append(make_engine(config, info))
        return made[0]

    with tempfile.TemporaryDirectory() as folder:
        paths = PathsConfig(given.paths.lora, given.paths.lora_cache, Path(folder))
        config = Config(model=given.model, paths=paths, memory=MemoryConfig(idle_release_s=0))
        studio = assemble(config, info, engine)
        studio.start()
        while studio.worker.status.state == "loading":
            sleep(0.1)
        try:
            _measure(studio, made[0], args.photos // args.rounds, args.rounds, info.sizes[0][0])
        finally:
            studio.stop()


def _measure(studio: Studio, engine: Engine, photos: int, rounds: int, longest: int) -> None:
    _round(studio, engine, "warm", 2, longest)
    ratios = []
    for number in range(rounds):
        in_set, alone = _round(studio, engine, f"owner {number}", photos, longest)
        ratios.append(alone / in_set)
        memory = psutil.Process().memory_info().rss / 1e6
        told = f"the set {in_set:.2f} s, the engine alone {alone:.2f} s, {ratios[-1]:.3f}; {memory:.0f} MB"
        print(f"{photos} photos: {told}", flush=True)
    print(f"throughput of a set beside the engine alone: {statistics.median(ratios):.3f} (goal {GOAL})")


def _round(studio: Studio, engine: Engine, owner: str, photos: int, longest: int) -> tuple[float, float]:
    """Seconds in the set, and of the engine alone."""
    for number in range(photos):
        frame, out = photograph(SIDE, number), io.BytesIO()
        Image.frombytes("RGB", (frame.width, frame.height), frame.rgb).save(out, "JPEG")
        out.seek(0)
        list(studio.photos.add(owner, f"{number}.jpg", out))
    began_s = time()  # as files have it
    studio.photos.draw(owner, PhotoSettings("cartoon", longest=longest))
    while (look := studio.photos.look(owner)).active:
        sleep(0.2)
    assert all(photo.state == "done" for photo in look.photos)  # noqa: S101
    ended_s = max(studio.jobs.picture(owner, photo.job).stat().st_mtime for photo in look.photos)  # type: ignore[union-attr]
    requests = [GenerationRequest.from_json(photo.request) for photo in look.photos]
    alone_s = perf_counter()
    for request in requests:
        for _ in engine.generate(request):
            pass
    return ended_s - began_s, perf_counter() - alone_s


if __name__ == "__main__":
    main()
