"""The text that AUTOMATIC1111's web UI began and most programs read: prompt, negative prompt, a line of settings."""

import json
import re
from collections.abc import Iterator

from core import __version__
from core.request import UPSCALE_STRENGTH
from studio.metadata.facts import Facts
from studio.metadata.found import Collector, Found, enlarged_from

OURS = "Jimeng Studio"
_NEGATIVE = "Negative prompt:"
_LORA = re.compile(r"<(?:lora|lyco):([^:<>\n]{1,200})((?::[^:<>\n]{0,40}){0,4})>")
_TAG = re.compile(r"(?:, ?| )?" + _LORA.pattern)
_STRENGTH = re.compile(r"(?:unet=)?(-?[0-9]*\.?[0-9]+)")
_SIZE = re.compile(r"([0-9]{1,5})\s*x\s*([0-9]{1,5})")
_MOST_FIELDS = 200
_LEAST_FIELDS = 3  # a line with fewer is part of the prompt
# Facts about files and programs rather than settings: nothing is lost when they are not used.
_SILENT = {"Version", "Model hash", "Lora hashes", "Hashes", "Lora weights", "VAE hash", "User", "Metadata Scheme"}
_DECODER = json.JSONDecoder()


def to_text(facts: Facts) -> str:
    """The usual CFG scale is our guidance plus 1. Hashes are the first ten digits of a file's SHA-256."""
    request, base = facts.request, enlarged_from(facts.request)
    start = request.source.strength if request.source else UPSCALE_STRENGTH if request.upscale > 1 else None
    styles = [s for s in request.styles if s.strength]
    prompt = " ".join([request.prompt, *(f"<lora:{s.name}:{s.strength:g}>" for s in styles)])
    lines = [prompt]
    if request.negative_prompt:
        lines.append(f"{_NEGATIVE} {request.negative_prompt}")
    values = {
        "Steps": str(request.num_inference_steps),
        "Sampler": "Euler",
        "Schedule type": "Simple",
        "CFG scale": f"{request.guidance_scale + 1:g}",
        "Seed": str(request.seed),
        "Size": f"{base.width}x{base.height}",
        "Model hash": facts.model_hash[:10],
        "Model": facts.model,
        "Denoising strength": "" if start is None else f"{start:g}",
        "Hires upscale": str(request.upscale) if request.upscale > 1 else "",
        "Lora hashes": ", ".join(f"{s.name}: {s.sha256[:10]}" for s in styles if s.sha256),
        "Version": f"{OURS} {__version__}",
    }
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in values.items() if value))
    return "\n".join(lines)


def has_settings(text: str) -> bool:
    """Whether there is a line of settings in it: without one it may be anybody's comment."""
    return bool(_parts(text)[2])


def read(text: str, origin: str = "") -> Found:
    """Every such text is read somehow: one without a line of settings is a prompt. `origin` overrules what it says."""
    prompt, negative, values = _parts(text)
    origin = origin or _origin(values.get("Version", ""))
    collector = Collector()
    collector.text("prompt", "Prompt", _without_loras(prompt, collector))
    if negative:
        collector.text("negative_prompt", "Negative prompt", negative)
    for name, value in values.items():
        _take(collector, name, value)
    if origin == "Fooocus":  # the only place where it has them: "name: hash: strength, ..."
        for one in values.get("Lora hashes", "").split(", ")[:20]:
            name, *rest = one.split(": ")
            if len(rest) == 2:
                collector.style(name, rest[1])
    return collector.found(origin)


def _take(collector: Collector, name: str, value: str) -> None:
    if name == "Steps":
        collector.steps(name, value)
    elif name == "Seed":
        collector.seed(name, value)
    elif name == "CFG scale":
        collector.cfg(name, value)
    elif name == "Size":
        sides = _SIZE.fullmatch(value)
        collector.size(name, *sides.groups()) if sides else collector.leave(name, value)
    elif name == "Sampler" and value.lower() in ("euler", "euler simple"):
        return  # as here
    elif name == "Schedule type" and value.lower() in ("simple", "automatic"):
        return
    elif name not in _SILENT:
        collector.leave(name, value)


def _origin(version: str) -> str:
    if version.startswith(OURS):
        return OURS
    if version.startswith("Fooocus"):
        return "Fooocus"
    if version.startswith("ComfyUI"):
        return "ComfyUI"
    return "Forge" if re.match(r"f[0-9]|neo|forge", version, re.IGNORECASE) else "AUTOMATIC1111"


def _parts(text: str) -> tuple[str, str, dict[str, str]]:
    lines = text.strip().split("\n")
    values: dict[str, str] = {}
    for at in range(len(lines) - 1, max(-1, len(lines) - 20), -1):  # some programs write more lines below
        found = dict(_fields(lines[at]))
        if len(found) >= _LEAST_FIELDS and "Steps" in found:
            more = (line.partition(":") for line in lines[at + 1 :])
            lines, values = lines[:at], found | {name.strip(): value.strip() for name, colon, value in more if colon}
            break
    for at, line in enumerate(lines):
        if line.startswith(_NEGATIVE):
            negative = "\n".join([line.removeprefix(_NEGATIVE), *lines[at + 1 :]])
            return "\n".join(lines[:at]).strip(), negative.strip(), values
    return "\n".join(lines).strip(), "", values


def _fields(line: str) -> Iterator[tuple[str, str]]:
    """`Name: value, Name: "value, quoted", Name: {...}`, from the left."""
    at = 0
    for _ in range(_MOST_FIELDS):
        colon = line.find(":", at)
        if colon < 0:
            return
        name = line[at:colon].rpartition(",")[2].strip()
        at = colon + 1
        while line.startswith(" ", at):
            at += 1
        value, at = _value(line, at)
        if name and len(name) <= 60:
            yield name, value


def _value(line: str, at: int) -> tuple[str, int]:
    if line.startswith(('"', "{", "["), at):
        try:
            value, end = _DECODER.raw_decode(line, at)
        except (ValueError, RecursionError):
            pass
        else:
            return value if isinstance(value, str) else line[at:end], _after(line, end)
    end = line.find(",", at)
    return line[at : end if end >= 0 else len(line)].strip(), _after(line, end)


def _after(line: str, at: int) -> int:
    comma = line.find(",", at) if at >= 0 else -1
    return comma + 1 if comma >= 0 else len(line)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if set(value) & set(',:\n"') else value


def _without_loras(prompt: str, collector: Collector) -> str:
    tags = list(_LORA.finditer(prompt))
    if not tags:
        return prompt
    for tag in tags:
        strength = _STRENGTH.search(tag[2])
        collector.style(tag[1].strip(), strength[1] if strength else 1.0)
    return _TAG.sub("", prompt).strip(" ,\n")
