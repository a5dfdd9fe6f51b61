"""Stage 3: guidance, distilled. What takes two evaluations a step, with the prompt and without, is learned as one.

Guidance moves the velocity further from what it would be without the prompt. It makes a small model follow its words
and draw sharper, but Z-Image-Turbo runs at guidance 0 with one evaluation a step; so a copy learns to say at once what
the guided teacher says (Meng et al., "On Distillation of Guided Diffusion Models", 2023, its first stage).
"""

from pathlib import Path
from random import Random

import torch
from diffusers import ZImageTransformer2DModel
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3Model

from demo.device import half
from demo.flow import Noised, error, quicken, velocity
from demo.loop import Plan, fingerprint, train
from demo.pool import LONGEST, SHARES, Pool
from demo.text import embed, tokens_of

GUIDANCE = 2.5  # 1 is none: conditioned + (GUIDANCE - 1) * (conditioned - unconditioned)


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
    for frozen in (teacher, encoder):
        frozen.requires_grad_(False)
    if plan.compiled:
        quicken(student, teacher)
    device = student.device
    silence, silent = (s.to(device) for s in tokens_of(tokenizer, [""], LONGEST))

    def loss_at(step: int) -> Tensor:
        pool = Random(f"guide {step}").choices(pools, SHARES)[0]
        chance = torch.Generator(device).manual_seed(step)
        clean, tokens, lengths = pool.batch(batch, chance)
        noised = Noised.of(clean, chance)
        with torch.no_grad(), half(device):
            embeds, said = embed(encoder, tokens, lengths)
            nothing, unsaid = embed(encoder, silence[:, : tokens.shape[1]], silent)
            nothing, unsaid = nothing.expand_as(embeds), unsaid.expand_as(said)
            told = velocity(teacher, noised.latents, noised.t, embeds.float(), said).float()
            untold = velocity(teacher, noised.latents, noised.t, nothing.float(), unsaid).float()
        with half(device):
            out = velocity(student, noised.latents, noised.t, embeds.float(), said)
        return error(out, untold + GUIDANCE * (told - untold))

    return train(f"guide-{fingerprint(teacher)}", list(student.parameters()), loss_at, plan, folder)
