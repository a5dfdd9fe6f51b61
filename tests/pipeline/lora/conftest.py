"""Two models side by side: ours with its slots, and diffusers' with PEFT in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline, ZImageTransformer2DModel
from torch import Tensor

from core.errors import UserError
from pipeline.describe import describe
from pipeline.lora.cache import Cache
from pipeline.lora.compiled import Compiled
from pipeline.lora.inspect import Inspector
from pipeline.lora.slots import Slots
from pipeline.lora.tools import inspector as make_inspector

Velocity = Callable[[ZImageTransformer2DModel], Tensor]


@pytest.fixture(scope="session")
def inspector(demo_model: Path) -> Inspector:
    return make_inspector(describe(str(demo_model)))


@pytest.fixture(scope="session")
def transformer(demo_model: Path) -> ZImageTransformer2DModel:
    loaded = ZImageTransformer2DModel.from_pretrained(demo_model / "transformer", dtype=torch.float32)
    return loaded.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def slots(transformer: ZImageTransformer2DModel) -> Slots:
    return Slots(transformer)


@pytest.fixture(scope="session")
def peft_pipeline(demo_model: Path) -> ZImagePipeline:
    return ZImagePipeline.from_pretrained(demo_model, dtype=torch.float32)


@pytest.fixture
def peft(peft_pipeline: ZImagePipeline) -> Iterator[ZImagePipeline]:
    """A pipeline to load styles into."""
    yield peft_pipeline
    peft_pipeline.unload_lora_weights()


@pytest.fixture
def cache(inspector: Inspector, tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 1000, inspector, torch.float32)


@pytest.fixture
def compile_file(inspector: Inspector, cache: Cache) -> Callable[[Path], Compiled]:
    """Inspect and compile, as the studio does; raises the report's problem."""

    def compile_(file: Path) -> Compiled:
        report = inspector.inspect(file)
        if report.problem is not None:
            raise report.problem
        assert (report.applied, report.made_for) == (report.modules, "")
        return cache.compile(file, report.sha256)

    return compile_


@pytest.fixture
def ours(slots: Slots, compile_file: Callable[[Path], Compiled]) -> Iterator[Callable[..., Tensor]]:
    """What our transformer predicts with files bound at strengths."""

    def predict(*uses: tuple[Path, float]) -> Tensor:
        compiled = [(compile_file(file), strength) for file, strength in uses]
        slots.bind([(style.deltas(style.data), strength) for style, strength in compiled])
        return velocity(slots.transformer)

    yield predict
    slots.clear()


def velocity(model: ZImageTransformer2DModel) -> Tensor:
    """One forward on inputs that are always the same."""
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(16, 1, 8, 8, generator=generator)
    caption = torch.randn(24, model.config.cap_feat_dim, generator=generator)
    with torch.inference_mode():
        return model([latents], torch.tensor([0.3]), [caption], return_dict=False)[0][0].clone()


def problem_of(inspector: Inspector, file: Path) -> UserError:
    problem = inspector.inspect(file).problem
    assert problem is not None
    return problem
