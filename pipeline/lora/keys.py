"""What a style file holds, checked in full against the model: every tensor is applied, or the file is refused.

First form: diffusers' own layout, `transformer.MODULE.lora_A.weight` and `lora_B.weight`, with an optional
`transformer.MODULE.alpha`. Anything else is refused by name.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from core.errors import N_, UserError

_KEY = re.compile(r"transformer\.(?P<module>[A-Za-z0-9_.\-]+)\.(?P<part>lora_A\.weight|lora_B\.weight|alpha)")


@dataclass(frozen=True, slots=True)
class Delta:
    """One module's change: `scaling * up @ down`, with `down` (rank, in) and `up` (out, rank)."""

    down: Tensor
    up: Tensor
    scaling: float


Deltas: TypeAlias = Mapping[str, Delta]


def read_style(data: bytes, name: str, linears: Mapping[str, nn.Linear]) -> dict[str, Delta]:
    """Parse a safetensors file; tensors come in the dtype and on the device of the module they change.

    Raises UserError when a tensor fits no module of this model, is misshapen, or is not finite.
    """
    try:
        tensors = load_safetensors(data)
    except (SafetensorError, ValueError, KeyError, MemoryError) as error:
        raise UserError(N_('The style "{name}" is damaged or not a .safetensors file.'), name=name) from error
    if b'"lora_adapter_metadata"' in data[:1_000_000]:  # its scaling stands in the metadata, and is not read yet
        raise _refused(name, "lora_adapter_metadata")
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        match = _KEY.fullmatch(key)
        if match is None or match["module"] not in linears:
            raise _refused(name, key)
        if not torch.isfinite(tensor).all():
            raise UserError(N_('The style "{name}" holds values that are not numbers. It cannot be used.'), name=name)
        parts.setdefault(match["module"], {})[match["part"]] = tensor
    if not parts:
        raise _refused(name, "-")
    return {module: _delta(name, module, found, linears[module]) for module, found in parts.items()}


def _delta(name: str, module: str, found: dict[str, Tensor], linear: nn.Linear) -> Delta:
    down, up = found.get("lora_A.weight"), found.get("lora_B.weight")
    if down is None or up is None or down.ndim != 2 or up.ndim != 2:
        raise _refused(name, module)
    rank = down.shape[0]
    if down.shape != (rank, linear.in_features) or up.shape != (linear.out_features, rank) or not rank:
        raise _refused(name, f"{module} {tuple(up.shape)} x {tuple(down.shape)}")
    alpha = float(found["alpha"].item()) if "alpha" in found and found["alpha"].numel() == 1 else float(rank)
    if "alpha" in found and (found["alpha"].numel() != 1 or not math.isfinite(alpha) or alpha <= 0):
        raise _refused(name, f"{module}.alpha")
    weight = linear.weight
    return Delta(down.to(weight.device, weight.dtype), up.to(weight.device, weight.dtype), alpha / rank)


def _refused(name: str, found: str) -> UserError:
    return UserError(
        N_('The style "{name}" does not fit this model: it holds "{found}". Use a style trained for this model.'),
        name=name,
        found=found[:120],
    )
