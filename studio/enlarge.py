"""`python -m studio upscale`: a picture of any origin, two or four times larger, with the detail that belongs there."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from core.config import Config
from core.errors import UserError
from core.request import MAX_SIDE, UPSCALE_STRENGTH, GenerationRequest, Source, StyleUse
from studio import build, formats, metadata
from studio.draw import checked, drawn, loaded, write
from studio.formats import Format
from studio.metadata import Facts, embed
from studio.photos import read
from studio.photos.archives import open_file
from studio.styles import StyleLibrary

WORDS = "a photo, sharp and full of detail"  # where nobody says what the picture shows
_KINDS: dict[str, Format] = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".avif": "avif"}


@dataclass(frozen=True, slots=True)
class Enlarging:
    """What was asked for on the command line; None leaves it to the picture, which may say how it was made."""

    picture: Path
    output: Path
    factor: int
    strength: float = UPSCALE_STRENGTH
    seed: int | None = None
    prompt: str | None = None
    styles: tuple[tuple[str, float], ...] = ()
    quality: int = formats.QUALITY


def enlarge(config: Config, wish: Enlarging, tell: Callable[[str], None]) -> GenerationRequest:
    """Write the larger picture; returns the request in full. Raises UserError before loading wherever it can."""
    output = checked(wish.output, tuple(_KINDS))
    kind = _KINDS[output.suffix.lower()]
    (upload, *_) = open_file(wish.picture)
    if upload.problem is not None:
        raise UserError("{file}: {why}", file=str(wish.picture), why=str(upload.problem)) from upload.problem
    frame = read(upload.data, MAX_SIDE // wish.factor).frame
    info = build.describe(config.model.path)
    made = _made_with(upload.data)
    request = GenerationRequest(
        prompt=wish.prompt or made.prompt or WORDS,
        width=frame.width * wish.factor,
        height=frame.height * wish.factor,
        seed=next(seed for seed in (wish.seed, made.seed, 0) if seed is not None),
        num_inference_steps=info.num_inference_steps,
        guidance_scale=info.guidance_scale,
        styles=tuple(StyleUse(name, weight) for name, weight in wish.styles),
        source=Source(frame.sha256, wish.strength),
        upscale=wish.factor,
    )
    info.check(request)
    request = replace(request, styles=StyleLibrary(config.paths.lora).pin(request.styles))
    engine = loaded(build.make_engine(config, info, previews=False, sources=lambda _: frame), tell)
    data = formats.encode(drawn(engine, request, tell), kind, wish.quality)
    write(output, data if kind == "avif" else embed(data, Facts(request, info.name)))
    return request


def _made_with(picture: bytes) -> metadata.Settings:
    """What the picture says of itself, if anything."""
    try:
        return metadata.read(picture).settings
    except UserError:
        return metadata.Settings()
