"""The pieces of a portrait, as parts in one common frame: the picture's middle is 0, 0 and its half side 1.

A portrait is a pile of pieces, each with its own colour; `pieces` says which and in what order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin

from torch import Tensor

from demo.portraits import EYE_COLOURS, HAIR_COLOURS, SKINS, Portrait
from demo.scenes import COLOURS
from demo.sdf import Part, Rgb, box, capsule, circle, cut, ellipse, mirrored, overlap, polygon, union

Drawer = Callable[[Tensor, Tensor], list[Part]]
DARK: Rgb = (0.12, 0.11, 0.13)
WHITE: Rgb = (0.97, 0.97, 0.96)
LIPS: dict[str, Rgb] = {"man": (0.70, 0.36, 0.33), "woman": (0.84, 0.16, 0.26)}


@dataclass(frozen=True)
class Piece:
    """How to draw it, and the box it stays in: left, top, right, bottom."""

    draw: Drawer
    bounds: tuple[float, float, float, float]


def _head(x: Tensor, y: Tensor) -> list[Part]:
    ears = mirrored(x, y, 0.385, -0.06, 0.085)
    skull = ellipse(x, y, 0, -0.12, 0.39, 0.47)
    nose = union(ellipse(x, y, 0, 0.03, 0.05, 0.045), capsule(x, y, 0, -0.08, 0, 0.02, 0.022))
    return [Part(ears, None, 0.9, 0.08), Part(skull, None, 1.0, 0.3), Part(nose, None, 0.93, 0.05)]


def _neck(x: Tensor, y: Tensor) -> list[Part]:
    return [Part(box(x, y, 0, 0.42, 0.15, 0.24, 0.05), None, 0.86, 0.15)]


def _shoulders(x: Tensor, y: Tensor) -> list[Part]:
    body = box(x, y, 0, 1.3, 0.78, 0.78, 0.4)
    collar = overlap(ellipse(x, y, 0, 0.5, 0.22, 0.16), body)
    return [Part(body, None, 1.0, 0.3), Part(collar, None, 0.7, 0.03)]


def _eyes(x: Tensor, y: Tensor) -> list[Part]:
    whites = ellipse(x.abs(), y, 0.155, -0.12, 0.088, 0.06)
    return [Part(whites, WHITE, 1.0, 0.02), Part(overlap(mirrored(x, y, 0.155, -0.12, 0.056), whites), None, 1.0, 0.02),
            Part(mirrored(x, y, 0.155, -0.12, 0.025), DARK, 1.0, 0.01)]  # fmt: skip


def _brows(x: Tensor, y: Tensor) -> list[Part]:
    return [Part(capsule(x.abs(), y, 0.08, -0.235, 0.23, -0.225, 0.02), None, 0.8, 0.01)]


def _lashes(x: Tensor, y: Tensor) -> list[Part]:
    lid = overlap(
        cut(ellipse(x.abs(), y, 0.16, -0.12, 0.11, 0.078), ellipse(x.abs(), y, 0.155, -0.11, 0.09, 0.062)), y + 0.11
    )
    return [Part(lid, DARK, 1.0, 0.01)]


def _smile(x: Tensor, y: Tensor) -> list[Part]:
    mouth = overlap(ellipse(x, y, 0, 0.14, 0.17, 0.11), 0.145 - y)
    return [Part(mouth, None, 1.0, 0.03), Part(overlap(mouth + 0.018, y - 0.18), WHITE, 1.0, 0.01)]


def _flat_mouth(x: Tensor, y: Tensor) -> list[Part]:
    return [Part(ellipse(x, y, 0, 0.19, 0.11, 0.026), None, 1.0, 0.02)]


def _sad_mouth(x: Tensor, y: Tensor) -> list[Part]:
    arc = cut(ellipse(x, y, 0, 0.27, 0.15, 0.12), ellipse(x, y, 0, 0.31, 0.15, 0.12))
    return [Part(overlap(arc, y - 0.27), None, 1.0, 0.02)]


def _beard(x: Tensor, y: Tensor) -> list[Part]:
    jaw = overlap(ellipse(x, y, 0, 0.0, 0.42, 0.48), 0.06 - y)
    return [Part(cut(jaw, ellipse(x, y, 0, 0.19, 0.19, 0.1)), None, 1.0, 0.12)]


def _moustache(x: Tensor, y: Tensor) -> list[Part]:
    return [Part(capsule(x.abs(), y, 0.04, 0.1, 0.17, 0.13, 0.038), None, 1.0, 0.03)]


def _short(x: Tensor, y: Tensor) -> list[Part]:
    cap = overlap(ellipse(x, y, 0, -0.2, 0.43, 0.47), y + 0.34 - 0.9 * (x.abs() - 0.1).clamp(min=0) ** 1.5)
    sides = overlap(cut(ellipse(x, y, 0, -0.2, 0.43, 0.47), box(x, y, 0, 0.1, 0.345, 0.6)), y + 0.06)
    return [Part(union(cap, sides), None, 1.0, 0.14)]


def _long(x: Tensor, y: Tensor) -> list[Part]:
    cap = ellipse(x, y, 0, -0.18, 0.46, 0.5)
    face = ellipse(x, y, 0, 0.0, 0.32, 0.4)
    locks = overlap(capsule(x.abs(), y, 0.42, -0.15, 0.46, 0.5, 0.1), y - 0.56)
    return [Part(union(cut(overlap(cap, y - 0.05), face), locks), None, 1.0, 0.14)]


def _long_behind(x: Tensor, y: Tensor) -> list[Part]:
    return [Part(box(x, y, 0, 0.08, 0.52, 0.56, 0.3), None, 0.72, 0.15)]


def _curls(x: Tensor, y: Tensor, radius: float, most: float) -> Tensor:
    """Balls along an arc over the head, down to angle `most` on both sides."""
    balls = []
    for k in range(9):
        a = -pi / 2 + (k - 4) / 4 * most
        balls.append(circle(x, y, 0.4 * cos(a), -0.16 + 0.42 * sin(a), radius))
    return union(*balls)


def _curly(x: Tensor, y: Tensor) -> list[Part]:
    return [Part(_curls(x, y, 0.13, 0.5 * pi), None, 1.0, 0.1)]


def _curly_behind(x: Tensor, y: Tensor) -> list[Part]:
    return [Part(_curls(x, y, 0.2, 0.68 * pi), None, 0.74, 0.14)]


def _glasses(x: Tensor, y: Tensor) -> list[Part]:
    rims = mirrored(x, y, 0.165, -0.115, 0.128).abs() - 0.018
    arms = capsule(x.abs(), y, 0.29, -0.13, 0.4, -0.13, 0.014)
    return [Part(union(rims, capsule(x, y, -0.04, -0.13, 0.04, -0.13, 0.016), arms), DARK, 1.0, 0.01)]


def _sunglasses(x: Tensor, y: Tensor) -> list[Part]:
    panes = box(x.abs(), y, 0.17, -0.11, 0.145, 0.105, 0.08)
    return [Part(union(panes, capsule(x, y, -0.4, -0.16, 0.4, -0.16, 0.018)), DARK, 1.0, 0.05)]


def _hat(x: Tensor, y: Tensor) -> list[Part]:
    return [
        Part(box(x, y, 0, -0.64, 0.36, 0.24, 0.1), None, 1.0, 0.2),
        Part(box(x, y, 0, -0.48, 0.365, 0.045), DARK, 1.0, 0.03),
        Part(ellipse(x, y, 0, -0.41, 0.62, 0.075), None, 0.92, 0.06),
    ]


def _beanie(x: Tensor, y: Tensor) -> list[Part]:
    return [
        Part(circle(x, y, 0, -0.82, 0.1), None, 1.12, 0.08),
        Part(overlap(ellipse(x, y, 0, -0.32, 0.45, 0.46), y + 0.38), None, 1.0, 0.3),
        Part(box(x, y, 0, -0.37, 0.46, 0.07, 0.06), None, 0.8, 0.06),
    ]


def _crown(x: Tensor, y: Tensor) -> list[Part]:
    gold = polygon(
        x, y, [(-0.4, -0.4), (-0.46, -0.82), (-0.22, -0.6), (0.0, -0.88), (0.22, -0.6), (0.46, -0.82), (0.4, -0.4)]
    )
    gems = union(circle(x, y, 0, -0.5, 0.045), mirrored(x, y, 0.22, -0.5, 0.04))
    return [Part(gold - 0.015, None, 1.0, 0.1), Part(gems, WHITE, 1.0, 0.03)]


PIECES: dict[str, Piece] = {
    "head": Piece(_head, (-0.52, -0.64, 0.52, 0.4)),
    "neck": Piece(_neck, (-0.2, 0.1, 0.2, 0.7)),
    "shoulders": Piece(_shoulders, (-1.0, 0.3, 1.0, 2.2)),
    "eyes": Piece(_eyes, (-0.3, -0.24, 0.3, 0.0)),
    "brows": Piece(_brows, (-0.3, -0.3, 0.3, -0.16)),
    "lashes": Piece(_lashes, (-0.32, -0.24, 0.32, -0.02)),
    "smile": Piece(_smile, (-0.22, 0.08, 0.22, 0.3)),
    "flat_mouth": Piece(_flat_mouth, (-0.18, 0.12, 0.18, 0.26)),
    "sad_mouth": Piece(_sad_mouth, (-0.2, 0.1, 0.2, 0.34)),
    "beard": Piece(_beard, (-0.48, -0.02, 0.48, 0.56)),
    "moustache": Piece(_moustache, (-0.26, 0.02, 0.26, 0.2)),
    "short": Piece(_short, (-0.5, -0.74, 0.5, 0.02)),
    "long": Piece(_long, (-0.64, -0.76, 0.64, 0.66)),
    "long_behind": Piece(_long_behind, (-0.6, -0.56, 0.6, 0.72)),
    "curly": Piece(_curly, (-0.6, -0.8, 0.6, 0.08)),
    "curly_behind": Piece(_curly_behind, (-0.68, -0.86, 0.68, 0.4)),
    "glasses": Piece(_glasses, (-0.46, -0.3, 0.46, 0.06)),
    "sunglasses": Piece(_sunglasses, (-0.46, -0.26, 0.46, 0.04)),
    "hat": Piece(_hat, (-0.7, -0.96, 0.7, -0.3)),
    "beanie": Piece(_beanie, (-0.54, -0.98, 0.54, -0.26)),
    "crown": Piece(_crown, (-0.54, -0.96, 0.54, -0.34)),
}


def pieces(portrait: Portrait) -> list[tuple[str, Rgb]]:
    """The names and colours of what `portrait` is piled up from, the hindmost first."""
    skin, eyes = SKINS[portrait.skin], EYE_COLOURS[portrait.eyes]
    hair = HAIR_COLOURS[portrait.hair_colour] if portrait.hair_colour else (0.25, 0.18, 0.14)
    mouth = {"smiling": "smile", "sad": "sad_mouth", "": "flat_mouth"}[portrait.mood]
    lips = LIPS[portrait.person]
    pile = [
        ("long_behind", hair) if portrait.hair == "long" else None,
        ("curly_behind", hair) if portrait.hair == "curly" else None,
        ("neck", skin),
        ("shoulders", COLOURS[portrait.clothes]),
        ("head", skin),
        (portrait.beard, hair) if portrait.beard else None,
        (mouth, lips if portrait.skin != "dark" or portrait.person == "woman" else (0.55, 0.24, 0.22)),
        ("eyes", eyes),
        ("lashes", DARK) if portrait.person == "woman" else ("brows", hair),
        (portrait.hair, hair) if portrait.hair != "bald" else None,
        (portrait.glasses, DARK) if portrait.glasses else None,
        (portrait.hat, COLOURS[portrait.hat_colour]) if portrait.hat else None,
    ]
    return [piece for piece in pile if piece]
