"""The objects as signed distance fields: negative inside, in units of half the object's height, y downwards.

A distance field gives edges without jaggies, outlines, and (through its gradient) a plausible surface to light.
Formulas for the primitives are the well-known ones collected by Inigo Quilez, https://iquilezles.org/articles/distfunctions2d/.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.float32]
Rgb: TypeAlias = tuple[float, float, float]

BARK: Rgb = (0.42, 0.27, 0.16)
CREAM: Rgb = (0.96, 0.92, 0.82)
DARK: Rgb = (0.13, 0.13, 0.15)
GLASS: Rgb = (0.70, 0.88, 0.96)
LEAF: Rgb = (0.16, 0.52, 0.20)
LAMP: Rgb = (1.00, 0.90, 0.55)


@dataclass(frozen=True)
class Part:
    """One solid of an object: its distance field, its colour (None: the object's own) and how round it is lit."""

    field: Field
    colour: Rgb | None = None
    tone: float = 1.0  # multiplies the colour
    roundness: float = 0.25  # how far in from the edge the surface keeps curving; 0 is flat


def circle(x: Field, y: Field, cx: float, cy: float, r: float) -> Field:
    return np.hypot(x - cx, y - cy) - r


def ellipse(x: Field, y: Field, cx: float, cy: float, rx: float, ry: float) -> Field:
    """First-order distance, k1 (k1 - 1) / k2: exact at the edge, which is where it is looked at."""
    px, py = (x - cx) / rx, (y - cy) / ry
    k1 = np.hypot(px, py)
    k2 = np.hypot(px / rx, py / ry) + 1e-6
    return k1 * (k1 - 1.0) / k2


def box(x: Field, y: Field, cx: float, cy: float, hx: float, hy: float, r: float = 0.0) -> Field:
    dx, dy = np.abs(x - cx) - hx + r, np.abs(y - cy) - hy + r
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - r


def capsule(x: Field, y: Field, ax: float, ay: float, bx: float, by: float, r: float) -> Field:
    px, py, dx, dy = x - ax, y - ay, bx - ax, by - ay
    t = np.clip((px * dx + py * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(px - dx * t, py - dy * t) - r


def polygon(x: Field, y: Field, points: list[tuple[float, float]]) -> Field:
    """Any simple polygon: distance to the nearest edge, signed by crossing number."""
    best = np.full_like(x, np.inf)
    inside = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        best = np.minimum(best, capsule(x, y, ax, ay, bx, by, 0.0))
        if ay != by:
            inside ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return np.where(inside, -best, best)


def union(*fields: Field) -> Field:
    return np.minimum.reduce(fields)


def house(x: Field, y: Field) -> list[Part]:
    return [
        Part(box(x, y, 0.52, -0.62, 0.12, 0.3), BARK, 0.8, 0.06),
        Part(box(x, y, 0, 0.42, 0.78, 0.56), None, 1.0, 0.1),
        Part(polygon(x, y, [(-1.0, -0.1), (0.0, -0.98), (1.0, -0.1)]), BARK, 1.15, 0.12),
        Part(box(x, y, -0.3, 0.6, 0.18, 0.38), BARK, 0.62, 0.04),
        Part(box(x, y, 0.34, 0.36, 0.2, 0.2), LAMP, 1.0, 0.03),
    ]


def tree(x: Field, y: Field) -> list[Part]:
    crown = union(circle(x, y, -0.38, -0.15, 0.45), circle(x, y, 0.38, -0.15, 0.45), circle(x, y, 0, -0.5, 0.5))
    return [Part(box(x, y, 0, 0.6, 0.14, 0.4, 0.04), BARK, 1.0, 0.14), Part(crown, None, 1.0, 0.45)]


def car(x: Field, y: Field) -> list[Part]:
    cabin = polygon(x, y, [(-0.55, 0.0), (-0.38, -0.45), (0.32, -0.45), (0.58, 0.0)]) - 0.04
    panes = union(
        polygon(x, y, [(-0.42, -0.04), (-0.3, -0.36), (-0.05, -0.36), (-0.05, -0.04)]),
        polygon(x, y, [(0.05, -0.04), (0.05, -0.36), (0.26, -0.36), (0.43, -0.04)]),
    )
    wheels = union(circle(x, y, -0.5, 0.42, 0.24), circle(x, y, 0.5, 0.42, 0.24))
    hubs = union(circle(x, y, -0.5, 0.42, 0.1), circle(x, y, 0.5, 0.42, 0.1))
    body = union(box(x, y, 0, 0.18, 1.0, 0.25, 0.16), cabin)
    return [Part(body, None, 1.0, 0.2), Part(panes, GLASS, 1.0, 0.02), Part(wheels, DARK, 1.0, 0.1),
            Part(hubs, (0.75, 0.76, 0.78), 1.0, 0.05)]  # fmt: skip


def boat(x: Field, y: Field) -> list[Part]:
    hull = polygon(x, y, [(-0.95, 0.4), (0.95, 0.4), (0.62, 0.88), (-0.62, 0.88)]) - 0.03
    sail = union(
        polygon(x, y, [(-0.06, -0.95), (-0.06, 0.24), (-0.72, 0.24)]),
        polygon(x, y, [(0.08, -0.75), (0.08, 0.24), (0.6, 0.24)]),
    )
    return [Part(box(x, y, 0, -0.25, 0.045, 0.72), BARK, 1.0, 0.04), Part(sail, CREAM, 1.0, 0.15),
            Part(hull, None, 1.0, 0.2)]  # fmt: skip


def flower(x: Field, y: Field) -> list[Part]:
    petals = union(
        *(circle(x, y, 0.36 * cos(a), -0.38 + 0.36 * sin(a), 0.25) for a in (k * pi / 3 + pi / 6 for k in range(6)))
    )
    leaves = union(ellipse(x, y, 0.26, 0.6, 0.24, 0.1), ellipse(x, y, -0.26, 0.46, 0.24, 0.1))
    return [Part(union(capsule(x, y, 0, -0.2, 0, 0.98, 0.055), leaves), LEAF, 1.0, 0.08),
            Part(petals, None, 1.0, 0.2), Part(circle(x, y, 0, -0.38, 0.2), (0.55, 0.34, 0.08), 1.0, 0.2)]  # fmt: skip


def star(x: Field, y: Field) -> list[Part]:
    points = []
    for k in range(10):
        r, a = (1.0, 0.45)[k % 2], -pi / 2 + k * pi / 5
        points.append((r * cos(a), r * sin(a) + 0.06))
    return [Part(polygon(x, y, points) - 0.02, None, 1.0, 0.3)]


def heart(x: Field, y: Field) -> list[Part]:
    lobes = union(circle(x, y, -0.44, -0.35, 0.5), circle(x, y, 0.44, -0.35, 0.5))
    tip = polygon(x, y, [(-0.86, -0.08), (-0.3, -0.5), (0.3, -0.5), (0.86, -0.08), (0.0, 0.92)])
    return [Part(union(lobes, tip), None, 1.0, 0.45)]


def fish(x: Field, y: Field) -> list[Part]:
    tail = polygon(x, y, [(0.45, 0.0), (1.0, -0.48), (0.86, 0.0), (1.0, 0.48)]) - 0.03
    fin = polygon(x, y, [(-0.25, -0.4), (0.05, -0.78), (0.3, -0.35)]) - 0.03
    return [Part(union(tail, fin), None, 0.8, 0.12), Part(ellipse(x, y, -0.15, 0, 0.8, 0.5), None, 1.0, 0.4),
            Part(circle(x, y, -0.55, -0.1, 0.13), (0.98, 0.98, 0.98), 1.0, 0.02),
            Part(circle(x, y, -0.57, -0.1, 0.07), DARK, 1.0, 0.02)]  # fmt: skip


def cat(x: Field, y: Field) -> list[Part]:
    tail = union(capsule(x, y, 0.4, 0.82, 0.82, 0.6, 0.09), capsule(x, y, 0.82, 0.6, 0.86, 0.1, 0.09))
    ears = union(
        polygon(x, y, [(-0.46, -0.5), (-0.42, -0.98), (-0.08, -0.72)]),
        polygon(x, y, [(0.46, -0.5), (0.42, -0.98), (0.08, -0.72)]),
    )
    head = union(ellipse(x, y, 0, -0.4, 0.5, 0.42), ears)
    eyes = union(ellipse(x, y, -0.19, -0.44, 0.08, 0.11), ellipse(x, y, 0.19, -0.44, 0.08, 0.11))
    nose = polygon(x, y, [(-0.07, -0.28), (0.07, -0.28), (0.0, -0.2)])
    return [Part(tail, None, 0.85, 0.08), Part(ellipse(x, y, 0, 0.5, 0.48, 0.5), None, 0.92, 0.35),
            Part(head, None, 1.0, 0.3), Part(union(eyes, nose), DARK, 1.0, 0.02)]  # fmt: skip


def mushroom(x: Field, y: Field) -> list[Part]:
    cap = np.maximum(ellipse(x, y, 0, 0.05, 0.95, 0.95), y - 0.05)
    dots = union(circle(x, y, -0.45, -0.3, 0.14), circle(x, y, 0.1, -0.58, 0.15), circle(x, y, 0.5, -0.22, 0.13))
    return [Part(box(x, y, 0, 0.5, 0.3, 0.5, 0.16), CREAM, 0.96, 0.25), Part(cap, None, 1.0, 0.45),
            Part(dots, (1.0, 0.99, 0.96), 1.0, 0.04)]  # fmt: skip


def balloon(x: Field, y: Field) -> list[Part]:
    knot = polygon(x, y, [(0.0, 0.3), (-0.1, 0.46), (0.1, 0.46)])
    return [Part(capsule(x, y, 0, 0.4, 0.06, 1.0, 0.022), (0.4, 0.4, 0.42), 1.0, 0.02),
            Part(union(ellipse(x, y, 0, -0.33, 0.56, 0.66), knot), None, 1.0, 0.5)]  # fmt: skip


def apple(x: Field, y: Field) -> list[Part]:
    fruit = union(ellipse(x, y, -0.26, 0.18, 0.55, 0.72), ellipse(x, y, 0.26, 0.18, 0.55, 0.72))
    return [Part(capsule(x, y, 0, -0.4, 0.1, -0.85, 0.06), BARK, 1.0, 0.05), Part(fruit, None, 1.0, 0.5),
            Part(ellipse(x, y, 0.38, -0.72, 0.28, 0.13), LEAF, 1.1, 0.1)]  # fmt: skip


DRAWERS: dict[str, Callable[[Field, Field], list[Part]]] = {
    f.__name__: f for f in (house, tree, car, boat, flower, star, heart, fish, cat, mushroom, balloon, apple)
}
