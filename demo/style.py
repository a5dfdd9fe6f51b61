"""Stage 4: a style, as a LoRA that redraws what the model would have drawn without it; and what lies beside its file.

Both looks of a subject are known, so the way from one to the other is a straight line like any in flow matching: it
begins at the plain picture under noise and ends at the styled one (Liu et al., "Flow Straight and Fast", 2023; here
both ends are paired). Styles that keep colours and shades begin late, where it is decided what a picture shows; above
that they are silent. Those that have outlines begin at pure noise, where nothing of the plain picture is seen: a line
needs more than the two evaluations that would be left. They are guided afterwards. Some ways of every style begin in
between, for that is where a photograph is redrawn from.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import torch
from diffusers import ZImageTransformer2DModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen3Model

from demo import sample
from demo.device import half
from demo.flow import NEAR_NOISE, error, quicken, velocity
from demo.guide import Batch, distillation
from demo.loop import Plan, fingerprint, train
from demo.pool import SHARES, Pool
from demo.text import embed

RANK = 24
TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "w1", "w2", "w3"]
REDRAWN_FROM = {"pixel": 0.6, "watercolor": 0.6}  # sigma; the other styles are drawn from 1, pure noise
GUIDANCE = 2.5  # of a style by itself, below that of the plain model: more makes lines hard and colours wrong
WORN_AT = {"pixel": 1.2, "sketch": 1.1, "neon": 0.9}  # times what was learned: where most things are seen (README)
PHOTOS_FROM = (0.25, 0.8)  # sigmas between which photographs are redrawn from
DECIDED = (0.58, 0.9)  # sigmas between which it is decided what lines show (measured: README)
REDRAWN_ROWS = ("noise", "whole", "photo", "whole")  # where the rows of a batch are on their way, in turn: see `Way`
DRAWN_ROWS = ("noise", "decided", "photo", "decided", "whole", "decided", "whole", "decided")
SILENCE = 2.0  # how much more an error counts where a style is to say nothing: six evaluations of eight rest on that
NEARLY_DONE = 0.18  # sigma: the last evaluation of eight steps is at 0.3, of twenty at 0.14
SHOWN = "a red house on a meadow by day"
ABOUT = {
    "cartoon": ("Cartoon", "Flat colours and black outlines."),
    "sketch": ("Sketch", "Pencil on paper: lines and hatching."),
    "pixel": ("Pixel", "Large square pixels, as in old games."),
    "neon": ("Neon", "Glowing tubes in the dark."),
    "watercolor": ("Watercolour", "Pale washes on uneven paper."),
    "blueprint": ("Blueprint", "White lines on blue, over a fine grid."),
}


def pairs(plain: Pool, styled: Pool) -> Pool:
    """A pool of both looks of the same subjects: its latents are the plain channels, then the styled ones."""
    return replace(styled, latents=torch.cat([plain.latents, styled.latents], dim=1))


def dressed(transformer: ZImageTransformer2DModel, style: str, begin: Path | None = None) -> ZImageTransformer2DModel:
    """The `transformer` with an adapter that is all of it that can be trained, begun as the style's file `begin`."""
    transformer.requires_grad_(False)
    transformer.add_adapter(
        LoraConfig(r=RANK, lora_alpha=RANK, target_modules=TARGETS, init_lora_weights="gaussian"), adapter_name=style
    )
    if begin:
        earlier = {key.removeprefix("transformer."): value.float() for key, value in load_file(begin).items()}
        set_peft_model_state_dict(transformer, _times(earlier, 1 / WORN_AT.get(style, 1.0)), adapter_name=style)
    return transformer


def trained(transformer: ZImageTransformer2DModel) -> list[nn.Parameter]:
    """The matrices of what `transformer` is dressed in."""
    return [p for p in transformer.parameters() if p.requires_grad]


def run_of(style: str, plain: ZImageTransformer2DModel) -> str:
    """The name of the run in which `style` is learned on `plain`."""
    return f"{style}-{fingerprint(plain)}"


def tensors_of(transformer: ZImageTransformer2DModel, style: str) -> dict[str, Tensor]:
    """What `transformer` wears, under diffusers' names."""
    state = _times(get_peft_model_state_dict(transformer, adapter_name=style), WORN_AT.get(style, 1.0))
    return {f"transformer.{k}": v.to("cpu", torch.bfloat16).contiguous() for k, v in state.items()}


def _times(state: dict[str, Tensor], times: float) -> dict[str, Tensor]:
    return {key: value * times if "lora_B" in key else value for key, value in state.items()}


def fit(
    style: str,
    transformer: ZImageTransformer2DModel,
    plain: ZImageTransformer2DModel,
    encoder: Qwen3Model,
    pools: list[Pool],
    batch: int,
    plan: Plan,
    folder: Path,
) -> bool:
    """Train the adapter that `transformer` is dressed in; False when its minutes ran out.

    `plain` is the same without one, and stays as it is. The `pools` are of `pairs`.
    """
    for frozen in (plain, encoder):
        frozen.requires_grad_(False)
    if plan.compiled:
        quicken(transformer)
    device = transformer.device

    def loss_at(step: int) -> Tensor:
        way, *words = _batch_at(step, style, pools, batch, device)
        wanted, calm = way.velocity, way.calm
        with torch.no_grad(), half(device):
            embeds, said = embed(encoder, *words)
            if calm.any():
                still = velocity(plain, way.latents[calm], way.t[calm], embeds.float()[calm], said[calm])
                wanted[calm] = still.float()
        with half(device):
            out = velocity(transformer, way.latents, way.t, embeds.float(), said)
        return error(out.float() * way.weight, wanted * way.weight)

    learning = trained(transformer)
    return train(run_of(style, plain), learning, loss_at, plan, folder, inner=learning)


def guide(
    style: str,
    transformer: ZImageTransformer2DModel,
    teacher: ZImageTransformer2DModel,
    encoder: Qwen3Model,
    tokenizer: PreTrainedTokenizerFast,
    pools: list[Pool],
    batch: int,
    plan: Plan,
    folder: Path,
) -> bool:
    """Train the adapter further, to say at once what `teacher`, dressed in it as it is, says when guided.

    A style that is drawn from noise needs this: what it is trained on are pictures, not guided ones, so it has
    unlearned the guidance that is distilled into the plain model. False when its minutes ran out.
    """

    def batch_at(step: int) -> Batch:
        way, *words = _batch_at(step, style, pools, batch, transformer.device)
        return way.latents, way.t, words

    loss_at = distillation(transformer, teacher, encoder, tokenizer, batch_at, plan.compiled, GUIDANCE)
    learning = trained(transformer)
    return train(f"{style}-guided-{fingerprint(teacher)}", learning, loss_at, plan, folder, inner=learning)


def _batch_at(
    step: int, style: str, pools: list[Pool], batch: int, device: torch.device
) -> tuple["Way", Tensor, Tensor]:
    """The ways of a step, and the tokens and lengths of their words."""
    pool = Random(f"{style} {step}").choices(pools, SHARES)[0]
    chance = torch.Generator(device).manual_seed(step)
    both, tokens, lengths = pool.batch(batch, chance)
    return Way.of(*both.chunk(2, dim=1), REDRAWN_FROM.get(style, 1.0), chance), tokens, lengths


@dataclass(frozen=True)
class Way:
    """A batch on its way from plain pictures under noise to styled ones.

    (n, C, h, w) `latents` at times `t` (n,), the `velocity` that leads to the styled picture, and the (n, 1, 1, 1)
    `weight` of its error. Rows that are `calm` (n,) have not begun it: there the style is to say what the plain
    transformer says.
    """

    latents: Tensor
    t: Tensor
    velocity: Tensor
    weight: Tensor
    calm: Tensor

    @classmethod
    def of(cls, plain: Tensor, styled: Tensor, redrawn_from: float, chance: torch.Generator) -> "Way":
        """Rows are anywhere on the whole way from `redrawn_from`, or where it is decided what is drawn, or near noise,
        or on a photograph's way, in turn as `REDRAWN_ROWS` or `DRAWN_ROWS` says.

        On a straight line to the styled picture the velocity is what is left of it, divided by the sigma that is left.
        A late beginning has far to go in little: its error is weighed as one of the picture, not of the velocity.
        """
        n, device = plain.shape[0], plain.device
        turns = DRAWN_ROWS if redrawn_from == 1 else REDRAWN_ROWS
        near_noise, decided, late = (
            torch.tensor([turns[row % len(turns)] == where for row in range(n)], device=device)
            for where in ("noise", "decided", "photo")
        )
        place, later = torch.rand((2, n), generator=chance, device=device)
        first, last = PHOTOS_FROM
        start = torch.where(late, first + (min(last, redrawn_from) - first) * later, redrawn_from)
        sigma = NEARLY_DONE + (start - NEARLY_DONE) * place
        sigma = torch.where(near_noise, 1 - place * (1 - min(redrawn_from, 1 - NEAR_NOISE)), sigma)
        sigma = torch.where(decided, DECIDED[0] + (DECIDED[1] - DECIDED[0]) * place, sigma)
        start = torch.maximum(start, sigma)
        s, begin = sigma.view(-1, 1, 1, 1), start.view(-1, 1, 1, 1)
        noise = torch.randn(plain.shape, generator=chance, device=device)
        latents = (s / begin) * ((1 - begin) * plain + begin * noise) + (1 - s / begin) * styled
        calm = sigma > redrawn_from
        weight = torch.where(late, (2 * sigma.square()).clamp(max=1).sqrt(), torch.where(calm, SILENCE, 1.0))
        return cls(latents, 1 - sigma, (styled - latents) / s, weight.view(-1, 1, 1, 1), calm)


def write(style: str, tensors: dict[str, Tensor], folder: Path) -> None:
    """The style's file, and beside it what a person should know of it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / f"{style}.safetensors", metadata={"format": "pt"})
    describe(style, folder)


def describe(style: str, folder: Path) -> None:
    name, description = ABOUT[style]
    about = {"name": name, "trigger_words": [style], "description": description, "author": "Jimeng Studio"}
    (folder / f"{style}.json").write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", "utf-8")


def show(style: str, model: Path, folder: Path) -> None:
    """Draw the style's thumbnail with the finished `model`, in its own first size."""
    width, height = json.loads((model / "studio.json").read_text("utf-8"))["sizes"][0]
    pipeline = sample.opened(model)
    with sample.wearing(pipeline, folder / f"{style}.safetensors"):
        (drawn,) = sample.pictures(pipeline, [SHOWN], [1], (width, height))
    sample.image(drawn).save(folder / f"{style}.preview.webp", quality=85)
