"""What torch, the device, the model and the styles look like from here, for `python -m studio doctor`."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from core.check import Check
from core.config import Config
from core.engine import ModelInfo
from core.errors import UserError
from core.request import StyleUse

if TYPE_CHECKING:
    import torch

READ_IN_FULL = 2e9  # bytes of weights up to which the model is loaded to see whether it can be
LIBRARIES = ("torch", "diffusers", "transformers", "peft", "safetensors")


def examine(config: Config, info: ModelInfo | None, styles: tuple[str, ...]) -> Iterator[Check]:
    """Looks at one thing after the other; nothing is written. `info` is None when the model cannot be described."""
    try:
        import torch

        found = [f"{name} {version(name)}" for name in LIBRARIES]
    except (ImportError, OSError, PackageNotFoundError) as error:
        yield Check("torch", False, f"cannot be imported: {error}. Delete the folder .venv and run ./start.sh again.")
        return
    yield Check("torch", True, " · ".join(found))

    from pipeline import model

    try:
        device = model.pick_device(config.model.device)
    except UserError as error:
        yield Check("device", False, str(error))
        return
    dtype = str(model.pick_dtype(device)).removeprefix("torch.")
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        name = torch.cuda.get_device_name(device)
        yield Check("device", True, f"cuda · {name} · {free / 1e9:.1f} of {total / 1e9:.1f} GB free")
    else:
        yield Check("device", True, f"{device.type} · {torch.get_num_threads()} threads")
    yield Check("bf16", True, "used" if dtype == "bfloat16" else _without_bf16(device))
    yield Check("dtype", True, f"transformer {dtype} · text encoder {dtype} · VAE float32")
    if info is not None:
        yield from _examine_memory(config, info, device)
        yield from _examine_model(config, info, styles)


def _without_bf16(device: "torch.device") -> str:
    """Which card, why, and what that means. Never fp16, whose pictures are black."""
    import torch

    if device.type != "cuda":
        return "not on this device: the model runs in float32, which is slower"
    major, minor = torch.cuda.get_device_capability(device)
    return (
        f"{torch.cuda.get_device_name(device)} has none (compute capability {major}.{minor}; 8.0 is the first with "
        "it): the model runs in float32, which is slower and takes twice the memory"
    )


def _examine_memory(config: Config, info: ModelInfo, device: "torch.device") -> Iterator[Check]:
    """Which tier, and why."""
    from pipeline.placement.planning import plan
    from pipeline.placement.tiers import gigabytes

    try:
        chosen = plan(info, device, config.memory, config.styles)
    except UserError as error:
        yield Check("tier", False, str(error))
        return
    if chosen.needs is None:  # no weights: the next check says so
        return
    needs = f"needs {gigabytes(chosen.needs.of(chosen.tier))} GB"
    if chosen.budget:
        needs += f" of {gigabytes(chosen.budget)} GB"
    parts = ", ".join(f"{name} {gigabytes(part.total)}" for name, part in chosen.needs.parts.items())
    yield Check("tier", True, f"{chosen.tier} · {needs} · {parts.replace('_', ' ')}")


def _examine_model(config: Config, info: ModelInfo, styles: tuple[str, ...]) -> Iterator[Check]:
    from pipeline.describe import locate
    from pipeline.engine import TorchEngine

    weights = [file.stat().st_size for file in locate(info.path).rglob("*.safetensors")]
    size = f"{sum(weights) / 1e6:,.0f} MB of weights"
    if not weights:
        if Path(info.path).is_dir():
            yield Check("weights", False, f"there are none in {info.path}. Fetch the model again.")
        else:
            yield Check("weights", True, "not here yet: they are fetched when the studio starts first")
        return
    if sum(weights) > READ_IN_FULL:
        yield Check("weights", True, f"{size}, not read now: the studio reads them in full when it starts")
        return
    engine = TorchEngine(info, config.paths.lora, config.model.device, previews=False, memory_config=config.memory)
    try:
        for _ in engine.load():
            pass
    except UserError as error:
        yield Check("weights", False, str(error))
        return
    peak = f"{engine.facts().weights_peak / 1e6:,.0f} MB on the device at the most"
    yield Check("weights", True, f"{size}, read in full · {peak}")
    for name in styles:
        try:
            engine.styles.find(StyleUse(name))
        except UserError as error:
            yield Check("style", False, str(error))
