"""A model that cannot draw is refused, saying what is wrong with it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.errors import UserError
from core.request import USUAL_STRENGTH, GenerationRequest
from pipeline.describe import describe
from pipeline.engine import TorchEngine
from pipeline.model import pick_device

Copy = Callable[[], Path]
WEIGHTS = "diffusion_pytorch_model.safetensors"


def load(folder: Path) -> None:
    list(TorchEngine(describe(str(folder)), folder, "cpu").load())


def test_the_model_says_what_it_needs_without_its_weights(model_copy: Copy) -> None:
    folder = model_copy()
    for file in folder.rglob("*.safetensors"):
        file.unlink()
    info = describe(str(folder))
    assert (info.size_multiple, info.num_inference_steps, info.guidance_scale) == (32, 8, 0.0)
    assert info.max_side == 2048
    for width, height in info.sizes:
        info.check(GenerationRequest("a cat", width, height, seed=1))
    assert set(info.knows) == set(info.examples) == {"en", "zh_CN"}


@pytest.mark.parametrize("path", ["/no/such/folder", "./missing", "just-a-name", "a/b/c"])
def test_a_missing_model_folder_is_named(path: str) -> None:
    with pytest.raises(UserError, match="There is no model folder .* Change .model. path"):
        describe(path)


def test_a_hub_name_that_cannot_be_fetched_says_so() -> None:
    with pytest.raises(UserError, match="hub could not be reached"):
        describe("nobody/no-such-model")


def test_a_model_of_another_family_is_named(model_copy: Copy) -> None:
    folder = model_copy()
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    with pytest.raises(UserError, match="is a StableDiffusionPipeline"):
        describe(str(folder))


@pytest.mark.parametrize("content", ["", "[]", "{", '{"block_out_channels": 3}', "\x00" * 50])
def test_a_damaged_configuration_is_refused(model_copy: Copy, content: str) -> None:
    folder = model_copy()
    (folder / "vae" / "config.json").write_text(content)
    with pytest.raises(UserError, match="incomplete or damaged"):
        describe(str(folder))


@pytest.mark.parametrize(
    "wrong",
    [
        {"knows": ["a cat"]},
        {"examples": 3},
        {"sizes": []},
        {"sizes": [[100, 100]]},
        {"num_inference_steps": 0},
        {"guidance_scale": "much"},
        {"guidance_scale": -1},
        {"photo_strength": 0},
        {"photo_strength": "much"},
    ],
    ids=str,
)
def test_defaults_that_cannot_be_are_refused_with_the_model(model_copy: Copy, wrong: dict[str, object]) -> None:
    folder = model_copy()
    own = json.loads((folder / "studio.json").read_text("utf-8"))
    (folder / "studio.json").write_text(json.dumps(own | wrong))
    with pytest.raises(UserError, match="incomplete or damaged"):
        describe(str(folder))


def test_a_model_that_says_nothing_of_itself_is_taken_for_the_real_one(model_copy: Copy) -> None:
    folder = model_copy()
    (folder / "studio.json").unlink()
    config = json.loads((folder / "transformer" / "config.json").read_text())
    (folder / "transformer" / "config.json").write_text(json.dumps(config | {"axes_lens": [1024, 512, 512]}))
    info = describe(str(folder))
    assert info.sizes[0] == (1024, 1024)
    assert (info.num_inference_steps, info.guidance_scale, info.photo_strength) == (8, 0.0, USUAL_STRENGTH)


@pytest.mark.parametrize("component", ["transformer", "vae"])
def test_truncated_weights_are_refused(model_copy: Copy, component: str) -> None:
    folder = model_copy()
    file = folder / component / WEIGHTS
    file.write_bytes(file.read_bytes()[:100_000])
    with pytest.raises(UserError, match=f"The model's {component} cannot be used"):
        load(folder)


@pytest.mark.parametrize("file", ["vae", "transformer", "text_encoder"])
def test_missing_weights_are_refused_not_made_up(model_copy: Copy, file: str) -> None:
    folder = model_copy()
    weights = next((folder / file).glob("*.safetensors"))
    tensors = load_file(weights)
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"The model's {file} cannot be used: 1 weights are missing"):
        load(folder)


def test_a_weight_that_is_not_a_number_is_refused(model_copy: Copy) -> None:
    folder = model_copy()
    tensors = load_file(folder / "transformer" / WEIGHTS)
    key = "layers.3.attention.to_k.weight"
    tensors[key][5, 5] = torch.nan
    save_file(tensors, folder / "transformer" / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"transformer cannot be used: {key} holds values that are not numbers"):
        load(folder)


def test_pickled_weights_are_never_opened(model_copy: Copy) -> None:
    folder = model_copy()
    weights = folder / "vae" / WEIGHTS
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(UserError, match="The model's vae cannot be used"):
        load(folder)


def test_a_device_that_is_not_there_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(UserError, match='no device "cuda"'):
        pick_device("cuda")


def test_every_component_is_in_its_own_dtype(engine: TorchEngine) -> None:
    assert engine.model.vae.dtype == torch.float32
    assert engine.model.transformer.dtype == engine.model.text_encoder.dtype == engine.model.dtype
