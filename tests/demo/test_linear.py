"""Before its first step of training the autoencoder is a linear code of pictures already."""

from random import Random

import torch

from demo import linear
from demo.draw import draw_batch
from demo.vae import build, psnr, random_subject


def test_untrained_it_carries_pictures_it_was_not_made_from() -> None:
    pictures = draw_batch([random_subject(Random(f"linear {k}")) for k in range(24)], 256, 256)
    shown, held = pictures[:20], pictures[20:]
    torch.manual_seed(1)
    vae = build()
    assert psnr(vae, held) < 12
    linear.start(vae, 2 * shown - 1)
    assert psnr(vae, held) > 17
    with torch.inference_mode():
        latents = vae.encode(2 * shown - 1).latent_dist.mean
    spread = latents.permute(1, 0, 2, 3).flatten(1).std(1)
    assert spread.min() > 0.7 and spread.max() < 2.5  # every number of a latent carries about as much as the others
