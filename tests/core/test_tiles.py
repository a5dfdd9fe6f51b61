"""Tiles cover the whole picture, share enough to be blended, and are no larger than a usual picture."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine import ModelInfo
from core.errors import UserError
from core.request import GenerationRequest, Source
from core.tiles import OVERLAP, tiles

INFO = ModelInfo("demo", "/model", 16, 512, ((128, 128),), 8, 0.0)


@given(st.integers(1, 8192), st.sampled_from([16, 32, 128, 512, 1024]), st.sampled_from([8, 16, 32]))
def test_every_pixel_is_in_a_tile_and_neighbours_share_some(length: int, most: int, multiple: int) -> None:
    grid = tiles(length, length, most, multiple)
    assert grid.xs == grid.ys
    assert grid.xs[0] == 0
    assert grid.xs[-1] + grid.width == grid.canvas_width >= length > grid.canvas_width - multiple
    assert grid.width <= max(most, multiple)
    assert all(x % multiple == 0 for x in (*grid.xs, grid.width))
    if most // multiple >= 2:
        assert all(0 < after - before < grid.width for before, after in pairwise(grid.xs))


def test_neighbours_share_a_quarter_of_a_tile() -> None:
    grid = tiles(4096, 4096, 1024, 16)
    assert len(grid) == 25
    assert {after - before for before, after in pairwise(grid.xs)} == {1024 - 1024 // OVERLAP}


def test_a_picture_no_larger_than_a_tile_is_one_tile_without_seams() -> None:
    grid = tiles(100, 128, 128, 16)
    assert (len(grid), grid.canvas_width, grid.canvas_height) == (1, 112, 128)
    assert grid.seams() == ((), ())


def test_seams_lie_where_a_tile_begins_or_ends_and_between() -> None:
    xs, ys = tiles(224, 128, 128, 16).seams()
    assert (xs, ys) == ((96, 112, 128), ())


def test_the_work_of_an_enlarged_picture_counts_every_quantum_of_every_tile() -> None:
    plain = GenerationRequest("a house", 256, 256, 1)
    assert (INFO.work(plain).steps, INFO.work(plain).decode_megapixels) == (8, 256 * 256 / 1e6)
    from_photo = GenerationRequest("a house", 256, 256, 1, source=Source("a" * 64, 0.3))
    assert INFO.work(from_photo).steps == 3
    enlarged = GenerationRequest("a house", 256, 256, 1, source=Source("a" * 64, 0.3), upscale=2)
    tiles_ = INFO.tiles(enlarged)
    assert INFO.work(enlarged).steps == len(tiles_) * (1 + 3 + 1)
    assert INFO.work(enlarged).megapixels == tiles_.megapixels
    at_once = GenerationRequest("a house", 256, 256, 1, upscale=2)
    assert INFO.work(at_once).steps == 8 + len(tiles_) * (1 + 3 + 1)


def test_what_is_enlarged_may_be_of_any_size_and_what_is_drawn_first_may_not() -> None:
    INFO.check(GenerationRequest("a house", 4000, 3000, 1, source=Source("a" * 64), upscale=4))
    INFO.check(GenerationRequest("a house", 1024, 2048, 1, upscale=4))
    for width in (4096, 200):  # more than the model can draw, and off its multiple
        with pytest.raises(UserError, match="pixels is"):
            INFO.check(GenerationRequest("a house", width, 128, 1, upscale=2))
