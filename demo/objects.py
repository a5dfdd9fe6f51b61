"""The objects of little scenes, as parts in units of half the object's height."""

from collections.abc import Callable
from math import cos, pi, sin

from torch import Tensor

from demo.sdf import Part, Rgb, box, capsule, circle, cut, ellipse, overlap, polygon, union

BARK: Rgb = (0.42, 0.27, 0.16)
CREAM: Rgb = (0.96, 0.92, 0.82)
DARK: Rgb = (0.13, 0.13, 0.15)
GLASS: Rgb = (0.70, 0.88, 0.96)
LEAF: Rgb = (0.16, 0.52, 0.20)
LAMP: Rgb = (1.00, 0.90, 0.55)
STEEL: Rgb = (0.75, 0.76, 0.78)


def house(x: Tensor, y: Tensor) -> list[Part]:
    return [
        Part(box(x, y, 0.52, -0.62, 0.12, 0.3), BARK, 0.8, 0.06),
        Part(box(x, y, 0, 0.42, 0.78, 0.56), None, 1.0, 0.1),
        Part(polygon(x, y, [(-1.0, -0.1), (0.0, -0.98), (1.0, -0.1)]), BARK, 1.15, 0.12),
        Part(box(x, y, -0.3, 0.6, 0.18, 0.38), BARK, 0.62, 0.04),
        Part(box(x, y, 0.34, 0.36, 0.2, 0.2), LAMP, 1.0, 0.03),
    ]


def tree(x: Tensor, y: Tensor) -> list[Part]:
    crown = union(circle(x, y, -0.38, -0.15, 0.45), circle(x, y, 0.38, -0.15, 0.45), circle(x, y, 0, -0.5, 0.5))
    return [Part(box(x, y, 0, 0.6, 0.14, 0.4, 0.04), BARK, 1.0, 0.14), Part(crown, None, 1.0, 0.45)]


def car(x: Tensor, y: Tensor) -> list[Part]:
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


def boat(x: Tensor, y: Tensor) -> list[Part]:
    hull = polygon(x, y, [(-0.95, 0.4), (0.95, 0.4), (0.62, 0.88), (-0.62, 0.88)]) - 0.03
    sail = union(
        polygon(x, y, [(-0.06, -0.95), (-0.06, 0.24), (-0.72, 0.24)]),
        polygon(x, y, [(0.08, -0.75), (0.08, 0.24), (0.6, 0.24)]),
    )
    return [Part(box(x, y, 0, -0.25, 0.045, 0.72), BARK, 1.0, 0.04), Part(sail, CREAM, 1.0, 0.15),
            Part(hull, None, 1.0, 0.2)]  # fmt: skip


def flower(x: Tensor, y: Tensor) -> list[Part]:
    petals = union(
        *(circle(x, y, 0.36 * cos(a), -0.38 + 0.36 * sin(a), 0.25) for a in (k * pi / 3 + pi / 6 for k in range(6)))
    )
    leaves = union(ellipse(x, y, 0.26, 0.6, 0.24, 0.1), ellipse(x, y, -0.26, 0.46, 0.24, 0.1))
    return [Part(union(capsule(x, y, 0, -0.2, 0, 0.98, 0.055), leaves), LEAF, 1.0, 0.08),
            Part(petals, None, 1.0, 0.2), Part(circle(x, y, 0, -0.38, 0.2), (0.55, 0.34, 0.08), 1.0, 0.2)]  # fmt: skip


def star(x: Tensor, y: Tensor) -> list[Part]:
    points = []
    for k in range(10):
        r, a = (1.0, 0.45)[k % 2], -pi / 2 + k * pi / 5
        points.append((r * cos(a), r * sin(a) + 0.06))
    return [Part(polygon(x, y, points) - 0.02, None, 1.0, 0.3)]


def heart(x: Tensor, y: Tensor) -> list[Part]:
    lobes = union(circle(x, y, -0.44, -0.35, 0.5), circle(x, y, 0.44, -0.35, 0.5))
    tip = polygon(x, y, [(-0.86, -0.08), (-0.3, -0.5), (0.3, -0.5), (0.86, -0.08), (0.0, 0.92)])
    return [Part(union(lobes, tip), None, 1.0, 0.45)]


def fish(x: Tensor, y: Tensor) -> list[Part]:
    tail = polygon(x, y, [(0.45, 0.0), (1.0, -0.48), (0.86, 0.0), (1.0, 0.48)]) - 0.03
    fin = polygon(x, y, [(-0.25, -0.4), (0.05, -0.78), (0.3, -0.35)]) - 0.03
    return [Part(union(tail, fin), None, 0.8, 0.12), Part(ellipse(x, y, -0.15, 0, 0.8, 0.5), None, 1.0, 0.4),
            Part(circle(x, y, -0.55, -0.1, 0.13), (0.98, 0.98, 0.98), 1.0, 0.02),
            Part(circle(x, y, -0.57, -0.1, 0.07), DARK, 1.0, 0.02)]  # fmt: skip


def cat(x: Tensor, y: Tensor) -> list[Part]:
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


def mushroom(x: Tensor, y: Tensor) -> list[Part]:
    cap = overlap(ellipse(x, y, 0, 0.05, 0.95, 0.95), y - 0.05)
    dots = union(circle(x, y, -0.45, -0.3, 0.14), circle(x, y, 0.1, -0.58, 0.15), circle(x, y, 0.5, -0.22, 0.13))
    return [Part(box(x, y, 0, 0.5, 0.3, 0.5, 0.16), CREAM, 0.96, 0.25), Part(cap, None, 1.0, 0.45),
            Part(dots, (1.0, 0.99, 0.96), 1.0, 0.04)]  # fmt: skip


def balloon(x: Tensor, y: Tensor) -> list[Part]:
    knot = polygon(x, y, [(0.0, 0.3), (-0.1, 0.46), (0.1, 0.46)])
    return [Part(capsule(x, y, 0, 0.4, 0.06, 1.0, 0.022), (0.4, 0.4, 0.42), 1.0, 0.02),
            Part(union(ellipse(x, y, 0, -0.33, 0.56, 0.66), knot), None, 1.0, 0.5)]  # fmt: skip


def apple(x: Tensor, y: Tensor) -> list[Part]:
    fruit = union(ellipse(x, y, -0.26, 0.18, 0.55, 0.72), ellipse(x, y, 0.26, 0.18, 0.55, 0.72))
    return [Part(capsule(x, y, 0, -0.4, 0.1, -0.85, 0.06), BARK, 1.0, 0.05), Part(fruit, None, 1.0, 0.5),
            Part(ellipse(x, y, 0.38, -0.72, 0.28, 0.13), LEAF, 1.1, 0.1)]  # fmt: skip


def sun(x: Tensor, y: Tensor) -> list[Part]:
    rays = []
    for k in range(8):
        c, s = cos(k * pi / 4), sin(k * pi / 4)
        rays.append(polygon(x, y, [(0.94 * c, 0.94 * s), (0.6 * c - 0.2 * s, 0.6 * s + 0.2 * c),
                                   (0.6 * c + 0.2 * s, 0.6 * s - 0.2 * c)]))  # fmt: skip
    return [Part(union(*rays), None, 0.92, 0.1), Part(circle(x, y, 0, 0, 0.56), None, 1.0, 0.5)]


def moon(x: Tensor, y: Tensor) -> list[Part]:
    crescent = cut(circle(x, y, 0, 0, 0.88), circle(x, y, 0.44, -0.2, 0.72))
    return [Part(crescent, None, 1.0, 0.4)]


def bird(x: Tensor, y: Tensor) -> list[Part]:
    body = union(ellipse(x, y, 0.05, 0.16, 0.62, 0.46), circle(x, y, -0.44, -0.3, 0.34))
    tail = polygon(x, y, [(0.5, 0.02), (1.02, -0.28), (0.98, 0.12), (0.55, 0.34)])
    legs = union(capsule(x, y, -0.08, 0.55, -0.08, 0.92, 0.035), capsule(x, y, 0.18, 0.55, 0.18, 0.92, 0.035))
    return [Part(legs, (0.88, 0.55, 0.14), 1.0, 0.04), Part(tail, None, 0.78, 0.1), Part(body, None, 1.0, 0.4),
            Part(ellipse(x, y, 0.2, 0.1, 0.4, 0.24), None, 0.78, 0.2),
            Part(polygon(x, y, [(-0.72, -0.38), (-0.72, -0.18), (-1.02, -0.24)]), (0.95, 0.6, 0.12), 1.0, 0.05),
            Part(circle(x, y, -0.5, -0.38, 0.07), DARK, 1.0, 0.02)]  # fmt: skip


def rocket(x: Tensor, y: Tensor) -> list[Part]:
    fins = polygon(x.abs(), y, [(0.24, 0.15), (0.66, 0.66), (0.6, 0.8), (0.2, 0.55)])
    flame = polygon(x, y, [(-0.2, 0.62), (0.2, 0.62), (0.0, 1.02)])
    hull = overlap(ellipse(x, y, 0, 0.12, 0.4, 1.08), y - 0.64)
    return [
        Part(flame, (0.98, 0.68, 0.14), 1.0, 0.08),
        Part(fins, None, 0.72, 0.1),
        Part(hull, None, 1.0, 0.35),
        Part(circle(x, y, 0, -0.22, 0.2), STEEL, 1.0, 0.06),
        Part(circle(x, y, 0, -0.22, 0.14), GLASS, 1.0, 0.08),
    ]


def umbrella(x: Tensor, y: Tensor) -> list[Part]:
    dome = overlap(circle(x, y, 0, 0.08, 0.96), y - 0.04)
    scallops = union(*(circle(x, y, c, 0.1, 0.25) for c in (-0.64, 0.0, 0.64)))
    hook = cut(overlap(circle(x, y, 0.16, 0.72, 0.2), 0.7 - y), circle(x, y, 0.16, 0.72, 0.12))
    ribs = overlap(_ribs(x, y), cut(dome, scallops) + 0.04)
    return [
        Part(union(box(x, y, 0, 0.28, 0.04, 0.46), hook), BARK, 1.0, 0.05),
        Part(cut(dome, scallops), None, 1.0, 0.4),
        Part(ribs, None, 0.75, 0.02),
    ]


def _ribs(x: Tensor, y: Tensor) -> Tensor:
    """Two ribs of an umbrella, from its top to the seams between the scallops."""
    return (x.abs() - 0.32 * (y + 0.88).clamp(min=0).sqrt()).abs() - 0.016


def cup(x: Tensor, y: Tensor) -> list[Part]:
    handle = cut(circle(x, y, 0.6, 0.12, 0.36), circle(x, y, 0.6, 0.12, 0.2))
    body = polygon(x, y, [(-0.66, -0.56), (0.66, -0.56), (0.52, 0.78), (-0.52, 0.78)]) - 0.05
    return [
        Part(handle, None, 0.86, 0.1),
        Part(body, None, 1.0, 0.4),
        Part(ellipse(x, y, 0, -0.58, 0.68, 0.16), None, 0.8, 0.04),
        Part(ellipse(x, y, 0, -0.56, 0.58, 0.11), (0.34, 0.2, 0.12), 1.0, 0.02),
    ]


OBJECTS: dict[str, Callable[[Tensor, Tensor], list[Part]]] = {
    f.__name__: f
    for f in (
        house, tree, car, boat, flower, star, heart, fish, cat, mushroom, balloon, apple,
        sun, moon, bird, rocket, umbrella, cup,
    )
}  # fmt: skip
