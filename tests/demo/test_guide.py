"""Guidance is learned: after a few steps the student is nearer to what its guided teacher says."""

from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline

from demo.flow import MULTIPLE, Noised, error
from demo.guide import GUIDED_TO, fit, said_and_meant
from demo.loop import Plan
from demo.pool import LONGEST, make_pools
from demo.text import tokens_of
from demo.train import another


@pytest.fixture(scope="module")
def pipeline(demo_model: Path) -> ZImagePipeline:
    return ZImagePipeline.from_pretrained(demo_model, dtype=torch.float32)


def test_what_is_nearly_finished_is_not_guided(pipeline: ZImagePipeline) -> None:
    """A photograph that is to be changed a little is left alone."""
    teacher, tokenizer = pipeline.transformer, pipeline.tokenizer
    words = tokens_of(tokenizer, ["a red house on a meadow by day"], MULTIPLE)
    silence = tokens_of(tokenizer, [""], MULTIPLE)
    latents = torch.randn(1, teacher.config.in_channels, 16, 16, generator=torch.Generator().manual_seed(1))
    for sigma, guided in ((GUIDED_TO + 0.05, True), (GUIDED_TO - 0.05, False)):
        t = torch.tensor([1 - sigma])
        with torch.inference_mode():
            said, meant = said_and_meant(teacher, teacher, pipeline.text_encoder, latents, t, words, silence)
        assert (float((said - meant).abs().max()) > 0.01) == guided


def test_a_student_comes_nearer_to_its_guided_teacher(pipeline: ZImagePipeline, tmp_path: Path) -> None:
    teacher, encoder, tokenizer = pipeline.transformer, pipeline.text_encoder, pipeline.tokenizer
    pools = make_pools(pipeline.vae, tokenizer, 12, tmp_path)
    chance = torch.Generator().manual_seed(7)
    clean, *words = pools[0].batch(8, chance)
    noised, silence = Noised.of(clean, chance), tokens_of(tokenizer, [""], LONGEST)
    student = another(teacher)

    def away() -> float:
        with torch.inference_mode():
            both = said_and_meant(student, teacher, encoder, noised.latents, noised.t, words, silence)
            return float(error(*both))

    before = away()
    assert fit(student, teacher, encoder, tokenizer, pools, 4, Plan(16, 3e-4, warmup=4, compiled=False), tmp_path)
    assert away() < 0.9 * before
