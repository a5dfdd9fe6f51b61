"""Jobs and pictures in words. Plain text: whoever shows it must not read it as Markdown."""

import re
from math import gcd

from core.engine import EngineStatus
from core.request import GenerationRequest
from studio.job import Snapshot
from ui.i18n import _

FORMAT_NAMES = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&:^=\"'/@])")


def status_line(active: list[Snapshot], last: Snapshot | None, model: EngineStatus) -> str:
    """One line: what happens now, else how the last picture ended."""
    if active:
        job = next((j for j in active if j.state == "running"), active[0])
        parts = _running(job) if job.state == "running" else _waiting(job, model)
        if len(active) > 1:
            parts.append(_("{count} more waiting").format(count=len(active) - 1))
        return " · ".join(parts)
    if model.state == "loading":
        return _loading(model)
    if last is None or last.state == "failed":
        return ""
    if last.state == "cancelled":
        return _("Cancelled")
    return _("Done in {seconds} s").format(seconds=f"{last.elapsed_s:.1f}")


def facts(request: GenerationRequest) -> str:
    """What one needs to draw the same picture again, besides the prompt."""
    parts = [_("Seed {seed}").format(seed=request.seed), size_name((request.width, request.height))]
    parts += [f"{style.name} {style.strength:g}" for style in request.styles]
    return " · ".join(parts)


def size_name(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def aspect_name(size: tuple[int, int]) -> str:
    """Width to height in lowest terms: "16:9"."""
    width, height = size
    shared = gcd(width, height) or 1
    return f"{width // shared}:{height // shared}"


def unmarked(text: str) -> str:
    """For labels, which Streamlit reads as Markdown: the same text with nothing in it that means anything there."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def duration(seconds: float) -> str:
    """To be read at a glance: "42 s", "3:07" minutes."""
    whole = max(0, int(seconds))
    return _("{seconds} s").format(seconds=whole) if whole < 60 else f"{whole // 60}:{whole % 60:02}"


def model_state(model: EngineStatus) -> str:
    if model.state == "loading":
        return _loading(model)
    return _("Ready") if model.state == "ready" else _("Cannot be used")


def _running(job: Snapshot) -> list[str]:
    style = ", ".join(use.name for use in job.request.styles)
    parts = [_("Drawing in style {style}").format(style=style) if style else _("Drawing")]
    if job.stage == "save":
        parts.append(_("saving"))
    elif job.step:
        parts.append(_("step {step} of {steps}").format(step=job.step, steps=job.steps))
    if job.left_s is not None:
        left = round(job.left_s) if job.left_s >= 10 else f"{job.left_s:.1f}"
        parts.append(_("{seconds} s left").format(seconds=left))
    return parts


def _waiting(job: Snapshot, model: EngineStatus) -> list[str]:
    if model.state == "loading":
        return [_("Queued"), _loading(model)]
    return [_("Queued, number {position} in line").format(position=job.position)]


def _loading(model: EngineStatus) -> str:
    if model.fraction:
        return _("The model is loading ({percent} %)").format(percent=round(model.fraction * 100))
    return _("The model is loading")
