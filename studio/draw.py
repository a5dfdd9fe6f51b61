"""`python -m studio draw`: one picture into a file, in this process and without the queue."""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from core.config import Config
from core.engine import Engine, Frame, ModelInfo, Picture
from core.errors import UserError
from core.request import GenerationRequest, StyleUse
from studio import build, png
from studio.files import write_whole
from studio.styles import StyleLibrary

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for on the command line; None leaves it to the model."""

    prompt: str
    output: Path
    seed: int
    styles: tuple[tuple[str, float], ...] = ()
    steps: int | None = None
    size: tuple[int, int] | None = None
    guidance: float | None = None
    upscale: int = 1


def draw(config: Config, order: Order, tell: Tell) -> GenerationRequest:
    """Draw and write the picture; returns the request in full. Raises UserError before loading wherever it can."""
    output = checked(order.output)
    info = build.describe(config.model.path)
    request = _request(order, info)
    info.check(request)
    request = replace(request, styles=StyleLibrary(config.paths.lora).pin(request.styles))
    engine = loaded(build.make_engine(config, info, previews=False), tell)
    write(output, png.encode(drawn(engine, request, tell)))
    return request


def loaded(engine: Engine, tell: Tell) -> Engine:
    """The same engine, ready to draw. Raises UserError."""
    for fraction in engine.load():
        tell(f"loading {engine.info.name}: {fraction:.0%}")
    return engine


def drawn(engine: Engine, request: GenerationRequest, tell: Tell) -> Frame:
    """The picture, drawn to its end. Raises UserError."""
    with closing(engine.generate(request)) as events:
        for event in events:
            if isinstance(event, Picture):
                return event.frame
            tell(f"step {event.step} of {event.steps}")
    raise RuntimeError("the engine ended without a picture")


def _request(order: Order, info: ModelInfo) -> GenerationRequest:
    width, height = order.size or info.sizes[0]
    return GenerationRequest(
        prompt=order.prompt,
        width=width * order.upscale,
        height=height * order.upscale,
        seed=order.seed,
        num_inference_steps=info.num_inference_steps if order.steps is None else order.steps,
        guidance_scale=info.guidance_scale if order.guidance is None else order.guidance,
        styles=tuple(StyleUse(name, strength) for name, strength in order.styles),
        upscale=order.upscale,
    )


def checked(output: Path, endings: tuple[str, ...] = (".png",)) -> Path:
    """The same path, when a picture of this kind can be written there. Raises UserError."""
    if output.suffix.lower() not in endings:
        raise UserError("{file} does not end in {endings}.", file=str(output), endings=" or ".join(endings))
    try:
        if output.is_dir():
            raise UserError("{file} is a folder. Name a file in it.", file=str(output))
        if not output.parent.is_dir():
            raise UserError("There is no folder {folder}. Make it first.", folder=str(output.parent))
        probe = output.with_name(output.name + ".probe.partial")
        write_whole(probe, b"")
        probe.unlink()
    except OSError as error:
        raise _unwritable(output, error) from error
    return output


def write(output: Path, data: bytes) -> None:
    """The file, whole. Raises UserError when the disk refuses."""
    try:
        write_whole(output, data)
    except OSError as error:
        raise _unwritable(output, error) from error


def _unwritable(output: Path, error: OSError) -> UserError:
    return UserError(
        "{file} cannot be written: {why}. Choose another place with -o.",
        file=str(output),
        why=error.strerror or type(error).__name__,
    )


def on_terminal(text: str) -> None:
    """Show progress in one line that is written over; nothing when nobody looks."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
