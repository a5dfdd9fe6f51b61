"""The renderer: pictures in words of `scenes` and `portraits` to pixels, many at once, on any device.

Softly lit it is the base model's world; flat, with the distance to the nearest outline beside it, it is what `looks`
makes the styles from. Things of one kind are drawn together, each in a window of its own, which is what makes it fast.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from demo.backdrops import Grid, backdrop, weather
from demo.faces import PIECES, pieces
from demo.looks import LOOKS, Layers
from demo.objects import OBJECTS
from demo.portraits import Portrait
from demo.scenes import COLOURS, Scene
from demo.sdf import Part, Rgb, union

Subject: TypeAlias = Scene | Portrait
STYLES = ("", *LOOKS)
LIGHT = (-0.5, -0.62, 0.6)  # from the upper left, towards the viewer
NIGHT_DIM = 0.86
AROUND = (-1.25, -1.25, 1.25, 1.25)  # the box that every object stays in
GLOW = 0.2  # of half the shorter side: how far around a thing its outline is felt
WINDOW = 32  # pixels: window sides are rounded up to this, so that things of nearly one size are drawn together


@dataclass(frozen=True)
class Sprite:
    """A thing to draw: `kind` in `OBJECTS` or `PIECES`, where its own 0, 0 lies, how large its own 1 is."""

    kind: str
    colour: Rgb
    x: float
    y: float
    scale: float
    dim: float = 1.0

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        return PIECES[self.kind].bounds if self.kind in PIECES else AROUND

    def parts(self, x: Tensor, y: Tensor) -> list[Part]:
        return PIECES[self.kind].draw(x, y) if self.kind in PIECES else OBJECTS[self.kind](x, y)


def draw(subject: Subject, width: int, height: int, style: str = "") -> NDArray[np.uint8]:
    """One picture, (height, width, 3) uint8 sRGB, in the soft base look or in one of `STYLES`."""
    pixels = draw_batch([subject], width, height, style)[0]
    return (pixels.permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()


@torch.inference_mode()
def draw_batch(
    subjects: Sequence[Subject], width: int, height: int, style: str = "", device: torch.device | str = "cpu"
) -> Tensor:
    """(n, 3, height, width) float32 in 0..1; the same pictures, one by one or together."""
    grid = Grid.of(width, height, torch.device(device))
    canvas, line = backdrop(subjects, grid, lit=not style)
    line, things = line.contiguous(), torch.zeros_like(line)
    piles, glow = [sprites(s) for s in subjects], GLOW if style else 0.0
    for layer in range(max(len(p) for p in piles)):
        groups: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        for n, pile in enumerate(piles):
            if layer < len(pile):
                groups[pile[layer].kind, *_window(pile[layer], grid, glow)].append(n)
        for (_, tall, wide), rows in groups.items():
            _paint([piles[n][layer] for n in rows], rows, (tall, wide), canvas, line, things, grid, lit=not style)
    if style:
        canvas = LOOKS[style](Layers(canvas, line, things, grid, [s.seed for s in subjects]))
    weather(subjects, canvas, grid)
    return canvas.clamp(0, 1).permute(0, 3, 1, 2).contiguous()


def sprites(subject: Subject) -> list[Sprite]:
    """What `subject` is drawn from, the hindmost first."""
    if isinstance(subject, Portrait):
        return [Sprite(kind, colour, subject.x, subject.y, subject.scale) for kind, colour in pieces(subject)]
    dim = NIGHT_DIM if subject.sky == "night" else 1.0
    return [Sprite(i.kind, COLOURS[i.colour], i.x, i.y, i.scale, dim) for i in subject.items]


def _window(sprite: Sprite, grid: Grid, glow: float) -> tuple[int, int]:
    """Height and width in pixels of a window that holds `sprite` and `glow` around it."""
    left, top, right, bottom = sprite.bounds
    tall, wide = (
        ceil((sprite.scale * size + 2 * glow) * grid.unit / WINDOW) * WINDOW for size in (bottom - top, right - left)
    )
    return min(tall, grid.y.numel()), min(wide, grid.x.numel())


def _paint(
    group: Sequence[Sprite],
    rows: list[int],
    window: tuple[int, int],
    canvas: Tensor,
    line: Tensor,
    things: Tensor,
    grid: Grid,
    lit: bool,
) -> None:
    """Draw sprites of one kind, one a picture, into `canvas`, `line` and `things`."""
    device = canvas.device
    left, top, right, bottom = group[0].bounds
    at = torch.tensor([(s.x, s.y, s.scale, s.dim, *s.colour) for s in group], device=device)
    x0, y0, scale, dim = (at[:, k].view(-1, 1, 1) for k in range(4))
    across = _span(x0 + scale * (left + right) / 2, window[1], grid.x, grid.unit)
    down = _span(y0 + scale * (top + bottom) / 2, window[0], grid.y, grid.unit)
    x = ((grid.x.flatten()[across][:, None, :] - x0) / scale).expand(-1, window[0], -1)
    y = ((grid.y.flatten()[down][:, :, None] - y0) / scale).expand(-1, -1, window[1])
    where = (torch.tensor(rows, device=device).view(-1, 1, 1), down[:, :, None], across[:, None, :])
    pixel = 1.0 / (grid.unit * scale)
    parts = group[0].parts(x, y)
    shape = union(*(p.field for p in parts))
    local = canvas[where]
    if lit:
        local = local * _shadow(shape, pixel)[..., None]
    outline = line[where]
    for part in parts:
        own = at[:, None, None, 4:7] if part.colour is None else torch.tensor(part.colour, device=device)
        colour = own * part.tone
        if lit:
            colour = colour * (_lit(part, pixel) * dim)[..., None]
        distance = part.field / pixel
        local = local + (0.5 - distance).clamp(0, 1)[..., None] * (colour - local)
        edge = distance * part.fineness
        outline = torch.where(distance < 0, -edge, torch.minimum(outline, edge))  # hides the lines behind it
    canvas[where], line[where] = local, outline
    things[where] = torch.maximum(things[where], (0.5 - shape / pixel).clamp(0, 1))


def _span(middle: Tensor, size: int, axis: Tensor, unit: float) -> Tensor:
    """(n, size) pixel indices around `middle`, moved to lie within `axis`."""
    most = axis.numel()
    first = (middle.flatten() * unit + (most - size) / 2).round().long().clamp(0, most - size)
    return first[:, None] + torch.arange(size, device=axis.device)


def _lit(part: Part, pixel: Tensor) -> Tensor:
    """Lambert light with a soft highlight on a surface that curves up from the edge inwards."""
    slope = 1 - (-part.field / max(part.roundness, 1e-3)).clamp(0, 1)
    gy, gx = torch.gradient(part.field, dim=(1, 2))
    gx, gy = gx / pixel * slope, gy / pixel * slope
    nz = (1 - (gx * gx + gy * gy).clamp(0, 0.95)).clamp(min=0.05).sqrt()
    length = sum(c * c for c in LIGHT) ** 0.5
    lambert = ((gx * LIGHT[0] + gy * LIGHT[1] + nz * LIGHT[2]) / length).clamp(0, 1)
    return 0.62 + 0.58 * lambert + 0.5 * lambert**24


def _shadow(shape: Tensor, pixel: Tensor) -> Tensor:
    """How much light a soft shadow leaves, right of and below `shape`."""
    step = max(1, shape.shape[1] // 28)
    moved = torch.full_like(shape, torch.inf)
    moved[:, step:, step:] = shape[:, :-step, :-step]
    return 1 - 0.26 * (0.5 - moved / (6 * pixel)).clamp(0, 1)
