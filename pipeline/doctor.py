"""What torch, the device, the model and the styles look like from here, for `python -m studio doctor`."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.check import Check
from core.config import Config
from core.engine import ModelInfo
from core.errors import UserError
from core.request import StyleUse

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
    has_bf16 = dtype == "bfloat16"
    yield Check("bf16", True, "used" if has_bf16 else f"not on this device: the model runs in {dtype}, which is slower")
    yield Check("dtype", True, f"transformer {dtype} · text encoder {dtype} · VAE float32")
    if info is not None:
        yield from _examine_model(config, info, styles)


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
    engine = TorchEngine(info, config.paths.lora, config.model.device, previews=False)
    try:
        for _ in engine.load():
            pass
    except UserError as error:
        yield Check("weights", False, str(error))
        return
    yield Check("weights", True, f"{size}, read in full")
    for name in styles:
        try:
            engine.styles.find(StyleUse(name))
        except UserError as error:
            yield Check("style", False, str(error))
