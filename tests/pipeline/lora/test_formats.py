"""Every layout in the wild gives the bits of diffusers: of the same file where diffusers loads it in full, and where it
does not, of the same weights in diffusers' own layout."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipeline.lora.inspect import Inspector
from tests.pipeline.lora.conftest import velocity
from tests.pipeline.lora.formats import (
    ATTENTION,
    DOWN_UP,
    EDGES,
    adapter_metadata,
    block_modules,
    dotted,
    flat,
    fused,
    native,
    random_style,
    with_alphas,
)

Ours = Callable[..., Tensor]
NAMED_ADAPTER = {"down": "lora_A.default.weight", "up": "lora_B.default.weight"}
DOTS = {"down": "lora.down.weight", "up": "lora.up.weight", "alpha": "alpha"}


def reference(peft: ZImagePipeline, *uses: tuple[Path, float]) -> Tensor:
    """What diffusers predicts with these files loaded afresh."""
    for k, (file, _) in enumerate(uses):
        peft.load_lora_weights(file, adapter_name=f"a{k}")
    peft.set_adapters([f"a{k}" for k in range(len(uses))], [strength for _, strength in uses])
    return velocity(peft.transformer)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("strength", [1.0, 0.7, -2.0])
def test_diffusers_own_layout(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path, dtype: torch.dtype, strength: float
) -> None:
    style = random_style(inspector.shapes, block_modules(inspector.shapes) + EDGES, dtype=dtype)
    file = style.write(tmp_path / "s.safetensors", dotted("transformer."))
    assert torch.equal(ours((file, strength)), reference(peft, (file, strength)))


LOADED_BY_DIFFUSERS = {
    "ComfyUI": (dotted("diffusion_model."), ()),
    "ComfyUI, alpha": (dotted("diffusion_model."), (3.0, 4.0, 7.5)),
    "ComfyUI, down and up": (dotted("diffusion_model.", DOWN_UP), (1.0, 64.0)),
    "kohya": (flat("lora_unet_"), (2.0, 4.0, 5.0)),
    "kohya without alpha": (flat("lora_unet_"), ()),
    "dots, alpha": (dotted("", DOTS), (2.0,)),
}


@pytest.mark.parametrize("layout", LOADED_BY_DIFFUSERS)
def test_a_layout_that_diffusers_loads_gives_the_bits_of_the_same_file(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path, layout: str
) -> None:
    name_of, alphas = LOADED_BY_DIFFUSERS[layout]
    style = random_style(inspector.shapes, block_modules(inspector.shapes))
    file = (with_alphas(style, *alphas) if alphas else style).write(tmp_path / "s.safetensors", name_of)
    assert torch.equal(ours((file, 0.8)), reference(peft, (file, 0.8)))


NOT_LOADED = {
    "bare": (dotted(""), "PEFT", ()),
    "bare, native names": (native(dotted("")), "PEFT", ()),
    "PEFT": (dotted("base_model.model."), "PEFT", ()),
    "PEFT of the pipeline": (dotted("base_model.model.transformer."), "PEFT", ()),
    "PEFT with an adapter's name": (dotted("transformer.", NAMED_ADAPTER), "diffusers", ()),
    "diffusers, alpha": (dotted("transformer."), "diffusers", (3.0, 16.0)),
    "original checkpoint": (native(dotted("model.diffusion_model.", DOWN_UP)), "ComfyUI", (2.0, 3.0)),
    "native names": (native(dotted("diffusion_model.")), "ComfyUI", (2.0, 8.0)),
    "OneTrainer": (flat("lora_transformer_"), "OneTrainer", (3.0,)),
    "LyCORIS": (flat("lycoris_"), "LyCORIS", (1.0, 2.0)),
    "LyCORIS, native names": (native(flat("lycoris_")), "LyCORIS", (1.0, 2.0)),
    "kohya, native names": (native(flat("lora_unet_")), "kohya", (3.0, 4.0)),
}


@pytest.mark.parametrize("layout", NOT_LOADED)
def test_a_layout_that_diffusers_does_not_load_gives_the_bits_of_its_own(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path, layout: str
) -> None:
    name_of, called, alphas = NOT_LOADED[layout]
    style = random_style(inspector.shapes, block_modules(inspector.shapes) + EDGES)
    style = with_alphas(style, *alphas) if alphas else style
    file = style.write(tmp_path / "s.safetensors", name_of)
    same = style.write(tmp_path / "same.safetensors", dotted("diffusion_model." if alphas else "transformer."))
    report = inspector.inspect(file)
    assert (report.layout, report.kind, report.rank, report.dtype) == (called, "LoRA", (4, 4), "F32")
    assert report.modules == report.applied == len(style.pairs)
    assert torch.equal(ours((file, 1.3)), reference(peft, (same, 1.3)))


@pytest.mark.parametrize("alphas", [(), (3.0,)], ids=["plain", "alpha"])
@pytest.mark.parametrize(
    "name_of",
    [native(dotted("diffusion_model.")), native(dotted("diffusion_model.", DOWN_UP)), native(flat("lora_unet_"))],
    ids=["ComfyUI", "ComfyUI down and up", "kohya"],
)
def test_fused_attention_is_split_in_full(
    inspector: Inspector,
    peft: ZImagePipeline,
    ours: Ours,
    tmp_path: Path,
    name_of: Callable[[str, str], str],
    alphas: tuple[float, ...],
) -> None:
    style = random_style(inspector.shapes, block_modules(inspector.shapes))
    split, joined = fused(with_alphas(style, *alphas) if alphas else style)
    file = joined.write(tmp_path / "s.safetensors", name_of)
    same = split.write(tmp_path / "same.safetensors", dotted("diffusion_model."))
    assert inspector.inspect(file).applied == len(split.pairs)
    assert torch.equal(ours((file, 1.0)), reference(peft, (same, 1.0)))


def test_ranks_and_alphas_differ_by_module(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path
) -> None:
    parts = [random_style(inspector.shapes, (f"layers.{k}.attention.to_q",), rank=k + 1) for k in range(6)]
    pairs = {m: pair for style in parts for m, pair in style.pairs.items()}
    style = with_alphas(type(parts[0])(pairs), 1.0, 2.5, 9.0)
    file = style.write(tmp_path / "s.safetensors", dotted("diffusion_model.", DOWN_UP))
    assert inspector.inspect(file).rank == (1, 6)
    assert torch.equal(ours((file, 1.0)), reference(peft, (file, 1.0)))


@pytest.mark.parametrize(
    "settings",
    [
        {"r": 4, "lora_alpha": 16},
        {"r": 4, "lora_alpha": 3, "use_rslora": True},
        {"r": 4, "lora_alpha": 4, "alpha_pattern": {"attention.to_q": 11, "^layers.5.attention.to_v": 1}},
        {"r": 8, "lora_alpha": 2, "rank_pattern": {"to_q": 4, "to_k": 4, "to_v": 4, "to_out.0": 4}},
        {"r": 4, "lora_alpha": 7, "peft_type": "LORA", "bias": "none", "init_lora_weights": "gaussian"},
    ],
    ids=str,
)
def test_alpha_that_stands_only_in_the_metadata(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path, settings: dict[str, object]
) -> None:
    modules = block_modules(inspector.shapes, ATTENTION)
    metadata = adapter_metadata(target_modules=list(modules), **settings)
    file = random_style(inspector.shapes, modules).write(tmp_path / "s.safetensors", dotted("transformer."), metadata)
    assert torch.equal(ours((file, 0.6)), reference(peft, (file, 0.6)))


def test_dropout_is_for_training_and_leaves_pictures_alone(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path
) -> None:  # diffusers 0.42.1 leaves what it injects in training mode: the same file, another picture each time
    modules = block_modules(inspector.shapes, ATTENTION)
    style, settings = random_style(inspector.shapes, modules), {"r": 4, "lora_alpha": 4, "target_modules": modules}
    file = style.write(
        tmp_path / "s.safetensors", dotted("transformer."), adapter_metadata(lora_dropout=0.3, **settings)
    )
    same = style.write(tmp_path / "same.safetensors", dotted("transformer."), adapter_metadata(**settings))
    assert torch.equal(ours((file, 1.0)), reference(peft, (same, 1.0)))


def test_a_file_that_diffusers_saved_with_its_own_alpha(peft: ZImagePipeline, ours: Ours, tmp_path: Path) -> None:
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    config = LoraConfig(r=4, lora_alpha=16, target_modules=["to_q", "w2"], init_lora_weights=False)
    peft.transformer.add_adapter(config, "trained")
    expected = velocity(peft.transformer)
    ZImagePipeline.save_lora_weights(
        tmp_path,
        get_peft_model_state_dict(peft.transformer, adapter_name="trained"),
        weight_name="s.safetensors",
        transformer_lora_adapter_metadata=config.to_dict(),
    )
    assert torch.equal(ours((tmp_path / "s.safetensors", 1.0)), expected)


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`")
def test_a_blend_gives_the_bits_of_set_adapters(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path
) -> None:
    modules = block_modules(inspector.shapes)
    uses = []
    for k, strength in enumerate((0.7, -1.1, 2.0, 0.25)):
        style = random_style(inspector.shapes, modules[k : k + 14], rank=2 + k, seed=k)
        uses.append((style.write(tmp_path / f"s{k}.safetensors", dotted("transformer.")), strength))
    for count in (2, 3, 4):
        assert torch.equal(ours(*uses[:count]), reference(peft, *uses[:count]))
        peft.unload_lora_weights()


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_fp8_gives_the_bits_of_the_same_numbers_in_fp32(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path, dtype: torch.dtype
) -> None:
    style = random_style(inspector.shapes, block_modules(inspector.shapes), dtype=dtype)
    file = style.write(tmp_path / "s.safetensors", dotted("transformer."))
    save_file({k: v.float() for k, v in load_file(file).items()}, tmp_path / "same.safetensors")
    assert torch.equal(ours((file, 1.0)), reference(peft, (tmp_path / "same.safetensors", 1.0)))


def test_a_small_alpha_in_fp16_is_shared_between_the_matrices_as_diffusers_does(
    inspector: Inspector, peft: ZImagePipeline, ours: Ours, tmp_path: Path
) -> None:  # all of it on one matrix would fall below what fp16 can tell apart
    style = random_style(inspector.shapes, block_modules(inspector.shapes), dtype=torch.float16)
    file = with_alphas(style, 0.001).write(tmp_path / "s.safetensors", flat("lora_unet_"))
    assert torch.equal(ours((file, 2.0)), reference(peft, (file, 2.0)))
