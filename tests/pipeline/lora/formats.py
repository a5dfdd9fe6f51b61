"""One style in every layout that trainers write, and which file diffusers gives the same bits from."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

ATTENTION = ("attention.to_q", "attention.to_k", "attention.to_v", "attention.to_out.0")
REST = ("feed_forward.w1", "feed_forward.w2", "feed_forward.w3", "adaLN_modulation.0")
BLOCKS = ("layers.0", "layers.5", "noise_refiner.0")
EDGES = (
    "context_refiner.0.attention.to_q",
    "cap_embedder.1",
    "t_embedder.mlp.0",
    "t_embedder.mlp.2",
    "all_x_embedder.2-1",
    "all_final_layer.2-1.linear",
    "all_final_layer.2-1.adaLN_modulation.1",
)


@dataclass(frozen=True)
class Style:
    """Random low-rank changes by module, (down, up), with alpha by module where it is given."""

    pairs: Mapping[str, tuple[Tensor, Tensor]]
    alphas: Mapping[str, float] = field(default_factory=dict)

    def write(self, file: Path, name_of: Callable[[str, str], str], metadata: dict[str, str] | None = None) -> Path:
        """`name_of(module, part)` gives the key, for the parts "down", "up" and "alpha"."""
        tensors = {}
        for module, (down, up) in self.pairs.items():
            tensors[name_of(module, "down")] = down.clone()
            tensors[name_of(module, "up")] = up.clone()
            if module in self.alphas:
                tensors[name_of(module, "alpha")] = torch.tensor(self.alphas[module], dtype=down.dtype)
        save_file(tensors, file, metadata)
        return file


def random_style(
    shapes: Mapping[str, tuple[int, int]],
    modules: tuple[str, ...],
    rank: int = 4,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Style:
    generator = torch.Generator().manual_seed(seed)
    pairs = {}
    for module in modules:
        out, into = shapes[module]
        down = torch.randn(rank, into, generator=generator) * 0.1
        up = torch.randn(out, rank, generator=generator) * 0.1
        pairs[module] = (down.to(dtype), up.to(dtype))
    return Style(pairs)


def block_modules(shapes: Mapping[str, tuple[int, int]], parts: tuple[str, ...] = ATTENTION + REST) -> tuple[str, ...]:
    return tuple(f"{block}.{part}" for block in BLOCKS for part in parts if f"{block}.{part}" in shapes)


def with_alphas(style: Style, *alphas: float) -> Style:
    return replace(style, alphas={m: alphas[k % len(alphas)] for k, m in enumerate(style.pairs)})


AB = {"down": "lora_A.weight", "up": "lora_B.weight", "alpha": "alpha"}
DOWN_UP = {"down": "lora_down.weight", "up": "lora_up.weight", "alpha": "alpha"}


def dotted(prefix: str, parts: Mapping[str, str] = AB) -> Callable[[str, str], str]:
    return lambda module, part: f"{prefix}{module}.{parts[part]}"


def flat(prefix: str, parts: Mapping[str, str] = DOWN_UP) -> Callable[[str, str], str]:
    return lambda module, part: f"{prefix}{module.replace('.', '_')}.{parts[part]}"


def native(name_of: Callable[[str, str], str]) -> Callable[[str, str], str]:
    """The names of the model's makers: x_embedder, final_layer, attention.out."""

    def named(module: str, part: str) -> str:
        for ours, theirs in (
            ("all_x_embedder.2-1", "x_embedder"),
            ("all_final_layer.2-1.", "final_layer."),
            (".to_out.0", ".out"),
        ):
            module = module.replace(ours, theirs)
        return name_of(module, part)

    return named


def fused(style: Style) -> tuple[Style, Style]:
    """The style with one down for q, k and v; and that with the three ups as one, under `attention.qkv`."""
    split, joined = dict(style.pairs), dict(style.pairs)
    alphas, joined_alphas = dict(style.alphas), dict(style.alphas)
    for module in style.pairs:
        if not module.endswith(".to_q"):
            continue
        block = module.removesuffix(".to_q")
        three = [f"{block}.{part}" for part in ("to_q", "to_k", "to_v")]
        down = style.pairs[module][0]
        for m in three:
            split[m] = (down, style.pairs[m][1])
            joined.pop(m)
            joined_alphas.pop(m, None)
            if module in style.alphas:
                alphas[m] = style.alphas[module]
        joined[f"{block}.qkv"] = (down, torch.cat([style.pairs[m][1] for m in three]))
        if module in style.alphas:
            joined_alphas[f"{block}.qkv"] = style.alphas[module]
    return Style(split, alphas), Style(joined, joined_alphas)


def adapter_metadata(**settings: object) -> dict[str, str]:
    """What diffusers writes beside the tensors."""
    return {
        "format": "pt",
        "lora_adapter_metadata": json.dumps({f"transformer.{key}": value for key, value in settings.items()}),
    }
