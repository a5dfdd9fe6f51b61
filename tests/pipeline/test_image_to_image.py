"""A picture that starts from another: as far from it as the strength says, by the schedule that diffusers walks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import ZImageImg2ImgPipeline, ZImagePipeline

from core.engine import Event, Frame, Picture, Progress
from core.errors import UserError
from core.request import Source, StyleUse
from pipeline import vae
from pipeline.engine import TorchEngine
from pipeline.latents import cover_with_noise, start_noise
from pipeline.sampler import schedule_for
from pipeline.source import Source as Fitted
from tests.pipeline.conftest import draw, photo, request, source


def pixels(frame: Frame) -> np.ndarray:
    return np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3).astype(int)


@pytest.mark.parametrize("changes", [{}, {"width": 160, "height": 96, "guidance_scale": 1.5}], ids=str)
def test_at_strength_one_it_is_text_to_image_bit_for_bit(engine: TorchEngine, changes: dict[str, object]) -> None:
    assert draw(engine, request(source=source(photo(), 1.0), **changes)) == draw(engine, request(**changes))


@pytest.mark.parametrize(
    ("steps", "strength", "changes"),
    [
        (8, 0.6, {}),
        (8, 0.3, {"guidance_scale": 2.0, "negative_prompt": "a boat"}),
        (9, 0.95, {"width": 160, "height": 96}),
        (4, 0.1, {}),
        (100, 0.05 + 0.5, {"width": 32, "height": 32}),  # where floats make diffusers walk 56 steps, and not 55
    ],
    ids=str,
)
def test_from_the_same_start_it_has_the_bits_of_diffusers(
    engine: TorchEngine, reference: ZImagePipeline, steps: int, strength: float, changes: dict[str, object]
) -> None:
    wanted = request(num_inference_steps=steps, source=source(photo(), strength), **changes)
    model = engine.model
    whole = Fitted(photo(), wanted.width, wanted.height).region(0, 0, wanted.width, wanted.height)
    noise = start_noise(wanted.seed, model.latent_channels, wanted.width, wanted.height, model.vae_scale_factor)
    schedule = schedule_for(model, noise, steps, wanted.first_step)
    start = cover_with_noise(vae.encode(model.vae, whole), noise, schedule.sigmas[wanted.first_step])
    theirs = ZImageImg2ImgPipeline(**reference.components)
    theirs.set_progress_bar_config(disable=True)
    picture = theirs(
        wanted.prompt, image=(whole + 1) / 2, latents=start, strength=strength, num_inference_steps=steps,
        width=wanted.width, height=wanted.height, negative_prompt=wanted.negative_prompt,
        guidance_scale=wanted.guidance_scale,
    ).images[0]  # fmt: skip
    assert draw(engine, wanted).rgb == picture.tobytes()


def test_the_stronger_the_further_from_the_source(engine: TorchEngine) -> None:
    start = photo(256, 256)  # the size the model draws best: no other difference is as small
    wanted = request(width=256, height=256, num_inference_steps=8)
    distances = [
        np.abs(pixels(draw(engine, replace(wanted, source=source(start, s)))) - pixels(start)).mean()
        for s in (0.1, 0.3, 0.6, 1.0)
    ]
    assert distances == sorted(distances)
    assert distances[0] < 22 < 40 < distances[-1]  # of 255


def test_the_encoding_is_a_quantum_and_shows_the_source(engine: TorchEngine) -> None:
    wanted = request(num_inference_steps=8, source=source(photo(), 0.4))
    *progress, picture = engine.generate(wanted)
    assert [(p.stage, p.step, p.steps) for p in progress if isinstance(p, Progress)] == [
        ("text", 0, 4), ("encode", 0, 4), *(("denoise", n, 4) for n in range(1, 5)),
    ]  # fmt: skip
    first = progress[1]
    assert isinstance(picture, Picture) and isinstance(first, Progress) and first.preview is not None
    small = photo(first.preview.width, first.preview.height)
    assert np.abs(pixels(first.preview) - pixels(small)).mean() < 16  # of 255


def test_interleaved_with_others_it_has_the_bits_it_has_alone(engine: TorchEngine) -> None:
    wanted = [
        request(source=source(photo(), 0.5), styles=(StyleUse("sketch"),), num_inference_steps=6),
        request("a blue boat", seed=2),
        request("a cat", source=source(photo(200, 90), 0.8), width=160, height=96, styles=(StyleUse("cartoon", 0.8),)),
    ]
    alone = [draw(engine, w).rgb for w in wanted]
    running = [engine.generate(w) for w in wanted]
    last: list[Event | None] = [None] * len(wanted)
    while any(not isinstance(event, Picture) for event in last):
        for k, events in enumerate(running):
            if not isinstance(last[k], Picture):
                last[k] = next(events)
    assert [event.frame.rgb for event in last if isinstance(event, Picture)] == alone


def test_a_source_that_is_gone_is_told_as_such_and_the_next_picture_is_drawn(engine: TorchEngine) -> None:
    expected = draw(engine, request())
    with pytest.raises(UserError, match="no such photo"):
        draw(engine, request(source=Source("0" * 64, 1.0)))
    assert draw(engine, request()) == expected


def test_an_engine_without_sources_says_so(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_sources", None)
    with pytest.raises(UserError, match="The picture to start from is not there any more"):
        draw(engine, request(source=source(photo(), 0.5)))


def test_a_source_of_another_shape_is_cut_around_its_middle_never_squeezed() -> None:
    wide = np.zeros((64, 200, 3), np.uint8)
    wide[:, 68:132] = (255, 0, 0)  # the middle square
    wide[:, :68] = (0, 0, 255)
    fitted = Fitted(Frame(200, 64, wide.tobytes()), 32, 32).region(0, 0, 32, 32)
    assert torch.allclose(fitted[0, 0, :, 2:-2], torch.ones(32, 28), atol=0.02)
    assert fitted[0, 2, :, 2:-2].max() < -0.98


@pytest.mark.parametrize("size", [(100, 75), (1, 1), (640, 480), (33, 400)], ids=str)
def test_a_region_is_what_scaling_the_whole_gives_there_and_goes_on_at_the_edge(size: tuple[int, int]) -> None:
    fitted = Fitted(photo(*size), 300, 200)
    whole = fitted.region(0, 0, 304, 208)
    assert whole.shape == (1, 3, 208, 304)
    assert torch.equal(whole[..., :, 300:], whole[..., :, 299:300].expand(-1, -1, -1, 4))
    part = fitted.region(96, 80, 128, 128)
    assert (part - whole[..., 80:208, 96:224]).abs().max() <= 2.1 / 255  # one level of 255, of the range -1..1


def test_a_large_source_is_encoded_in_tiles(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae, "LARGE", 64 * 64)
    monkeypatch.setattr(vae, "TILE", 64)
    largest: list[int] = []
    handle = engine.model.vae.encoder.register_forward_pre_hook(lambda _, x: largest.append(x[0].shape[-1]))
    try:
        draw(engine, request(source=source(photo(), 0.3)))
    finally:
        handle.remove()
    assert max(largest) == 64
