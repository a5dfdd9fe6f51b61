"""Pictures from request to pixels, and their steps: ours and diffusers', interleaved, with no, one and two styles."""

import copy
from functools import partial
from statistics import median
from time import perf_counter

from torch import nn

from bench.gpu.rivals import Bed, Rival, Run, drawn_by, ours, stock
from bench.gpu.sheet import Figures, Sheet
from core.engine import Progress
from pipeline.engine import TorchEngine
from pipeline.preview import Previewer

COMPILING = 60  # seconds that a compiler may take, on a large card, for what it has not seen


class Rivals:
    """Made when they are first asked for: compiling is not free, and there may be no time for all."""

    def __init__(self, sheet: Sheet, bed: Bed) -> None:
        self.bed, self._sheet = bed, sheet
        self.engines = {"eager": ours(bed, compiled=False)}
        sheet.measure("ours, compiled", COMPILING if bed.device.type == "cuda" else 5, self._compile)
        self._stock: dict[tuple[bool, int], Rival] = {}

    @property
    def best(self) -> TorchEngine:
        """Our compiled engine, if it could be compiled."""
        return self.engines.get("compiled", self.engines["eager"])

    def all(self, styles: int) -> dict[str, Rival]:
        """By name, diffusers' eager one first."""
        return {
            "diffusers, eager": self._diffusers(False, styles),
            "diffusers, compiled": self._diffusers(True, styles),
            **{f"ours, {name}": drawn_by(engine, self.bed) for name, engine in self.engines.items()},
        }

    def close(self) -> None:
        """Give back what they hold beside the model they share."""
        for engine in self.engines.values():
            engine.free()
        self.engines.clear()
        self._stock.clear()

    def _compile(self) -> Figures:
        started = perf_counter()
        self.engines["compiled"] = ours(self.bed, compiled=True)
        return {"compile_s": perf_counter() - started}

    def _diffusers(self, compiled: bool, styles: int) -> Rival:
        key = (compiled, styles)
        if key not in self._stock:
            self._stock[key] = stock(self.bed, compiled, styles)
        return self._stock[key]


def pictures(sheet: Sheet, rivals: Rivals, matrix_tflops: float, keep: float) -> None:
    """A table for each size and number of styles, the most wanted first; leaves `keep` seconds to others."""
    bed = rivals.bed
    on_card = bed.device.type == "cuda"
    order = sorted(((side, styles) for side in bed.sides for styles in (0, 1, 2)), key=lambda pair: _wanted(bed, *pair))
    known: set[int] = set()
    for side, styles in order:
        sheet.title(f"a picture of {side} x {side}, {bed.steps} steps, {_count(styles)}")
        runs = max(1, bed.runs // 4) if on_card and side > bed.sides[0] else bed.runs
        cost = 1.5 * (side / 1024) ** 2.4 if on_card else 0.5
        new = COMPILING if on_card and styles not in known else 0
        table = partial(_table, sheet, rivals, side, styles, runs, matrix_tflops)
        if sheet.measure("all in turn", 4 * cost * (runs + 1) + new, table, keep):
            known.add(styles)


def _wanted(bed: Bed, side: int, styles: int) -> tuple[int, int]:
    """The usual size with no and one style comes before all other sizes, and two styles last."""
    return (styles > 1) + (side != bed.sides[0]) + (side > bed.sides[0]), styles


def _table(sheet: Sheet, rivals: Rivals, side: int, styles: int, runs: int, matrix_tflops: float) -> None:
    bed = rivals.bed
    times, first = race(sheet, rivals.all(styles), bed, side, styles, runs)
    flop = forward_flop(bed, side)
    base = times["diffusers, eager"]
    for name, measured in times.items():
        step = median(run.step_s for run in measured)
        figures: dict[str, float | str] = {
            "total_s": median(run.total_s for run in measured),
            "step_ms": step * 1e3,
            "steps_s": step * bed.steps,
            "of_eager": median(a.total_s / b.total_s for a, b in zip(measured, base, strict=True)),
            "step_of_eager": median(a.step_s / b.step_s for a, b in zip(measured, base, strict=True)),
            "tflops": flop / step / 1e12,
            "of_matrix_rate": flop / step / 1e12 / matrix_tflops,
            "first_s": first[name],
        }
        sheet.row(name, figures)


def race(
    sheet: Sheet, rivals: dict[str, Rival], bed: Bed, side: int, styles: int, runs: int
) -> tuple[dict[str, list[Run]], dict[str, float]]:
    """Each in turn, `runs` times; and seconds of the first one of each, which is not counted.

    Who fails at the first is out, and that is a row.
    """
    first: dict[str, float] = {}
    for name, rival in rivals.items():

        def begin(name: str = name, rival: Rival = rival) -> None:
            first[name] = rival(bed.request(side, styles)).total_s

        sheet.measure(name, 0, begin)
    times: dict[str, list[Run]] = {name: [] for name in first}
    for k in range(runs):
        for name in rotated(list(first), k):
            times[name].append(rivals[name](bed.request(side, styles, seed=k + 2)))
    return times, first


def rotated(names: list[str], by: int) -> list[str]:
    """So that nobody always follows the same one."""
    by %= len(names)
    return names[by:] + names[:by]


def first_previews(sheet: Sheet, rivals: Rivals) -> None:
    """From asking to the first frame that shows something, for a prompt that is new and one that is not."""
    bed, engine = rivals.bed, copy.copy(rivals.best)
    engine.preview = Previewer(bed.model.vae, bed.sides[0], bed.model.vae_scale_factor)
    for name, forget in (("new prompt", True), ("prompt seen before", False)):
        sheet.measure(name, 15, partial(_first_preview, engine, bed, forget))


def _first_preview(engine: TorchEngine, bed: Bed, forget: bool) -> Figures:
    times = []
    for k in range(bed.runs + 1):
        if forget:
            engine.prompts.forget()
        bed.sync()
        started = perf_counter()
        events = engine.generate(bed.request(bed.sides[0], 1, seed=1))
        for event in events:
            if isinstance(event, Progress) and event.stage == "denoise":
                break
        if k:
            times.append(perf_counter() - started)
        events.close()
    return {"preview_ms": median(times) * 1e3}


def forward_flop(bed: Bed, side: int) -> float:
    """Floating-point operations of one prediction: 2 for each weight and token, and attention's two products."""
    transformer = bed.model.transformer
    image, caption = side**2 // (2 * bed.model.vae_scale_factor) ** 2, bed.caption
    stacks: list[tuple[nn.ModuleList, int]] = [
        (transformer.noise_refiner, image),
        (transformer.context_refiner, caption),
        (transformer.layers, image + caption),
    ]
    total = 0.0
    for blocks, tokens in stacks:
        weights = sum(linear_weights(block) for block in blocks)
        total += 2 * weights * tokens + 4 * tokens**2 * transformer.config.dim * len(blocks)
    return total


def linear_weights(block: nn.Module) -> int:
    """Of what sees every token; the modulation sees one."""
    return sum(m.weight.numel() for n, m in block.named_modules() if isinstance(m, nn.Linear) and "adaLN" not in n)


def _count(styles: int) -> str:
    return ("no style", "one style", "two styles")[styles]
