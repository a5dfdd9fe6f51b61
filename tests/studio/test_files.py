"""A picture's file is whole or not there."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from core.engine import Frame
from core.errors import UserError
from studio.files import THUMBNAIL_SIDE, PictureFiles, write_whole

ID = "0123456789abcdef"
FRAME = Frame(2, 1, b"\x01\x02\x03\xfd\xfe\xff")


@pytest.fixture
def files(tmp_path: Path) -> PictureFiles:
    return PictureFiles(tmp_path / "pictures")


def test_a_picture_keeps_every_pixel_and_its_thumbnail_its_shape(files: PictureFiles) -> None:
    frame = Frame(800, 400, os.urandom(800 * 400 * 3))
    file = files.save(ID, frame)
    with Image.open(file) as image:
        assert (image.format, image.size, image.tobytes()) == ("PNG", (800, 400), frame.rgb)
    with Image.open(files.thumbnail(ID)) as small:
        assert small.size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE // 2)


@pytest.mark.parametrize(
    "picture_id", ["", "..", "../../etc/passwd", "A" * 16, "0" * 15, "0" * 65, ID + "\n", ID + "/x"]
)
def test_a_name_that_is_no_picture_id_never_becomes_a_path(files: PictureFiles, picture_id: str) -> None:
    with pytest.raises(ValueError, match="not a picture id"):
        files.thumbnail(picture_id)
    with pytest.raises(ValueError, match="not a picture id"):
        files.save(picture_id, FRAME)


@pytest.mark.parametrize(
    "name", ["", "..", ".png", "../x.png", "a/b.png", "a\\b.png", "c:b.png", "a\0.png", "studio.db", "x" * 252 + ".png"]
)
def test_a_stored_name_that_is_no_pictures_never_becomes_a_path(files: PictureFiles, name: str) -> None:
    with pytest.raises(ValueError, match="not a picture's name"):
        files.picture(name)


def test_a_picture_has_the_name_it_is_given_and_goes_by_it(files: PictureFiles) -> None:
    file = files.save(ID, FRAME, "2026_水墨-080_seed7_012345.png")
    assert file.name == "2026_水墨-080_seed7_012345.png"
    assert files.remove(ID, file.name)
    assert list(files.folder.iterdir()) == []


def test_a_write_that_is_cut_off_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "a.png", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    for cut_off, error in ((full, OSError), (interrupted, KeyboardInterrupt)):
        monkeypatch.setattr(os, "fsync", cut_off)
        with pytest.raises(error):
            write_whole(tmp_path / "a.png", b"new, and half")
        assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {"a.png": b"old"}


def test_leftovers_of_a_process_that_died_are_swept_and_nothing_else(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for leftover in (
        f"{ID}.png.{dead.pid}.partial",
        f"{ID}.thumb.webp.{os.getpid()}.partial",
        "old.partial",
        f"a.{10**30}.partial",
    ):
        (tmp_path / leftover).write_bytes(b"half")
    kept = {f"{ID}.png", f"{ID}.png.{os.getppid()}.partial"}  # a picture, and one that another process is writing
    for name in kept:
        (tmp_path / name).write_bytes(b"whole")
    PictureFiles(tmp_path)
    assert {f.name for f in tmp_path.iterdir()} == kept


def test_a_data_folder_that_cannot_be_is_refused_at_once_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "pictures", Path("/proc/pictures")):
        with pytest.raises(UserError, match=r"Pictures cannot be saved in .*set another folder as \[paths\] data"):
            PictureFiles(folder)
