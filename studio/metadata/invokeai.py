"""InvokeAI's three ways: `invokeai_metadata` of today, `sd-metadata` of version 2, and the `Dream` line before it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from studio.metadata.found import Collector, Found

ORIGIN = "InvokeAI"
_OPTION = re.compile(r"\s-([A-Za-z])\s?([^\s\"]{1,60})")
_NEGATIVE = re.compile(r"\[([^\[\]]{0,4000})\]")
_SILENT = {"app_id", "app_version", "generation_mode", "metadata_version", "rand_device", "type"}
_EMPTY: tuple[object, ...] = (None, "", [], {}, False, 0)
_TODAY = {"positive_prompt": "prompt", "negative_prompt": "negative_prompt"}


def read(texts: Mapping[str, str]) -> Found | None:
    """None when none of its texts is there, or none can be read."""
    for name, reader in (("invokeai_metadata", _today), ("sd-metadata", _version_2)):
        data = _parsed(texts.get(name, ""))
        if data is not None:
            return reader(data)
    return _dream(texts["Dream"]) if "Dream" in texts else None


def _today(data: dict[str, Any]) -> Found:
    collector = Collector()
    for name, value in data.items():
        if name in _TODAY:
            collector.text(_TODAY[name], name, value)
        elif name == "seed":
            collector.seed(name, value)
        elif name == "steps":
            collector.steps(name, value)
        elif name == "cfg_scale":
            collector.cfg(name, value)
        elif name == "model":
            collector.leave(name, _model_name(value))
        elif name == "loras":
            for one in value[:20] if isinstance(value, list) else ():
                if isinstance(one, dict):
                    collector.style(_model_name(one.get("model") or one.get("lora")), one.get("weight"))
        elif name not in (*_SILENT, "width", "height") and value not in _EMPTY:
            collector.leave(name, _short(value))
    if "width" in data and "height" in data:
        collector.size("size", data["width"], data["height"])
    return collector.found(ORIGIN)


def _version_2(data: dict[str, Any]) -> Found:
    collector = Collector()
    image = data.get("image")
    if isinstance(image, list):  # a grid
        image = image[0] if image else None
    image = image if isinstance(image, dict) else {}
    prompts = image.pop("prompt", "")
    if isinstance(prompts, list):
        prompts = " ".join(str(one["prompt"]) for one in prompts if isinstance(one, dict) and "prompt" in one)
    _prompts(collector, prompts)
    _common(collector, image)
    collector.leave("model_weights", data.get("model_weights"))
    return collector.found(ORIGIN)


def _dream(line: str) -> Found | None:
    end = line.rfind('"')
    if not line.startswith('"') or end < 1:
        return None
    collector = Collector()
    _prompts(collector, line[1:end])
    names = {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg_scale", "A": "sampler"}
    options = _OPTION.findall(line[end + 1 : end + 2_000])
    _common(collector, {names.get(letter, f"-{letter}"): value for letter, value in options})
    return collector.found(ORIGIN)


def _common(collector: Collector, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name == "seed":
            collector.seed(name, value)
        elif name == "steps":
            collector.steps(name, value)
        elif name == "cfg_scale":
            collector.cfg(name, value)
        elif name not in (*_SILENT, "width", "height") and value not in _EMPTY:
            collector.leave(name, _short(value))
    if "width" in values and "height" in values:
        collector.size("size", values["width"], values["height"])


def _prompts(collector: Collector, text: object) -> None:
    """What stands in square brackets is what is not wanted."""
    text = str(text)
    negative = ", ".join(part.strip() for part in _NEGATIVE.findall(text))
    collector.text("prompt", "prompt", _NEGATIVE.sub("", text).strip(" ,"))
    if negative:
        collector.text("negative_prompt", "prompt", negative)


def _model_name(model: object) -> object:
    return (model.get("name") or model.get("model_name")) if isinstance(model, dict) else model


def _short(value: object) -> object:
    return json.dumps(value, ensure_ascii=False)[:400] if isinstance(value, dict | list) else value


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
