"""Memory tiers, each with its peak and its time beside the first; and what idle release gives back and how soon."""

import gc
from functools import partial
from statistics import median
from time import perf_counter

import torch

from bench.gpu.rivals import Bed, drawn_by
from bench.gpu.sheet import Figures, Sheet
from core.engine import Tier
from pipeline.placement.tiers import EXACT, GB, Plan


def tiers(sheet: Sheet, bed: Bed) -> None:
    """Of a picture of the usual size with one style. 8 bits come last: the weights are other ones after them."""
    side = bed.sides[0]
    sheet.title(f"memory tiers, a picture of {side} x {side} with one style")
    order: tuple[Tier, ...] = (*EXACT, "8-bit") if bed.device.type == "cuda" else EXACT
    first: list[float] = []
    for tier in order:
        sheet.measure(tier, 30 if bed.device.type == "cuda" else 2, partial(_tier, bed, tier, first))


def idle(sheet: Sheet, bed: Bed) -> None:
    """From resident to nothing, and back."""
    sheet.title("idle release and return")
    sheet.measure("resident", 20 if bed.device.type == "cuda" else 2, partial(_idle, bed))


def _tier(bed: Bed, tier: Tier, first: list[float]) -> Figures:
    bed.engine.use(bed.model, Plan(tier))
    draw = drawn_by(bed.engine, bed)
    draw(bed.request(bed.sides[0], 1))
    gc.collect()
    if bed.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(bed.device)
    runs = [draw(bed.request(bed.sides[0], 1, seed=k + 2)) for k in range(max(1, bed.runs // 2))]
    first.append(median(run.total_s for run in runs))
    figures = {
        "total_s": first[-1],
        "of_resident": first[-1] / first[0],
        "step_ms": median(run.step_s for run in runs) * 1e3,
        "weights_gb": bed.engine.placement.peak / GB,
    }
    if bed.device.type == "cuda":
        figures["peak_gb"] = torch.cuda.max_memory_allocated(bed.device) / GB
    return figures


def _idle(bed: Bed) -> Figures:
    engine = bed.engine
    drawn_by(engine, bed)(bed.request(bed.sides[0], 1))
    before = _held(bed)
    bed.sync()
    started = perf_counter()
    for _ in engine.rest():
        pass
    bed.sync()
    rested = perf_counter()
    after = _held(bed)
    engine.wake()
    bed.sync()
    woken = perf_counter()
    return {"released": 1 - after / before, "release_s": rested - started, "return_s": woken - rested}


def _held(bed: Bed) -> int:
    return torch.cuda.memory_allocated(bed.device) if bed.device.type == "cuda" else bed.engine.placement.held
