"""The transformer's repeated blocks, compiled: once without styles, once with them; for every size, caption and style.

Shapes are dynamic from the start, so a picture's bits do not depend on what was drawn before it. Only what Turbo does
is compiled, one prompt at a time; guidance, and styles without a low rank, run as they are. A compiled picture differs
from an uncompiled one in its last bits. No CUDA graphs: at sizes that are worth compiling for, a card is never idle.
"""

import logging
from collections.abc import Callable, Sequence

import torch
from diffusers import ZImageTransformer2DModel
from diffusers.models.transformers.transformer_z_image import ZImageTransformerBlock, ZSingleStreamAttnProcessor
from torch import Tensor, nn

from pipeline.attention import LeanAttention, quickest
from pipeline.lora.lean import LeanSlots
from pipeline.lora.slots import Slots
from pipeline.model import Model
from pipeline.sampler import schedule_for, velocity_at

log = logging.getLogger(__name__)
Backend = str | Callable[..., object]
LARGE = 1_000_000_000  # weights
CAPTION = 64  # tokens of the prompt to warm up with
OPTIONS: dict[str, str | int | bool | Callable[..., object]] = {
    "deterministic": True
}  # the same kernels at every start: none is chosen by a stopwatch


def slots_for(model: Model, wanted: str, width: int, height: int) -> Slots:
    """The slots to bind styles with: of a compiled transformer if that is `wanted`, "on" or, where it pays, "auto".

    It pays on a graphics card, for a model that takes longer to draw than to start.
    """
    large = sum(weight.numel() for weight in model.transformer.parameters()) >= LARGE
    pays = model.device.type == "cuda" and model.dtype is torch.bfloat16 and large
    if wanted == "on" or (wanted == "auto" and pays):
        return compiled_slots(model, width, height)
    return Slots(model.transformer)


def compiled_slots(model: Model, width: int, height: int, backend: Backend = "inductor") -> Slots:
    """Compile for pictures of about that size, in pixels. Takes a minute the first time on a machine.

    Gives the slots to bind styles with. Where it cannot be compiled, that is logged, and nothing has changed.
    """
    transformer = model.transformer
    blocks = [*transformer.noise_refiner, *transformer.layers]
    slots = LeanSlots(transformer, blocks)
    tokens = width * height // (2 * model.vae_scale_factor) ** 2 + CAPTION
    config = transformer.config
    kernel = quickest(tokens, config.n_heads, config.dim // config.n_heads, model.device, model.dtype)
    _install(blocks, slots, backend, kernel)
    try:
        warm_up(model, width, height)
        slots.occupy()
        warm_up(model, width, height)
        slots.clear()
    except Exception:  # noqa: BLE001 (whatever ails a compiler, pictures can be drawn without it)
        log.warning("the transformer is not compiled", exc_info=True)
        release(transformer, slots)
        return Slots(transformer)
    log.info("the transformer is compiled, with %s attention", kernel.strip("_"))
    return slots


def release(transformer: ZImageTransformer2DModel, slots: Slots) -> None:
    """As if nothing had been compiled."""
    if not isinstance(slots, LeanSlots):
        return
    for block in (*transformer.noise_refiner, *transformer.layers):
        block.__dict__.pop("forward", None)
        block.attention.set_processor(ZSingleStreamAttnProcessor())
    slots.leave()


def warm_up(model: Model, width: int, height: int) -> None:
    """One prediction of the transformer at that size, in pixels: what is made at a first time is made then."""
    factor = model.vae_scale_factor
    latents = torch.zeros(1, model.latent_channels, height // factor, width // factor, device=model.device)
    embeds = torch.zeros(CAPTION, model.transformer.config.cap_feat_dim, device=model.device, dtype=model.dtype)
    velocity_at(model, latents, schedule_for(model, latents, 1).timesteps[0], embeds, None, 0.0)


def _install(blocks: Sequence[nn.Module], slots: LeanSlots, backend: Backend, kernel: str) -> None:
    options = OPTIONS if backend == "inductor" else None
    compiled = torch.compile(_run, dynamic=True, backend=backend, options=options)
    for block in blocks:
        block.attention.set_processor(LeanAttention(kernel))  # type: ignore[operator, union-attr]
        block.forward = _switch(block, compiled, slots)


def _run(block: nn.Module, x: Tensor, turns: Tensor, adaln_input: Tensor) -> Tensor:
    """What is compiled; a function of our own, as torch counts what it compiles by function."""
    return ZImageTransformerBlock.forward(block, x, None, turns, adaln_input)


def _switch(block: nn.Module, compiled: Callable[..., Tensor], slots: LeanSlots) -> Callable[..., Tensor]:
    def forward(
        x: Tensor, attn_mask: Tensor | None, freqs_cis: Tensor, adaln_input: Tensor | None = None, *other: object
    ) -> Tensor:
        if slots.compiled and attn_mask is None and len(x) == 1:
            return compiled(block, x, torch.view_as_real(freqs_cis), adaln_input)
        return ZImageTransformerBlock.forward(block, x, attn_mask, freqs_cis, adaln_input, *other)

    return forward
