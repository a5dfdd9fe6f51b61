"""Pictures from pictures and high resolution: what is kept of a photo, what tiles cost, and whether seams show.

python -m bench.photos                       the demo model, on whatever device there is
python -m bench.photos --side 512 --runs 3   times for what is enlarged to 1024 and 2048 pixels a side

Times are of one process, the ratios of interleaved runs. Memory is measured in a process of its own for each size.
"""

import argparse
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from statistics import mean, median
from time import perf_counter

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from bench.models import DEMO, ROOT
from bench.png import photograph
from bench.seams import seam_ratio
from core.engine import Frame, Picture
from core.request import GenerationRequest, Source
from demo.evaluate import cases
from pipeline.describe import describe
from pipeline.engine import TorchEngine

PHOTOS: dict[str, Frame] = {}
MOST_WALL, MOST_MEMORY, MOST_SEAM = 1.15, 1.2, 1.05
TEN = 10
SEAMED = 6  # pictures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.photos")
    parser.add_argument("--side", type=int, default=128, help="of the picture that is enlarged")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peak-side", type=int, default=1024, help="the same, where memory is measured")
    parser.add_argument("--only", choices=("likeness", "tiles", "seams", "memory"))
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak_of is not None:
        _print_peak(args.peak_side, args.peak_of)
        return
    engine = _engine()
    print(f"{platform.machine()}, {engine.model.device}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    parts: dict[str, Callable[[], None]] = {
        "likeness": lambda: _likeness(engine),
        "tiles": lambda: _tiles(engine, args.side, args.runs),
        "seams": lambda: _seams(engine, args.side),
        "memory": lambda: _memory(args.peak_side),
    }
    for name, measure in parts.items():
        if args.only in (None, name):
            measure()


def _memory(side: int) -> None:
    peaks = {factor: _peak(side, factor) for factor in (0, 2, 4)}
    told = ", ".join(f"{factor}x {peak:.0f}" if factor else f"loaded {peak:.0f}" for factor, peak in peaks.items())
    print(f"peak memory, MB: {told}; ratio {peaks[4] / peaks[2]:.3f}, goal {MOST_MEMORY}")


def _engine() -> TorchEngine:
    engine = TorchEngine(describe(str(DEMO)), ROOT / "lora", sources=PHOTOS.__getitem__)
    for _ in engine.load():
        pass
    return engine


def _source(frame: Frame, strength: float) -> Source:
    PHOTOS[frame.sha256] = frame
    return Source(frame.sha256, strength)


def _draw(engine: TorchEngine, request: GenerationRequest) -> Frame:
    *_, last = engine.generate(request)
    assert isinstance(last, Picture)
    return last.frame


def _likeness(engine: TorchEngine) -> None:
    """How much of a picture is left, by strength, over ten of them; 1 is all of it."""
    print("structural similarity to the source, mean of ten pictures (least)")
    side = engine.info.sizes[0][0]
    starts = []
    for number, case in enumerate(cases(2 * TEN)[::2]):
        request = GenerationRequest(case.caption, side, side, seed=number)
        starts.append((request, _draw(engine, request)))
    print(f"{'decoded as it was encoded':32} {_summary([ssim(f, _through_vae(engine, f)) for _, f in starts])}")
    for strength in (0.1, 0.3, 0.6, 0.8, 1.0):
        scores = []
        for request, frame in starts:
            again = replace(request, seed=request.seed + 100, source=_source(frame, strength))
            scores.append(ssim(frame, _draw(engine, again)))
        print(f"{f'strength {strength}':32} {_summary(scores)}")
    same = all(_draw(engine, replace(r, source=_source(f, 1.0))) == f for r, f in starts)
    print(f"at strength 1.0 {'the bits of text-to-image' if same else 'OTHER BITS'}")


def _summary(scores: list[float]) -> str:
    return f"{mean(scores):.3f} ({min(scores):.3f})"


def _through_vae(engine: TorchEngine, frame: Frame) -> Frame:
    from pipeline.source import Source as Fitted
    from pipeline.vae import decode, encode

    pixels = Fitted(frame, frame.width, frame.height).region(0, 0, frame.width, frame.height)
    return decode(engine.model.vae, encode(engine.model.vae, pixels.to(engine.model.device)))


def _tiles(engine: TorchEngine, side: int, runs: int) -> None:
    """A whole enlargement beside its tiles, each drawn as a picture of its own from a photo."""
    start = photograph(side, 1)
    for factor in (2, 4):
        large = GenerationRequest(
            "a photo", side * factor, side * factor, seed=1, source=_source(start, 0.3), upscale=factor
        )
        grid = engine.info.tiles(large)
        tile = GenerationRequest("a photo", grid.width, grid.height, seed=1, source=_source(start, 0.3))
        _draw(engine, tile)
        wholes, ones = [], []
        for _ in range(runs):
            wholes.append(_seconds(engine, large))
            ones.append(median(_seconds(engine, tile) for _ in range(9)))
        ratio = median(whole / (one * len(grid)) for whole, one in zip(wholes, ones, strict=True))
        print(
            f"{factor}x to {side * factor}: {median(wholes):.2f} s, {len(grid)} tiles of {grid.width}x{grid.height} "
            f"at {median(ones) * 1e3:.1f} ms alone: ratio {ratio:.3f}, goal {MOST_WALL}"
        )


def _seconds(engine: TorchEngine, request: GenerationRequest) -> float:
    started = perf_counter()
    _draw(engine, request)
    return perf_counter() - started


def _seams(engine: TorchEngine, side: int) -> None:
    """How much more a picture steps at seams than elsewhere, beside the same photo merely resized: a photo has edges of
    its own, some of them where seams happen to be."""
    for strength in (0.3, 0.6):
        ratios = []
        for seed in range(1, SEAMED + 1):
            photo = photograph(side, seed)
            start = _source(photo, strength)
            large = GenerationRequest("a photo", side * 4, side * 4, seed=seed, source=start, upscale=4)
            seams = engine.info.tiles(large).seams()
            ratios.append(seam_ratio(_draw(engine, large), seams) / seam_ratio(_resized(photo, side * 4), seams))
        told = " ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"seams, 4x, strength {strength}: {mean(ratios):.3f} of a photo without any ({told}), goal {MOST_SEAM}")


def _resized(frame: Frame, side: int) -> Frame:
    image = Image.frombytes("RGB", (frame.width, frame.height), frame.rgb).resize(
        (side, side), Image.Resampling.LANCZOS
    )
    return Frame(side, side, image.tobytes())


def _peak(side: int, factor: int) -> float:
    """MB of a process that enlarges once; `factor` 0 only loads."""
    command = [sys.executable, "-m", "bench.photos", "--peak-side", str(side), "--peak-of", str(factor)]
    return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def _print_peak(side: int, factor: int) -> None:
    engine = _engine()
    small = engine.info.sizes[0][0]
    _draw(engine, GenerationRequest("a photo", small, small, seed=1, source=_source(photograph(small, 1), 0.3)))
    if factor:
        start = _source(photograph(side, 1), 0.3)
        _draw(engine, GenerationRequest("a photo", side * factor, side * factor, seed=1, source=start, upscale=factor))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


def ssim(one: Frame, other: Frame) -> float:
    """Structural similarity of two frames' brightness: Wang et al., 2004, with its window of 11 and sigma of 1.5."""
    x, y = _grey(one), _grey(other)
    at = torch.arange(11, dtype=torch.float64) - 5
    bell = torch.exp(-(at**2) / (2 * 1.5**2))
    window = torch.outer(bell, bell)[None, None] / bell.sum() ** 2
    mx, my = F.conv2d(x, window), F.conv2d(y, window)
    vx, vy = F.conv2d(x * x, window) - mx**2, F.conv2d(y * y, window) - my**2
    both = F.conv2d(x * y, window) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return float((((2 * mx * my + c1) * (2 * both + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def _grey(frame: Frame) -> Tensor:
    pixels = np.frombuffer(frame.rgb, np.uint8).reshape(1, frame.height, frame.width, 3).astype(np.float64) / 255
    return torch.from_numpy(pixels @ np.array([0.299, 0.587, 0.114]))[None]


if __name__ == "__main__":
    main()
