"""What is behind the things of a picture, and the weather before them, for a whole batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from demo.portraits import Portrait
from demo.scenes import COLOURS, GROUNDS, Scene

SKY = {  # top, horizon
    "day": ((0.36, 0.62, 0.93), (0.80, 0.91, 0.98)),
    "sunset": ((0.44, 0.30, 0.55), (0.99, 0.62, 0.34)),
    "night": ((0.03, 0.04, 0.14), (0.14, 0.16, 0.34)),
}
GROUND = {
    "meadow": (0.36, 0.68, 0.27),
    "beach": (0.91, 0.80, 0.56),
    "snow": (0.93, 0.95, 0.98),
    "sea": (0.12, 0.44, 0.66),
    "street": (0.42, 0.42, 0.45),
}
GROUND_LIGHT = {"day": (1.0, 1.0, 1.0), "sunset": (0.96, 0.78, 0.70), "night": (0.34, 0.36, 0.52)}
CELLS = 12  # of the soft noise that makes ground and walls uneven


@dataclass(frozen=True)
class Grid:
    """Pixel centres. `x` (1, 1, W) and `y` (1, H, 1) count half the shorter side as 1; `unit` is that in pixels."""

    x: Tensor
    y: Tensor
    unit: float

    @classmethod
    def of(cls, width: int, height: int, device: torch.device) -> "Grid":
        unit = min(width, height) / 2
        x = (torch.arange(width, device=device) + 0.5 - width / 2) / unit
        y = (torch.arange(height, device=device) + 0.5 - height / 2) / unit
        return cls(x.view(1, 1, -1), y.view(1, -1, 1), unit)


def backdrop(pictures: Sequence[Scene | Portrait], grid: Grid, lit: bool) -> tuple[Tensor, Tensor]:
    """(n, H, W, 3) canvas and (n, H, W) distance in pixels to the horizon, infinite where there is none.

    `lit` is the soft look of the base; otherwise areas are flat, as the styles want them.
    """
    device, n = grid.x.device, len(pictures)
    canvas = torch.empty((n, grid.y.numel(), grid.x.numel(), 3), device=device)
    line = torch.full(canvas.shape[:3], torch.inf, device=device)
    plain = [k for k, p in enumerate(pictures) if p.backdrop]
    outside = [k for k, p in enumerate(pictures) if not p.backdrop]
    if plain:
        canvas[plain] = _wall([pictures[k] for k in plain], grid, lit)
    if outside:
        canvas[outside], line[outside] = _outside([pictures[k] for k in outside], grid, lit)
    return canvas, line


def weather(pictures: Sequence[Scene | Portrait], canvas: Tensor, grid: Grid) -> None:
    """Rain or falling snow, painted over (n, H, W, 3) `canvas` in place."""
    falling = [getattr(p, "weather", "") for p in pictures]
    for kind, paint in (("rain", _rain), ("snowfall", _snowfall)):
        rows = [k for k, f in enumerate(falling) if f == kind]
        if rows:
            seeds = _column([pictures[k].seed % 1000 / 1000 for k in rows], grid)
            canvas[rows] = paint(canvas[rows], seeds, grid)


def _column(values: Sequence[float], grid: Grid) -> Tensor:
    """One number a picture, (n, 1, 1)."""
    return torch.tensor(values, dtype=torch.float32, device=grid.x.device).view(-1, 1, 1)


def _colours(values: Sequence[tuple[float, float, float]], grid: Grid) -> Tensor:
    """One colour a picture, (n, 1, 1, 3)."""
    return torch.tensor(values, dtype=torch.float32, device=grid.x.device).view(-1, 1, 1, 3)


def soft_noise(seeds: Sequence[int], grid: Grid) -> Tensor:
    """(n, H, W) soft noise of deviation about 1, told by each picture's own seed."""
    cells = np.stack([np.random.default_rng(s).standard_normal((1, CELLS, CELLS), dtype=np.float32) for s in seeds])
    size = (grid.y.numel(), grid.x.numel())
    return F.interpolate(torch.from_numpy(cells).to(grid.x.device), size, mode="bicubic", align_corners=False)[:, 0]


def _wall(pictures: Sequence[Scene | Portrait], grid: Grid, lit: bool) -> Tensor:
    colours = _colours([COLOURS[p.backdrop] for p in pictures], grid)
    if not lit:
        return colours.expand(-1, grid.y.numel(), grid.x.numel(), -1)
    glow = (
        1.06 - 0.16 * torch.hypot(grid.x + 0.35, grid.y + 0.45) + 0.008 * soft_noise([p.seed for p in pictures], grid)
    )
    return colours * glow[..., None]


def _outside(scenes: Sequence[Scene], grid: Grid, lit: bool) -> tuple[Tensor, Tensor]:
    x, y = grid.x, grid.y
    bottom = float(y[0, -1, 0])
    whims = np.stack([np.random.default_rng(s.seed).random(4, dtype=np.float32) for s in scenes])
    whim = [_column(whims[:, k], grid) for k in range(4)]
    level = bottom * (0.12 + 0.2 * whim[0])
    hilly = _column([float(s.ground in ("meadow", "snow")) for s in scenes], grid)
    horizon = level + 0.03 * hilly * torch.sin(2.2 * x + 6 * whim[1]) * bottom
    top, low = (_colours([SKY[s.sky][k] for s in scenes], grid) for k in (0, 1))
    t = ((y + bottom) / (level + bottom)).clamp(0, 1)[..., None] if lit else 0.5
    sky = top + (low - top) * t
    sky = _sky_things(scenes, sky.expand(-1, y.numel(), x.numel(), -1), grid, level, whim[2])
    dark = np.array([GROUND[s.ground] for s in scenes]) * np.array([GROUND_LIGHT[s.sky] for s in scenes])
    ground = _colours(dark.tolist(), grid)
    if lit:
        depth = ((y - horizon) / (bottom - horizon + 1e-3)).clamp(0, 1)
        ground = ground * (1.1 - 0.26 * depth + _texture(scenes, grid, whim[3]))[..., None]
    distance = (y - horizon) * grid.unit
    below = (distance + 0.5).clamp(0, 1)[..., None]
    return sky + below * (ground - sky), distance.abs()


def _texture(scenes: Sequence[Scene], grid: Grid, phase: Tensor) -> Tensor:
    """What makes each ground itself, as a share of its brightness: ripples, waves, unevenness."""
    x, y = grid.x, grid.y
    is_ = {g: _column([float(s.ground == g) for s in scenes], grid) for g in GROUNDS}
    soft = soft_noise([s.seed for s in scenes], grid)
    waves = torch.sin(26 * y + 2.5 * torch.sin(5 * x + 6 * phase))
    blades = torch.sin(70 * x + 9 * torch.sin(7 * y + 6 * phase)) * torch.sin(31 * y)
    return is_["sea"] * 0.06 * waves + is_["meadow"] * 0.025 * blades + 0.022 * soft * (1 - is_["sea"])


def _sky_things(scenes: Sequence[Scene], sky: Tensor, grid: Grid, level: Tensor, whim: Tensor) -> Tensor:
    """Stars by night, clouds by day, a glow over the horizon at sunset."""
    x, y = grid.x, grid.y
    night, day, dusk = (_column([float(s.sky == name) for s in scenes], grid) for name in ("night", "day", "sunset"))
    if night.any():
        spots = _scattered(x, y, 0.3, whim, 0.014, 0.0)
        sky = sky + ((night * (0.5 - spots * grid.unit).clamp(0, 1) * (y < level - 0.05))[..., None]) * (0.92 - sky)
    if day.any():
        cx, cy = (2 * whim - 1) * 0.8, y.min() + 0.22 + 0.1 * whim
        puffs = [torch.hypot((x - cx - d) / 1.5, y - cy) - r for d, r in ((-0.16, 0.08), (0.0, 0.12), (0.18, 0.09))]
        cloud = torch.minimum(torch.minimum(puffs[0], puffs[1]), puffs[2])
        sky = sky + (0.85 * day * (0.5 - cloud * grid.unit / 2).clamp(0, 1))[..., None] * (0.98 - sky)
    if dusk.any():
        glow = torch.exp(-((x - (1.6 * whim - 0.8)) ** 2 + ((y - level) * 1.6) ** 2) / 0.2)
        warm = torch.tensor((1.0, 0.86, 0.52), device=x.device)
        sky = sky + (0.6 * dusk * glow)[..., None] * (warm - sky)
    return sky


def _scattered(x: Tensor, y: Tensor, cell: float, seed: Tensor, radius: float, long: float) -> Tensor:
    """Distance to one spot in each cell of a grid, at a place that `seed` tells; `long` draws spots out downwards."""
    u, v = x / cell, y / cell
    i, j = u.floor(), v.floor()

    def chance(a: float, b: float) -> Tensor:
        h = torch.sin(i * a + j * b + seed * 311.7) * 43.7585
        return h - h.floor()

    du = (u - i - (0.2 + 0.6 * chance(12.98, 78.23))) * cell
    dv = (v - j - (0.3 + 0.4 * chance(39.34, 11.13))) * cell
    return torch.hypot(du, dv - dv.clamp(-long, long)) - radius * (0.6 + 0.8 * chance(7.1, 3.7))


def _rain(canvas: Tensor, seeds: Tensor, grid: Grid) -> Tensor:
    canvas = canvas * 0.82 + 0.06
    drops = _scattered(grid.x + 0.25 * grid.y, grid.y, 0.22, seeds, 0.007, 0.055)
    return canvas + 0.75 * (0.5 - drops * grid.unit).clamp(0, 1)[..., None] * (0.9 - canvas)


def _snowfall(canvas: Tensor, seeds: Tensor, grid: Grid) -> Tensor:
    flakes = _scattered(grid.x, grid.y, 0.24, seeds, 0.026, 0.0)
    return canvas + 0.95 * (0.5 - flakes * grid.unit).clamp(0, 1)[..., None] * (1.0 - canvas)
