"""Pictures to train on are kept, and drawn anew when they would look or be called otherwise."""

from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline

from demo import pool
from demo.looks import LOOKS
from demo.pool import SIZES, make_pools


@pytest.fixture(scope="module")
def pipeline(demo_model: Path) -> ZImagePipeline:
    return ZImagePipeline.from_pretrained(demo_model, dtype=torch.float32)


def test_a_pool_is_drawn_once_and_anew_for_another_look(
    pipeline: ZImagePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    draw_batch = pool.draw_batch

    def counted(*args: object) -> torch.Tensor:
        if args[1] >= 192:  # not the few by which looks are told apart
            drawn.append(args[3])
        return draw_batch(*args)

    monkeypatch.setattr(pool, "draw_batch", counted)

    def sketches() -> torch.Tensor:
        return make_pools(pipeline.vae, pipeline.tokenizer, 4, tmp_path, "sketch")[0].latents

    first = sketches()
    assert drawn == ["sketch"] * len(SIZES)
    assert torch.equal(sketches(), first)
    assert len(drawn) == len(SIZES)
    look = LOOKS["sketch"]
    monkeypatch.setitem(LOOKS, "sketch", lambda layers: 0.9 * look(layers))
    assert not torch.equal(sketches(), first)
    monkeypatch.undo()
    assert torch.equal(sketches(), first)
