"""The real engine on the demo model, made once; and diffusers' own pipeline as the reference."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ZImagePipeline

from core.engine import Frame, Picture
from core.errors import UserError
from core.request import GenerationRequest, Source
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


PHOTOS: dict[str, Frame] = {}  # what the engine finds when it is asked for a source


def photo(width: int = 128, height: int = 128, seed: int = 3) -> Frame:
    """Slopes, a hard edge and a little grain, in colour."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    picture = np.stack([0.2 + 0.6 * x, 0.8 - 0.5 * y, 0.5 + 0.4 * np.sin(6 * x + 4 * y)], 2)
    picture[(x - 0.5) ** 2 + (y - 0.55) ** 2 < 0.06] = (0.9, 0.3, 0.2)
    picture += np.random.default_rng(seed).normal(0, 0.02, picture.shape)
    return Frame(width, height, (picture.clip(0, 1) * 255).round().astype(np.uint8).tobytes())


def source(frame: Frame, strength: float) -> Source:
    """Start from `frame`, which the engine will find."""
    PHOTOS[frame.sha256] = frame
    return Source(frame.sha256, strength)


def find_photo(sha256: str) -> Frame:
    if sha256 not in PHOTOS:
        raise UserError("There is no such photo.")
    return PHOTOS[sha256]


@pytest.fixture(scope="session")
def engine(demo_model: Path, demo_styles: Path) -> TorchEngine:
    made = TorchEngine(describe(str(demo_model)), demo_styles, "cpu", sources=find_photo)
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
