"""The styles are what lies in the folder now, and a request carries what it was made with."""

import hashlib
import os
from pathlib import Path

import pytest

from core.errors import UserError
from core.request import StyleUse
from studio.styles import StyleLibrary


def names(library: StyleLibrary) -> list[str]:
    return [s.name for s in library.list()]


def test_an_empty_or_missing_folder_holds_no_styles(tmp_path: Path) -> None:
    assert names(StyleLibrary(tmp_path)) == []
    assert names(StyleLibrary(tmp_path / "gone")) == []
    with pytest.raises(UserError, match='There is no style "sketch". There are: -.'):
        StyleLibrary(tmp_path / "gone").pin([StyleUse("sketch")])


def test_a_file_dropped_in_is_there_and_one_taken_out_is_gone(library: StyleLibrary) -> None:
    (library.folder / "team").mkdir()
    (library.folder / "team" / "anime.v3.safetensors").write_bytes(b"x")
    assert names(library) == ["sketch", "team/anime.v3"]
    (library.folder / "sketch.safetensors").unlink()
    assert names(library) == ["team/anime.v3"]


def test_what_is_no_style_file_is_not_listed(library: StyleLibrary) -> None:
    for name in ("notes.txt", "old.bin", "pickle.pt", ".hidden.safetensors", "half.safetensors.partial"):
        (library.folder / name).write_bytes(b"x")
    (library.folder / "folder.safetensors").mkdir()
    (library.folder / "dangling.safetensors").symlink_to(library.folder / "gone")
    assert names(library) == ["sketch"]


def test_a_file_name_that_no_request_can_carry_does_not_spoil_the_list(library: StyleLibrary) -> None:
    hostile = [b"\xff\xfe", b"a\x1bb", b"a:b", b"C\\d", b"x" * 230]
    for name in hostile:
        Path(os.fsdecode(os.fsencode(library.folder) + b"/" + name + b".safetensors")).write_bytes(b"x")
    assert names(library) == ["sketch"]


def test_every_style_in_the_list_can_be_asked_for(library: StyleLibrary) -> None:
    (library.folder / "水墨 <b>%s.safetensors").write_bytes(b"x")
    library.pin([StyleUse(name) for name in names(library)])


def test_a_style_is_pinned_by_what_its_file_holds_now(library: StyleLibrary) -> None:
    (pinned,) = library.pin([StyleUse("sketch", 0.8)])
    assert pinned == StyleUse("sketch", 0.8, hashlib.sha256(b"one").hexdigest())
    assert library.pin([pinned]) == (pinned,)


def test_a_style_that_was_changed_is_not_silently_another(library: StyleLibrary) -> None:
    (pinned,) = library.pin([StyleUse("sketch")])
    (library.folder / "sketch.safetensors").write_bytes(b"another content")
    with pytest.raises(UserError, match='The style "sketch" has changed since these settings were made. Pick it anew'):
        library.pin([pinned])
    (anew,) = library.pin([StyleUse("sketch")])
    assert anew.sha256 == hashlib.sha256(b"another content").hexdigest()


def test_a_style_file_that_vanishes_between_two_looks_is_an_error_by_name(library: StyleLibrary) -> None:
    listed = library.list()
    (library.folder / "sketch.safetensors").unlink()
    library.list = lambda: listed  # type: ignore[method-assign] (the moment between the two)
    with pytest.raises(UserError, match="The style file sketch.safetensors cannot be read: No such file or directory."):
        library.pin([StyleUse("sketch")])
