"""Fooocus' own scheme, a JSON object; its other scheme is A1111's text."""

import json
import re
from typing import Any

from studio.metadata.found import Collector, Found

_SIZE = re.compile(r"\(?\s*([0-9]{1,5})\s*[,x]\s*([0-9]{1,5})\s*\)?")
_COMBINED = re.compile(r"(.{1,300}?) : (-?[0-9.]{1,20})")
_SILENT = {
    "base_model_hash", "created_by", "full_negative_prompt", "full_prompt", "loras", "metadata_scheme", "version",
}  # fmt: skip


def is_scheme(data: object) -> bool:
    return isinstance(data, dict) and "base_model" in data and ("prompt" in data or "full_prompt" in data)


def read(text: str) -> Found | None:
    """None for what is something else."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _read(data) if is_scheme(data) else None


def _read(data: dict[str, Any]) -> Found:
    collector = Collector()
    for name, value in data.items():
        if name == "prompt":
            collector.text("prompt", name, value)
        elif name == "negative_prompt":
            collector.text("negative_prompt", name, value)
        elif name == "seed":
            collector.seed(name, value)
        elif name == "steps":
            collector.steps(name, value)
        elif name == "guidance_scale":
            collector.cfg(name, value)
        elif name == "resolution":
            sides = _SIZE.fullmatch(str(value)[:40])
            collector.size(name, *sides.groups()) if sides else collector.leave(name, value)
        elif not (name in _SILENT or name.startswith("lora_combined_") or value in ("None", "", [], None)):
            collector.leave(name, value)
    for name, strength in _loras(data):
        collector.style(name, strength)
    return collector.found("Fooocus")


def _loras(data: dict[str, Any]) -> list[tuple[str, Any]]:
    listed = data.get("loras")
    if isinstance(listed, list) and listed:
        return [(str(one[0]), one[1]) for one in listed[:20] if isinstance(one, list) and len(one) >= 2]
    texts = (str(value)[:400] for name, value in data.items() if name.startswith("lora_combined_"))
    return [(match[1], match[2]) for text in texts if (match := _COMBINED.fullmatch(text))]
