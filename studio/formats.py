"""A finished picture as bytes of the format somebody wants. Takes up to seconds for a large one: not for the engine's
thread. What may be written into such a file besides its pixels is `studio.metadata`'s business.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from PIL import Image, features

from core.engine import Frame
from core.errors import N_, UserError
from studio import png

Format: TypeAlias = Literal["png", "jpeg", "webp", "avif"]

QUALITY = 90  # 1 to 100, where a format has it
_FULL_COLOUR = 90  # from this quality on, JPEG keeps colour at every pixel
_AVIF_SPEED = 8  # of 0 to 10: half the time of Pillow's 6, a few percent larger


@dataclass(frozen=True, slots=True)
class Kind:
    """`most_side` in pixels. `quality` says whether there is a choice."""

    ending: str
    media_type: str
    most_side: int
    quality: bool


KINDS: Mapping[Format, Kind] = {
    "png": Kind(".png", "image/png", 2**31 - 1, False),
    "jpeg": Kind(".jpg", "image/jpeg", 65_500, True),
    "webp": Kind(".webp", "image/webp", 16_383, True),
    "avif": Kind(".avif", "image/avif", 65_536, True),
}


def available() -> tuple[Format, ...]:
    """The formats that can be written here: AVIF only where Pillow was built with it."""
    return tuple(kind for kind in KINDS if kind != "avif" or features.check("avif"))


def encode(frame: Frame, kind: Format = "png", quality: int = QUALITY, exif: bytes = b"") -> bytes:
    """The picture in this format. PNG keeps every pixel; so does WebP at quality 100.

    `exif` is a TIFF structure to keep, such as `Photo.exif`. Raises UserError when the format cannot hold the picture.
    """
    if kind not in available():
        raise UserError(N_("{format} cannot be written here. Choose another format."), format=kind.upper())
    if max(frame.width, frame.height) > KINDS[kind].most_side:
        raise UserError(
            N_("{format} holds at most {most} pixels a side. Choose PNG."),
            format=kind.upper(),
            most=KINDS[kind].most_side,
        )
    if kind == "png":
        return png.encode(frame, exif)
    out = io.BytesIO()
    image = Image.frombytes("RGB", (frame.width, frame.height), frame.rgb)
    if kind == "jpeg":
        colour = 0 if quality >= _FULL_COLOUR else 2
        image.save(out, "JPEG", quality=quality, subsampling=colour, exif=b"Exif\0\0" + exif if exif else b"")
    elif kind == "webp":
        image.save(out, "WEBP", quality=quality, lossless=quality == 100, exif=exif)
    else:
        image.save(out, "AVIF", quality=quality, speed=_AVIF_SPEED, exif=exif)
    return out.getvalue()
