"""Swapping styles: ours from the device, from pinned host memory and from the page cache, beside diffusers' three ways.

Everything ends with the device having nothing left to do: what is only queued is not swapped.
"""

import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch._dynamo.utils import counters

from bench.gpu.rivals import Bed, own_transformer
from bench.gpu.sheet import Figures, Sheet
from bench.models import reference
from core.request import StyleUse
from pipeline.engine import TorchEngine
from pipeline.lora.cache import Cache
from pipeline.lora.deltas import Deltas, LowRank
from pipeline.lora.inspect import Inspector
from pipeline.lora.metadata import Scale
from pipeline.lora.residency import Residency
from pipeline.sampler import schedule_for, velocity_at

SWAPS = 50
RANKS = (4, 8, 12, 32, 128)
PLENTY = 100_000  # MB


def swaps(sheet: Sheet, bed: Bed, engine: TorchEngine) -> None:
    """Ours, bound to the compiled transformer of `engine`, then diffusers'."""
    modules = sum(1 for name in engine.slots.linears if name.startswith("layers."))
    size = bed.styles[0].stat().st_size / 1e6
    sheet.title(f"a swap between two styles of rank {bed.rank}, {modules} modules, {size:.0f} MB")
    with tempfile.TemporaryDirectory() as folder:
        cache = _cache(bed, engine, Path(folder))
        tiers = {"resident": (PLENTY, PLENTY), "pinned host memory": (0, PLENTY), "page cache": (0, 0)}
        for name, budgets in tiers.items():
            residency = Residency(bed.styles[0].parent, cache, bed.device, *budgets)
            sheet.measure(f"ours, {name}", 10, partial(_ours, bed, engine, residency))
        resident = Residency(bed.styles[0].parent, cache, bed.device, PLENTY, PLENTY)
        sheet.measure("ours, another strength", 5, partial(_strength, bed, engine, resident))
        sheet.measure("ours, off", 5, partial(_off, bed, engine, resident))
    engine.slots.clear()
    sheet.measure("diffusers: three ways", 30, partial(_diffusers, sheet, bed))


def recompilations(bed: Bed, engine: TorchEngine) -> Figures:
    """What is compiled while ranks, strengths and the layers that are changed differ from step to step."""
    model = engine.model
    side = min(bed.sides) // model.vae_scale_factor
    latents = torch.zeros(1, model.latent_channels, side, side, device=bed.device)
    embeds = torch.zeros(32, model.transformer.config.cap_feat_dim, device=bed.device, dtype=model.dtype)
    timestep = schedule_for(model, latents, 1).timesteps[0]
    before = counters["stats"]["unique_graphs"]
    for k in range(SWAPS):
        engine.slots.bind([(random_style(engine, RANKS[k % len(RANKS)], every=1 + k % 3), 0.1 + k / SWAPS)])
        velocity_at(model, latents, timestep, embeds, None, 0.0)
    engine.slots.clear()
    return {"swaps": SWAPS, "compiled": counters["stats"]["unique_graphs"] - before}


def random_style(engine: TorchEngine, rank: int, every: int) -> Deltas:
    """Changes to every so many-th layer of the main blocks, made on the device."""
    found: dict[str, LowRank] = {}
    for name in [n for n in engine.slots.linears if n.startswith("layers.")][::every]:
        weight = engine.slots.linears[name].weight
        down = torch.randn(rank, weight.shape[1], device=weight.device, dtype=weight.dtype) * 0.01
        up = torch.randn(weight.shape[0], rank, device=weight.device, dtype=weight.dtype) * 0.01
        found[name] = LowRank(down, up, Scale())
    return found


def _cache(bed: Bed, engine: TorchEngine, folder: Path) -> Cache:
    shapes = {name: (m.out_features, m.in_features) for name, m in engine.slots.linears.items()}
    return Cache(folder, PLENTY, Inspector(shapes), bed.model.dtype)


def _ours(bed: Bed, engine: TorchEngine, residency: Residency) -> Figures:
    styles = [residency.find(StyleUse(file.stem)) for file in bed.styles[:2]]

    def swap(k: int) -> None:
        engine.slots.bind([(residency.bring([styles[k % 2]])[0], 1.0)])

    return {"ms": _ms(bed, swap)}


def _strength(bed: Bed, engine: TorchEngine, residency: Residency) -> Figures:
    deltas = residency.bring([residency.find(StyleUse(bed.styles[0].stem))])[0]
    return {"ms": _ms(bed, lambda k: engine.slots.bind([(deltas, 0.5 + k / 100)]))}


def _off(bed: Bed, engine: TorchEngine, residency: Residency) -> Figures:
    deltas = residency.bring([residency.find(StyleUse(bed.styles[0].stem))])[0]
    return {"ms": _ms(bed, lambda k: engine.slots.bind([]), lambda k: engine.slots.bind([(deltas, 1.0)]))}


def _diffusers(sheet: Sheet, bed: Bed) -> None:
    pipeline = reference(own_transformer(bed.model))
    files = [str(file) for file in bed.styles[:2]]

    def load(k: int) -> None:
        pipeline.unload_lora_weights()
        pipeline.load_lora_weights(files[k % 2], adapter_name="a")

    def both(_: int) -> None:
        pipeline.unload_lora_weights()
        for name, file in zip("ab", files, strict=True):
            pipeline.load_lora_weights(file, adapter_name=name)

    ways: Sequence[tuple[str, Callable[[int], None], Callable[[int], None]]] = (
        ("load_lora_weights", lambda k: None, load),
        ("hotswap", lambda k: None, lambda k: pipeline.load_lora_weights(files[k % 2], adapter_name="a", hotswap=True)),
        ("set_adapters, both resident", both, lambda k: pipeline.set_adapters("ab"[k % 2])),
    )
    for name, prepare, swap in ways:
        prepare(0)
        sheet.measure(f"diffusers, {name}", 10, partial(_row, bed, swap))


def _row(bed: Bed, swap: Callable[[int], None]) -> Figures:
    return {"ms": _ms(bed, swap, runs=max(2, bed.runs))}


def _ms(bed: Bed, run: Callable[[int], None], before: Callable[[int], None] | None = None, runs: int = 0) -> float:
    """Median; the first runs are not counted, in which memory is pinned and files are read."""
    times: deque[float] = deque()
    for k in range((runs or 4 * bed.runs) + 4):
        if before is not None:
            before(k)
        bed.sync()
        started = perf_counter()
        run(k)
        bed.sync()
        if k >= 4:
            times.append((perf_counter() - started) * 1e3)
    return median(times)
