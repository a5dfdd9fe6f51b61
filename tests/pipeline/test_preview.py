"""A linear map, fitted to a few pictures in half a second, shows what the VAE would show."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from core.engine import Frame
from pipeline.engine import TorchEngine
from pipeline.preview import Previewer
from pipeline.vae import decode_pixels, encode
from tests.pipeline.conftest import photo


def tensor(frame: Frame) -> Tensor:
    """(1, 3, h, w) in 0..1."""
    pixels = np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3)
    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]


def test_a_preview_is_near_the_picture_that_the_vae_makes_of_the_same_latents(
    engine: TorchEngine, demo_styles: Path
) -> None:
    drawn = [Image.open(file).convert("RGB").resize((256, 256)) for file in demo_styles.glob("*.preview.webp")]
    vae, preview, errors = engine.model.vae, engine.preview, []
    assert drawn and preview is not None
    for frame in [photo(256, 256), *(Frame(256, 256, image.tobytes()) for image in drawn)]:
        latents = encode(vae, tensor(frame) * 2 - 1)
        shown = tensor(preview(latents))
        picture = F.interpolate(decode_pixels(vae, latents), shown.shape[-2:], mode="area")
        errors.append(float((shown - picture).square().mean()))
    assert np.mean(errors) ** 0.5 < 0.06  # each picture's own mean colour is 0.22 off


def test_the_same_vae_gives_the_same_previews(engine: TorchEngine) -> None:
    again = Previewer(engine.model.vae, max(engine.info.sizes[0]), engine.model.vae_scale_factor)
    latents = encode(engine.model.vae, tensor(photo()) * 2 - 1)
    assert engine.preview is not None
    assert again(latents) == engine.preview(latents)
