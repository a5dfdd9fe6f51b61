"""Styles swapped by us and by diffusers, on the same files: what a swap, a blend, a strength and a step cost.

python -m bench.styles            all of it, interleaved; medians, in milliseconds
python -m bench.styles --runs 5   fewer runs

Binding does not depend on what the base model weighs, so the real key layout (240 modules of 6 B parameters, rank 32)
is measured on a base whose weights are views of a single zero.
"""

import argparse
import gc
import platform
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil
import torch
from diffusers import ZImagePipeline, ZImageTransformer2DModel
from torch import nn

from bench.models import DEMO, FULL, ROOT, random_engine, reference, write_styles
from core.request import GenerationRequest, StyleUse
from pipeline.describe import describe
from pipeline.engine import TorchEngine
from pipeline.lora.cache import Cache
from pipeline.lora.compiled import Compiled
from pipeline.lora.inspect import Inspector
from pipeline.lora.residency import Residency
from pipeline.lora.slots import Slots
from pipeline.lora.tools import inspector as make_inspector
from tests.hostile import corpus

MIDDLE = {"dim": 1024, "n_layers": 8, "n_refiner_layers": 1, "n_heads": 8, "axes_dims": [32, 48, 48]}
SWAPS = 500


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.styles")
    parser.add_argument("--runs", type=int, default=15)
    args = parser.parse_args()
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {args.runs} runs")
    with tempfile.TemporaryDirectory(dir=ROOT / "data") as folder:
        swaps("real key layout", *real_layout(Path(folder, "real")), args.runs)
        swaps("demo model", *demo(Path(folder, "demo")), args.runs)
        steps(Path(folder, "middle"), args.runs)
        hostile(Path(folder, "hostile"))


def real_layout(folder: Path) -> tuple[ZImagePipeline, list[Path], torch.dtype]:
    """The pipeline with a weightless base, and four styles of 170 MB."""
    with torch.device("meta"):
        transformer = ZImageTransformer2DModel(in_channels=16, n_kv_heads=30, cap_feat_dim=2560, **FULL)
    for module in transformer.modules():
        for name, weight in list(module._parameters.items()):
            if weight is not None:
                zero = torch.zeros((), dtype=torch.bfloat16).expand(weight.shape)
                module._parameters[name] = nn.Parameter(zero, requires_grad=False)
    engine = random_engine(previews=False)
    pipeline = reference(replace(engine.model, transformer=transformer))
    return pipeline, write_styles(folder, transformer, 4, 32, torch.bfloat16), torch.bfloat16


def demo(folder: Path) -> tuple[ZImagePipeline, list[Path], torch.dtype]:
    """The demo model, and four styles of rank 8."""
    pipeline = ZImagePipeline.from_pretrained(DEMO, dtype=torch.float32)
    return pipeline, write_styles(folder, pipeline.transformer, 4, 8, torch.bfloat16), torch.float32


def swaps(title: str, pipeline: ZImagePipeline, files: list[Path], dtype: torch.dtype, runs: int) -> None:
    """Ours and diffusers', alternating between two styles."""
    slots = Slots(pipeline.transformer)
    shapes = {name: (m.out_features, m.in_features) for name, m in slots.linears.items()}
    inspector = Inspector(shapes)
    cache = Cache(files[0].parent / "cache", 100_000, inspector, dtype)
    reports = [inspector.inspect(file) for file in files]
    compiled = [cache.compile(file, report.sha256) for file, report in zip(files, reports, strict=True)]
    styles = [style.deltas(style.data) for style in compiled]
    turn = alternating()

    def from_file() -> None:
        style = cache.find(reports[next(turn)].sha256)
        assert style is not None
        slots.bind([(style.deltas(style.data), 1.0)])

    ours = {
        "bind resident": lambda: slots.bind([(styles[next(turn)], 1.0)]),
        "strength": (lambda: slots.bind([(styles[0], 1.0)]), lambda: slots.bind([(styles[0], 0.5)])),
        "off": (lambda: slots.bind([(styles[0], 1.0)]), slots.clear),
        "compiled file to bound": from_file,
    }
    for count in (2, 3, 4):
        blend = [(style, 0.5) for style in styles[:count]]
        changed = [(style, 0.7) for style in styles[:count]]
        ours[f"blend of {count}"] = (slots.clear, lambda blend=blend: slots.bind(blend))
        ours[f"weight in a blend of {count}"] = (lambda b=blend: slots.bind(b), lambda c=changed: slots.bind(c))
    print(f"\n{title}: {len(styles[0])} modules, rank {reports[0].rank[1]}, {reports[0].size_bytes / 1e6:.0f} MB")
    mine = medians(ours, runs) | medians({"inspect the file": lambda: inspector.inspect(files[0])}, 3)
    slots.clear()
    theirs = medians(diffusers(pipeline, files[:2]), max(3, runs // 3))
    pipeline.unload_lora_weights()
    for name, ms in (mine | theirs).items():
        print(f"{name:36} {ms:10.3f} ms")
    for name, ms in theirs.items():
        print(f"{name:36} {ms / mine['bind resident']:10.0f} x a bind", end="")
        print(f", {ms / mine['compiled file to bound']:.1f} x from a compiled file")
    flat(compiled, files, cache, slots)


def diffusers(pipeline: ZImagePipeline, files: list[Path]) -> dict[str, object]:
    """The ways that diffusers has to swap a style."""
    turn = alternating()

    def load(name: str = "a", **options: object) -> None:
        pipeline.load_lora_weights(files[next(turn)], adapter_name=name, **options)

    def two() -> None:
        pipeline.unload_lora_weights()
        load("a"), load("b")

    return {
        "diffusers: hotswap=True": (lambda: None, lambda: load(hotswap=True), lambda: load()),
        "diffusers: unload and load": lambda: (pipeline.unload_lora_weights(), load()),
        "diffusers: set_adapters, resident": (lambda: None, lambda: pipeline.set_adapters("ab"[next(turn)]), two),
    }


def alternating() -> Iterator[int]:
    k = 0
    while True:
        k = 1 - k
        yield k


def medians(rivals: dict[str, object], runs: int) -> dict[str, float]:
    """Milliseconds of each. A rival is a function, or (before, function[, once]), of which only the function counts."""
    cases = {name: case if isinstance(case, tuple) else (lambda: None, case) for name, case in rivals.items()}
    times: dict[str, list[float]] = {name: [] for name in cases}
    together = all(len(case) == 2 for case in cases.values())
    order = (
        [cases] * (runs + 1) if together else [{name: case} for name, case in cases.items() for _ in range(runs + 1)]
    )
    begun: set[str] = set()
    for turn in order:  # what has to be set up once cannot be interleaved with the others
        for name, (before, function, *once) in turn.items():
            if name not in begun:
                begun.add(name)
                for prepare in once:
                    prepare()
                function()
                continue
            before()
            started = perf_counter()
            function()
            times[name].append((perf_counter() - started) * 1e3)
    return {name: median(values) for name, values in times.items()}


def flat(compiled: list[Compiled], files: list[Path], cache: Cache, slots: Slots) -> None:
    """Memory over 500 swaps with room for two of four styles; the files themselves are mapped, and counted once."""
    folder, room = files[0].parent, int(compiled[0].nbytes * 2.5 / 1e6)
    residency = Residency(folder, cache, torch.device("cpu"), room, 0)
    found = [residency.find(StyleUse(file.stem)) for file in files]
    before = (0, 0)
    for k in range(SWAPS + 20):
        if k == 20:
            before = held()
        style = found[k % 4] if k % 5 else residency.find(StyleUse(files[k % 4].stem))
        slots.bind([(residency.bring([style])[0], 1.0)])
    after = held()
    slots.clear()
    print(f"{SWAPS} swaps: RSS {before[0] / 1e6:.1f} to {after[0] / 1e6:.1f} MB, tensors {before[1]} to {after[1]}")


def held() -> tuple[int, int]:
    gc.collect()
    tensors = sum(type(o) in (torch.Tensor, nn.Parameter) for o in gc.get_objects())
    return psutil.Process().memory_info().rss, tensors


def steps(folder: Path, runs: int) -> None:
    """A denoising step on a mid-size model: plain, with one style, with ten that are resident and off."""
    engine = random_engine(previews=False)
    model = engine.model
    transformer = ZImageTransformer2DModel(
        in_channels=model.latent_channels, n_kv_heads=8, cap_feat_dim=128, axes_lens=[1024, 512, 512], **MIDDLE
    )
    engine = TorchEngine(replace(engine.info, max_side=8192), folder, previews=False)
    engine.use(replace(model, transformer=transformer.eval().requires_grad_(False)))
    files = write_styles(folder, transformer, 10, 16, torch.bfloat16)
    uses = [StyleUse(file.stem) for file in files]
    requests = {"plain": (), "one style, rank 16": uses[:1], "ten resident, off": (), "blend of four": uses[:4]}
    times: dict[str, list[float]] = {name: [] for name in requests}
    for run in range(runs + 1):
        for name, styles in requests.items():
            engine.free()
            if name.startswith("ten"):
                engine.prefetch(uses)
            request = GenerationRequest("a red house", 256, 256, 1, 4, styles=tuple(styles))
            times[name] += [ms for ms in step_ms(engine, request) if run]
    print(f"\na step, {sum(p.numel() for p in transformer.parameters()) / 1e6:.0f} M parameters of width 1024, 256x256")
    for name, values in times.items():
        ratio = median(a / b for a, b in zip(values, times["plain"], strict=True))
        print(f"{name:36} {median(values):10.1f} ms   ratio {ratio:.3f}")


def step_ms(engine: TorchEngine, request: GenerationRequest) -> list[float]:
    """Of every step but the first."""
    times, events = [], engine.generate(request)
    next(events), next(events)
    for _ in range(request.num_inference_steps - 1):
        started = perf_counter()
        next(events)
        times.append((perf_counter() - started) * 1e3)
    events.close()
    return times


def hostile(folder: Path) -> None:
    """How long the corpus takes to be refused."""
    folder.mkdir()
    inspector = make_inspector(describe(str(DEMO)))
    slowest: tuple[float, str] = (0.0, "")
    cases = corpus.cases(folder / "was run")
    for case in cases:
        file = folder / "odd.safetensors"
        file.write_bytes(case.data)
        started = perf_counter()
        inspector.inspect(file)
        slowest = max(slowest, ((perf_counter() - started) * 1e3, case.name))
    print(f"\n{len(cases)} hostile files refused; the slowest took {slowest[0]:.0f} ms ({slowest[1]})")


if __name__ == "__main__":
    main()
