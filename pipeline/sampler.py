"""The denoising loop, as a generator: one yield a step.

Being a generator it can be paused, interleaved with others and closed; preview, fairness and cancelling need nothing
more. The reference is diffusers' `ZImagePipeline.__call__`: the same request gives the same bits. It does not batch
requests (a batch gives other bits) nor normalise guidance, and it keeps no state outside the running generator.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.z_image.pipeline_z_image import calculate_shift, get_default_z_image_sigmas
from torch import Tensor

from pipeline.model import Model


@dataclass(frozen=True, slots=True)
class Step:
    """After `index` steps (from 1): the latents, and the clean latents they are heading for, both (1, C, h, w) fp32."""

    index: int
    latents: Tensor
    clean: Tensor


def denoise(
    model: Model,
    latents: Tensor,
    prompt_embeds: Tensor,
    negative_prompt_embeds: Tensor | None,
    schedule: FlowMatchEulerDiscreteScheduler,
    guidance_scale: float,
) -> Generator[Step, None, None]:
    """Walk `latents`, (1, C, h, w) fp32 on the model's device, from where the schedule begins to the picture."""
    first = schedule.begin_index
    for index, timestep in enumerate(schedule.timesteps[first:]):
        velocity = velocity_at(model, latents, timestep, prompt_embeds, negative_prompt_embeds, guidance_scale)
        # One Euler step along it.
        latents = schedule.step(velocity, timestep, latents, return_dict=False)[0]
        # Flow matching is straight: what is left of the way, all at once, is the picture as far as it is known.
        yield Step(index + 1, latents, latents - schedule.sigmas[first + index + 1] * velocity)


def velocity_at(
    model: Model,
    latents: Tensor,
    timestep: Tensor,
    prompt_embeds: Tensor,
    negative_prompt_embeds: Tensor | None,
    guidance_scale: float,
) -> Tensor:
    """The velocity towards noise, (1, C, h, w) fp32, at `latents` of that shape and `timestep` of the schedule.

    `guidance_scale` g follows Z-Image, `pos + g (pos - neg)`: 0 is off and skips the negative prompt.
    """
    embeds = [prompt_embeds]
    if guidance_scale > 0 and negative_prompt_embeds is not None:
        embeds.append(negative_prompt_embeds)
    # 1. The transformer's time runs from 0 (noise) to 1 (picture), and its velocity points at the picture.
    predicted = _predict(model, latents, (1000 - timestep) / 1000, embeds)
    # 2. Guidance moves away from the negative prompt.
    velocity = predicted[0]
    if len(predicted) == 2:
        velocity = velocity + guidance_scale * (velocity - predicted[1])
    return -velocity.unsqueeze(0)


def schedule_for(model: Model, latents: Tensor, steps: int, first: int = 0) -> FlowMatchEulerDiscreteScheduler:
    """The request's own scheduler, set as diffusers' pipelines set their shared one; it begins `first` steps late."""
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(model.scheduler_config)
    config = scheduler.config
    mu = calculate_shift(
        (latents.shape[2] // 2) * (latents.shape[3] // 2),
        config.get("base_image_seq_len", 256),
        config.get("max_image_seq_len", 4096),
        config.get("base_shift", 0.5),
        config.get("max_shift", 1.15),
    )
    scheduler.set_timesteps(sigmas=get_default_z_image_sigmas(steps), device=latents.device, mu=mu)
    scheduler.set_begin_index(first)
    return scheduler


@torch.inference_mode()
def _predict(model: Model, latents: Tensor, time: Tensor, embeds: list[Tensor]) -> list[Tensor]:
    """One forward for all of `embeds`: a (C, h, w) fp32 velocity each."""
    count = len(embeds)
    inputs = latents.to(model.dtype).repeat(count, 1, 1, 1).unsqueeze(2)
    out = model.transformer(list(inputs.unbind(0)), time.expand(count), list(embeds), return_dict=False)[0]
    return [velocity.float().squeeze(1) for velocity in out]
