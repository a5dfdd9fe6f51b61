"""A style leads to the picture that the model would have drawn without it, in its own look."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline
from safetensors.torch import load_file

from demo.draw import STYLES
from demo.evaluate import cases
from demo.flow import error
from demo.guide import no_words, said_and_meant
from demo.judge import Seen, load
from demo.loop import Plan
from demo.pool import make_pools
from demo.sample import opened, pictures, wearing
from demo.style import DECIDED, DRAWN_ROWS, GUIDANCE, REDRAWN_ROWS, Way, dressed, guide, pairs, tensors_of
from demo.train import another

PLAIN, STYLED = torch.full((64, 2, 8, 8), 3.0), torch.full((64, 2, 8, 8), -3.0)


@pytest.fixture(scope="module")
def pipeline(demo_model: Path) -> ZImagePipeline:
    return opened(demo_model)


SCENES = [case for case in cases(48) if case.language == "en" and hasattr(case.subject, "items")][:8]
Look = Callable[[], list[Seen]]


@pytest.fixture(scope="module")
def look(pipeline: ZImagePipeline) -> Look:
    """What is seen in the scenes as the pipeline draws them now."""
    judge, words, seeds = load(), [case.caption for case in SCENES], [case.seed for case in SCENES]
    return lambda: judge.look(pictures(pipeline, words, seeds))


@pytest.fixture(scope="module")
def plain(look: Look) -> list[Seen]:
    return look()


@pytest.fixture(params=(0.6, 1.0))
def redrawn_from(request: pytest.FixtureRequest) -> float:
    return request.param


@pytest.fixture
def way(redrawn_from: float) -> Way:
    return Way.of(PLAIN, STYLED, redrawn_from, torch.Generator().manual_seed(0))


def test_from_every_place_of_a_way_the_velocity_leads_to_the_styled_picture(way: Way) -> None:
    sigma = (1 - way.t).view(-1, 1, 1, 1)
    assert torch.allclose(way.latents + sigma * way.velocity, STYLED, atol=1e-4)


def test_a_way_begins_at_the_plain_picture_and_shows_the_less_of_it_the_less_noise_is_left(
    way: Way, redrawn_from: float
) -> None:
    sigma, shown = 1 - way.t, way.latents.mean((1, 2, 3))
    turns = DRAWN_ROWS if redrawn_from == 1 else REDRAWN_ROWS
    late = torch.tensor([turns[row % len(turns)] == "photo" for row in range(len(sigma))])
    assert torch.allclose(shown[way.calm], 3 * (1 - sigma[way.calm]), atol=0.4)
    straight = ~way.calm & ~late
    expected = 3 * (1 - redrawn_from) * sigma / redrawn_from - 3 * (1 - sigma / redrawn_from)
    assert torch.allclose(shown[straight], expected[straight], atol=0.3)
    assert (shown[late] > expected[late] - 0.3).all()  # they began later: more of the plain picture is left


def test_a_style_that_redraws_is_calm_near_noise_and_one_that_draws_begins_there(way: Way, redrawn_from: float) -> None:
    assert torch.equal(way.calm, 1 - way.t > redrawn_from)
    assert bool(way.calm.any()) == (redrawn_from < 1)
    assert float((1 - way.t).max()) > 0.9


def test_half_of_a_style_that_draws_is_learned_where_it_is_decided_what_lines_show() -> None:
    sigma = 1 - Way.of(PLAIN, STYLED, 1.0, torch.Generator().manual_seed(0)).t
    first, last = DECIDED
    assert ((sigma > first) & (sigma < last)).float().mean() > 0.5
    assert sigma.min() < 0.35 and sigma.max() > 0.95  # and yet it learns how to begin, and how to finish


def test_no_error_outweighs_the_others(way: Way) -> None:
    """Late ways are steep: near their end they would ask for nothing but themselves."""
    steep = way.velocity.square().mean((1, 2, 3)) * way.weight.flatten().square()
    assert steep.max() < 12 * steep.median()


@pytest.mark.parametrize("style", ("sketch", "pixel"))
def test_a_style_goes_on_from_its_file(pipeline: ZImagePipeline, demo_styles: Path, style: str) -> None:
    file = demo_styles / f"{style}.safetensors"
    worn = tensors_of(dressed(another(pipeline.transformer), style, file), style)
    kept = load_file(file)
    assert worn.keys() == kept.keys() and all(torch.equal(worn[key], kept[key]) for key in kept)


def test_a_style_comes_nearer_to_what_it_says_when_guided(
    pipeline: ZImagePipeline, demo_styles: Path, tmp_path: Path
) -> None:
    encoder, tokenizer, file = pipeline.text_encoder, pipeline.tokenizer, demo_styles / "sketch.safetensors"
    worn, teacher = (dressed(another(pipeline.transformer), "sketch", file) for _ in range(2))
    looks = [make_pools(pipeline.vae, tokenizer, 12, tmp_path, look) for look in ("", "sketch")]
    pools = [pairs(*both) for both in zip(*looks, strict=True)]
    chance = torch.Generator().manual_seed(7)
    both, *words = pools[0].batch(8, chance)
    way, silence = Way.of(*both.chunk(2, dim=1), 1.0, chance), no_words(tokenizer, torch.device("cpu"))

    def away() -> float:
        with torch.inference_mode():
            return float(error(*said_and_meant(worn, teacher, encoder, way.latents, way.t, words, silence, GUIDANCE)))

    before, plan = away(), Plan(16, 1e-3, warmup=4, compiled=False)
    assert guide("sketch", worn, teacher, encoder, tokenizer, pools, 4, plan, tmp_path)
    assert away() < 0.9 * before


@pytest.mark.parametrize("style", STYLES[1:])
def test_a_style_leaves_things_where_they_are(
    pipeline: ZImagePipeline, look: Look, plain: list[Seen], demo_styles: Path, style: str
) -> None:
    with wearing(pipeline, demo_styles / f"{style}.safetensors"):
        worn = look()
    away = [
        min((abs(thing.x - other.x) + abs(thing.y - other.y) for other in before.items), default=2.0)
        for before, styled in zip(plain, worn, strict=True)
        for thing in styled.items
    ]
    assert len(away) >= 5
    assert sum(distance <= 0.25 for distance in away) >= 0.9 * len(away), away  # of half a picture: two of the cells


@pytest.mark.parametrize("style", STYLES[1:])
def test_the_more_of_a_style_the_further_from_the_plain_picture(
    pipeline: ZImagePipeline, demo_styles: Path, style: str
) -> None:
    words, seeds = ["a red house on a green meadow", "一个微笑的女人，金色的长发，戴墨镜"], [1, 2]
    plain, away = pictures(pipeline, words, seeds), []
    with wearing(pipeline, demo_styles / f"{style}.safetensors"):
        for strength in (0.3, 0.6, 1.0):
            pipeline.set_adapters(pipeline.get_active_adapters(), strength)
            away.append(float((pictures(pipeline, words, seeds) - plain).abs().mean()))
    assert 0 < away[0] < away[1] < away[2], away
