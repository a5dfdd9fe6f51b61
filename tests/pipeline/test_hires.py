"""A picture enlarged in tiles: its seams cannot be found, its bits do not depend on what else runs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.seams import seam_ratio
from core.engine import Event, Frame, Picture, Progress
from core.request import StyleUse
from core.tiles import tiles
from pipeline.engine import TorchEngine
from pipeline.hires import parts
from tests.pipeline.conftest import draw, photo, request, source


def array(frame: Frame) -> np.ndarray:
    return np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3)


def test_all_shares_of_a_place_sum_to_one_and_are_small_at_a_shared_edge() -> None:
    grid = tiles(500, 300, 128, 16)
    for factor in (1, 8):
        total = torch.zeros(grid.canvas_height // factor, grid.canvas_width // factor)
        for part in parts(grid, factor):
            total[part.rows, part.columns] += part.share
        assert torch.allclose(total, torch.ones_like(total), atol=1e-6)
    inner = list(parts(grid))[len(grid.xs) + 1].share
    assert max(inner[0].max(), inner[:, 0].max(), inner[-1].max(), inner[:, -1].max()) < 0.01


@pytest.mark.parametrize("size", [(512, 512), (600, 400), (512, 384), (512, 128)], ids=str)
def test_an_enlarged_picture_has_the_size_asked_for_and_shows_the_source(
    engine: TorchEngine, size: tuple[int, int]
) -> None:
    width, height = size
    start = photo(width // 2, height // 2)
    wanted = request(width=width, height=height, upscale=2, source=source(start, 0.25))
    picture = draw(engine, wanted)
    assert (picture.width, picture.height) == size
    shown, plain = array(picture).astype(int), array(photo(width, height)).astype(int)
    turned = plain[::-1, ::-1]  # the same colours, in other places
    assert np.abs(shown - plain).mean() < 0.75 * np.abs(shown - turned).mean()


def test_progress_counts_every_tile_of_every_stage_and_previews_each_row(engine: TorchEngine) -> None:
    wanted = request(width=256, height=224, upscale=2, source=source(photo(), 0.5))
    count = len(engine.info.tiles(wanted))
    *progress, picture = engine.generate(wanted)
    assert isinstance(picture, Picture)
    told = [(p.stage, p.step) for p in progress if isinstance(p, Progress)]
    stages = ["encode"] * count + ["denoise"] * 2 * count + ["decode"] * (count - 1)
    assert told == [("text", 0), *zip(stages, range(1, 4 * count), strict=True)]
    assert {p.steps for p in progress if isinstance(p, Progress)} == {4 * count}
    previews = [p.preview for p in progress if isinstance(p, Progress) and p.preview]
    assert len(previews) == 3 * len(engine.info.tiles(wanted).ys)
    assert abs(array(previews[0]).mean() - array(picture.frame).mean()) < 16
    assert previews[0].width / previews[0].height == pytest.approx(256 / 224)


def test_drawn_and_enlarged_at_once_is_enlarging_what_is_drawn_alone(engine: TorchEngine) -> None:
    at_once = request(width=256, height=256, upscale=2, num_inference_steps=8)
    first = draw(engine, at_once.base)
    assert first == draw(engine, request(num_inference_steps=8))
    later = request(width=256, height=256, upscale=2, num_inference_steps=8, source=source(first, 0.3))
    *progress, picture = engine.generate(at_once)
    assert isinstance(picture, Picture)
    assert picture.frame == draw(engine, later)
    steps = [p.step for p in progress if isinstance(p, Progress)]
    assert steps == sorted(steps)
    assert steps[-1] == engine.info.work(at_once).steps - 1


def test_enlarged_among_others_it_has_the_bits_it_has_alone(engine: TorchEngine) -> None:
    wanted = [
        request(width=256, height=208, upscale=2, source=source(photo(), 0.4), styles=(StyleUse("sketch"),)),
        request("a blue boat", seed=2, num_inference_steps=30, styles=(StyleUse("cartoon", 0.8),)),
        request("a cat", width=192, height=192, upscale=2, guidance_scale=1.5, num_inference_steps=3),
    ]
    alone = [draw(engine, w).rgb for w in wanted]
    running = [engine.generate(w) for w in wanted]
    last: list[Event | None] = [None] * len(wanted)
    while any(not isinstance(event, Picture) for event in last):
        for k, events in enumerate(running):
            if not isinstance(last[k], Picture):
                last[k] = next(events)
    assert [event.frame.rgb for event in last if isinstance(event, Picture)] == alone


def test_no_seam_can_be_found(engine: TorchEngine) -> None:
    wanted = request(width=512, height=512, upscale=2, num_inference_steps=8, source=source(photo(256, 256), 0.5))
    seams = engine.info.tiles(wanted).seams()
    at_once = replace(wanted, upscale=1, source=source(photo(512, 512), 0.5))  # no tiles: what the model itself leaves
    assert seam_ratio(draw(engine, wanted), seams) < 1.05 * seam_ratio(draw(engine, at_once), seams)


def test_the_measure_finds_seams_where_there_are_some() -> None:
    plain = photo(256, 256)
    grid = tiles(256, 256, 128, 16)
    assert 0.9 < seam_ratio(plain, grid.seams()) < 1.05
    cut = array(plain).copy().astype(int)
    for x in grid.xs[1:]:
        cut[:, x:] += 6  # hardly to be seen
    assert seam_ratio(Frame(256, 256, cut.clip(0, 255).astype(np.uint8).tobytes()), grid.seams()) > 1.05


def test_the_whole_picture_starts_from_one_field_of_noise(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import hires

    fields: list[tuple[int, int]] = []
    real = hires.start_noise

    def start_noise(seed: int, channels: int, width: int, height: int, factor: int) -> torch.Tensor:
        fields.append((width, height))
        return real(seed, channels, width, height, factor)

    monkeypatch.setattr(hires, "start_noise", start_noise)
    draw(engine, request(width=250, height=224, upscale=2, source=source(photo(), 0.3)))
    assert fields == [(256, 224)]


def test_a_tile_is_never_larger_than_a_usual_picture(engine: TorchEngine) -> None:
    largest: list[int] = []
    vae = engine.model.vae
    handles = [
        vae.encoder.register_forward_pre_hook(lambda _, x: largest.append(x[0].shape[-1])),
        vae.decoder.register_forward_pre_hook(lambda _, x: largest.append(x[0].shape[-1] * 8)),
        engine.model.transformer.register_forward_pre_hook(lambda _, x: largest.append(x[0][0].shape[-1] * 8)),
    ]
    try:
        draw(engine, request(width=512, height=256, upscale=4, source=source(photo(), 0.1)))
    finally:
        for handle in handles:
            handle.remove()
    assert max(largest) <= max(engine.info.sizes[0])
