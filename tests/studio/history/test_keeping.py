"""Room is made by letting go of what is old, a little at a time; favourites stay. What does not agree is named."""

import os
from pathlib import Path

import pytest

from core.config import HistoryConfig
from core.engine import Frame
from core.request import Source
from studio.build import Studio
from studio.history import History, Query
from studio.history.check import check
from studio.history.retention import A_BITE, SWEPT_EVERY, Retention
from studio.store.used import used_sources
from tests.studio.conftest import Clock
from tests.studio.history.conftest import Draw

DAY_S = 24 * 3600


def house(studio: Studio, **settings: int) -> Retention:
    return Retention(studio.history.records, studio.history.files, HistoryConfig(**settings), studio.history._now)


def with_picture(history: History) -> list[str]:
    return [card.id for card in history.page("ann").cards if card.has_picture]


def test_by_default_all_is_kept(history: History, draw: Draw, studio: Studio, clock: Clock) -> None:
    job_id = draw()
    clock.wall_s += 10_000 * DAY_S
    house(studio, trash_days=30).round()
    assert with_picture(history) == [job_id]


def test_old_pictures_are_let_go_of_but_for_favourites_and_their_settings_stay(
    history: History, draw: Draw, studio: Studio, clock: Clock, data_folder: Path
) -> None:
    old, loved = draw("old"), draw("loved")
    history.mark("ann", [loved], True)
    clock.wall_s += 31 * DAY_S
    new = draw("new")
    house(studio, keep_days=30).round()
    assert with_picture(history) == [new, loved]
    known = history.entry("ann", old)
    assert known is not None
    assert (known.request.prompt, known.file, len(known.pixels)) == ("old", "", 64)
    assert len(list((data_folder / "pictures").iterdir())) == 4


def test_room_is_made_from_the_oldest_on_until_there_is_enough(
    history: History, draw: Draw, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [draw(frame=Frame(64, 64, os.urandom(64 * 64 * 3))) for _ in range(5)]
    history.mark("ann", ids[:1], True)
    sizes = [history.entry("ann", job_id).bytes for job_id in ids]  # type: ignore[union-attr]
    keeping = house(studio, keep_gb=1)
    monkeypatch.setattr(keeping, "_make_room", lambda most, do=keeping._make_room: do(sum(sizes[2:]) + sizes[0] - 1))
    keeping.round()
    assert with_picture(history) == [ids[4], ids[3], ids[0]]
    keeping.round()
    assert with_picture(history) == [ids[4], ids[3], ids[0]]


def test_a_round_takes_a_bite_and_no_more(history: History, draw: Draw, studio: Studio, clock: Clock) -> None:
    for _ in range(A_BITE + 3):
        draw()
    clock.wall_s += 2 * DAY_S
    keeping = house(studio, keep_days=1)
    keeping.round()
    assert len(with_picture(history)) == 3
    keeping.round()
    assert with_picture(history) == []


def test_the_trash_is_emptied_when_its_days_are_over(
    history: History, draw: Draw, studio: Studio, clock: Clock, data_folder: Path
) -> None:
    history.trash("ann", [draw()])
    clock.wall_s += 29 * DAY_S
    late = draw()
    history.trash("ann", [late])
    keeping = house(studio, trash_days=30)
    keeping.round()
    assert len(history.page("ann", Query(trash=True)).cards) == 2
    clock.wall_s += 2 * DAY_S
    keeping.round()
    assert [card.id for card in history.page("ann", Query(trash=True)).cards] == [late]
    assert len(list((data_folder / "pictures").iterdir())) == 2


def test_a_photo_goes_with_the_last_record_that_was_drawn_from_it(
    history: History, draw: Draw, studio: Studio, data_folder: Path
) -> None:
    shown, alone = (studio.sources.add("ann", Frame(16, 16, bytes([n]) * 768)) for n in (1, 2))
    kept, thrown = (draw(source=Source(sha256, 0.5)) for sha256 in (shown, alone))
    for mark in (data_folder / "sources").glob("of/*/*"):
        os.utime(mark, (0, 0))

    def sweep() -> list[bool]:
        studio.sources.sweep(used_sources(history.records._database))
        return [studio.sources.file("ann", sha256) is not None for sha256 in (shown, alone)]

    history.trash("ann", [kept, thrown])
    assert sweep() == [True, True]  # it may be brought back
    history.restore("ann", [kept])
    history.empty_trash("ann")
    assert sweep() == [True, False]


def test_photos_are_looked_through_at_the_start_and_once_an_hour(history: History, studio: Studio) -> None:
    swept: list[int] = []
    keeping = Retention(
        history.records, history.files, HistoryConfig(), history._now, sweep=lambda: swept.append(1)
    )  # fmt: skip
    for _ in range(SWEPT_EVERY + 1):
        keeping.round()
    assert len(swept) == 2


def test_a_file_that_cannot_be_deleted_keeps_its_record(
    history: History, draw: Draw, studio: Studio, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = draw()
    clock.wall_s += 2 * DAY_S
    monkeypatch.setattr(Path, "unlink", _refused)
    house(studio, keep_days=1).round()
    assert with_picture(history) == [job_id]


def test_files_without_a_record_and_records_without_their_file_are_named(
    history: History, draw: Draw, data_folder: Path
) -> None:
    pictures = data_folder / "pictures"
    gone, changed, well = draw(), draw(frame=Frame(1, 1, b"abc")), draw()
    names = {job_id: history.entry("ann", job_id).file for job_id in (gone, changed, well)}  # type: ignore[union-attr]
    (pictures / names[gone]).unlink()
    (pictures / names[changed]).write_bytes((pictures / names[well]).read_bytes())
    (pictures / "stranger.png").write_bytes(b"x")
    (pictures / f"{'f' * 32}.thumb.webp").write_bytes(b"x")
    for file in pictures.iterdir():
        os.utime(file, (0, 0))
    (pictures / "just now.png").write_bytes(b"x")  # of a job that is about to end, perhaps
    found = check(history.records, history.files, deep=True)
    assert [file.name for file in found.orphans] == [f"{'f' * 32}.thumb.webp", "stranger.png"]
    assert ([kept.job_id for kept in found.missing], [kept.job_id for kept in found.damaged]) == ([gone], [changed])
    assert (found.pictures, found.well) == (2, False)
    assert check(history.records, history.files).damaged == ()


def test_a_folder_that_agrees_is_well(history: History, draw: Draw) -> None:
    draw()
    draw(frame=None)
    found = check(history.records, history.files, deep=True)
    assert (found.pictures, found.well) == (1, True)


def _refused(*_: object, **__: object) -> None:
    raise PermissionError
