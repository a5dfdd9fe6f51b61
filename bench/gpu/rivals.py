"""The same components under different hands: diffusers' pipeline and ours, each eager and compiled.

Every rival has a transformer of its own, because adapters, compiled blocks and slots change the modules; their weights
are one and the same.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import torch
from diffusers import ZImageTransformer2DModel

from bench.models import reference
from core.engine import Picture, Progress
from core.request import GenerationRequest, StyleUse
from pipeline.compiling import compiled_slots
from pipeline.engine import TorchEngine
from pipeline.lora.lean import LeanSlots
from pipeline.lora.slots import Slots
from pipeline.model import Model

PROMPTS = "a red house on a green meadow, number {}"


@dataclass(frozen=True)
class Bed:
    """What is measured on: a loaded engine, pictures' sides in pixels, style files, and how it is compiled."""

    engine: TorchEngine
    sides: Sequence[int]
    steps: int
    runs: int
    rank: int
    styles: Sequence[Path]
    backend: str | Callable[..., object]

    @property
    def model(self) -> Model:
        return self.engine.model

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def caption(self) -> int:
        """Tokens of a prompt, as the transformer fills them up."""
        tokens = len(self.engine.prompts(PROMPTS.format(1)))
        return tokens + -tokens % 32

    def sync(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def request(self, side: int, styles: int = 0, seed: int = 1) -> GenerationRequest:
        uses = tuple(StyleUse(file.stem, 0.8) for file in self.styles[:styles])
        return GenerationRequest(PROMPTS.format(seed), side, side, seed, self.steps, styles=uses)


@dataclass(frozen=True)
class Run:
    """One picture: seconds from asking to having it, and of a denoising step."""

    total_s: float
    step_s: float


Rival = Callable[[GenerationRequest], Run]


def own_transformer(model: Model) -> Model:
    """The model with another transformer over the same weights."""
    given = model.transformer
    with torch.device("meta"):
        made = ZImageTransformer2DModel.from_config(given.config)
    for module, source in zip(made.modules(), given.modules(), strict=True):
        module._parameters.update(source._parameters)
        module._buffers.update(source._buffers)
    return replace(model, transformer=made.eval().requires_grad_(False))


def ours(bed: Bed, compiled: bool) -> TorchEngine:
    """Our engine, ready to draw. Raises RuntimeError when it could not be compiled; the log says why."""
    engine = copy.copy(bed.engine)
    engine.model, side = own_transformer(bed.model), bed.sides[0]
    engine.slots = (
        compiled_slots(engine.model, side, side, bed.backend) if compiled else Slots(engine.model.transformer)
    )
    if compiled and not isinstance(engine.slots, LeanSlots):
        raise RuntimeError("it could not be compiled")
    return engine


def drawn_by(engine: TorchEngine, bed: Bed) -> Rival:
    """A picture by our engine, its prompt not seen before."""

    def draw(request: GenerationRequest) -> Run:
        engine.prompts.forget()
        bed.sync()
        marks, started = [], perf_counter()
        for event in engine.generate(request):
            if isinstance(event, Picture):
                break
            if isinstance(event, Progress) and event.stage == "denoise":
                bed.sync()
                marks.append(perf_counter())
        return Run(perf_counter() - started, _step(marks))

    return draw


def stock(bed: Bed, compiled: bool, styles: int = 0) -> Rival:
    """A picture by diffusers' own pipeline, with so many adapters in force."""
    pipeline = reference(own_transformer(bed.model))
    names = [file.stem for file in bed.styles[:styles]]
    for name, file in zip(names, bed.styles, strict=False):
        pipeline.load_lora_weights(str(file), adapter_name=name)
    if names:
        pipeline.set_adapters(names, [0.8] * styles)
    if compiled:
        pipeline.transformer.compile_repeated_blocks(fullgraph=True, backend=bed.backend)

    def draw(request: GenerationRequest) -> Run:
        marks: list[float] = []

        def mark(_: object, index: int, timestep: object, kept: dict[str, object]) -> dict[str, object]:
            bed.sync()
            marks.append(perf_counter())
            return kept

        bed.sync()
        started = perf_counter()
        pipeline(
            request.prompt,
            width=request.width,
            height=request.height,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=0.0,
            generator=torch.Generator("cpu").manual_seed(request.seed),
            callback_on_step_end=mark,
        )
        return Run(perf_counter() - started, _step(marks))

    return draw


def _step(marks: Sequence[float]) -> float:
    """Mean time from the end of a step to the end of the next."""
    return (marks[-1] - marks[0]) / (len(marks) - 1)
