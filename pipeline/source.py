"""The picture to start from, in the shape that is asked for.

It is cut to that shape around its middle and scaled by Lanczos on the sRGB values as they are. Linear light would be
right for light, but its overshoots show as halos on dark edges, and what models have learnt from was scaled like this.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.engine import Frame

_Box = tuple[float, float, float, float]


class Source:
    """A frame, to be looked at as if it had `width` by `height` pixels: in full, or a region at a time."""

    def __init__(self, frame: Frame, width: int, height: int) -> None:
        self._image = Image.frombytes("RGB", (frame.width, frame.height), frame.rgb)
        self.width, self.height = width, height
        self._left, self._top, right, bottom = _cover(frame.width, frame.height, width / height)
        self._x, self._y = (right - self._left) / width, (bottom - self._top) / height

    def region(self, x: int, y: int, width: int, height: int) -> Tensor:
        """(1, 3, height, width) fp32 in -1..1. Beyond the right and the lower edge the last pixels go on.

        A region has the pixels that scaling the whole would give there, but for rounding.
        """
        inside = min(width, self.width - x), min(height, self.height - y)
        box = (
            self._left + x * self._x,
            self._top + y * self._y,
            self._left + (x + inside[0]) * self._x,
            self._top + (y + inside[1]) * self._y,
        )
        scaled = self._image.resize(inside, Image.Resampling.LANCZOS, self._clip(box))
        pixels = np.pad(np.asarray(scaled), ((0, height - inside[1]), (0, width - inside[0]), (0, 0)), mode="edge")
        return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1.0

    def _clip(self, box: _Box) -> _Box:
        """Sums of fractions may end a hair beyond the picture, which Pillow refuses."""
        left, top, right, bottom = box
        return left, top, min(right, self._image.width), min(bottom, self._image.height)


def _cover(width: int, height: int, aspect: float) -> _Box:
    """The largest part of `width` by `height` that has this aspect, in the middle: left, top, right, bottom."""
    if width > height * aspect:
        spare = (width - height * aspect) / 2
        return spare, 0.0, width - spare, float(height)
    spare = (height - width / aspect) / 2
    return 0.0, spare, float(width), height - spare
