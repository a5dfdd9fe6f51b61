"""How strongly a file wants to be applied, where that stands in its metadata and not in its tensors.

diffusers and PEFT save alpha only there (r = 4, alpha = 16 is a scale of 4), as `lora_adapter_metadata`. They hand the
lot to `LoraConfig(**metadata)`, patterns as regular expressions included; here five of its keys are read as checked
numbers and plain names, and any other that would change the result is refused by name.

kohya's `ss_network_alpha` is not read: it describes the training run, and the trainer itself takes a file without alpha
tensors for alpha = rank.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import N_, UserError
from pipeline.lora.container import damaged, shown
from pipeline.lora.keys import Change

KEY = "lora_adapter_metadata"
MAX_SCALE = 1_000.0
_PREFIX = "transformer."
_READ = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora")
# Settings of the training run, or of how the file was made; they do not change what the tensors mean.
_HARMLESS = (
    "task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision", "inference_mode",
    "target_modules", "exclude_modules", "lora_dropout", "layers_to_transform", "layers_pattern", "megatron_core",
    "qalora_group_size", "runtime_config", "ensure_weight_tying",
)  # fmt: skip
_EMPTY = (None, False, "", "none", 0)
_SAME_BASE = (True, "gaussian", "orthogonal", "eva")  # ways to begin a training that leave the base model as it is


@dataclass(frozen=True, slots=True)
class Scale:
    """A style of strength s is applied `s * alpha / divisor` times: PEFT's order of operations, hence its bits."""

    alpha: float = 1.0
    divisor: float = 1.0


def read_scales(metadata: Mapping[str, str], changes: Mapping[str, Change], name: str) -> dict[str, Scale]:
    """The scale of each module; 1 where the metadata says nothing. Raises UserError for what cannot be followed."""
    if KEY not in metadata:
        return {module: Scale(change.rank or 1, change.rank or 1) for module, change in changes.items()}
    config = _config(metadata[KEY], name)
    _check_settings(config, changes, name)
    ranks, alphas = _pattern(config, "rank_pattern", name), _pattern(config, "alpha_pattern", name)
    rank = _number(config, "r", config.get("r", 8), name)
    alpha = _number(config, "lora_alpha", config.get("lora_alpha", 8), name)
    scales: dict[str, Scale] = {}
    for module, change in changes.items():
        if _matching(ranks, module, rank) != change.rank:
            raise _refused(name, "r", _matching(ranks, module, rank))
        divisor = math.sqrt(change.rank) if config.get("use_rslora") else change.rank
        scales[module] = Scale(_matching(alphas, module, alpha), divisor)
        if scales[module].alpha / divisor > MAX_SCALE:
            raise _refused(name, "lora_alpha", scales[module].alpha)
    return scales


def _config(text: str, name: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(name, N_("its metadata cannot be read")) from error
    if not isinstance(data, dict):
        raise damaged(name, N_("its metadata cannot be read"))
    ours = {k.removeprefix(_PREFIX): v for k, v in data.items() if k.startswith(_PREFIX)}
    return ours or data


def _check_settings(config: Mapping[str, Any], changes: Mapping[str, Change], name: str) -> None:
    if any(change.alpha or change.kind != "LoRA" for change in changes.values()):
        raise _refused(name, KEY, "alpha")  # two places to take the scale from
    for key, value in config.items():
        if key in _READ or key in _HARMLESS or (key == "peft_type" and value == "LORA"):
            continue
        if key == "init_lora_weights" and value in _SAME_BASE:
            continue
        if value in _EMPTY or value == {} or value == []:
            continue
        raise _refused(name, key, value)
    if config.get("use_rslora", False) not in (True, False):
        raise _refused(name, "use_rslora", config["use_rslora"])


def _pattern(config: Mapping[str, Any], key: str, name: str) -> dict[str, float]:
    """Module names, or their ends, to numbers. A real regular expression is refused: it could run for hours."""
    pattern = config.get(key) or {}
    if not isinstance(pattern, dict):
        raise _refused(name, key, pattern)
    for module in pattern:
        if not all(c.isalnum() or c in "._-^" for c in module) or "^" in module[1:]:
            raise _refused(name, key, module)
    return {module: _number(config, key, value, name) for module, value in pattern.items()}


def _matching(pattern: Mapping[str, float], module: str, default: float) -> float:
    for key, value in pattern.items():
        if module == key.removeprefix("^") or (not key.startswith("^") and module.endswith("." + key)):
            return value
    return default


def _number(config: Mapping[str, Any], key: str, value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:  # NaN is in no range
        raise _refused(name, key, value)
    return value


def _refused(name: str, key: str, value: object) -> UserError:
    return UserError(
        N_('The style "{name}" says "{key}": {value} in its metadata, which cannot be applied exactly.'),
        name=name, key=shown(key), value=shown(repr(value)),
    )  # fmt: skip
