"""Progress, previews, cancelling, and an engine that outlives every failure."""

import numpy as np
import pytest
import torch

from core.engine import Frame, Picture, Progress
from core.errors import OutOfMemory, UserError
from core.request import StyleUse
from pipeline import vae
from pipeline.checks import check_frame, check_latents
from pipeline.engine import TorchEngine
from pipeline.vae import TILE
from tests.pipeline.conftest import draw, request


def pixels(frame: Frame) -> np.ndarray:
    return np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3)


def test_progress_comes_after_the_text_and_after_every_step(engine: TorchEngine) -> None:
    *progress, picture = engine.generate(request(num_inference_steps=3))
    assert [(p.stage, p.step, p.steps) for p in progress if isinstance(p, Progress)] == [
        ("text", 0, 3), ("denoise", 1, 3), ("denoise", 2, 3), ("denoise", 3, 3),
    ]  # fmt: skip
    assert isinstance(picture, Picture)
    assert (picture.frame.width, picture.frame.height) == (128, 128)


def test_the_preview_is_what_the_picture_becomes(engine: TorchEngine) -> None:
    wanted = request(num_inference_steps=8, width=160, height=96)
    *events, picture = engine.generate(wanted)
    previews = [e.preview for e in events if isinstance(e, Progress) and e.preview]
    assert len(previews) == 7  # the first after one step; none after the last, whose picture follows
    assert isinstance(picture, Picture)
    final = torch.from_numpy(pixels(picture.frame).astype(np.float32)).permute(2, 0, 1)[None]
    distances = []
    for preview in previews:
        assert preview.width / preview.height == pytest.approx(160 / 96)
        small = torch.nn.functional.interpolate(final, (preview.height, preview.width), mode="area")
        shown = torch.from_numpy(pixels(preview).astype(np.float32)).permute(2, 0, 1)[None]
        distances.append(float((small - shown).abs().mean()))
    assert distances[-1] < distances[0]
    assert distances[-1] < 24  # of 255


def test_a_repeated_prompt_skips_the_text_encoder(engine: TorchEngine) -> None:
    calls = []
    handle = engine.model.text_encoder.register_forward_hook(lambda *_: calls.append(1))
    try:
        first = draw(engine, request("a prompt that nobody asked for yet"))
        again = draw(engine, request("a prompt that nobody asked for yet"))
    finally:
        handle.remove()
    assert len(calls) == 1
    assert first == again


def test_a_prompt_of_too_many_tokens_is_refused_not_cut(engine: TorchEngine) -> None:
    with pytest.raises(UserError, match="too long for this model: .* tokens, 512 is the most"):
        draw(engine, request("qzx " * 900))


def test_a_closed_generator_leaves_the_engine_as_it_was(engine: TorchEngine) -> None:
    expected = draw(engine, request()).rgb
    events = engine.generate(request(styles=(StyleUse("sketch"),)))
    next(events), next(events)
    events.close()
    assert draw(engine, request()).rgb == expected


def test_a_failed_request_leaves_the_engine_as_it_was(engine: TorchEngine) -> None:
    expected = draw(engine, request()).rgb
    with pytest.raises(UserError, match='The style "no such" is not there any more'):
        draw(engine, request(styles=(StyleUse("sketch"), StyleUse("no such"))))
    assert draw(engine, request()).rgb == expected


@pytest.mark.parametrize("component", ["text_encoder", "transformer", "vae"])
def test_too_little_memory_is_told_as_such_and_the_next_picture_is_drawn(engine: TorchEngine, component: str) -> None:
    expected = draw(engine, request())
    module = getattr(engine.model, component)
    module = module.decoder if component == "vae" else module
    handle = module.register_forward_pre_hook(lambda *_: torch.empty(2**50))  # torch's own error, the real one
    try:
        with pytest.raises(OutOfMemory) as caught:
            draw(engine, request("a prompt that takes too much", styles=(StyleUse("sketch"),)))
    finally:
        handle.remove()
    assert caught.value.__cause__ is caught.value.__context__ is None  # else it would keep the tensors it came from
    assert draw(engine, request()) == expected


def test_another_error_is_not_taken_for_too_little_memory(engine: TorchEngine) -> None:
    handle = engine.model.transformer.register_forward_pre_hook(lambda *_: torch.ones(2) @ torch.ones(3))
    try:
        with pytest.raises(RuntimeError, match="size"):
            draw(engine, request())
    finally:
        handle.remove()


@pytest.mark.slow
def test_a_frugal_picture_is_decoded_in_tiles_and_looks_the_same(engine: TorchEngine) -> None:
    wanted = request(width=1024, height=544, num_inference_steps=1)
    largest: list[int] = []
    handle = engine.model.vae.decoder.register_forward_pre_hook(lambda _, x: largest.append(x[0].shape[-1]))
    try:
        *_, tiled = engine.generate(wanted, frugal=True)
        tile = TILE // engine.model.vae_scale_factor
        assert max(largest) == tile
        largest.clear()
        plain = draw(engine, wanted)
        assert largest == [1024 // engine.model.vae_scale_factor]
    finally:
        handle.remove()
    assert isinstance(tiled, Picture)
    difference = np.abs(pixels(tiled.frame).astype(int) - pixels(plain).astype(int))
    assert difference.mean() < 3
    small = request(num_inference_steps=1)
    assert [*engine.generate(small, frugal=True)][-1] == Picture(draw(engine, small))  # one tile: the same bits


def test_a_large_picture_is_decoded_in_tiles_whatever_the_card(
    engine: TorchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = request(width=640, height=544, num_inference_steps=1)
    whole = draw(engine, wanted)
    *_, frugal = engine.generate(wanted, frugal=True)
    assert isinstance(frugal, Picture)
    assert frugal.frame != whole
    monkeypatch.setattr(vae, "LARGE", 640 * 544)
    assert draw(engine, wanted) == whole
    monkeypatch.setattr(vae, "LARGE", 640 * 544 - 1)
    assert draw(engine, wanted) == frugal.frame


def test_styles_are_brought_to_the_device_before_they_are_asked_for(engine: TorchEngine) -> None:
    engine.free()
    assert engine.facts().styles == frozenset()
    engine.prefetch([StyleUse("sketch"), StyleUse("no such"), StyleUse("cartoon", 0.5)])
    facts = engine.facts()
    assert len(facts.styles) == 2
    assert facts.styles_bytes > 0
    draw(engine, request(styles=(StyleUse("sketch"),), num_inference_steps=1))
    assert engine.facts().styles == facts.styles


def test_the_engine_says_where_it_runs_and_what_it_holds(engine: TorchEngine) -> None:
    facts = engine.facts()
    assert (facts.device, facts.dtype) == ("CPU", "float32")
    assert 0 < facts.memory_used < facts.memory_total
    engine.free()
    assert (engine.facts().styles, engine.facts().styles_bytes) == (frozenset(), 0)


def test_latents_that_are_not_numbers_name_their_cause() -> None:
    broken = torch.tensor([1.0, float("nan")])
    with pytest.raises(UserError, match='by the style "sketch" at strength 2'):
        check_latents(broken, request(styles=(StyleUse("cartoon", 0.5), StyleUse("sketch", 2.0))))
    with pytest.raises(UserError, match="too much guidance"):
        check_latents(broken, request(guidance_scale=20.0))
    with pytest.raises(UserError, match="another seed"):
        check_latents(broken, request())


def test_a_picture_black_all_over_is_an_error_and_a_dark_one_is_not() -> None:
    with pytest.raises(UserError, match="black all over"):
        check_frame(Frame(2, 1, bytes(6)), request())
    check_frame(Frame(2, 1, bytes([0, 0, 0, 0, 0, 3])), request())
