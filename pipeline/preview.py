"""Latents to a small picture in a fraction of a millisecond: a linear map fitted once on the model's own VAE.

Each latent pixel and its eight neighbours give a block of RGB pixels. Fitting by least squares needs no table of
constants per model, and a block instead of a single pixel is what lets shapes be seen after the first step.
"""

from math import ceil

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from core.engine import Frame
from pipeline.vae import decode_pixels, encode, to_frame

PREVIEW_SIDE = 256  # pixels aimed at
MOST_SIDE = 512  # pixels of a preview; larger latents are averaged first
MOST_BLOCK = 4  # RGB pixels a side for one latent pixel
CELLS = (4, 5, 6, 8, 10, 12, 16, 24)  # colours a side of each synthetic picture to fit on
# Patches a side of each. Many of them tell more than many pictures: the error is 0.99 to 1.1 times that of 24 pictures
# of 3 x 3 patches, which took three times as long (measured).
PATCHES = 8
SIDE = 128  # pixels a side of each picture
RIDGE = 1e-3


class Previewer:
    """Fit once (half a second of a core, with the demo's VAE), then call with the sampler's latents."""

    def __init__(self, vae: AutoencoderKL, usual_side: int, vae_scale_factor: int) -> None:
        """`usual_side`: of the pictures this model mostly draws, in pixels."""
        self._block = max(1, min(MOST_BLOCK, PREVIEW_SIDE * vae_scale_factor // usual_side, vae_scale_factor))
        self._weight, self._bias = _fit(vae, vae_scale_factor, self._block)

    @torch.inference_mode()
    def __call__(self, latents: Tensor) -> Frame:
        """(1, C, h, w) clean latents, on any device, to `h * block` by `w * block` pixels; fewer of a large one."""
        shrink = ceil(max(latents.shape[-2:]) * self._block / MOST_SIDE)
        if shrink > 1:
            latents = F.avg_pool2d(latents, shrink, ceil_mode=True)
        padded = F.pad(latents.float().to(self._bias.device), (1, 1, 1, 1), mode="replicate")
        image = F.pixel_shuffle(F.conv2d(padded, self._weight, self._bias), self._block)
        return to_frame(image[0].clamp(0, 1))


@torch.inference_mode()
def _fit(vae: AutoencoderKL, factor: int, block: int) -> tuple[Tensor, Tensor]:
    """The map's convolution: weight (3 block^2, C, 3, 3) and bias, minimising squared error in 0..1 RGB."""
    device = vae.device
    pixels = _pictures(SIDE).to(device)
    latents = torch.cat([encode(vae, p[None]) for p in pixels]).float()
    features = F.unfold(F.pad(latents, (1, 1, 1, 1), mode="replicate"), 3).transpose(1, 2).flatten(0, 1)
    features = torch.cat([features, features.new_ones(len(features), 1)], 1).double().cpu()
    shown = torch.cat([decode_pixels(vae, z[None]) for z in latents])  # what the VAE makes of them, not what they were
    target = F.interpolate(shown, scale_factor=block / factor, mode="area")
    target = F.pixel_unshuffle(target, block).flatten(2).transpose(1, 2).flatten(0, 1).double().cpu()
    gram = features.T @ features
    gram.diagonal().add_(RIDGE * float(gram.diagonal().mean()))
    solution = torch.linalg.solve(gram, features.T @ target).float().T
    channels = latents.shape[1]
    weight = solution[:, :-1].reshape(-1, channels, 3, 3).to(device).contiguous()
    return weight, solution[:, -1].to(device).contiguous()


def _pictures(side: int) -> Tensor:
    """(8, 3, side, side) in -1..1: patches of soft and of hard-edged colours, of every scale, as a linear map needs."""
    generator = torch.Generator("cpu").manual_seed(0)
    pictures = []
    for cells in CELLS:
        smooth, hard = torch.rand((2, 1, 3, cells, cells), generator=generator) * 2 - 1
        smooth = F.interpolate(smooth, (side, side), mode="bicubic", align_corners=False)
        hard = F.interpolate(hard, (side, side), mode="nearest")
        choice = torch.rand((1, 1, PATCHES, PATCHES), generator=generator)
        choice = F.interpolate(choice, (side, side), mode="bicubic")
        pictures.append(torch.where(choice > 0.5, smooth, hard)[0].clamp(-1, 1))
    return torch.stack(pictures)
