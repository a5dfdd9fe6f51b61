"""Pictures of nothing in particular, from which the autoencoder learns to carry ordinary photographs.

Leaves of every size that fall over each other have the statistics of natural pictures (the dead leaves model:
Lee, Mumford and Huang, 2001); slopes and noise of every scale fill them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

LEAVES = 50
SMALLEST, LARGEST = 0.07, 0.9  # of the picture's side; sizes fall off as the cube
CHROMA = 0.4  # most things are nearly grey


def textures(count: int, side: int, seed: int, device: torch.device) -> Tensor:
    """(count, 3, side, side) float32 in 0..1."""
    chance = torch.Generator().manual_seed(seed)
    picture = _cloudy(count, side, chance, device)
    axis = (torch.arange(side, device=device) + 0.5) / side
    y, x = axis.view(1, -1, 1), axis.view(1, 1, -1)
    for _ in range(LEAVES):
        centre, angle, stretch, sort, soft = torch.rand((5, 2, count, 1, 1), generator=chance).to(device)
        u = torch.rand((count, 1, 1), generator=chance).to(device)
        size = (SMALLEST**-2 + u * (LARGEST**-2 - SMALLEST**-2)) ** -0.5
        turn = 6.283 * angle[0]
        dx, dy = x - centre[0], y - centre[1]
        p = (dx * turn.cos() + dy * turn.sin()) / size
        q = (dy * turn.cos() - dx * turn.sin()) / (size * (0.3 + 0.7 * stretch[0]))
        field = torch.where(sort[0] < 0.5, torch.hypot(p, q), torch.maximum(p.abs(), q.abs())) - 0.5
        edge = 0.7 / (size * side) * torch.where(soft[0] < 0.2, 12.0, 1.0)
        cover = (0.5 - field / edge).clamp(0, 1)[:, None]
        colour = _colour(count, chance).to(device)
        slope = (0.4 * (soft[1] - 0.5) * p + 0.4 * (sort[1] - 0.5) * q)[:, None]
        picture = picture + cover * (colour + slope - picture)
    grain = torch.randn((count, 1, side, side), generator=chance).to(device)
    strength = (torch.rand((count, 1, 1, 1), generator=chance) ** 3).to(device)
    return (picture + 0.06 * strength * grain).clamp(0, 1)


def _cloudy(count: int, side: int, chance: torch.Generator, device: torch.device) -> Tensor:
    """Coloured noise of all scales."""
    total = torch.full((count, 3, side, side), 0.5, device=device)
    for cells in (2, 4, 8, 16, 32, 64):
        common = torch.randn((count, 1, cells, cells), generator=chance)
        noise = (common + CHROMA * torch.randn((count, 3, cells, cells), generator=chance)).to(device)
        total += 0.25 / cells**0.8 * F.interpolate(noise, (side, side), mode="bicubic", align_corners=False)
    return total


def _colour(count: int, chance: torch.Generator) -> Tensor:
    """(count, 3, 1, 1): a brightness, and a little colour."""
    bright, tint = torch.rand((count, 1, 1, 1), generator=chance), torch.rand((count, 3, 1, 1), generator=chance)
    return bright + CHROMA * (tint - 0.5)
