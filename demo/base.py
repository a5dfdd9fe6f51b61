"""Stage 2: the diffusion transformer and the text encoder, trained together by flow matching on cached latents."""

from pathlib import Path
from random import Random

import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3Model

from demo.captions import caption
from demo.draw import draw
from demo.loop import train
from demo.scenes import Scene, random_scene
from demo.text import WIDTH, embed
from demo.vae import LATENT_CHANNELS, SIZES, to_tensor

SHIFT = 3.0
BATCH = 32
SCENES = {(128, 128): 16_000, (160, 96): 4_000, (96, 160): 4_000}
LONGEST = 32  # tokens; the transformer pads captions to multiples of 32
UNCONDITIONAL = 0.05
NEAR_NOISE = 0.12  # the sampler's first three steps of eight
SINGLE = 0.9  # of a batch: scenes with one object
PLAIN = 0.75  # of the captions: see `captions.caption`


def build() -> ZImageTransformer2DModel:
    """Untrained: 8.8 M parameters, 6 layers of 256 with one refiner each for pixels and words."""
    return ZImageTransformer2DModel(
        in_channels=LATENT_CHANNELS,
        dim=256,
        n_layers=6,
        n_refiner_layers=1,
        n_heads=4,
        n_kv_heads=4,
        cap_feat_dim=WIDTH,
        axes_dims=[16, 24, 24],
        axes_lens=[1024, 64, 64],
    )


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
        # Written out: on a processor the backward of torch's own attention took a quarter of the step (measured).
        weights = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1, dtype=torch.float32)
        return attn.to_out[0]((weights.to(v.dtype) @ v).transpose(1, 2).flatten(2))


def quicken(transformer: ZImageTransformer2DModel) -> None:
    """Compile each kind of block for training (weights and state dict stay as they are)."""
    for block in (*transformer.layers, *transformer.noise_refiner, *transformer.context_refiner):
        block.attention.set_processor(FusedAttention())
        block.compile(dynamic=False)


def scene_at(size: tuple[int, int], index: int) -> Scene:
    """Scene `index` of the training set of a size."""
    return random_scene(Random(f"scene {size} {index}"), size[0] / size[1])


def cached_latents(vae: AutoencoderKL, size: tuple[int, int], count: int, folder: Path, style: str = "") -> Tensor:
    """(count, 16, height / 8, width / 8) bf16, normalised; made once and kept in `folder`, part by part."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    part = 1000
    for first in range(0, count, part):
        file = folder / f"latents-{style or 'base'}-{size[0]}x{size[1]}-{first}.pt"
        if not file.exists():
            rows = []
            for start in range(first, min(first + part, count), 20):
                pictures = [draw(scene_at(size, i), *size, style) for i in range(start, min(start + 20, count))]
                with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                    rows.append(vae.encode(torch.stack([to_tensor(p) for p in pictures])).latent_dist.mean.float())
            scaled = (torch.cat(rows) - vae.config.shift_factor) * vae.config.scaling_factor
            torch.save(scaled.to(torch.bfloat16), file.with_suffix(".partial"))
            file.with_suffix(".partial").replace(file)
            print(f"latents {style or 'base'} {size} {first + part}/{count}", flush=True)
        parts.append(torch.load(file, weights_only=True))
    return torch.cat(parts)


def middle(height: int, width: int) -> Tensor:
    """(height, width) weights of mean 1, greatest in the middle, where the objects are.

    Weighing places moves no optimum, it only says what to learn first: without it the ground came long before what
    stands on it.
    """
    y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)[None]
    weights = 1 + 3 * torch.exp(-(x * x + y * y) / 0.4)
    return weights / weights.mean()


def flow_loss(
    transformer: ZImageTransformer2DModel,
    clean: Tensor,
    embeds: list[Tensor],
    noise: torch.Generator,
) -> Tensor:
    """Weighted squared error of the velocity, over sigmas as the sampler meets them.

    Half are logit-normal, then shifted as the sampler shifts them. Half lie near pure noise, where the prompt decides:
    below, what is left of the picture shows through, and nothing needs to be read. Z-Image's transformer takes
    `t = 1 - sigma` and predicts `clean - noise`.
    """
    n = clean.shape[0]
    u = torch.sigmoid(1.2 * torch.randn(n, generator=noise))
    sigma = SHIFT * u / (1 + (SHIFT - 1) * u)
    sigma[::2] = 1 - NEAR_NOISE * torch.rand(n, generator=noise)[::2]
    eps = torch.randn(clean.shape, generator=noise)
    s = sigma.view(-1, 1, 1, 1)
    noisy = (1 - s) * clean + s * eps
    with torch.autocast("cpu", torch.bfloat16):
        out = transformer(list(noisy.unsqueeze(2)), 1 - sigma, embeds, return_dict=False)[0]
    error = torch.stack(list(out)).float().squeeze(2) - (clean - eps)
    return (error.square() * middle(*clean.shape[-2:])).mean()


def fit(
    vae: AutoencoderKL, tokenizer: PreTrainedTokenizerFast, encoder: Qwen3Model, folder: Path, steps: int
) -> ZImageTransformer2DModel:
    """Train transformer and `encoder` (in place)."""
    torch.manual_seed(2)
    transformer = build()
    latents = {size: cached_latents(vae, size, count, folder) for size, count in SCENES.items()}
    single = {size: [i for i in range(n) if len(scene_at(size, i).items) == 1] for size, n in SCENES.items()}
    quicken(transformer)

    def loss_at(step: int) -> Tensor:
        rng = Random(f"base {step}")
        size = rng.choices(SIZES, (0.7, 0.15, 0.15))[0]
        rows = [
            rng.choice(single[size]) if rng.random() < SINGLE else rng.randrange(SCENES[size]) for _ in range(BATCH)
        ]
        prompts = ["" if rng.random() < UNCONDITIONAL else caption(scene_at(size, i), rng, PLAIN) for i in rows]
        embeds = embed(encoder, tokenizer, prompts, LONGEST)
        return flow_loss(transformer, latents[size][rows].float(), embeds, torch.Generator().manual_seed(step))

    used = [*transformer.parameters(), *encoder.embed_tokens.parameters(), *encoder.layers[:-1].parameters()]
    train("base", used, loss_at, steps=steps, learning_rate=1e-3, folder=folder, ema_decay=0.9985, warmup=300)
    return transformer
