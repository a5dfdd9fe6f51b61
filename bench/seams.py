"""How much a picture's seams stand out: a figure for tests and measurements."""

import numpy as np

from core.engine import Frame


def seam_ratio(frame: Frame, seams: tuple[tuple[int, ...], tuple[int, ...]]) -> float:
    """Mean step from one pixel to the next across `seams`, along x and y, over that everywhere else; 1 is unseen.

    The step into column `x` is from `x - 1`; so is it for rows.
    """
    pixels = np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3).astype(np.int16)
    at: list[float] = []
    elsewhere: list[float] = []
    for axis, places in ((1, seams[0]), (0, seams[1])):
        steps = np.abs(np.diff(pixels, axis=axis)).mean(axis=(1 - axis, 2))
        mask = np.zeros(len(steps), bool)
        mask[[place - 1 for place in places if place <= len(steps)]] = True
        at += list(steps[mask])
        elsewhere += list(steps[~mask])
    return float(np.mean(at) / np.mean(elsewhere)) if at else 1.0
