"""Whatever somebody drops as a photo is read rightly or refused in a sentence of its own; the rest goes on."""

import contextlib
import io
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.engine import Frame
from core.errors import UserError
from studio.photos import archives, reading
from studio.photos.archives import distinct, open_file, plain_name, unpack
from studio.photos.reading import read
from tests.hostile.photos import (
    archive,
    picture,
    png_header,
    saved,
    swapped_profile,
    text_bomb,
    turned,
    with_camera_data,
    zip_bomb,
)  # fmt: skip

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><img src=x onerror=alert(1)>"


def pixels(frame: Frame) -> np.ndarray:
    return np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3).astype(int)


def is_the_picture(frame: Frame, tolerance: int = 12) -> bool:
    """Red above left, green above right, blue below; upright and not mirrored."""
    seen, width, height = pixels(frame), frame.width, frame.height
    expected = {(1, 1): (220, 30, 30), (1, 3): (30, 200, 40), (3, 1): (30, 40, 210), (3, 3): (30, 40, 210)}
    return width > height and all(
        np.abs(seen[height * y // 4, width * x // 4] - colour).max() <= tolerance for (y, x), colour in expected.items()
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "The file is empty"),
        (SVG, "not a photo that can be read here"),
        (HTML, "not a photo that can be read here"),
        (b"PK\x03\x04" + bytes(100), "not a photo that can be read here"),
        (b"GIF89a" + bytes(40), "not a photo that can be read here"),
        (b"%PDF-1.7", "not a photo that can be read here"),
        (bytes(range(7, 250)) * 20, "not a photo that can be read here"),
        (saved(picture(400, 300))[:-60], "damaged or cut off"),
        (saved(picture(400, 300), "JPEG")[:900], "damaged or cut off"),
        (saved(picture(400, 300), "WEBP")[:-30], "damaged or cut off|not a photo"),
        (saved(picture(1, 1)), "The photo is 1 x 1 pixels. 16 a side is the least"),
        (saved(picture(400, 2)), "The photo is 400 x 2 pixels"),
        (png_header(20_000, 20_000), "more than 89 megapixels"),
        (png_header(10_000, 9_000), "89 megapixels"),
        (png_header(2**31 - 1, 2**31 - 1), "89 megapixels|damaged"),
        (png_header(0, 0), "damaged|not a photo|0 x 0"),
        (png_header(2_000, 2_000), "damaged or cut off"),
        (text_bomb(), "damaged or cut off"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_cannot_be_read_is_refused_by_its_cause(data: bytes, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read(data, 2048)


def test_a_file_too_large_is_refused_before_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 100)
    with pytest.raises(UserError, match="larger than"):
        read(saved(picture()), 2048)


def test_a_huge_picture_is_refused_without_decoding_a_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", decode)
    with pytest.raises(UserError, match="megapixels"):
        read(png_header(20_000, 20_000), 2048)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_each_kind_of_photo_is_read_whatever_it_is_called(kind: str) -> None:
    photo = read(saved(picture(), kind), 2048)
    assert (photo.format, photo.notes, photo.exif) == (kind, (), b"")
    assert is_the_picture(photo.frame)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_upright_however_the_camera_was_held(orientation: int, kind: str) -> None:
    assert is_the_picture(read(turned(orientation, kind), 2048).frame)


@pytest.mark.parametrize(
    "image",
    [
        picture().convert("CMYK"),
        picture().convert("P", palette=Image.Palette.ADAPTIVE),
        picture().convert("RGBA"),
        picture().convert("YCbCr"),
    ],
    ids=lambda image: image.mode,
)
def test_every_way_to_store_colours_shows_the_same(image: Image.Image) -> None:
    data = saved(image, "JPEG" if image.mode in ("CMYK", "YCbCr") else "PNG")
    assert is_the_picture(read(data, 2048).frame)


def test_sixteen_bits_and_grey_become_eight_bits_of_the_same_brightness() -> None:
    ramp = np.linspace(0, 65_535, 64 * 32).astype(np.uint16).reshape(32, 64)
    frame = read(saved(Image.fromarray(ramp)), 2048).frame
    assert np.abs(pixels(frame)[..., 0] - ramp / 257).max() <= 1
    grey = picture().convert("L")
    assert np.array_equal(pixels(read(saved(grey), 2048).frame)[..., 1], np.asarray(grey))
    assert read(saved(picture().convert("1")), 2048).frame.width == 60


def test_what_is_transparent_shows_the_chosen_background() -> None:
    clear = Image.new("RGBA", (32, 32), (10, 20, 30, 0))
    assert pixels(read(saved(clear), 2048).frame)[5, 5].tolist() == [255, 255, 255]
    assert pixels(read(saved(clear), 2048, (0, 128, 64)).frame)[5, 5].tolist() == [0, 128, 64]
    half = Image.new("LA", (32, 32), (0, 128))
    assert np.abs(pixels(read(saved(half), 2048, (200, 200, 200)).frame)[5, 5] - 100).max() <= 1
    palette = picture().convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    red = palette.getpixel((2, 2))
    frame = read(saved(palette, "PNG", transparency=red), 2048, (1, 2, 3)).frame
    assert pixels(frame)[2, 2].tolist() == [1, 2, 3]
    assert pixels(frame)[35, 30].tolist() != [1, 2, 3]


def test_colours_are_what_the_profile_says_they_are() -> None:
    swapped = Image.new("RGB", (32, 32), (210, 20, 20))
    frame = read(saved(swapped, "PNG", icc_profile=swapped_profile()), 2048).frame
    red, green, _ = pixels(frame)[5, 5]
    assert green > 180 > red


@pytest.mark.parametrize("profile", [b"no profile", bytes(200), swapped_profile()[:300]], ids=["text", "zeros", "cut"])
def test_a_broken_profile_is_said_and_the_photo_is_read_all_the_same(profile: bytes) -> None:
    photo = read(saved(picture(), "PNG", icc_profile=profile), 2048)
    assert is_the_picture(photo.frame)
    assert any("colour profile" in note for note in photo.notes)


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_of_a_moving_picture_the_first_is_taken_and_that_is_said(kind: str) -> None:
    data = saved(picture(), kind, save_all=True, append_images=[Image.new("RGB", (60, 40))], duration=100)
    photo = read(data, 2048)
    assert is_the_picture(photo.frame)
    assert photo.notes == ("It moves; the first picture of it was taken.",)


def test_a_phones_picture_with_a_second_one_in_it_is_a_photo_like_any_other() -> None:
    data = saved(picture(), "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))])
    photo = read(data, 2048)
    assert is_the_picture(photo.frame)
    assert photo.notes == ()


def test_nothing_the_camera_wrote_goes_on_unless_it_is_asked_for() -> None:
    data = with_camera_data()
    assert read(data, 2048).exif == b""
    kept = Image.Exif()
    kept.load(b"Exif\0\0" + read(data, 2048, keep_camera_data=True).exif)
    assert kept[0x0110] == "Phone 7"
    assert kept.get_ifd(0x8825)[1] == "N"
    assert 0x0112 not in kept  # the pixels are upright now: who reads this must not turn them again


def test_a_large_photo_is_made_smaller_in_its_shape() -> None:
    for kind in ("JPEG", "PNG"):
        frame = read(saved(picture(3000, 2000), kind), 300).frame
        assert (frame.width, frame.height) == (300, 200)
        assert is_the_picture(frame)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's own, of EXIF that it cannot read
def test_exif_that_is_rubbish_turns_nothing() -> None:
    data = saved(picture(), "JPEG", exif=b"Exif\0\0" + b"MM\0*" + os.urandom(60))
    assert is_the_picture(read(data, 2048, keep_camera_data=True).frame)


def test_heic_is_read_where_its_library_is_there() -> None:
    heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    heif.from_pillow(picture(64, 48)).save(out, format="HEIF")
    photo = read(out.getvalue(), 2048)
    assert photo.format == "HEIF"
    assert is_the_picture(photo.frame, 40)
    with pytest.raises(UserError, match="damaged or cut off"):
        read(out.getvalue()[:200], 2048)


def test_heic_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UserError, match="pip install pillow-heif"):
        read(b"\0\0\0\x18ftypheic" + bytes(100), 2048)


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.binary(max_size=400), st.integers(0, 400), st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_a_photo_damaged_anywhere_is_read_or_refused_and_nothing_else(noise: bytes, at: int, kind: str) -> None:
    data = bytearray(saved(picture(), kind))
    data[at : at + len(noise)] = noise
    with contextlib.suppress(UserError):
        read(bytes(data), 64, keep_camera_data=True)


def names(uploads: list[archives.Upload]) -> list[tuple[str, bool]]:
    return [(upload.name, upload.problem is None) for upload in uploads]


def test_an_archive_gives_its_files_by_their_own_names_and_none_is_a_path() -> None:
    good = saved(picture())
    data = archive(
        {
            "../../etc/passwd.png": good, "/abs/a.jpg": good, "C:\\Users\\me\\b.jpg": good, "holiday/ü 画.png": good,
            "holiday/": b"", "__MACOSX/._a.jpg": b"x", ".DS_Store": b"x", "con<|>.png": good,
        }
    )  # fmt: skip
    found = list(unpack("photos.zip", io.BytesIO(data)))
    assert names(found) == [
        ("passwd.png", True), ("a.jpg", True), ("b.jpg", True), ("ü 画.png", True), ("con___.png", True),
    ]  # fmt: skip
    assert all(upload.data == good for upload in found)


def test_a_bomb_is_refused_by_itself_and_the_rest_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 5_000_000)
    good = saved(picture())
    data = io.BytesIO(zip_bomb(20))
    with zipfile.ZipFile(data, "a") as made:
        made.writestr("good.png", good)
    found = list(unpack("photos.zip", data))
    assert names(found) == [("bomb.png", False), ("good.png", True)]
    assert "larger than" in str(found[0].problem)


def test_an_archive_of_more_than_can_be_taken_says_how_many_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    found = list(unpack("many.zip", io.BytesIO(archive({f"{n}.png": b"x" for n in range(5)}))))
    assert names(found) == [("0.png", True), ("1.png", True), ("2.png", True), ("many.zip", False)]
    assert "3 of 5 files were taken" in str(found[-1].problem)
    monkeypatch.setattr(archives, "MOST_TOTAL", 1)
    assert names(list(unpack("many.zip", io.BytesIO(archive({f"{n}.png": b"xx" for n in range(3)})))))[-1] == (
        "many.zip", False,
    )  # fmt: skip


def test_a_damaged_archive_and_an_empty_one_are_told_as_such() -> None:
    whole = archive({"a.png": saved(picture()), "b.png": saved(picture())})
    (cut,) = unpack("cut.zip", io.BytesIO(whole[:-40]))
    assert "damaged or cut off" in str(cut.problem)
    (empty,) = unpack("empty.zip", io.BytesIO(archive({})))
    assert "no photo in this ZIP" in str(empty.problem)
    broken = bytearray(whole)
    broken[60:90] = bytes(30)
    found = list(unpack("broken.zip", io.BytesIO(bytes(broken))))
    assert names(found) == [("a.png", False), ("b.png", True)]


def test_a_file_with_a_password_and_a_link_are_told_as_such() -> None:
    data = bytearray(archive({"secret.png": b"x"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (locked,) = unpack("a.zip", io.BytesIO(bytes(data)))
    assert "password" in str(locked.problem)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        made.writestr(link, "/etc/passwd")
    (linked,) = unpack("a.zip", out)
    assert "link" in str(linked.problem)


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_names_a_file_in_one_folder(name: str) -> None:
    plain = plain_name(name)
    assert plain and len(plain) <= 120 and Path(plain).name == plain
    assert not set(plain) & set('<>:"/\\|?*\0\n')
    assert plain not in (".", "..")


@given(st.lists(st.sampled_from(["a.jpg", "A.JPG", "a (2).jpg", "b", "B", "x.y.png"]), max_size=12))
def test_names_that_come_twice_are_numbered_and_none_is_taken_twice(given_names: list[str]) -> None:
    made = list(distinct(given_names))
    assert len({name.casefold() for name in made}) == len(made)
    assert all(new == old or "(" in new for new, old in zip(made, given_names, strict=True))


def test_a_file_that_cannot_be_opened_is_an_upload_with_a_reason(tmp_path: Path) -> None:
    (upload,) = open_file(tmp_path / "gone.jpg")
    assert "cannot be read: No such file" in str(upload.problem)
    (folder,) = open_file(tmp_path)
    assert "cannot be read" in str(folder.problem)
