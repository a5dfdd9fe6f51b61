"""Styles leave no trace when off, and a file that cannot be applied in full is refused."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.errors import UserError
from core.request import StyleUse
from pipeline.describe import describe
from pipeline.engine import TorchEngine
from pipeline.lora.keys import read_style
from pipeline.lora.residency import Residency
from tests.pipeline.conftest import draw, request


def checksum(engine: TorchEngine) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(engine.model.transformer.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def test_strength_zero_is_bitwise_the_base(engine: TorchEngine) -> None:
    assert draw(engine, request(styles=(StyleUse("sketch", 0.0),))) == draw(engine, request())


def test_after_any_swaps_the_base_is_bitwise_what_was_loaded(demo_model: Path, demo_styles: Path) -> None:
    fresh = TorchEngine(describe(str(demo_model)), demo_styles, "cpu")
    list(fresh.load())
    weights, first = checksum(fresh), draw(fresh, request())
    for uses in [("sketch", 1.0)], [("cartoon", 2.0)], [("cartoon", -0.3), ("sketch", 0.7)], [("sketch", 1.0)]:
        draw(fresh, request(num_inference_steps=2, styles=tuple(StyleUse(n, s) for n, s in uses)))
    assert draw(fresh, request()) == first
    assert checksum(fresh) == weights


def test_two_styles_differ_from_either_alone(engine: TorchEngine) -> None:
    cartoon, sketch = StyleUse("cartoon", 0.6), StyleUse("sketch", 0.6)
    pictures = {draw(engine, request(styles=s)).rgb for s in ((cartoon,), (sketch,), (cartoon, sketch), ())}
    assert len(pictures) == 4


def test_a_style_reaches_every_module_of_its_file(engine: TorchEngine, demo_styles: Path) -> None:
    keys = load_file(demo_styles / "sketch.safetensors")
    deltas = read_style((demo_styles / "sketch.safetensors").read_bytes(), "sketch", engine.slots.linears)
    assert len(deltas) * 2 == len(keys) > 0


Change = Callable[[dict[str, torch.Tensor]], None]
FIRST = "transformer.layers.0.attention.to_q"


def rename(old: str, new: str) -> Change:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors[new] = tensors.pop(old)

    return change


def drop(key: str) -> Change:
    return lambda tensors: tensors.__delitem__(key)


def put(key: str, tensor: torch.Tensor) -> Change:
    return lambda tensors: tensors.__setitem__(key, tensor)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (rename(f"{FIRST}.lora_A.weight", f"lora_unet_{FIRST}.lora_down.weight"), "does not fit this model"),
        (rename(f"{FIRST}.lora_A.weight", "transformer.layers.99.attention.to_q.lora_A.weight"), "layers.99"),
        (drop(f"{FIRST}.lora_B.weight"), "does not fit"),
        (lambda tensors: tensors.clear(), "does not fit"),
        (put(f"{FIRST}.lora_A.weight", torch.zeros(8, 7)), r"\(256, 8\) x \(8, 7\)"),
        (put(f"{FIRST}.lora_A.weight", torch.full((8, 256), float("nan"))), "not numbers"),
        (put(f"{FIRST}.alpha", torch.tensor(-4.0)), "alpha"),
        (put(f"{FIRST}.alpha", torch.tensor(0.0)), "alpha"),
        (put(f"{FIRST}.dora_scale", torch.ones(256)), "dora_scale"),
        (put("<script>alert(1)</script>", torch.ones(1)), "script"),
    ],
)
def test_a_file_that_cannot_be_applied_in_full_is_refused(
    engine: TorchEngine, demo_styles: Path, tmp_path: Path, change: Change, says: str
) -> None:
    tensors = load_file(demo_styles / "sketch.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "odd.safetensors")
    with pytest.raises(UserError, match=says):
        read_style((tmp_path / "odd.safetensors").read_bytes(), "odd", engine.slots.linears)


def test_scaling_that_stands_only_in_the_metadata_is_refused_not_ignored(
    engine: TorchEngine, demo_styles: Path, tmp_path: Path
) -> None:
    file = tmp_path / "odd.safetensors"
    save_file(load_file(demo_styles / "sketch.safetensors"), file, metadata={"lora_adapter_metadata": "{}"})
    with pytest.raises(UserError, match="lora_adapter_metadata"):
        read_style(file.read_bytes(), "odd", engine.slots.linears)


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: b"", lambda data: b"\x80\x04K\x01." + data])
def test_a_damaged_file_is_refused(engine: TorchEngine, demo_styles: Path, damage: Callable[[bytes], bytes]) -> None:
    data = damage((demo_styles / "sketch.safetensors").read_bytes())
    with pytest.raises(UserError, match="damaged or not a .safetensors file"):
        read_style(data, "odd", engine.slots.linears)


def test_a_file_changed_after_the_request_is_refused(engine: TorchEngine, demo_styles: Path) -> None:
    library = Residency(demo_styles, engine.slots.linears)
    with pytest.raises(UserError, match="was changed after you asked"):
        library.get(StyleUse("sketch", 1.0, sha256="0" * 64))


def test_no_name_reaches_out_of_the_styles_folder(engine: TorchEngine, demo_styles: Path, tmp_path: Path) -> None:
    (tmp_path / "lora").mkdir()
    (tmp_path / "secret.safetensors").write_bytes((demo_styles / "sketch.safetensors").read_bytes())
    (tmp_path / "lora" / "link.safetensors").symlink_to(tmp_path / "secret.safetensors")
    with pytest.raises(UserError, match="not there any more"):
        Residency(tmp_path / "lora", engine.slots.linears).get(StyleUse("link"))
