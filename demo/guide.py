"""Stage 3: guidance, distilled. What takes two evaluations a step, with the prompt and without, is learned as one.

Guidance moves the velocity further from what it would be without the prompt. It makes a small model follow its words
and draw sharper, but Z-Image-Turbo runs at guidance 0 with one evaluation a step; so a copy learns to say at once what
the guided teacher says (Meng et al., "On Distillation of Guided Diffusion Models", 2023, its first stage). It is guided
only where it is decided what is drawn (Kynkaanniemi et al., "Applying Guidance in a Limited Interval Improves Sample
and Distribution Quality in Diffusion Models", 2024).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import torch
from diffusers import ZImageTransformer2DModel
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3Model

from demo.device import half
from demo.flow import Noised, blocks, error, quicken, velocity
from demo.loop import Plan, fingerprint, inner_matrices, train
from demo.pool import LONGEST, SHARES, Pool
from demo.text import embed, tokens_of

Batch = tuple[Tensor, Tensor, Sequence[Tensor]]  # latents, times and words, as `said_and_meant` has them

GUIDANCE = 3.5  # 1 is none: conditioned + (GUIDANCE - 1) * (conditioned - unconditioned)
GUIDED_TO = 0.6  # the sigma below which there is none: what is drawn is settled there, and photographs would be redrawn


def fit(
    student: ZImageTransformer2DModel,
    teacher: ZImageTransformer2DModel,
    encoder: Qwen3Model,
    tokenizer: PreTrainedTokenizerFast,
    pools: list[Pool],
    batch: int,
    plan: Plan,
    folder: Path,
) -> bool:
    """Train `student`, a copy of `teacher`, in place; False when its minutes ran out. The others stay as they are."""

    def batch_at(step: int) -> Batch:
        pool = Random(f"guide {step}").choices(pools, SHARES)[0]
        chance = torch.Generator(student.device).manual_seed(step)
        clean, *words = pool.batch(batch, chance)
        noised = Noised.of(clean, chance)
        return noised.latents, noised.t, words

    loss_at = distillation(student, teacher, encoder, tokenizer, batch_at, plan.compiled)
    name, inner = f"guide-{fingerprint(teacher)}", inner_matrices(blocks(student))
    return train(name, list(student.parameters()), loss_at, plan, folder, inner)


def distillation(
    student: ZImageTransformer2DModel,
    teacher: ZImageTransformer2DModel,
    encoder: Qwen3Model,
    tokenizer: PreTrainedTokenizerFast,
    batch_at: Callable[[int], Batch],
    compiled: bool,
    guidance: float = GUIDANCE,
) -> Callable[[int], Tensor]:
    """The loss of each step: how far what `student` says is from what `teacher` means. Freezes all but the student."""
    for frozen in (teacher, encoder):
        frozen.requires_grad_(False)
    if compiled:
        quicken(student, teacher)
    silence = no_words(tokenizer, student.device)

    def loss_at(step: int) -> Tensor:
        return error(*said_and_meant(student, teacher, encoder, *batch_at(step), silence, guidance))

    return loss_at


def no_words(tokenizer: PreTrainedTokenizerFast, device: torch.device) -> tuple[Tensor, Tensor]:
    """(1, LONGEST) tokens of an empty prompt, and their (1,) length."""
    tokens, length = tokens_of(tokenizer, [""], LONGEST)
    return tokens.to(device), length.to(device)


def said_and_meant(
    student: ZImageTransformer2DModel,
    teacher: ZImageTransformer2DModel,
    encoder: Qwen3Model,
    latents: Tensor,
    t: Tensor,
    words: Sequence[Tensor],
    silence: Sequence[Tensor],
    guidance: float = GUIDANCE,
) -> tuple[Tensor, Tensor]:
    """(n, C, h, w) velocities: what the student says at once, and what the teacher says when it is guided.

    Of `latents` (n, C, h, w) at times `t` (n,). `words` are (n, T) tokens and their (n,) lengths, `silence` the (1, T
    or more) tokens of no prompt and their length.
    """
    with torch.no_grad(), half(latents.device):
        embeds, said = embed(encoder, *words)
        tokens, length = silence
        nothing, unsaid = embed(encoder, tokens[:, : embeds.shape[1]], length)
        told = velocity(teacher, latents, t, embeds.float(), said).float()
        untold = velocity(teacher, latents, t, nothing.expand_as(embeds).float(), unsaid.expand_as(said)).float()
    with half(latents.device):
        out = velocity(student, latents, t, embeds.float(), said)
    more = (guidance - 1) * (1 - t > GUIDED_TO).view(-1, 1, 1, 1)
    return out, told + more * (told - untold)
