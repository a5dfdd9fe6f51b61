"""Signed distance fields: negative inside, y downwards; and `Part`, one solid of a drawing.

A distance field gives edges without jaggies, outlines, and (through its gradient) a plausible surface to light. Fields
are tensors of any shape, so a thousand objects are drawn by the same lines as one. Formulas for the primitives are the
well-known ones collected by Inigo Quilez, https://iquilezles.org/articles/distfunctions2d/.
"""

from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import torch
from torch import Tensor

Rgb: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """One solid of an object: its distance field, its colour (None: the object's own) and how round it is lit."""

    field: Tensor
    colour: Rgb | None = None
    tone: float = 1.0  # multiplies the colour
    roundness: float = 0.25  # how far in from the edge the surface keeps curving; 0 is flat

    @property
    def fineness(self) -> float:
        """How much thinner than others its outline is: details are flat, and heavy lines would bury them."""
        return 2.5 if self.roundness <= 0.03 else 1.0


def circle(x: Tensor, y: Tensor, cx: float, cy: float, r: float) -> Tensor:
    return torch.hypot(x - cx, y - cy) - r


def ellipse(x: Tensor, y: Tensor, cx: float, cy: float, rx: float, ry: float) -> Tensor:
    """First-order distance, k1 (k1 - 1) / k2: exact at the edge, which is where it is looked at."""
    px, py = (x - cx) / rx, (y - cy) / ry
    k1 = torch.hypot(px, py)
    k2 = torch.hypot(px / rx, py / ry) + 1e-6
    return k1 * (k1 - 1.0) / k2


def box(x: Tensor, y: Tensor, cx: float, cy: float, hx: float, hy: float, r: float = 0.0) -> Tensor:
    dx, dy = (x - cx).abs() - hx + r, (y - cy).abs() - hy + r
    return torch.hypot(dx.clamp(min=0), dy.clamp(min=0)) + torch.maximum(dx, dy).clamp(max=0) - r


def capsule(x: Tensor, y: Tensor, ax: float, ay: float, bx: float, by: float, r: float) -> Tensor:
    px, py, dx, dy = x - ax, y - ay, bx - ax, by - ay
    t = ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0, 1)
    return torch.hypot(px - dx * t, py - dy * t) - r


def polygon(x: Tensor, y: Tensor, points: list[tuple[float, float]]) -> Tensor:
    """Any simple polygon: distance to the nearest edge, signed by crossing number."""
    best = torch.full_like(x, torch.inf)
    inside = torch.zeros_like(x, dtype=torch.bool)
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        best = torch.minimum(best, capsule(x, y, ax, ay, bx, by, 0.0))
        if ay != by:
            inside ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return torch.where(inside, -best, best)


def union(*fields: Tensor) -> Tensor:
    return reduce(torch.minimum, fields)


def overlap(*fields: Tensor) -> Tensor:
    return reduce(torch.maximum, fields)


def cut(field: Tensor, away: Tensor) -> Tensor:
    """`field` without `away`."""
    return torch.maximum(field, -away)


def mirrored(x: Tensor, y: Tensor, cx: float, cy: float, r: float) -> Tensor:
    """Two circles, left and right of the middle."""
    return torch.hypot(x.abs() - cx, y - cy) - r
