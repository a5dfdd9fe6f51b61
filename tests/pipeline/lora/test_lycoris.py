"""LoKr and LoHa give the bits of PEFT's own layers; the product is never stored."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline, ZImageTransformer2DModel
from peft import LoHaConfig, inject_adapter_in_model
from safetensors.torch import save_file
from torch import Tensor

from core.errors import UserError
from pipeline.lora.compiled import Compiled
from pipeline.lora.inspect import Inspector
from tests.pipeline.lora.conftest import problem_of, velocity
from tests.pipeline.lora.formats import block_modules
from tests.pipeline.lora.test_formats import reference

Ours = Callable[..., Tensor]
LOKR = {
    "whole": {"lokr_w1": (4, 4), "lokr_w2": (-1, -1)},
    "second decomposed": {"lokr_w1": (4, 4), "lokr_w2_a": (-1, 3), "lokr_w2_b": (3, -1)},
}


def lokr(shapes: dict[str, tuple[int, int]], modules: tuple[str, ...], parts: dict[str, tuple[int, int]]) -> dict:
    """Random factors, the left one 4 x 4; -1 stands for what is left of the module's shape."""
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for module in modules:
        out, into = shapes[module]
        for part, (rows, columns) in parts.items():
            shape = (out // 4 if rows < 0 else rows, into // 4 if columns < 0 else columns)
            tensors[f"{module}.{part}"] = torch.randn(shape, generator=generator) * 0.2
    return tensors


def square(inspector: Inspector) -> tuple[str, ...]:
    return block_modules(inspector.shapes, ("attention.to_q", "attention.to_out.0"))


@pytest.mark.parametrize("alpha", [None, 2.0], ids=["plain", "alpha"])
@pytest.mark.parametrize("factors", LOKR)
def test_lokr_gives_the_bits_of_diffusers(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path, factors: str, alpha: float | None
) -> None:
    tensors = lokr(inspector.shapes, square(inspector), LOKR[factors])
    if alpha is not None:
        tensors |= {f"{module}.alpha": torch.tensor(alpha) for module in square(inspector)}
    file = tmp_path / "s.safetensors"
    save_file({f"diffusion_model.{key}": tensor for key, tensor in tensors.items()}, file)
    assert inspector.inspect(file).kind == "LoKr"
    assert torch.equal(ours((file, 0.9)), reference(peft, (file, 0.9)))


def test_fused_lokr_is_split_by_the_rows_of_its_left_factor(inspector: Inspector, ours: Ours, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    left, right = torch.randn(6, 4, generator=generator), torch.randn(128, 64, generator=generator) * 0.05
    tensors = {"layers.0.attention.qkv.lokr_w1": left, "layers.0.attention.qkv.lokr_w2": right}
    save_file({f"diffusion_model.{key}": tensor for key, tensor in tensors.items()}, tmp_path / "s.safetensors")
    split = {}
    for k, part in enumerate(("to_q", "to_k", "to_v")):
        split[f"diffusion_model.layers.0.attention.{part}.lokr_w1"] = left[2 * k : 2 * k + 2].clone()
        split[f"diffusion_model.layers.0.attention.{part}.lokr_w2"] = right.clone()
    save_file(split, tmp_path / "split.safetensors")
    assert torch.equal(ours((tmp_path / "s.safetensors", 1.0)), ours((tmp_path / "split.safetensors", 1.0)))


def test_a_fused_lokr_that_cannot_be_split_is_refused_by_name(inspector: Inspector, tmp_path: Path) -> None:
    tensors = {"lycoris_layers_0_attention_qkv.lokr_w1": torch.ones(4, 4)}
    tensors["lycoris_layers_0_attention_qkv.lokr_w2"] = torch.ones(192, 64)
    save_file(tensors, tmp_path / "s.safetensors")
    assert "LoKr" in str(problem_of(inspector, tmp_path / "s.safetensors"))


@pytest.mark.parametrize("alpha", [4.0, 3.0])
def test_loha_gives_the_bits_of_peft(
    inspector: Inspector,
    transformer: ZImageTransformer2DModel,
    demo_model: Path,
    ours: Ours,
    tmp_path: Path,
    alpha: float,
) -> None:
    modules = square(inspector)
    config = LoHaConfig(r=4, alpha=alpha, target_modules=list(modules), init_weights=False)
    own = ZImageTransformer2DModel.from_pretrained(demo_model / "transformer", dtype=torch.float32).eval()
    inject_adapter_in_model(config, own, "a")
    tensors = {k.removesuffix(".a"): v.detach() for k, v in own.state_dict().items() if ".hada_" in k}
    tensors |= {f"{module}.alpha": torch.tensor(alpha) for module in modules}
    save_file({"lycoris_" + flat(key): value for key, value in tensors.items()}, tmp_path / "s.safetensors")
    report = inspector.inspect(tmp_path / "s.safetensors")
    assert (report.layout, report.kind, report.rank) == ("LyCORIS", "LoHa", (4, 4))
    assert torch.equal(ours((tmp_path / "s.safetensors", 1.0)), velocity(own))


def flat(key: str) -> str:
    module, _, part = key.rpartition(".")
    return module.replace(".", "_") + "." + part


def test_a_product_is_never_stored(
    inspector: Inspector, compile_file: Callable[[Path], Compiled], tmp_path: Path
) -> None:
    tensors = lokr(inspector.shapes, square(inspector), LOKR["second decomposed"])
    save_file(tensors, tmp_path / "s.safetensors")
    compiled = compile_file(tmp_path / "s.safetensors")
    assert compiled.nbytes < 4 * sum(tensor.numel() + 64 for tensor in tensors.values())


def test_a_factor_that_is_whole_and_split_at_once_is_refused(inspector: Inspector, tmp_path: Path) -> None:
    tensors = lokr(inspector.shapes, square(inspector), LOKR["whole"] | LOKR["second decomposed"])
    save_file(tensors, tmp_path / "s.safetensors")
    with pytest.raises(UserError, match="incomplete"):
        raise problem_of(inspector, tmp_path / "s.safetensors")
