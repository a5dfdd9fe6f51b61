"""What the bits of a picture depend on besides its request: which weights, which libraries, which device, how many
threads. Two pictures that differ though their requests do not can so be told why."""

import hashlib
import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import torch

from core.engine import EngineFacts
from pipeline.describe import locate

WHOLE_BYTES = 64 * 2**20  # a file up to this size is hashed whole,
SAMPLES, SAMPLE_BYTES = 256, 64 * 2**10  # of a larger one its size and so many pieces: 20 GB in a tenth of a second
_KINDS = (".json", ".safetensors", ".txt", ".jinja", ".model")


def fingerprint(path: str) -> str:
    """A hash over the model's files by their names below its folder: configuration, tokenizer, weights."""
    folder, digest = locate(path), hashlib.sha256()
    for file in sorted(f for f in folder.rglob("*") if f.suffix in _KINDS and f.name != "studio.json" and f.is_file()):
        digest.update(f"{file.relative_to(folder).as_posix()}:{file.stat().st_size}\n".encode())
        for piece in _pieces(file):
            digest.update(piece)
    return digest.hexdigest()


def environment(facts: EngineFacts) -> dict[str, str]:
    """Versions and device, as short texts by name."""
    found = {name: version(name) for name in ("torch", "diffusers", "transformers")}
    found |= {"device": facts.device, "dtype": facts.dtype, "threads": str(torch.get_num_threads())}
    found |= {"processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"}
    if torch.cuda.is_available():
        found["cuda"] = str(torch.version.cuda or torch.version.hip)
    return found


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as data:
        size = os.fstat(data.fileno()).st_size
        if size <= WHOLE_BYTES:
            yield data.read()
            return
        for n in range(SAMPLES):
            data.seek((size - SAMPLE_BYTES) * n // (SAMPLES - 1))
            yield data.read(SAMPLE_BYTES)
