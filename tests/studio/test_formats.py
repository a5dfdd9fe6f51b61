"""What is saved is what was drawn: exact where the format promises it, close where it does not."""

import io
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.engine import Frame
from core.errors import UserError
from studio import formats, png


def decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def smooth(width: int = 64, height: int = 48) -> Frame:
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 3, y * 4, 255 - x - y], 2).clip(0, 255).astype(np.uint8)
    return Frame(width, height, pixels.tobytes())


@given(st.integers(1, 70), st.integers(1, 50), st.randoms(use_true_random=False), st.sampled_from([1, 4, 256]))
def test_a_png_has_every_pixel_of_any_picture(width: int, height: int, chance, levels: int) -> None:
    rgb = bytes(chance.randrange(levels) for _ in range(width * height * 3))
    image = decoded(png.encode(Frame(width, height, rgb)))
    assert (image.mode, image.size, image.tobytes()) == ("RGB", (width, height), rgb)


@pytest.mark.parametrize("band", [1, 100, 1000, 10**9])
def test_a_png_made_in_any_number_of_bands_has_every_pixel(monkeypatch: pytest.MonkeyPatch, band: int) -> None:
    monkeypatch.setattr(png, "BAND_BYTES", band)
    for frame in (smooth(), Frame(61, 33, os.urandom(61 * 33 * 3)), Frame(40, 40, bytes(40 * 40 * 3))):
        data = png.encode(frame)
        assert decoded(data).tobytes() == frame.rgb
        with Image.open(io.BytesIO(data)) as image:
            image.verify()  # the checksums of all chunks


def test_the_same_picture_is_the_same_file_on_one_core_and_on_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "BAND_BYTES", 500)
    many = png.encode(smooth())
    monkeypatch.setattr(png, "MOST_THREADS", 1)
    assert png.encode(smooth()) == many


def test_a_smooth_picture_is_not_much_larger_than_from_the_usual_encoder() -> None:
    frame, usual = smooth(600, 400), io.BytesIO()
    Image.frombytes("RGB", (frame.width, frame.height), frame.rgb).save(usual, "PNG")
    assert len(png.encode(frame)) < 2 * len(usual.getvalue())
    assert len(png.encode(frame)) < len(frame.rgb) / 20


@pytest.mark.parametrize("kind", formats.available())
def test_each_format_is_what_it_says_and_shows_the_picture(kind: formats.Format) -> None:
    frame = smooth()
    image = decoded(formats.encode(frame, kind))
    assert (str(image.format).lower(), image.size) == (kind, (64, 48))
    assert Image.MIME[str(image.format)] == formats.KINDS[kind].media_type
    shown = np.asarray(image.convert("RGB"), int)
    assert np.abs(shown - np.frombuffer(frame.rgb, np.uint8).reshape(48, 64, 3)).mean() < 3


@pytest.mark.parametrize(("kind", "quality"), [("png", 90), ("png", 1), ("webp", 100)])
def test_a_lossless_format_has_every_pixel(kind: formats.Format, quality: int) -> None:
    for frame in (smooth(), Frame(33, 21, os.urandom(33 * 21 * 3))):
        assert decoded(formats.encode(frame, kind, quality)).convert("RGB").tobytes() == frame.rgb


@pytest.mark.parametrize("kind", [k for k in formats.available() if formats.KINDS[k].quality])
def test_less_quality_is_a_smaller_file(kind: formats.Format) -> None:
    frame = smooth(200, 150)
    assert len(formats.encode(frame, kind, 30)) < len(formats.encode(frame, kind, 95))


@pytest.mark.parametrize("kind", formats.available())
def test_camera_data_is_in_the_file_only_when_it_was_to_be_kept(kind: formats.Format) -> None:
    exif = Image.Exif()
    exif[0x0110] = "A Camera"
    kept = decoded(formats.encode(smooth(), kind, exif=exif.tobytes().removeprefix(b"Exif\0\0")))
    assert kept.getexif()[0x0110] == "A Camera"
    assert not decoded(formats.encode(smooth(), kind)).getexif()


def test_a_picture_too_large_for_a_format_is_refused_with_one_that_holds_it() -> None:
    wide = Frame(20_000, 1, bytes(60_000))
    with pytest.raises(UserError, match="WEBP holds at most 16383 pixels a side. Choose PNG."):
        formats.encode(wide, "webp")
    assert decoded(formats.encode(wide, "png")).size == (20_000, 1)


def test_a_format_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats.features, "check", lambda _: False)
    with pytest.raises(UserError, match="AVIF cannot be written here"):
        formats.encode(smooth(), "avif")
