"""The styles are what lies in the folder now, and a request carries what it was made with."""

import hashlib
import os
from pathlib import Path

import pytest

from core.errors import UserError
from core.request import StyleUse
from studio.styles import StyleLibrary
from studio.styles.watcher import StyleWatcher
from tests.studio.styles.conftest import Reading


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


# --- a library that reads what it finds -----------------------------------------------------------------------------


def state(library: StyleLibrary, name: str = "sketch") -> str:
    return library.get(name).state  # type: ignore[union-attr]


def test_a_new_file_is_read_once_it_is_whole_and_offered_then(reading: Reading) -> None:
    reading.drop("sketch", b"half")
    reading.library.scan()
    assert state(reading.library) == "looking" and not reading.tools.inspected  # written to just now: it may grow
    reading.drop("sketch", b"half and half")
    reading.library.scan()
    assert not reading.tools.inspected
    reading.library.scan()  # as it was the last time
    style = reading.library.get("sketch")
    assert style and style.state == "ready" and style.sha256 == hashlib.sha256(b"half and half").hexdigest()
    assert reading.tools.compiled == [style.sha256]


def test_a_file_that_lies_there_for_long_is_read_at_the_first_look(reading: Reading) -> None:
    reading.drop("sketch", b"old", age_s=60)
    reading.library.scan()
    assert state(reading.library) == "ready"


def test_a_file_is_read_again_only_when_it_changes(reading: Reading) -> None:
    reading.drop("sketch", b"one", age_s=60)
    reading.library.scan(), reading.library.scan()
    reading.library.rename("sketch", "team/ink")
    reading.library.scan()
    assert len(reading.tools.inspected) == 1 and state(reading.library, "team/ink") == "ready"
    reading.drop("team/ink", b"two!", age_s=30)
    reading.library.scan()
    assert len(reading.tools.inspected) == 2
    (reading.library.folder / "team" / "ink.safetensors").unlink()
    reading.library.scan()
    assert names(reading.library) == []


def test_a_watched_library_shows_what_the_last_look_saw_and_finds_by_name_what_came_since(reading: Reading) -> None:
    reading.library.watched = True
    reading.drop("sketch", b"one", age_s=60)
    assert names(reading.library) == []
    assert reading.library.pin([StyleUse("sketch")])[0].sha256
    reading.library.scan()
    assert names(reading.library) == ["sketch"]


def test_a_style_that_cannot_be_used_says_why_and_is_refused_by_its_reason(reading: Reading) -> None:
    reading.drop("sdxl", b"problem: made for another model", age_s=60)
    reading.drop("bad", b"fails to compile", age_s=60)
    reading.library.scan()
    for name, why in (("sdxl", "made for another model"), ("bad", "does not fit")):
        assert state(reading.library, name) == "unusable"
        with pytest.raises(UserError, match=why):
            reading.library.pin([StyleUse(name)])


def test_a_defect_in_reading_one_style_hides_no_other(reading: Reading, caplog: pytest.LogCaptureFixture) -> None:
    reading.drop("a", b"defect", age_s=60)
    reading.drop("b", b"fine", age_s=60)
    reading.library.scan()
    assert (state(reading.library, "a"), state(reading.library, "b")) == ("unusable", "ready")
    assert "style a" in caplog.text


def test_settings_find_the_same_content_under_its_new_name(library: StyleLibrary) -> None:
    (pinned,) = library.pin([StyleUse("sketch", 0.5)])
    library.rename("sketch", "pencil")
    library.scan()
    assert library.pin([pinned]) == (StyleUse("pencil", 0.5, pinned.sha256),)
    (library.folder / "sketch.safetensors").write_bytes(b"another by that name")
    assert library.pin([pinned])[0].name == "pencil"


def test_numbers_in_names_sort_as_people_count(library: StyleLibrary) -> None:
    for name in ("epoch_10", "epoch_2", "Epoch_1", "a9/z", "a10/z", "e" + "9" * 150):
        (library.folder / f"{name}.safetensors").parent.mkdir(exist_ok=True)
        (library.folder / f"{name}.safetensors").write_bytes(b"x")
    assert names(library) == ["a9/z", "a10/z", "e" + "9" * 150, "Epoch_1", "epoch_2", "epoch_10", "sketch"]


def test_links_that_lead_out_of_the_folder_are_not_followed(library: StyleLibrary, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.safetensors").write_bytes(b"x")
    (library.folder / "stolen.safetensors").symlink_to(tmp_path / "outside" / "secret.safetensors")
    (library.folder / "folder").symlink_to(tmp_path / "outside")
    (library.folder / "loop").symlink_to(library.folder)
    (library.folder / "alias.safetensors").symlink_to(library.folder / "sketch.safetensors")
    os.mkfifo(library.folder / "pipe.safetensors")
    assert names(library) == ["alias", "sketch"]


def test_the_watcher_starts_looks_and_stops(reading: Reading) -> None:
    reading.drop("sketch", b"one", age_s=60)
    leftover = reading.library.folder / ".upload-0.999999999.partial"
    leftover.write_bytes(b"half")
    watcher = StyleWatcher(reading.library)
    watcher.start()
    assert reading.tools.was_compiled.wait(30)
    watcher.stop(30)
    assert not leftover.exists() and names(reading.library) == ["sketch"]
