"""The renderer: a scene to pixels, softly lit (the base model's world) or in one of the styles."""

from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from demo.scenes import COLOURS, Scene
from demo.shapes import DRAWERS, Field, Part

Pixels: TypeAlias = NDArray[np.float32]  # (height, width, 3), sRGB 0..1
STYLES = ("", "cartoon", "sketch")

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
}
LIGHT = np.array((-0.5, -0.62, 0.6), np.float32)  # from the upper left, towards the viewer
PAPER = np.array((0.97, 0.965, 0.95), np.float32)
GRAPHITE = np.array((0.22, 0.22, 0.24), np.float32)
INK = np.array((0.05, 0.05, 0.06), np.float32)
NIGHT_DIM = 0.86


def draw(scene: Scene, width: int, height: int, style: str = "") -> NDArray[np.uint8]:
    """Render `scene` to (height, width, 3) uint8, in the soft base look or in one of `STYLES`."""
    unit = min(width, height) / 2
    xs = ((np.arange(width, dtype=np.float32) + 0.5) - width / 2) / unit
    ys = ((np.arange(height, dtype=np.float32) + 0.5) - height / 2) / unit
    x, y = np.meshgrid(xs, ys)
    canvas = _background(scene, x, y, style)
    tone = canvas.mean(axis=2)  # what the pencil shades by
    edges = np.zeros_like(tone)
    for item in scene.items:
        reach = 1.25 * item.scale
        rows = np.flatnonzero(np.abs(ys - item.y) < reach)
        cols = np.flatnonzero(np.abs(xs - item.x) < reach)
        if not rows.size or not cols.size:
            continue
        window = (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1))
        own = np.array(COLOURS[item.colour], np.float32)
        pixel = 1.0 / (unit * item.scale)  # one pixel in the object's units
        local = DRAWERS[item.kind]((x[window] - item.x) / item.scale, (y[window] - item.y) / item.scale)
        if not style and scene.ground:
            _shadow(canvas[window], local, pixel, rows.size)
        for part in local:
            _paint(canvas[window], tone[window], edges[window], part, own, pixel, style, scene.sky)
    if style == "sketch":
        canvas = _pencil(tone, edges, x, y, scene.seed)
    return (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)


def _cover(field: Field, pixel: float) -> Field:
    """Antialiased coverage 0..1 of the inside of `field`."""
    return np.clip(0.5 - field / pixel, 0, 1)


def _paint(
    canvas: Pixels, tone: Field, edges: Field, part: Part, own: Field, pixel: float, style: str, sky: str
) -> None:
    colour = (own if part.colour is None else np.array(part.colour, np.float32)) * part.tone
    cover = _cover(part.field, pixel)
    if style == "":
        dim = NIGHT_DIM if sky == "night" else 1.0
        solid = colour * (_lit(part, pixel) * dim)[..., None]
    else:
        solid = np.broadcast_to(colour, canvas.shape)
    canvas += cover[..., None] * (solid - canvas)
    tone += cover * (float(colour @ (0.3, 0.59, 0.11)) - tone)
    width = 1.2 if style == "cartoon" else 0.9
    line = np.clip(width + 0.5 - np.abs(part.field) / pixel, 0, 1)
    if style == "cartoon":
        canvas += line[..., None] * (INK - canvas)
    edges += (1 - edges) * line - edges * np.clip(cover - line, 0, 1)  # a part in front hides the lines behind it


def _lit(part: Part, pixel: float) -> Field:
    """Lambert light with a soft highlight on a surface that curves up from the edge inwards."""
    r = max(part.roundness, 1e-3)
    depth = np.clip(-part.field / r, 0, 1)
    slope = 1 - depth
    gy, gx = np.gradient(part.field)
    gx, gy = gx / pixel * slope, gy / pixel * slope
    nz = np.sqrt(np.maximum(1 - np.clip(gx * gx + gy * gy, 0, 0.95), 0.05))
    lambert = (gx * LIGHT[0] + gy * LIGHT[1] + nz * LIGHT[2]) / float(np.linalg.norm(LIGHT))
    return 0.62 + 0.58 * np.clip(lambert, 0, 1) + 0.5 * np.clip(lambert, 0, 1) ** 24


def _shadow(canvas: Pixels, parts: list[Part], pixel: float, rows: int) -> None:
    """A soft contact shadow: the silhouette, moved right and down."""
    shape = np.minimum.reduce([p.field for p in parts])
    step = max(1, rows // 24)
    moved = np.roll(shape, (step, step), (0, 1))
    moved[:step] = moved[:, :step] = 1.0
    canvas *= 1 - 0.28 * np.clip(0.5 - moved / (6 * pixel), 0, 1)[..., None]


def _background(scene: Scene, x: Field, y: Field, style: str) -> Pixels:
    if scene.backdrop:
        colour = np.array(COLOURS[scene.backdrop], np.float32)
        if style:
            return np.broadcast_to(colour, (*x.shape, 3)).copy()
        glow = 1.06 - 0.16 * np.hypot(x + 0.35, y + 0.45)
        return colour * glow[..., None]
    rng = Random(scene.seed)
    bottom = float(y[-1, 0])
    horizon = bottom * rng.uniform(0.12, 0.32)
    top, low = (np.array(c, np.float32) for c in SKY[scene.sky])
    t = np.clip((y + bottom) / (horizon + bottom), 0, 1)[..., None]
    sky = np.broadcast_to((top + low) / 2, (*x.shape, 3)) if style else top + (low - top) * t
    ground = np.array(GROUND[scene.ground], np.float32)
    if scene.sky == "night":
        ground = ground * np.array((0.34, 0.36, 0.52), np.float32)
    elif scene.sky == "sunset":
        ground = ground * np.array((0.96, 0.78, 0.70), np.float32)
    fade = 1.0 if style else (1.1 - 0.26 * np.clip((y - horizon) / (bottom - horizon + 1e-3), 0, 1))[..., None]
    below = np.clip((y - horizon) * x.shape[0] / (2 * bottom) + 0.5, 0, 1)[..., None]
    canvas = (sky * (1 - below) + ground * fade * below).astype(np.float32)
    if not style and scene.ground == "sea":
        canvas += 0.035 * below * np.sin(26 * y + 2.5 * np.sin(5 * x + rng.uniform(0, 6)))[..., None]
    _sky_things(canvas, x, y, scene.sky, horizon, rng)
    return canvas


def _sky_things(canvas: Pixels, x: Field, y: Field, sky: str, horizon: float, rng: Random) -> None:
    """Stars by night, clouds by day, a sun at sunset; all above the horizon."""
    pixel = float(x[0, 1] - x[0, 0])
    half_width, top = float(x[0, -1]), float(y[0, 0])
    if sky == "night":
        for _ in range(14):
            cx, cy, r = rng.uniform(-half_width, half_width), rng.uniform(top, horizon - 0.1), rng.uniform(0.008, 0.018)
            glow = _cover(np.hypot(x - cx, y - cy) - r, pixel)
            canvas += glow[..., None] * (np.float32(0.95) - canvas)
    elif sky == "day":
        for _ in range(2):
            cx, cy = rng.uniform(-half_width, half_width), rng.uniform(top + 0.15, top + 0.4)
            puffs = [np.hypot((x - cx - d) / 1.5, y - cy) - r for d, r in ((-0.16, 0.08), (0.0, 0.12), (0.18, 0.09))]
            canvas += 0.85 * _cover(np.minimum.reduce(puffs), 2 * pixel)[..., None] * (np.float32(0.98) - canvas)
    elif sky == "sunset":
        cx = rng.uniform(-0.8, 0.8) * half_width
        disc = _cover(np.hypot(x - cx, y - horizon + 0.08) - 0.17, 2 * pixel) * (y < horizon)
        canvas += disc[..., None] * (np.array((1.0, 0.90, 0.60), np.float32) - canvas)


def _pencil(tone: Field, edges: Field, x: Field, y: Field, seed: int) -> Pixels:
    """Graphite on paper: outlines, and hatching that gets denser where the picture is dark."""
    phase = Random(seed).uniform(0, 6)
    dark = np.clip(1 - tone, 0, 1)
    hatch = 0.5 + 0.5 * np.sin(30 * (x + y) + 1.2 * np.sin(3 * x + phase))
    shade = 0.26 * dark * hatch + 0.2 * dark
    amount = np.clip(np.maximum(0.95 * edges, shade), 0, 1)[..., None]
    return PAPER * (1 - amount) + GRAPHITE * amount
