"""What the style library asks of the pipeline: look at a file, and make it ready. See `core.style.StyleTools`."""

import json
from dataclasses import dataclass
from pathlib import Path

from core.engine import ModelInfo
from core.errors import N_, UserError
from core.style import StyleReport
from pipeline.describe import locate
from pipeline.lora.inspect import Inspector
from pipeline.lora.modules import linear_shapes


def inspector(info: ModelInfo) -> Inspector:
    """For the model that `info` describes; reads its configuration, not its weights. Raises UserError."""
    try:
        config = json.loads((locate(info.path) / "transformer" / "config.json").read_text("utf-8"))
        return Inspector(linear_shapes(config))
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise UserError(
            N_("The model in {path} is incomplete or damaged ({why}). Fetch it again, or change [model] path."),
            path=info.path,
            why=f"transformer: {type(error).__name__}",
        ) from error


@dataclass(frozen=True, slots=True)
class Tools:
    """Torch is imported by the first `compile`, not before."""

    inspector: Inspector
    cache_folder: Path
    cache_mb: int
    device: str

    def inspect(self, file: Path) -> StyleReport:
        return self.inspector.inspect(file)

    def compile(self, file: Path, sha256: str) -> None:
        from pipeline.lora.cache import Cache
        from pipeline.model import pick_device, pick_dtype

        dtype = pick_dtype(pick_device(self.device))
        Cache(self.cache_folder, self.cache_mb, self.inspector, dtype).compile(file, sha256)
