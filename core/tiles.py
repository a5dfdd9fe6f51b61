"""Where the tiles of a large picture lie: arithmetic that who draws them and who reckons with their time agree on."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

OVERLAP = 4  # a tile shares at least one part in so many of the largest side with its neighbour


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles of one size, `width` by `height`, that cover a canvas; each begins at one of `xs` and one of `ys`.

    The canvas is the picture, rounded up to the multiple that the model needs. All in pixels.
    """

    canvas_width: int
    canvas_height: int
    width: int
    height: int
    xs: tuple[int, ...]
    ys: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.xs) * len(self.ys)

    @property
    def megapixels(self) -> float:
        """Of one tile."""
        return self.width * self.height / 1e6

    def seams(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where, along x and y, a tile begins or ends inside the canvas, and the middle of what two share."""
        return _seams(self.xs, self.width), _seams(self.ys, self.height)


def tiles(width: int, height: int, most: int, multiple: int) -> Tiles:
    """Cover `width` by `height` pixels by as few tiles as do, none larger than `most` a side, all on `multiple`."""
    canvas_width, tile_width, xs = _axis(width, most, multiple)
    canvas_height, tile_height, ys = _axis(height, most, multiple)
    return Tiles(canvas_width, canvas_height, tile_width, tile_height, xs, ys)


def _axis(length: int, most: int, multiple: int) -> tuple[int, int, tuple[int, ...]]:
    """In units of `multiple`: the canvas, a tile, and where they begin; evenly, so that all share about the same."""
    whole, largest = ceil(length / multiple), max(1, most // multiple)
    shared = max(1, largest // OVERLAP) if largest > 1 else 0
    if whole <= largest:
        return whole * multiple, whole * multiple, (0,)
    count = ceil((whole - shared) / (largest - shared))
    side = ceil((whole + (count - 1) * shared) / count)
    starts = tuple(round(n * (whole - side) / (count - 1)) * multiple for n in range(count))
    return whole * multiple, side * multiple, starts


def _seams(starts: tuple[int, ...], side: int) -> tuple[int, ...]:
    seams = set()
    for before, after in pairwise(starts):
        seams |= {after, before + side, (after + before + side) // 2}
    return tuple(sorted(seams))
