"""Which linear layers a Z-Image transformer has, and under which names trainers know them. Needs no torch.

The names come from the model's configuration alone, so that a style can be judged without the model being loaded. A
test holds them against the real module tree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TIME_WIDTH = 256  # diffusers' ADALN_EMBED_DIM; its time embedding has the same frequency size, and 1024 between
_TIME_MIDDLE = 1024
_FUSED = ("to_q", "to_k", "to_v")


@dataclass(frozen=True, slots=True)
class Target:
    """The module of the model that a name means, and which third of the fused rows it takes (None: it is not fused)."""

    module: str
    third: int | None = None


def linear_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """(out_features, in_features) of every linear layer, by module name, from transformer/config.json.

    Raises KeyError, TypeError or ValueError when the configuration is not a Z-Image transformer's.
    """
    dim, channels = int(config["dim"]), int(config["in_channels"])
    time = min(dim, _TIME_WIDTH)
    shapes: dict[str, tuple[int, int]] = {}
    patches = zip(config.get("all_patch_size", (2,)), config.get("all_f_patch_size", (1,)), strict=True)
    for patch, frames in patches:
        pixels = frames * patch * patch * channels
        shapes[f"all_x_embedder.{patch}-{frames}"] = (dim, pixels)
        shapes[f"all_final_layer.{patch}-{frames}.linear"] = (pixels, dim)
        shapes[f"all_final_layer.{patch}-{frames}.adaLN_modulation.1"] = (dim, time)
    shapes["t_embedder.mlp.0"] = (_TIME_MIDDLE, _TIME_WIDTH)
    shapes["t_embedder.mlp.2"] = (time, _TIME_MIDDLE)
    shapes["cap_embedder.1"] = (dim, int(config["cap_feat_dim"]))
    stacks = {"noise_refiner": True, "context_refiner": False}
    if config.get("siglip_feat_dim") is not None:
        shapes["siglip_embedder.1"] = (dim, int(config["siglip_feat_dim"]))
        stacks["siglip_refiner"] = False
    head = dim // int(config["n_heads"])
    key_rows = head * int(config.get("n_kv_heads", config["n_heads"]))
    for stack, modulated in stacks.items():
        for k in range(int(config["n_refiner_layers"])):
            shapes |= _block(f"{stack}.{k}", dim, key_rows, time if modulated else None)
    for k in range(int(config["n_layers"])):
        shapes |= _block(f"layers.{k}", dim, key_rows, time)
    return shapes


def _block(at: str, dim: int, key_rows: int, time: int | None) -> dict[str, tuple[int, int]]:
    hidden = int(dim / 3 * 8)
    shapes = {
        f"{at}.attention.to_q": (dim, dim),
        f"{at}.attention.to_k": (key_rows, dim),
        f"{at}.attention.to_v": (key_rows, dim),
        f"{at}.attention.to_out.0": (dim, dim),
        f"{at}.feed_forward.w1": (hidden, dim),
        f"{at}.feed_forward.w2": (dim, hidden),
        f"{at}.feed_forward.w3": (hidden, dim),
    }
    if time is not None:
        shapes[f"{at}.adaLN_modulation.0"] = (4 * dim, time)
    return shapes


def names(modules: Mapping[str, tuple[int, int]]) -> dict[str, tuple[Target, ...]]:
    """Every name that a file may use for a module, without prefix, and what it means.

    diffusers' names, Tongyi's own (`attention.qkv`, `attention.out`, `x_embedder`, `final_layer`), and both with
    underscores for dots, as kohya and LyCORIS write them.
    """
    known: dict[str, tuple[Target, ...]] = {}
    embedders = [m for m in modules if m.startswith("all_x_embedder.")]
    for module in modules:
        targets = (Target(module),)
        known[module] = targets
        if module.endswith(".to_out.0"):
            block = module.removesuffix(".to_out.0")
            known[f"{block}.out"] = known[f"{block}.to_out"] = targets
        if module.endswith(".to_q"):
            block = module.removesuffix(".to_q")
            if len({modules[f"{block}.{part}"] for part in _FUSED}) == 1:
                known[f"{block}.qkv"] = tuple(Target(f"{block}.{part}", k) for k, part in enumerate(_FUSED))
        if len(embedders) == 1:  # else the native names do not say which of them
            native = module.replace(embedders[0], "x_embedder")
            patch = embedders[0].removeprefix("all_x_embedder.")
            known[native.replace(f"all_final_layer.{patch}.", "final_layer.")] = targets
    return known | {name.replace(".", "_"): targets for name, targets in known.items()}
