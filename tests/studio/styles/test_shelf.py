"""Rename, remove, undo, upload: files move whole or not at all, and nothing half-done stays."""

from pathlib import Path

import pytest

from core.errors import UserError
from studio.styles import StyleLibrary
from studio.styles.shelf import KEPT_DAYS
from tests.studio.styles.conftest import Reading, picture

COMPANIONS = ("json", "civitai.info", "preview.png")


@pytest.fixture
def library(reading: Reading):
    reading.drop("ink", b"ink", age_s=60)
    reading.drop("ink.v2", b"its neighbour", age_s=60)
    for end in COMPANIONS:
        reading.beside(f"ink.{end}", b"{}", age_s=60)
    reading.library.scan()
    return reading.library


def names(library) -> list[str]:
    return [s.name for s in library.list()]


def test_a_new_name_takes_along_what_lies_beside_the_file(reading: Reading, library) -> None:
    assert library.rename("ink", "team/水墨 é") == "team/水墨 é"
    assert names(library) == ["ink.v2", "team/水墨 é"]
    assert reading.left() == sorted(
        ["ink.v2.safetensors", "team/水墨 é.safetensors", *(f"team/水墨 é.{end}" for end in COMPANIONS)]
    )


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x", "a/../b", "/x", "a//b", ".hidden", "team/.hidden", "x" * 300, "水" * 120, "a\0b", "a\nb", "a:b",
     "a\\b", "\u202egnp", "a/ b", "\ud800"],
)  # fmt: skip
def test_a_name_that_no_file_should_have_is_refused(reading: Reading, library, name: str) -> None:
    before = reading.left()
    with pytest.raises(UserError, match="cannot have that name"):
        library.rename("ink", name)
    assert reading.left() == before


def test_a_name_that_is_taken_is_refused_also_in_other_case(reading: Reading, library) -> None:
    for name in ("ink.v2", "INK.V2", "ink.v2.safetensors"):
        with pytest.raises(UserError, match="already"):
            library.rename("ink", name)
    assert library.rename("ink", "Ink") == "Ink"
    reading.beside("other.json", b"not its own")
    with pytest.raises(UserError, match="already"):
        library.rename("Ink", "other")
    assert "other.json" in reading.left() and "Ink.safetensors" in reading.left()


def test_markup_in_a_name_is_only_a_name(library) -> None:
    assert library.rename("ink", "<b onclick=x>& 'q'") in names(library)


def test_what_was_removed_comes_back_whole(reading: Reading, library) -> None:
    before = reading.left()
    token = library.remove("ink")
    assert names(library) == ["ink.v2"]
    assert len(reading.left()) == len(before) and "ink.safetensors" not in reading.left()
    library.restore(token)
    assert reading.left() == before and names(library) == ["ink", "ink.v2"]
    with pytest.raises(UserError, match="no longer in the trash"):
        library.restore(token)


def test_undo_does_not_write_over_a_newer_style(reading: Reading, library) -> None:
    token = library.remove("ink")
    reading.drop("ink", b"newer")
    with pytest.raises(UserError, match="Rename that one first"):
        library.restore(token)
    assert (library.folder / "ink.safetensors").read_bytes() == b"newer"
    library.rename("ink", "newer")
    library.restore(token)
    assert names(library) == ["ink", "ink.v2", "newer"]


@pytest.mark.parametrize("token", ["", "..", "../..", "1-00", "/"])
def test_undo_takes_only_what_remove_gave(library, token: str) -> None:
    with pytest.raises(UserError, match="no longer in the trash"):
        library.restore(token)


def test_the_trash_is_kept_for_a_while_and_then_emptied(reading: Reading, library) -> None:
    old = library.remove("ink")
    reading.now_s += (KEPT_DAYS - 1) * 24 * 3600
    young = library.remove("ink.v2")
    library.empty_trash()
    reading.now_s += 2 * 24 * 3600
    library.empty_trash()
    library.restore(young)
    with pytest.raises(UserError):
        library.restore(old)


def test_what_is_gone_can_neither_be_renamed_nor_removed(library) -> None:
    (library.folder / "ink.safetensors").unlink()
    for act in (lambda: library.rename("ink", "x"), lambda: library.remove("ink")):
        with pytest.raises(UserError, match="not there any more"):
            act()


def test_what_the_disk_refuses_is_said_and_nothing_moves(reading: Reading, library) -> None:
    reading.beside("team", b"a file, no folder")
    before = reading.left()
    with pytest.raises(UserError, match="cannot be moved: (Not a directory|File exists)"):
        library.rename("ink", "team/ink")
    assert reading.left() == before
    with pytest.raises(UserError, match="cannot be saved in team/"):
        StyleLibrary(library.folder / "team").upload()


# --- upload ---------------------------------------------------------------------------------------------------------


def upload(library, content: bytes, name: str = "new.safetensors"):
    with library.upload() as incoming:
        for start in range(0, len(content), 3):
            incoming.write(content[start : start + 3])
        return incoming.finish(name)


def test_an_uploaded_style_is_there_and_ready(reading: Reading, library) -> None:
    style = upload(library, b"a new one", "Neon lights.safetensors")
    assert (style.name, style.state) == ("Neon lights", "ready")
    assert (library.folder / "Neon lights.safetensors").read_bytes() == b"a new one"
    read = len(reading.tools.inspected)
    library.scan()
    assert len(reading.tools.inspected) == read  # once is enough


def test_what_is_here_already_is_named_whatever_it_is_called(reading: Reading, library) -> None:
    before = reading.left()
    with pytest.raises(UserError, match='You have this style already. It is called "ink".'):
        upload(library, b"ink", "copy of ink.safetensors")
    assert reading.left() == before


def test_another_style_of_the_same_name_gets_a_number(library) -> None:
    assert upload(library, b"x", "INK.safetensors").name == "INK (2)"
    assert upload(library, b"y", "ink.safetensors").name == "ink (3)"


@pytest.mark.parametrize("content", [b"problem: damaged", b"fails to compile"])
def test_a_refused_file_leaves_nothing_behind(reading: Reading, library, content: bytes) -> None:
    before = reading.left()
    with pytest.raises(UserError, match=r"damaged|does not fit"):
        upload(library, content)
    assert reading.left() == before


def test_an_upload_that_is_cut_off_leaves_nothing_behind(reading: Reading, library) -> None:
    before = reading.left()
    with pytest.raises(ConnectionError), library.upload() as incoming:
        incoming.write(b"half")
        assert len(reading.left()) == len(before) + 1 and names(library) == ["ink", "ink.v2"]
        raise ConnectionError
    assert reading.left() == before


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd.safetensors", "passwd"),
        ("C:\\Users\\me\\neon.safetensors", "neon"),
        ("..safetensors", "style"),
        (".hidden.safetensors", "hidden"),
        ("a\0b\u202ec.safetensors", "abc"),
        ('<img src="x">:?*.safetensors', "_img src=_x_____"),
        ("名" * 300 + ".safetensors", "名" * 79),
        ("Neon.SAFETENSORS", "Neon"),
    ],
)
def test_whatever_a_file_is_called_its_name_stays_in_the_folder(library, given: str, name: str) -> None:
    style = upload(library, b"new", given)
    assert style.name == name and style.file.parent == library.folder and style.file.is_file()


@pytest.mark.parametrize("given", ["", "model.pt", "model.ckpt", "safetensors", "model.safetensors.exe"])
def test_what_is_no_style_by_its_name_is_refused(reading: Reading, library, given: str) -> None:
    before = reading.left()
    with pytest.raises(UserError, match="is not a style"):
        upload(library, b"x", given)
    assert reading.left() == before


def test_a_picture_that_is_gone_makes_no_thumbnail(library, tmp_path: Path) -> None:
    for content in (None, b"nonsense"):
        if content:
            (tmp_path / "x.png").write_bytes(content)
        with pytest.raises(UserError, match="That picture cannot be used"):
            library.illustrate(library.get("ink").sha256, tmp_path / "x.png")
    (tmp_path / "x.png").write_bytes(picture())
    library.illustrate(library.get("ink").sha256, tmp_path / "x.png")
    assert library.get("ink").thumbnail
