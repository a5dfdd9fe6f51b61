"""How much of a model is on the device at the same time: four tiers, and which of them fits. Arithmetic, no torch.

What weights take is read from the headers of their files. What else a stage takes is an estimate: 3 full-size
activations of the VAE's decoder (measured of a VAE of Flux's kind: 3.2 GB for 1024x1024 pixels in fp32), and for a
token of the transformer or the text encoder 6 times the input and the output of the widest layer.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from core.engine import ModelInfo, Tier
from core.errors import N_, UserError

GB = 1_000_000_000
TIERS: tuple[Tier, ...] = ("resident", "staged", "8-bit", "streamed")  # the quickest first
EXACT: tuple[Tier, ...] = ("resident", "staged", "streamed")  # give the same bits
COMPONENTS = ("text_encoder", "transformer", "vae")
TOKENS = 512  # of a prompt
_BLOCK = re.compile(r"(?:^|\.)((?:layers|noise_refiner|context_refiner)\.\d+)\.")
_PER_TOKEN, _ACTIVATIONS = 6, 3
_FP32 = 4


def block_of(weight: str) -> str:
    """The block that a weight of this name belongs to, "layers.3"; empty for what is in none."""
    found = _BLOCK.search(weight)
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Part:
    """A component's weights, in bytes; a number takes `itemsize`. `largest` is the largest block, `widest` the features
    into and out of a layer."""

    itemsize: int
    total: int
    in_blocks: int
    largest: int
    widest: int

    @property
    def streamed(self) -> int:
        """With two blocks at a time."""
        return self.total - self.in_blocks + 2 * self.largest

    @property
    def eight_bit(self) -> int:
        """With its blocks in a byte a weight, and one of them unpacked."""
        return self.total - self.in_blocks + self.in_blocks // self.itemsize + self.largest


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model takes of a device, in bytes: its parts, and what a stage takes beside them. `styles` stay there."""

    parts: Mapping[str, Part]
    work: Mapping[str, int]
    styles: int = 0

    @property
    def weights(self) -> int:
        return sum(part.total for part in self.parts.values())

    def of(self, tier: Tier) -> int:
        """At the most, at the same time."""
        if tier == "resident":
            return self.weights + self.styles + max(self.work.values())
        return self.styles + max(self._of_part(name, tier) + self.work[name] for name in self.parts)

    def _of_part(self, name: str, tier: Tier) -> int:
        part = self.parts[name]
        if tier == "8-bit" and name == "transformer":
            return part.eight_bit
        return part.streamed if tier == "streamed" else part.total


@dataclass(frozen=True, slots=True)
class Plan:
    """A tier, what it takes at the most, and what there is for it; both in bytes, 0 when nobody has asked."""

    tier: Tier = "resident"
    needs: Needs | None = None
    budget: int = 0


def measure(folder: Path, info: ModelInfo, itemsize: int, styles: int = 0) -> Needs:
    """What the model in `folder` needs at its usual size, with numbers of `itemsize` bytes (the VAE's are fp32).

    Raises OSError or ValueError when there are no weights, or their files are damaged.
    """
    sizes = {"text_encoder": itemsize, "transformer": itemsize, "vae": _FP32}
    parts = {name: _part(folder / name, size) for name, size in sizes.items()}
    width, height = info.sizes[0]
    tokens = TOKENS + width * height // info.size_multiple**2
    channels = json.loads((folder / "vae" / "config.json").read_text("utf-8"))["block_out_channels"]
    copies = 2 if info.guidance_scale > 0 else 1
    work = {
        "text_encoder": TOKENS * _PER_TOKEN * parts["text_encoder"].widest * itemsize,
        "transformer": copies * tokens * _PER_TOKEN * parts["transformer"].widest * itemsize,
        "vae": width * height * _ACTIVATIONS * max(channels[:2]) * _FP32,
    }
    return Needs(parts, work, styles)


def choose(needs: Needs, budget: int, wanted: Tier | None = None, among: Sequence[Tier] = TIERS) -> Plan:
    """The first tier of `among` that keeps to `budget` bytes, or the `wanted` one, whatever it takes if that is 0.

    Raises UserError when none does, or the wanted one does not, saying what would.
    """
    if wanted is not None and not budget:
        return Plan(wanted, needs)
    fitting = [tier for tier in among if needs.of(tier) <= budget]
    if fitting and wanted in (None, *fitting):
        return Plan(wanted or fitting[0], needs, budget)
    if fitting and wanted is not None:
        raise UserError(
            N_(
                'The memory tier "{wanted}" needs {least} GB, and there are {there} GB. Set [memory] tier to "{tier}" '
                'or "auto", or raise [memory] budget_gb.'
            ),
            wanted=wanted,
            least=gigabytes(needs.of(wanted)),
            there=gigabytes(budget),
            tier=fitting[0],
        )
    least = min(among, key=needs.of)
    raise UserError(
        N_(
            "There are {there} GB of memory for the model, and it needs {least} GB at the very least. Close other "
            'programs, or raise [memory] budget_gb; set that to 0 and tier to "{tier}" to try all the same.'
        ),
        there=gigabytes(budget),
        least=gigabytes(needs.of(least)),
        tier=least,
    )


def gigabytes(count: int) -> str:
    """Bytes as people say them; MB, where it is little, would be "0.0"."""
    return f"{count / GB:.1f}" if count >= GB / 10 else f"{count / GB:.3f}"


def _part(folder: Path, itemsize: int) -> Part:
    blocks: dict[str, int] = defaultdict(int)
    total = widest = 0
    for header in map(_header, sorted(folder.glob("*.safetensors"))):
        for name, entry in header.items():
            if name != "__metadata__":
                shape = entry["shape"]
                total += prod(shape) * itemsize
                if block := block_of(name):
                    blocks[block] += prod(shape) * itemsize
                    widest = max(widest, sum(shape) if len(shape) == 2 else 0)
    if not total:
        raise ValueError(f"there are no weights in {folder}")
    return Part(itemsize, total, sum(blocks.values()), max(blocks.values(), default=0), widest)


def _header(file: Path) -> dict[str, Any]:
    with file.open("rb") as data:
        length = int.from_bytes(data.read(8), "little")
        if length > file.stat().st_size:
            raise ValueError(f"{file.name} is cut off")
        header = json.loads(data.read(length))
    if not isinstance(header, dict):
        raise ValueError(f"{file.name} is damaged")
    return header
