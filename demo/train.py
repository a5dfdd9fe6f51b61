"""From nothing to weights: `python -m demo.train`. Killed, or out of `--minutes`, and started again, it goes on.

Writes the model in diffusers' folder layout to `demo/model` and the styles to `lora/`; work in progress is kept in
`demo/work`, which may be deleted once the weights are there. `--steps 0` writes what has been learned so far.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree
from typing import Any

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from transformers import PreTrainedTokenizerFast, Qwen3Model

from demo import base, guide, style, text, vae
from demo.device import best_device
from demo.draw import STYLES
from demo.flow import SHIFT
from demo.loop import Plan, recall
from demo.pool import Pool, make_pools
from demo.vocabulary import vocabulary

HERE = Path(__file__).parent
STAGES = ("vae", "base", "guide", "styles", "style-guides")


@dataclass(frozen=True)
class Scale:
    """How much of everything: pictures to train on, batch sizes, steps."""

    vae_pictures: int
    vae_batch: int
    vae: Plan
    base_pictures: int
    base_batch: int
    base: Plan
    guide: Plan
    style_pictures: int
    style_batch: int
    style: Plan
    style_guide: Plan


SCALES = {
    "cpu": Scale(
        vae_pictures=3_000, vae_batch=4, vae=Plan(5_000, 5e-4),
        base_pictures=28_000, base_batch=32, base=Plan(28_000, 6e-4, warmup=300, ema_decay=0.9985),
        guide=Plan(1_450, 3e-4, warmup=50, ema_decay=0.995),
        style_pictures=8_600, style_batch=16, style=Plan(8_000, 4e-3, warmup=50, ema_decay=0.99, falling=1.0),
        style_guide=Plan(500, 1e-3, warmup=50, ema_decay=0.99, falling=1.0),
    ),
    "cuda": Scale(
        vae_pictures=20_000, vae_batch=64, vae=Plan(10_000, 5e-4),
        base_pictures=60_000, base_batch=512, base=Plan(25_000, 1e-3, warmup=500, ema_decay=0.9995),
        guide=Plan(3_000, 3e-4, warmup=50, ema_decay=0.998),
        style_pictures=6_000, style_batch=256, style=Plan(2_000, 4e-3, warmup=50, ema_decay=0.99, falling=1.0),
        style_guide=Plan(500, 1e-3, warmup=50, ema_decay=0.99, falling=1.0),
    ),
}  # fmt: skip


class Clock:
    """What is left of `minutes`, from now on."""

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes

    def limit(self, plan: Plan) -> Plan:
        return replace(plan, minutes=max(0.0, self._end - time.monotonic()) / 60)


def main(arguments: list[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.begin:
        adopt(args)
    scale = _scaled(SCALES[args.device], args)
    clock = Clock(args.minutes)
    fits = fit_vae, fit_base, fit_guide, fit_styles, fit_style_guides
    for stage, fit in zip(STAGES, fits, strict=True):
        if stage in args.stage and not fit(scale, clock, args):
            print(f"{stage}: not finished; the same command goes on", flush=True)
            break


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo.train", description=__doc__.split("\n")[0])
    parser.add_argument("--stage", nargs="+", choices=STAGES, default=STAGES, help="all of them by default")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop then; started again, it goes on")
    parser.add_argument("--steps", type=int, help="of each stage, instead of the recipe's; fewer than done only writes")
    parser.add_argument("--pictures", type=int, help="to train each stage on, instead of the recipe's")
    parser.add_argument("--batch", type=int, help="of each stage, instead of the recipe's")
    parser.add_argument("--rate", type=float, help="of learning, instead of the recipe's")
    parser.add_argument("--begin", type=Path, help="go on from this finished model and its styles, not from nothing")
    parser.add_argument("--only", nargs="+", choices=STYLES[1:], default=STYLES[1:], help="styles")
    parser.add_argument("--device", choices=SCALES, default=best_device().type)
    parser.add_argument("--eager", action="store_true", help="compile nothing: for runs of a few steps")
    parser.add_argument("--threads", type=int, help="processor cores to use")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="checkpoints and pictures to train on")
    parser.add_argument("--model", type=Path, default=HERE / "model", help="where the finished model goes")
    parser.add_argument("--styles", type=Path, default=HERE.parent / "lora", help="where the finished styles go")
    return parser


def _scaled(scale: Scale, args: argparse.Namespace) -> Scale:
    """The recipe, with what the command line says instead."""
    changes: dict[str, Any] = {"compiled": not args.eager}
    changes |= {"steps": args.steps} if args.steps is not None else {}
    changes |= {"learning_rate": args.rate} if args.rate is not None else {}
    plans = ("vae", "base", "guide", "style", "style_guide")
    scale = replace(scale, **{name: replace(getattr(scale, name), **changes) for name in plans})
    for what in ("pictures", "batch"):
        if (value := getattr(args, what)) is not None:
            scale = replace(scale, **{f"{stage}_{what}": value for stage in ("vae", "base", "style")})
    return scale


def adopt(args: argparse.Namespace) -> None:
    """Put the autoencoder and the tokenizer of `--begin` where their stages would have left them, unless they did."""
    for part in ("tokenizer", "vae"):
        if not (args.work / part).exists():
            copytree(args.begin / part, args.work / part)


def fit_vae(scale: Scale, clock: Clock, args: argparse.Namespace) -> bool:
    if args.begin:  # its latents are what the rest of it knows
        return True
    torch.manual_seed(1)
    autoencoder = vae.build().to(args.device)
    done = vae.fit(autoencoder, clock.limit(scale.vae), scale.vae_pictures, scale.vae_batch, args.work)
    autoencoder.save_pretrained(args.work / "vae")
    return done


def read_vae(args: argparse.Namespace) -> AutoencoderKL:
    frozen = AutoencoderKL.from_pretrained(args.work / "vae").to(args.device, memory_format=torch.channels_last)
    return frozen.eval().requires_grad_(False)


def fit_base(scale: Scale, clock: Clock, args: argparse.Namespace) -> bool:
    tokenizer = text.tokenizer_of(args.work)
    autoencoder = read_vae(args)
    pools = make_pools(autoencoder, tokenizer, scale.base_pictures, args.work) if scale.base.steps else []
    encoder, transformer = finished(args.begin, args) if args.begin else untrained(args)
    done = base.fit(transformer, encoder, pools, scale.base_batch, clock.limit(scale.base), args.work)
    export(autoencoder, tokenizer, encoder, transformer, args.model)
    return done


def untrained(args: argparse.Namespace) -> tuple[Qwen3Model, ZImageTransformer2DModel]:
    torch.manual_seed(2)
    return text.build_encoder().to(args.device), base.build().to(args.device)


def finished(model: Path, args: argparse.Namespace) -> tuple[Qwen3Model, ZImageTransformer2DModel]:
    """The text encoder and the transformer of a model's folder."""
    encoder, transformer = untrained(args)
    encoder.load_state_dict(Qwen3Model.from_pretrained(model / "text_encoder").state_dict())
    transformer.load_state_dict(ZImageTransformer2DModel.from_pretrained(model / "transformer").state_dict())
    return encoder, transformer


def learned(args: argparse.Namespace) -> tuple[Qwen3Model, ZImageTransformer2DModel]:
    """What the base stage has learned so far."""
    encoder, transformer = untrained(args)
    recall("base", base.trained(transformer, encoder), args.work)
    return encoder, transformer


def another(transformer: ZImageTransformer2DModel) -> ZImageTransformer2DModel:
    same = base.build().to(transformer.device)
    same.load_state_dict(transformer.state_dict())
    return same


def fit_guide(scale: Scale, clock: Clock, args: argparse.Namespace) -> bool:
    tokenizer = text.tokenizer_of(args.work)
    autoencoder = read_vae(args)
    pools = make_pools(autoencoder, tokenizer, scale.base_pictures, args.work) if scale.guide.steps else []
    encoder, teacher = learned(args)
    student = another(teacher)
    plan = clock.limit(scale.guide)
    done = guide.fit(student, teacher, encoder, tokenizer, pools, scale.base_batch, plan, args.work)
    export(autoencoder, tokenizer, encoder, student, args.model)
    return done


def fit_styles(scale: Scale, clock: Clock, args: argparse.Namespace) -> bool:
    """On the finished model, as it is used."""
    encoder, plain = finished(args.model, args)
    for name in args.only:
        torch.manual_seed(3)
        earlier = args.styles / f"{name}.safetensors"
        begin = earlier if args.begin and earlier.exists() else None
        worn = style.dressed(another(plain), name, begin)
        pools, plan = style_pools(name, scale.style, scale, args), clock.limit(scale.style)
        if not style.fit(name, worn, plain, encoder, pools, scale.style_batch, plan, args.work):
            return False
        write_style(worn, name, args)
    return True


def fit_style_guides(scale: Scale, clock: Clock, args: argparse.Namespace) -> bool:
    """Of the styles that are drawn from noise, as their stage has left them."""
    tokenizer = text.tokenizer_of(args.work)
    encoder, plain = finished(args.model, args)
    for name in (name for name in args.only if name not in style.REDRAWN_FROM):
        worn, teacher = style.dressed(another(plain), name), style.dressed(another(plain), name)
        for one in (worn, teacher):
            recall(style.run_of(name, plain), style.trained(one), args.work, stage="styles")
        pools, plan = style_pools(name, scale.style_guide, scale, args), clock.limit(scale.style_guide)
        if not style.guide(name, worn, teacher, encoder, tokenizer, pools, scale.style_batch, plan, args.work):
            return False
        write_style(worn, name, args)
    return True


def style_pools(name: str, plan: Plan, scale: Scale, args: argparse.Namespace) -> list[Pool]:
    if not plan.steps:
        return []
    given = read_vae(args), text.tokenizer_of(args.work), scale.style_pictures, args.work
    return [style.pairs(*both) for both in zip(make_pools(*given), make_pools(*given, name), strict=True)]


def write_style(worn: ZImageTransformer2DModel, name: str, args: argparse.Namespace) -> None:
    tensors = style.tensors_of(worn, name)
    style.write(name, tensors, args.styles)
    style.show(name, args.model, args.styles)
    print(f"style {name}: {len(tensors) // 2} modules", flush=True)


def studio_json() -> str:
    """The model's own defaults, and the words it knows."""
    own = json.loads((HERE / "studio.json").read_text("utf-8"))
    return json.dumps(own | {"vocabulary": vocabulary()}, ensure_ascii=False, indent=1) + "\n"


def export(
    autoencoder: AutoencoderKL,
    tokenizer: PreTrainedTokenizerFast,
    encoder: Qwen3Model,
    transformer: ZImageTransformer2DModel,
    folder: Path,
) -> None:
    """Write a diffusers folder and `studio.json`, the model's own defaults: bf16, the VAE fp16 (it runs in fp32)."""
    plain, words, pixels = base.build(), text.build_encoder(), vae.build()
    plain.load_state_dict(transformer.state_dict())
    words.load_state_dict(encoder.state_dict())
    pixels.load_state_dict(autoencoder.state_dict())
    scale = {k: autoencoder.config[k] for k in ("shift_factor", "scaling_factor")}
    pixels.register_to_config(**scale)
    pipeline = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=SHIFT),
        vae=pixels.half(),
        text_encoder=words.to(torch.bfloat16),
        tokenizer=tokenizer,
        transformer=plain.to(torch.bfloat16),
    )
    pipeline.save_pretrained(folder)
    (folder / "studio.json").write_text(studio_json(), "utf-8")
    print(f"model written to {folder}", flush=True)


if __name__ == "__main__":
    main()
