"""What the transformer is trained on: pictures as latents and their captions as tokens, made once and kept.

Drawing, encoding and wording take longer than a training step; a pool pays for them once. Each picture has several
captions, and they are sorted by length, for a batch must not mix captions that pad to different lengths.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from demo.captions import caption
from demo.device import half
from demo.draw import Subject, draw_batch
from demo.flow import MULTIPLE
from demo.loop import fingerprint
from demo.scenes import random_scene
from demo.text import tokens_of
from demo.vae import random_subject

SIZES = ((256, 256), (320, 192), (192, 320))  # width, height: 64 or 60 patches, so every sequence pads to 64
SHARES = (0.7, 0.15, 0.15)
HARD = ({"layout": "above"}, {"layout": "beside"}, {"layout": "one", "size": "small"})  # scenes, see `subject_at`
PART = 1000  # pictures a file
CAPTIONS = 8  # a picture
LONGEST = 2 * MULTIPLE  # tokens
PLAIN = 0.6  # of the captions: see `captions.caption`
UNCONDITIONAL = 0.05
MANNER_SHOWN = 24  # subjects by which one way of drawing is told from another
DRAWN_TOGETHER, ENCODED_TOGETHER = 16, 4  # what a processor's caches like (measured: a third of the time of 100)


@dataclass(frozen=True)
class Pool:
    """Latents (n, C, h, w) bf16 of one size, tokens (n, CAPTIONS, LONGEST) int16 and their lengths (n, CAPTIONS).

    `short` and `long` are the (picture, caption) pairs that pad to 32 and to 64 tokens.
    """

    latents: Tensor
    tokens: Tensor
    lengths: Tensor
    short: Tensor
    long: Tensor

    @classmethod
    def of(cls, parts: list[dict[str, Tensor]], device: torch.device) -> "Pool":
        latents, tokens, lengths = (
            torch.cat([p[k] for p in parts]).to(device) for k in ("latents", "tokens", "lengths")
        )
        return cls(
            latents, tokens, lengths, (lengths <= MULTIPLE).nonzero(),
            ((lengths > MULTIPLE) & (lengths <= LONGEST)).nonzero(),
        )  # fmt: skip

    def batch(self, size: int, chance: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Latents (size, C, h, w) fp32, tokens (size, 32 or 64) and lengths (size,), each length class at its rate."""
        device = self.latents.device
        share = len(self.long) / (len(self.long) + len(self.short))
        pairs, words = (self.short, MULTIPLE)
        if torch.rand((), generator=chance, device=device) < share:
            pairs, words = (self.long, LONGEST)
        picture, said = pairs[torch.randint(len(pairs), (size,), generator=chance, device=device)].unbind(1)
        return self.latents[picture].float(), self.tokens[picture, said, :words], self.lengths[picture, said]


def subject_at(size: tuple[int, int], index: int) -> Subject:
    """Picture `index` of a size. Three of five are scenes of small things, which are learned last."""
    chance, aspect = Random(f"subject {size} {index}"), size[0] / size[1]
    hard = index % 5
    return random_scene(chance, aspect, **HARD[hard]) if hard < len(HARD) else random_subject(chance, aspect)


def make_pools(
    vae: AutoencoderKL, tokenizer: PreTrainedTokenizerFast, pictures: int, folder: Path, style: str = ""
) -> list[Pool]:
    """One pool for each of `SIZES`, about `pictures` in all, in whole parts.

    Kept below `folder`, part by part, in a place of its own for each autoencoder, for latents of another one are noise,
    and under a name of its own for each way of drawing and wording: one of an older way would be learned as it is.
    """
    folder, name = folder / f"pool-{fingerprint(vae)}", f"{style or 'base'}-{_manner(tokenizer, style)}"
    pools = []
    for size, share in zip(SIZES, SHARES, strict=True):
        wanted = max(1, round(pictures * share))
        numbers = range(max(1, round(wanted / PART)))
        parts = [_part(vae, tokenizer, size, k, min(PART, wanted), folder / name, style) for k in numbers]
        pools.append(Pool.of(parts, vae.device))
    return pools


def _manner(tokenizer: PreTrainedTokenizerFast, style: str) -> str:
    """Eight letters that stand for how pictures of `style` are drawn and worded, told from a few."""
    subjects = [subject_at(SIZES[0], k) for k in range(MANNER_SHOWN)]
    drawn = draw_batch(subjects, 64, 64, style)
    tokens, _ = _worded(tokenizer, subjects, Random("manner"), style)
    shown = (drawn * 31).round().to(torch.uint8)  # coarse: the last bit may differ from one processor to the next
    return sha256(shown.numpy().tobytes() + tokens.numpy().tobytes()).hexdigest()[:8]


def _part(
    vae: AutoencoderKL,
    tokenizer: PreTrainedTokenizerFast,
    size: tuple[int, int],
    number: int,
    pictures: int,
    name: Path,
    style: str,
) -> dict[str, Tensor]:
    file = name.with_name(f"{name.name}-{size[0]}x{size[1]}-{number}-of-{pictures}.pt")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        subjects = [subject_at(size, number * PART + k) for k in range(pictures)]
        tokens, lengths = _worded(tokenizer, subjects, Random(f"words {style} {size} {number}"), style)
        made = {"latents": _encoded(vae, subjects, size, style), "tokens": tokens, "lengths": lengths}
        torch.save(made, file.with_suffix(".partial"))
        file.with_suffix(".partial").replace(file)
        print(f"pool {file.stem} drawn", flush=True)
    return torch.load(file, weights_only=True)


def _worded(
    tokenizer: PreTrainedTokenizerFast, subjects: list[Subject], rng: Random, style: str
) -> tuple[Tensor, Tensor]:
    texts = []
    for subject in subjects:
        for _ in range(CAPTIONS):
            text = "" if rng.random() < UNCONDITIONAL else caption(subject, rng, PLAIN)
            texts.append(f"{style}, {text}" if style and rng.random() < 0.3 else text)
    tokens, lengths = tokens_of(tokenizer, texts, LONGEST)
    return tokens.view(len(subjects), CAPTIONS, LONGEST), lengths.view(len(subjects), CAPTIONS)


def _encoded(vae: AutoencoderKL, subjects: list[Subject], size: tuple[int, int], style: str) -> Tensor:
    rows = []
    for first in range(0, len(subjects), DRAWN_TOGETHER):
        pictures = draw_batch(subjects[first : first + DRAWN_TOGETHER], *size, style, vae.device)
        with torch.inference_mode(), half(vae.device):
            rows += [vae.encode(2 * some - 1).latent_dist.mean.float() for some in pictures.split(ENCODED_TOGETHER)]
    latents = (torch.cat(rows) - vae.config.shift_factor) * vae.config.scaling_factor
    return latents.to(torch.bfloat16).cpu()
