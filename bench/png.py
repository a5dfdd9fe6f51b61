"""How long a finished picture takes to become a file, beside Pillow: PNG by time and size, and the other formats.

python -m bench.png --side 4096 --runs 3
python -m bench.png --pictures FOLDER    adds your own photographs, scaled to the same size

Photographs are dead leaves with the grain of a sensor, which compress like real ones; flat pictures are the demo's own
drawings, a page of text and one colour.
"""

import argparse
import io
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from core.engine import Frame
from demo.draw import draw
from demo.scenes import Item, Scene
from demo.textures import textures
from studio import formats, png

MOST_LARGER, LEAST_FASTER = 1.15, 10.0
_WORDS = ("the quick brown fox", "jumps over the lazy dog", "while rain falls", "on seven red roofs")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.png")
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pictures", type=Path, help="a folder of photographs")
    args = parser.parse_args()
    rivals: dict[str, Callable[[Frame], bytes]] = {
        "Pillow, default": lambda frame: _pillow(frame),
        "Pillow, level 1": lambda frame: _pillow(frame, compress_level=1),
        "ours": png.encode,
    }
    print(f"{platform.machine()}, {args.side}x{args.side}, medians of {args.runs} interleaved runs; ms, and MB")
    print(f"{'':28}" + "".join(f"{name:>24}" for name in rivals) + f"{'faster':>9}{'size':>7}")
    times: dict[str, list[float]] = {name: [] for name in rivals}
    sizes = dict.fromkeys(rivals, 0)
    last = None
    for name, frame in pictures(args.side, args.pictures):
        took, size = _measure(rivals, frame, args.runs)
        for rival in rivals:
            times[rival].append(took[rival])
            sizes[rival] += size[rival]
        _row(name, took, size)
        last = last or frame
    total = {rival: sum(seconds) for rival, seconds in times.items()}
    _row("all of them", total, sizes)
    print(f"goals: {LEAST_FASTER:g} times faster, at most {MOST_LARGER:g} times as large")
    if last is not None:
        _others(last, args.runs)


def pictures(side: int, own: Path | None) -> Iterator[tuple[str, Frame]]:
    """The corpus, one picture after the other."""
    for seed in (1, 2, 3):
        yield f"photograph {seed}", photograph(side, seed)
    for file in sorted(own.iterdir()) if own else ():
        with Image.open(file) as image:
            square = image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        yield file.name[:26], Frame(side, side, square.tobytes())
    scene = Scene((Item("house", "red", 0, 0, 0.6), Item("tree", "green", -0.6, 0.1, 0.4)), "meadow", "day")
    for style in ("", "cartoon"):
        pixels = draw(scene, side, side, style)
        yield f"drawing, {style or 'shaded'}", Frame(side, side, pixels.tobytes())
    yield "page of text", _page(side)
    yield "one colour", Frame(side, side, bytes((40, 120, 200)) * side * side)


def photograph(side: int, seed: int) -> Frame:
    """Dead leaves at half the size, mirrored on: the same texture everywhere. And grain, as a sensor has it."""
    half = textures(1, side // 2, seed, torch.device("cpu"))[0]
    wide = torch.cat([half, half.flip(2)], 2)
    whole = torch.cat([wide, wide.flip(1)], 1)
    grain = torch.randn((1, side, side), generator=torch.Generator().manual_seed(seed)) * 0.004 * seed
    pixels = ((whole + grain).clamp(0, 1) * 255).byte().permute(1, 2, 0).contiguous().numpy()
    return Frame(side, side, pixels.tobytes())


def _page(side: int) -> Frame:
    image, chance = Image.new("RGB", (side, side), "white"), Random(1)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=side / 128)
    for line in range(20, side - 40, side // 90):
        pen.text((40, line), " ".join(chance.choices(_WORDS, k=6)), "black", font)
    return Frame(side, side, image.tobytes())


def _pillow(frame: Frame, **options: int) -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", (frame.width, frame.height), frame.rgb).save(out, "PNG", **options)
    return out.getvalue()


def _measure(
    rivals: dict[str, Callable[[Frame], bytes]], frame: Frame, runs: int
) -> tuple[dict[str, float], dict[str, int]]:
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    sizes: dict[str, int] = {}
    for _ in range(runs):
        for name, encode in rivals.items():
            started = perf_counter()
            data = encode(frame)
            seconds[name].append(perf_counter() - started)
            sizes[name] = len(data)
            with Image.open(io.BytesIO(data)) as image:
                assert np.array_equal(np.asarray(image).ravel(), np.frombuffer(frame.rgb, np.uint8)), name
    return {name: median(taken) for name, taken in seconds.items()}, sizes


def _row(name: str, seconds: dict[str, float], sizes: dict[str, int]) -> None:
    base = "Pillow, default"
    cells = "".join(f"{seconds[rival] * 1e3:15.0f}{sizes[rival] / 1e6:9.2f}" for rival in seconds)
    print(f"{name:28}{cells}{seconds[base] / seconds['ours']:9.1f}{sizes['ours'] / sizes[base]:7.3f}")


def _others(frame: Frame, runs: int) -> None:
    """The first photograph in each format, at the quality that is usual here."""
    for kind in formats.available():
        taken = []
        for _ in range(runs):
            started = perf_counter()
            data = formats.encode(frame, kind)
            taken.append(perf_counter() - started)
        print(f"{kind:6}{median(taken) * 1e3:9.0f} ms{len(data) / 1e6:9.2f} MB")


if __name__ == "__main__":
    main()
