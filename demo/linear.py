"""Where the autoencoder's training begins: with weights under which it already is a linear code of pictures.

The best linear code of 16x16 patches (their principal components) carries drawn pictures at 25 dB, and a network that
starts from nothing takes thousands of steps to come near it: 14 dB after 934 steps, where one that starts here has
20 dB before the first (measured). So every residual branch begins silent, what is left is a chain of convolutions
that keep averages and slopes, and the middle is set to the principal components of what arrives there.
"""

import torch
from diffusers import AutoencoderKL
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn

FAR = 2.0  # a constant that features sit on either side of, so that the last norm does not take away their size
SMALL = 0.25  # what features are multiplied with before the last SiLU: near 0 it is as good as straight,
SLOPE = 0.5  # with this slope
QUIET = 0.1  # of their random values is left to weights that the code does not need
NARROW = -4.0  # log variance of the latents
KERNELS = {  # of 2x2 pixels
    "average": ((1.0, 1.0), (1.0, 1.0)), "across": ((-1.0, 1.0), (-1.0, 1.0)),
    "down": ((-1.0, -1.0), (1.0, 1.0)), "saddle": ((1.0, -1.0), (-1.0, 1.0)),
}  # fmt: skip
TENT = (0.25, 0.5, 0.25)


@torch.no_grad()
def start(vae: AutoencoderKL, pictures: Tensor) -> None:
    """Make an untrained `vae` a linear code of `pictures`, (n, 3, H, W) in -1..1, in place."""
    _silence(vae)
    encoder, decoder = vae.encoder, vae.decoder
    down = [block.downsamplers[0].conv for block in encoder.down_blocks[:-1]]
    up = [block.upsamplers[0].conv for block in decoder.up_blocks[:-1]]

    _keep(encoder.conv_in, 3)
    known = 3
    for conv in down:
        known = _halve(conv, known)
    _straighten(encoder.conv_norm_out, down[-1])
    mean, directions, spread = _principal(vae, pictures, down[-1].bias)
    codes = vae.config.latent_channels

    to_latents = encoder.conv_out
    to_latents.weight.zero_()
    to_latents.weight[:codes, :, 1, 1] = (directions / spread).T / (SMALL * SLOPE)
    to_latents.bias[:codes] = -(directions / spread).T @ mean
    to_latents.bias[codes:] = NARROW

    from_latents = decoder.conv_in
    from_latents.weight.mul_(QUIET)
    from_latents.weight[:, :, 1, 1] += directions * spread
    from_latents.bias.copy_(mean)
    for conv in up:
        conv.weight.mul_(QUIET / 2)
        conv.bias.zero_()
        _put(conv, [(k, k) for k in range(conv.out_channels)], torch.tensor(TENT)[:, None] * torch.tensor(TENT))
    _straighten(decoder.conv_norm_out, up[-1])
    _keep(decoder.conv_out, 3, 1 / (SMALL * SLOPE))


def _silence(vae: AutoencoderKL) -> None:
    """Residual branches add nothing, shortcuts pass on what they can."""
    for module in vae.modules():
        if isinstance(module, ResnetBlock2D):
            nn.init.zeros_(module.conv2.weight)
            nn.init.zeros_(module.conv2.bias)
            if module.conv_shortcut is not None:
                _keep(module.conv_shortcut, min(module.conv_shortcut.in_channels, module.conv_shortcut.out_channels))
        elif isinstance(module, Attention):
            nn.init.zeros_(module.to_out[0].weight)
            nn.init.zeros_(module.to_out[0].bias)


def _keep(conv: nn.Conv2d, channels: int, factor: float = 1.0) -> None:
    """The first `channels` go through, times `factor`; the others are faint and random."""
    conv.weight.mul_(QUIET)
    conv.bias.zero_()
    middle = conv.weight.shape[-1] // 2
    for k in range(channels):
        conv.weight[k] = 0
        conv.weight[k, k, middle, middle] = factor


def _put(conv: nn.Conv2d, pairs: list[tuple[int, int]], kernel: Tensor) -> None:
    """Output o becomes input i under `kernel`, for each (o, i)."""
    for o, i in pairs:
        conv.weight[o] = 0
        conv.weight[o, i, : kernel.shape[0], : kernel.shape[1]] = kernel


def _halve(conv: nn.Conv2d, known: int) -> int:
    """Averages of the `known` channels first, then their slopes, as many as fit; returns how many that are."""
    conv.weight.mul_(QUIET * 2)
    conv.bias.zero_()
    slopes = ("across", "down", "saddle") if known <= 3 else ("across", "down")
    plan = [(i, "average") for i in range(known)] + [(i, name) for i in range(known) for name in slopes]
    plan = plan[: conv.out_channels]
    for o, (i, name) in enumerate(plan):
        _put(conv, [(o, i)], torch.tensor(KERNELS[name]) / 4)
    return len(plan)


def _straighten(norm: nn.GroupNorm, before: nn.Conv2d) -> None:
    """Let `norm` and the SiLU behind it keep sizes, which a norm by nature takes away.

    Half the channels of each group arrive around +FAR, half around -FAR: its mean is then about 0 and its deviation
    about FAR, whatever the pictures say; afterwards the constants are taken off again.
    """
    sign = torch.ones(norm.num_channels)
    sign[1::2] = -1
    before.bias[: norm.num_channels] += FAR * sign
    norm.weight.fill_(SMALL * FAR)
    norm.bias.copy_(-SMALL * FAR * sign)


def _principal(vae: AutoencoderKL, pictures: Tensor, offset: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (c,), the leading directions (c, codes) and their spread (codes,) of the features before the latents."""
    features: list[Tensor] = []
    hook = vae.encoder.conv_norm_out.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    for some in pictures.split(8):
        vae.encoder(some)
    hook.remove()
    seen = (torch.cat(features) - offset[:, None, None]).permute(1, 0, 2, 3).flatten(1)
    values, vectors = torch.linalg.eigh(torch.cov(seen))
    codes = vae.config.latent_channels
    return seen.mean(1), vectors.flip(1)[:, :codes], values.flip(0)[:codes].clamp_min(1e-6).sqrt()
