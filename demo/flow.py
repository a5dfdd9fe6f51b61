"""Flow matching: the transformer on batches of one shape, and the loss it is trained on.

`velocity` computes what `ZImageTransformer2DModel.forward` does, which takes lists and walks through them one by one;
on whole batches it is one graph that the compiler can take. A test holds the two together.
"""

from dataclasses import dataclass

import torch
from diffusers import ZImageTransformer2DModel
from torch import Tensor

from demo.device import half

SHIFT = 3.0
NEAR_NOISE = 0.12  # the sampler's first three steps of eight
PATCH = 2
MULTIPLE = 32  # tokens: Z-Image pads words and pixels to this


class FusedAttention:
    """Z-Image's attention with rotary embedding in real numbers: the same result, and the compiler can fuse it."""

    def __call__(
        self,
        attn: torch.nn.Module,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        freqs_cis: Tensor | None = None,
    ) -> Tensor:
        q, k, v = (p(hidden_states).unflatten(-1, (attn.heads, -1)) for p in (attn.to_q, attn.to_k, attn.to_v))
        cos, sin = torch.view_as_real(freqs_cis).unsqueeze(2).unbind(-1)

        def rotate(x: Tensor) -> Tensor:
            a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)
            return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2).to(v.dtype)

        q, k = rotate(attn.norm_q(q)), rotate(attn.norm_k(k))
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        if q.is_cuda:
            mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        else:  # written out: on a processor the backward of torch's own attention took a quarter of the step (measured)
            weights = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1, dtype=torch.float32)
            mixed = weights.to(v.dtype) @ v
        return attn.to_out[0](mixed.transpose(1, 2).flatten(2))


def blocks(transformer: ZImageTransformer2DModel) -> list[torch.nn.Module]:
    """All that attends: the layers and both kinds of refiner."""
    return [*transformer.layers, *transformer.noise_refiner, *transformer.context_refiner]


def quicken(*transformers: ZImageTransformer2DModel) -> None:
    """Compile each kind of block for training (weights and state dict stay as they are)."""
    torch._dynamo.reset()  # or the graphs of one style after another would fill the compiler's small cache
    torch._dynamo.config.recompile_limit = 32  # kinds of block, lengths, trained or not: more than its usual 8
    for transformer in transformers:
        for block in blocks(transformer):
            block.attention.set_processor(FusedAttention())
            block.compile(dynamic=False)


def velocity(transformer: ZImageTransformer2DModel, latents: Tensor, t: Tensor, embeds: Tensor, said: Tensor) -> Tensor:
    """(n, C, h, w) predicted `clean - noise` at times `t` (n,), 0 for noise and 1 for clean.

    `embeds` (n, T, width) are the words, T a multiple of 32; `said` (n, T) is false where they are padding.
    """
    n, channels, height, width = latents.shape
    rows, columns, words = height // PATCH, width // PATCH, embeds.shape[1]
    pixels = rows * columns
    key = f"{PATCH}-1"
    patches = latents.view(n, channels, rows, PATCH, columns, PATCH).permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
    x = transformer.all_x_embedder[key](patches)
    padding = -pixels % MULTIPLE
    x = torch.cat([x, transformer.x_pad_token.to(x.dtype).expand(n, padding, -1)], 1)
    caption = transformer.cap_embedder(embeds)
    caption = torch.where(said[..., None], caption, transformer.cap_pad_token.to(caption.dtype))
    x_turns, caption_turns = _turns(transformer, rows, columns, padding, words, latents.device)
    time = transformer.t_embedder(t * transformer.t_scale).type_as(latents)
    for block in transformer.noise_refiner:
        x = block(x, None, x_turns, time)
    for block in transformer.context_refiner:
        caption = block(caption, None, caption_turns)
    both, turns = torch.cat([x, caption], 1), torch.cat([x_turns, caption_turns], 1)
    for block in transformer.layers:
        both = block(both, None, turns, time)
    out = transformer.all_final_layer[key](both, c=time)[:, :pixels]
    out = out.view(n, rows, columns, PATCH, PATCH, channels).permute(0, 5, 1, 3, 2, 4)
    return out.reshape(n, channels, height, width)


def _turns(
    transformer: ZImageTransformer2DModel, rows: int, columns: int, padding: int, words: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """(1, tokens, head / 2) rotary turns of the pixels and of the words: word k is at (k + 1, 0, 0), pixels follow."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    places = torch.stack([torch.full_like(y, words + 1), y, x], -1).flatten(0, 1)
    places = torch.cat([places, places.new_zeros(padding, 3)])
    spoken = torch.stack(
        [torch.arange(words) + 1, torch.zeros(words, dtype=torch.long), torch.zeros(words, dtype=torch.long)], -1
    )
    rope = transformer.rope_embedder
    return rope(places.to(device))[None], rope(spoken.to(device))[None]


def middle(height: int, width: int) -> Tensor:
    """(height, width) weights of mean 1, greatest in the middle, where the objects are.

    Weighing places moves no optimum, it only says what to learn first: without it the ground came long before what
    stands on it.
    """
    y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)[None]
    weights = 1 + 2 * torch.exp(-(x * x + y * y) / 0.5)
    return weights / weights.mean()


@dataclass(frozen=True)
class Noised:
    """A batch on its way to noise: (n, C, h, w) `latents` at times `t` (n,), and the `velocity` that leads back."""

    latents: Tensor
    t: Tensor
    velocity: Tensor

    @classmethod
    def of(cls, clean: Tensor, chance: torch.Generator) -> "Noised":
        """Over sigmas as the sampler meets them. Z-Image takes `t = 1 - sigma` and predicts `clean - noise`.

        Half are logit-normal, then shifted as the sampler shifts them. Half lie near pure noise, where the prompt
        decides: below, what is left of the picture shows through, and nothing needs to be read.
        """
        n, device = clean.shape[0], clean.device
        u = torch.sigmoid(1.2 * torch.randn(n, generator=chance, device=device))
        sigma = SHIFT * u / (1 + (SHIFT - 1) * u)
        sigma[::2] = 1 - NEAR_NOISE * torch.rand(n, generator=chance, device=device)[::2]
        eps = torch.randn(clean.shape, generator=chance, device=device)
        s = sigma.view(-1, 1, 1, 1)
        return cls((1 - s) * clean + s * eps, 1 - sigma, clean - eps)


def error(out: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error of (n, C, h, w) velocities, the middle weighed most."""
    return ((out.float() - wanted).square() * middle(*wanted.shape[-2:]).to(wanted.device)).mean()


def flow_loss(
    transformer: ZImageTransformer2DModel, clean: Tensor, embeds: Tensor, said: Tensor, chance: torch.Generator
) -> Tensor:
    """The error of the velocity on the way from `clean` latents to noise."""
    noised = Noised.of(clean, chance)
    with half(clean.device):
        out = velocity(transformer, noised.latents, noised.t, embeds, said)
    return error(out, noised.velocity)
