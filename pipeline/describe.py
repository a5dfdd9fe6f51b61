"""What a model says of itself, read from its configuration files alone: no torch, no weights, milliseconds."""

import json
from pathlib import Path
from typing import Any

from core.engine import ModelInfo
from core.errors import N_, UserError
from core.request import USUAL_STRENGTH, GenerationRequest, Source

FAMILY = "ZImagePipeline"
PATCH = 2  # latent pixels a side that the transformer takes as one token


def describe(path: str) -> ModelInfo:
    """Read a diffusers folder, or a hub id's files as far as they are configuration.

    Raises UserError when there is no such model, it is damaged, or of another family than Z-Image.
    """
    folder = locate(path)
    index = _read(folder, "model_index.json")
    family = index.get("_class_name")
    if family != FAMILY:
        raise UserError(
            N_("The model in {path} is a {family}; this studio draws with Z-Image models. Change [model] path."),
            path=path,
            family=str(family)[:60],
        )
    transformer, vae = _read(folder, "transformer/config.json"), _read(folder, "vae/config.json")
    own = _own(folder)
    try:
        multiple = PATCH * 2 ** (len(vae["block_out_channels"]) - 1)
        info = ModelInfo(
            name=str(own.get("name") or Path(path).name),
            path=path,
            size_multiple=multiple,
            max_side=multiple * min(transformer["axes_lens"][1:]),
            sizes=tuple((int(w), int(h)) for w, h in own["sizes"]),
            num_inference_steps=int(own["num_inference_steps"]),
            guidance_scale=float(own["guidance_scale"]),
            photo_strength=float(own.get("photo_strength", USUAL_STRENGTH)),
            knows={str(k): str(v) for k, v in own.get("knows", {}).items()},
            examples={str(k): tuple(map(str, v)) for k, v in own.get("examples", {}).items()},
        )
        width, height = info.sizes[0]
        # The defaults are what every page starts with: they have to make a request that this model can draw.
        info.check(GenerationRequest("-", width, height, 0, info.num_inference_steps, info.guidance_scale))
        Source("0" * 64, info.photo_strength)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _damaged(folder, f"{type(error).__name__}: {error}") from error
    except UserError as error:
        raise _damaged(folder, f"studio.json: {error}".rstrip(".")) from error
    return info


def locate(path: str, weights: bool = False) -> Path:
    """The local folder of `path`. A hub id's files, with or without weights, are fetched or taken from its cache."""
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if path.count("/") != 1 or path.startswith((".", "/", "~")):
        raise UserError(N_("There is no model folder {path}. Change [model] path in config.toml."), path=path)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        patterns = ["*.json", "tokenizer/*", "*.safetensors"] if weights else ["*.json", "tokenizer/*"]
        return Path(snapshot_download(path, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            N_(
                "There is no model folder {path}, and the hub could not be reached for a model of that name ({why}). "
                "Check [model] path in config.toml, or the network."
            ),
            path=path,
            why=type(error).__name__,
        ) from error


def _own(folder: Path) -> dict[str, Any]:
    """The model's own defaults, `studio.json`; a Z-Image without one is taken for Z-Image-Turbo."""
    if (folder / "studio.json").exists():
        return _read(folder, "studio.json")
    return _read(Path(__file__).parent, "z_image_turbo.json")


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        data = json.loads((folder / name).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(folder, f"{name}: {type(error).__name__}") from error
    if not isinstance(data, dict):
        raise _damaged(folder, name)
    return data


def _damaged(folder: Path, why: str) -> UserError:
    return UserError(
        N_("The model in {path} is incomplete or damaged ({why}). Fetch it again, or change [model] path."),
        path=str(folder),
        why=why,
    )
