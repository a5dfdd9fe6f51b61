"""The six styles: flat pictures and their outlines to pixels, a whole batch at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from demo.backdrops import Grid, soft_noise
from demo.sdf import Rgb

INK: Rgb = (0.05, 0.05, 0.06)
PAPER: Rgb = (0.97, 0.965, 0.95)
GRAPHITE: Rgb = (0.22, 0.22, 0.24)
NAVY: Rgb = (0.06, 0.23, 0.52)
CHALK: Rgb = (0.88, 0.94, 1.0)
BLOCKS = 32  # pixel art: blocks along the shorter side
TONES = 5  # pixel art: brightness levels a channel


@dataclass(frozen=True)
class Layers:
    """What a style is made from, with each picture's seed.

    (n, H, W, 3) flat colours, (n, H, W) distances to the nearest outline in pixels, and (n, H, W) where there are
    things, 0 to 1, and not what is behind them.
    """

    flat: Tensor
    line: Tensor
    things: Tensor
    grid: Grid
    seeds: Sequence[int]

    def stroke(self, width: float) -> Tensor:
        """(n, H, W, 1) coverage of outlines `width` wide, counted in 128ths of the shorter side."""
        scale = self.grid.unit / 64
        return ((width * scale - self.line) + 0.5).clamp(0, 1)[..., None]

    def noise(self) -> Tensor:
        """(n, H, W, 1) soft unevenness of deviation about 1."""
        return soft_noise(self.seeds, self.grid)[..., None]


def _rgb(colour: Rgb, like: Tensor) -> Tensor:
    return torch.tensor(colour, device=like.device)


def _tone(flat: Tensor) -> Tensor:
    return (flat * _rgb((0.3, 0.59, 0.11), flat)).sum(-1, keepdim=True)


def _blur(picture: Tensor, radius: int) -> Tensor:
    """Two box blurs over (n, H, W, c)."""
    planes = picture.permute(0, 3, 1, 2)
    for _ in range(2):
        padded = F.pad(planes, (radius,) * 4, mode="replicate")
        planes = F.avg_pool2d(padded, (2 * radius + 1, 1), stride=1)
        planes = F.avg_pool2d(planes, (1, 2 * radius + 1), stride=1)
    return planes.permute(0, 2, 3, 1)


def cartoon(layers: Layers) -> Tensor:
    """Flat colours, bold black outlines."""
    return layers.flat + layers.stroke(1.5) * (_rgb(INK, layers.flat) - layers.flat)


def sketch(layers: Layers) -> Tensor:
    """Graphite on paper: outlines, things shaded and hatched where they are dark, what is behind them left pale."""
    x, y = layers.grid.x, layers.grid.y
    dark = (1 - _tone(layers.flat)).clamp(0, 1)
    hatch = (0.5 + 0.5 * torch.sin(34 * (x + y) + 1.2 * torch.sin(3 * x)))[..., None]
    shading = 0.06 * dark + layers.things[..., None] * (0.2 + dark * (0.32 + 0.3 * hatch))
    amount = torch.maximum(0.92 * layers.stroke(0.9), shading)
    paper = _rgb(PAPER, layers.flat)
    return paper + amount.clamp(0, 1) * (_rgb(GRAPHITE, layers.flat) - paper)


def pixel(layers: Layers) -> Tensor:
    """Large square pixels of few tones."""
    height, width = layers.flat.shape[1:3]
    block = max(1, min(height, width) // BLOCKS)
    small = F.avg_pool2d(layers.flat.permute(0, 3, 1, 2), block)
    small = (small * (TONES - 1)).round() / (TONES - 1)
    return F.interpolate(small, (height, width), mode="nearest").permute(0, 2, 3, 1)


def neon(layers: Layers) -> Tensor:
    """Tubes in the things' own colours glow in the dark, and light them."""
    flat = layers.flat
    hue = flat - 0.75 * flat.amin(-1, keepdim=True)
    hue = (hue / hue.amax(-1, keepdim=True).clamp(min=0.08)).clamp(0, 1) * 0.9 + 0.1
    hue = _blur(hue, max(1, int(layers.grid.unit / 42)))
    glow = torch.exp(-layers.line / (0.055 * layers.grid.unit))[..., None]
    night = (0.08 + 0.27 * layers.things[..., None]) * flat + _rgb((0.015, 0.01, 0.045), flat)
    core = layers.stroke(0.75)
    return night + 0.75 * glow * hue + core * (0.45 + 0.55 * hue - night - 0.75 * glow * hue)


def watercolor(layers: Layers) -> Tensor:
    """Pale washes that pool at the edges, on uneven paper, with no outlines."""
    wash = _blur(layers.flat, max(1, int(layers.grid.unit / 48)))
    pale = 1 - 0.76 * (1 - wash) * (1 + 0.08 * layers.noise())
    rim = torch.exp(-layers.line / (0.03 * layers.grid.unit))[..., None]
    return pale * (1 - 0.3 * rim * (1 - wash))


def blueprint(layers: Layers) -> Tensor:
    """White lines and a faint grid on blue; things are washed lighter, as light as they are."""
    x, y = layers.grid.x, layers.grid.y
    mesh = torch.minimum((x * 8 - (x * 8).round()).abs(), (y * 8 - (y * 8).round()).abs()) / 8 * layers.grid.unit
    tone, chalk = _tone(layers.flat), _rgb(CHALK, layers.flat)
    paper = _rgb(NAVY, layers.flat) * (1 + 0.2 * (tone - 0.5))
    paper = paper + layers.things[..., None] * (0.1 + 0.4 * tone) * (chalk - paper)
    paper = paper + 0.16 * (1 - mesh).clamp(0, 1)[..., None] * (chalk - paper)
    return paper + 0.95 * layers.stroke(0.9) * (chalk - paper)


LOOKS: dict[str, Callable[[Layers], Tensor]] = {
    look.__name__: look for look in (cartoon, sketch, pixel, neon, watercolor, blueprint)
}
