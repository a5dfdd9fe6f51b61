"""Each picture comes to the archive whole, when there is one, and never to where it would be mounted."""

import json
from pathlib import Path

import pytest

from studio.hooks.archive import Archive
from studio.hooks.courier import Undelivered
from studio.store.outbox import Taken


def picture(name: str, month: str = "2026-11") -> Taken:
    return Taken(1, "msg", json.dumps({"file": name, "time": f"{month}-21T12:00:00.000+00:00"}), 0, 1)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"first")
    return folder


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    return tmp_path / "mount" / "copies"


def test_a_copy_is_made_in_the_folder_of_its_month(pictures: Path, mount: Path) -> None:
    mount.mkdir(parents=True)
    Archive(mount, pictures).deliver(picture("a.png"))
    assert [(f.relative_to(mount).as_posix(), f.read_bytes()) for f in mount.rglob("*.*")] == [
        ("2026-11/a.png", b"first")
    ]


def test_a_disk_that_is_away_is_said_and_its_place_is_not_filled(pictures: Path, mount: Path) -> None:
    archive = Archive(mount, pictures)
    for _ in range(2):
        with pytest.raises(Undelivered, match="The archive folder .*copies is not there"):
            archive.deliver(picture("a.png"))
        assert not mount.exists()
        mount.parent.mkdir(exist_ok=True)  # the place where it would be mounted
    mount.mkdir()
    archive.deliver(picture("a.png"))
    assert (mount / "2026-11" / "a.png").read_bytes() == b"first"


def test_twice_is_once_and_another_picture_of_the_same_name_stays(pictures: Path, mount: Path) -> None:
    mount.mkdir(parents=True)
    archive = Archive(mount, pictures)
    archive.deliver(picture("a.png"))
    archive.deliver(picture("a.png"))
    (pictures / "a.png").write_bytes(b"other")
    archive.deliver(picture("a.png"))
    archive.deliver(picture("a.png"))
    kept = sorted((f.name, f.read_bytes()) for f in (mount / "2026-11").iterdir())
    assert kept == [("a (2).png", b"other"), ("a.png", b"first")]


def test_what_was_deleted_meanwhile_is_no_trouble(pictures: Path, mount: Path) -> None:
    mount.mkdir(parents=True)
    Archive(mount, pictures).deliver(picture("gone.png"))
    Archive(mount, pictures).deliver(picture(""))
    assert list(mount.iterdir()) == []


def test_a_disk_that_refuses_is_said_and_nothing_half_is_left(pictures: Path, mount: Path) -> None:
    mount.mkdir(parents=True)
    (mount / "2026-11").write_text("a file where a folder should be")
    with pytest.raises(Undelivered, match="Pictures cannot be copied to .*copies"):
        Archive(mount, pictures).deliver(picture("a.png"))
    assert [f.name for f in mount.iterdir()] == ["2026-11"]
