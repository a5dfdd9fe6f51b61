"""How large a picture becomes that is drawn from a photo."""

from core.engine import ModelInfo


def fit(photo: tuple[int, int], longest: int, info: ModelInfo) -> tuple[int, int]:
    """Width and height for the photo's shape with its longest side about `longest` pixels, as the model can draw them.

    Both are on the model's multiple, so the shape may change by a hair: what is over is cut at the edges.
    """
    multiple, most = info.size_multiple, info.max_side // info.size_multiple
    scale = longest / max(photo)
    width, height = (min(most, max(1, round(side * scale / multiple))) * multiple for side in photo)
    return width, height
