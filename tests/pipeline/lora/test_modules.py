"""The layers told from the configuration are those of the real model, at its real size too."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import ZImageTransformer2DModel

from pipeline.lora.modules import linear_shapes, names

REAL = {"dim": 3840, "n_layers": 30, "n_refiner_layers": 2, "n_heads": 30, "n_kv_heads": 30, "in_channels": 16}


@pytest.mark.parametrize(
    "other", [{}, {"siglip_feat_dim": 1152}, {"all_patch_size": [2, 4], "all_f_patch_size": [1, 1]}]
)
@pytest.mark.parametrize("size", ["demo", "real"])
def test_the_layers_are_those_of_the_model(demo_model: Path, size: str, other: dict[str, object]) -> None:
    demo = json.loads((demo_model / "transformer" / "config.json").read_text())
    config = (demo if size == "demo" else REAL | {"cap_feat_dim": 2560}) | other
    with torch.device("meta"):
        model = ZImageTransformer2DModel(**{k: v for k, v in config.items() if not k.startswith("_")})
    linears = {n: (m.out_features, m.in_features) for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    assert linear_shapes(config) == linears


def test_no_name_means_two_things() -> None:
    shapes = linear_shapes(REAL | {"cap_feat_dim": 2560})
    known = names(shapes)
    assert {t.module for targets in known.values() for t in targets} == shapes.keys()
    for name, targets in known.items():
        fused = name.endswith("qkv")
        assert [t.third for t in targets] == ([0, 1, 2] if fused else [None])
