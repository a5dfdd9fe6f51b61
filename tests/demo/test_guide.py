"""Guidance is learned: after a few steps the student is nearer to what its guided teacher says."""

from pathlib import Path

import torch
from diffusers import ZImagePipeline

from demo.flow import Noised, error
from demo.guide import fit, said_and_meant
from demo.loop import Plan
from demo.pool import LONGEST, make_pools
from demo.text import tokens_of
from demo.train import another


def test_a_student_comes_nearer_to_its_guided_teacher(demo_model: Path, tmp_path: Path) -> None:
    pipeline = ZImagePipeline.from_pretrained(demo_model, dtype=torch.float32)
    teacher, encoder, tokenizer = pipeline.transformer, pipeline.text_encoder, pipeline.tokenizer
    pools = make_pools(pipeline.vae, tokenizer, 12, tmp_path)
    chance = torch.Generator().manual_seed(7)
    clean, *words = pools[0].batch(8, chance)
    noised, silence = Noised.of(clean, chance), tokens_of(tokenizer, [""], LONGEST)
    student = another(teacher)

    def away() -> float:
        with torch.inference_mode():
            return float(error(*said_and_meant(student, teacher, encoder, noised, tuple(words), silence)))

    before = away()
    assert fit(student, teacher, encoder, tokenizer, pools, 4, Plan(16, 3e-4, warmup=4, compiled=False), tmp_path)
    assert away() < 0.9 * before
