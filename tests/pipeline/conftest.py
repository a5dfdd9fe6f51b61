"""The real engine on the demo model, made once; and diffusers' own pipeline as the reference."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline

from core.engine import Frame, Picture
from core.request import GenerationRequest
from pipeline.describe import describe
from pipeline.engine import TorchEngine


def request(prompt: str = "a red house on a green meadow", **changes: object) -> GenerationRequest:
    """A small request; name what matters to the test."""
    return replace(GenerationRequest(prompt, 128, 128, seed=7, num_inference_steps=4), **changes)


def draw(engine: TorchEngine, wanted: GenerationRequest) -> Frame:
    """Run a request to its end."""
    *_, last = engine.generate(wanted)
    assert isinstance(last, Picture)
    return last.frame


@pytest.fixture(scope="session")
def engine(demo_model: Path, demo_styles: Path) -> TorchEngine:
    made = TorchEngine(describe(str(demo_model)), demo_styles, "cpu")
    assert list(made.load())[-1] == 1.0
    return made


@pytest.fixture
def reference(demo_model: Path, engine: TorchEngine) -> ZImagePipeline:
    """A pipeline of its own, so that a style loaded into it is nobody else's."""
    pipeline = ZImagePipeline.from_pretrained(demo_model, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture
def model_copy(demo_model: Path, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """A function giving a copy of the demo model that may be broken."""
    copied = tmp_path / "model"
    yield lambda: Path(shutil.copytree(demo_model, copied))
    shutil.rmtree(copied, ignore_errors=True)
