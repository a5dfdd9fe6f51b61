"""A picture to start from is its owner's, is kept once, and comes back as it went or not at all."""

import os
from pathlib import Path

import pytest

from core.engine import Frame
from core.errors import UserError
from studio.sources import MOST_SIDE, Sources

FRAME = Frame(3, 2, bytes(range(18)))
GONE = "not there any more. Choose it again"


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path / "sources")


def test_a_source_comes_back_pixel_for_pixel_under_the_hash_of_its_content(sources: Sources) -> None:
    sha256 = sources.add("ann", FRAME)
    assert sha256 == FRAME.sha256
    assert sources.read(sha256) == FRAME
    assert Frame(2, 3, FRAME.rgb).sha256 != sha256  # the same bytes in another shape are another picture


def test_only_who_brought_a_source_may_use_it(sources: Sources) -> None:
    sha256 = sources.add("ann", FRAME)
    sources.check("ann", sha256)
    for other in ("bob", "", "ann/", "../ann", "a" * 500, "\ud800"):
        assert sources.file(other, sha256) is None
        with pytest.raises(UserError, match=GONE):
            sources.check(other, sha256)


def test_two_who_bring_the_same_picture_share_one_file_until_the_last_forgets_it(sources: Sources) -> None:
    sha256 = sources.add("ann", FRAME)
    assert sources.add("bob", FRAME) == sha256
    assert len(list(sources.folder.glob("*.png"))) == 1
    sources.forget("ann", sha256)
    sources.check("bob", sha256)
    assert sources.file("ann", sha256) is None
    sources.forget("bob")
    assert not list(sources.folder.glob("*.png"))
    with pytest.raises(UserError, match=GONE):
        sources.read(sha256)


def test_forgetting_what_is_not_there_is_no_error(sources: Sources) -> None:
    sources.forget("ann")
    sources.forget("ann", FRAME.sha256)


@pytest.mark.parametrize("sha256", ["", "..", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "0" * 64])
def test_what_is_no_hash_of_a_source_is_never_a_path(sources: Sources, sha256: str) -> None:
    assert sources.file("ann", sha256) is None
    with pytest.raises(UserError, match=GONE):
        sources.read(sha256)


@pytest.mark.parametrize("content", [b"", b"half of a picture", None])
def test_a_source_that_is_damaged_or_another_picture_is_not_used(sources: Sources, content: bytes | None) -> None:
    sha256, other = sources.add("ann", FRAME), sources.add("ann", Frame(1, 1, b"abc"))
    if content is None:
        content = (sources.folder / f"{other}.png").read_bytes()
    (sources.folder / f"{sha256}.png").write_bytes(content)
    with pytest.raises(UserError, match=GONE):
        sources.read(sha256)


def test_a_source_larger_than_anything_that_is_drawn_from_it_is_refused(sources: Sources) -> None:
    side = MOST_SIDE + 1
    with pytest.raises(UserError, match=f"{MOST_SIDE} pixels a side at most"):
        sources.add("ann", Frame(side, 1, bytes(3 * side)))


def test_a_folder_that_cannot_be_written_to_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"Pictures cannot be saved in .*set another folder as \[paths\] data"):
        Sources(tmp_path / "file" / "sources").add("ann", FRAME)


def test_what_nothing_is_made_from_any_more_goes_and_what_has_just_come_stays(sources: Sources) -> None:
    shared, anns, new = (sources.add("ann", frame) for frame in (FRAME, Frame(1, 1, b"abc"), Frame(1, 1, b"def")))
    sources.add("bob", FRAME)
    for mark in sources.folder.glob("of/*/*"):
        if mark.name != new:
            os.utime(mark, (0, 0))
    assert sources.sweep([("bob", shared)]) == 1  # ann's claim on the one that is shared goes, too
    assert [sources.file("ann", one) is not None for one in (shared, anns, new)] == [False, False, True]
    assert sources.file("bob", shared) is not None
    assert len(list(sources.folder.glob("*.png"))) == 2
