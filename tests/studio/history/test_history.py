"""A history is its owner's: found, marked, thrown away and brought back, and nobody else's."""

from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import UserError
from core.request import StyleUse
from studio.build import Studio
from studio.history import History, Query
from studio.metadata import read
from tests.studio.history.conftest import SURROUNDINGS, Draw, ask


def ids(history: History, query: Query = Query(), owner: str = "ann") -> list[str]:  # noqa: B008 (frozen)
    return [card.id for card in history.page(owner, query).cards]


def test_a_picture_is_remembered_with_all_that_made_it(history: History, draw: Draw, studio: Studio) -> None:
    root = draw()
    job_id = draw(
        "红色的房子", styles=(StyleUse("sketch", 0.5),), parent=root, batch="b", batch_index=3, input_name="Ä.jpg"
    )
    known = history.entry("ann", job_id)
    assert known is not None
    assert (known.status, known.request.prompt, known.parent, known.batch, known.batch_index, known.input_name) == (
        "done", "红色的房子", root, "b", 3, "Ä.jpg",
    )  # fmt: skip
    assert known.request.styles[0].sha256
    assert (known.model, known.model_hash, known.environment) == ("demo", "ab" * 32, SURROUNDINGS.facts)
    assert known.stages_ms == {"decode": 100}
    file = studio.jobs.picture("ann", job_id)
    assert file is not None
    assert (file.name, file.stat().st_size, len(known.pixels)) == (known.file, known.bytes, 64)
    assert f"_128x128_sketch-050_seed7_{job_id[:6]}.png" in known.file
    found = read(file.read_bytes())
    assert found.settings.prompt == "红色的房子"
    assert b'"id":"' + job_id.encode() in file.read_bytes()


def test_what_failed_and_what_was_cancelled_are_records_with_their_cause(
    history: History, draw: Draw, studio: Studio
) -> None:
    failed = draw(frame=None)
    cancelled = studio.jobs.submit("ann", ask())
    studio.jobs.cancel("ann", cancelled)
    assert ids(history, Query(statuses=("failed",))) == [failed]
    assert ids(history, Query(statuses=("cancelled",))) == [cancelled]
    known = history.entry("ann", failed)
    assert known is not None
    assert (str(known.error), known.file) == ("The style x is broken.", "")


def test_favourites_notes_and_tags_are_kept_and_found(history: History, draw: Draw) -> None:
    one, two = draw(), draw()
    history.mark("ann", [one], True)
    history.annotate("ann", two, note="  for the client\r\nof May ", tags=["  big   red ", "big red", "", "ö\0"])
    known = history.entry("ann", two)
    assert known is not None
    assert (known.note, known.tags) == ("for the client\nof May", ("big red", "ö"))
    assert ids(history, Query(favourites=True)) == [one]
    assert ids(history, Query(words="client BIG")) == [two]
    history.annotate("ann", two, tags=[])
    assert ids(history, Query(words="big")) == []
    with pytest.raises(UserError, match="at most 10000 characters"):
        history.annotate("ann", two, note="x" * 10_001)
    with pytest.raises(UserError, match="at most 30 tags"):
        history.annotate("ann", two, tags=[str(n) for n in range(31)])


def test_what_is_thrown_away_leaves_the_latest_too_and_comes_back_as_it_was(
    history: History, draw: Draw, studio: Studio
) -> None:
    one, two = draw("a"), draw("b")
    assert history.trash("ann", [one, "nosuch", "../x\0"]) == [one]
    assert [s.id for s in studio.jobs.list("ann")] == [two]
    assert (ids(history), ids(history, Query(trash=True))) == ([two], [one])
    assert history.facets("ann").total == 1
    assert history.restore("ann", [one]) == [one]
    assert [s.id for s in studio.jobs.list("ann")] == [two, one]
    assert history.facets("ann").total == 2


def test_an_emptied_trash_is_gone_from_the_disk_too(history: History, draw: Draw, data_folder: Path) -> None:
    gone, kept = draw(), draw()
    history.trash("ann", [gone])
    assert history.empty_trash("bob") == 0
    assert history.empty_trash("ann") == 1
    assert history.entry("ann", gone) is None
    known = history.entry("ann", kept)
    assert known is not None
    names = {file.name for file in (data_folder / "pictures").iterdir()}
    assert names == {known.file, f"{kept}.thumb.webp"}


def test_who_wants_to_be_forgotten_is(history: History, draw: Draw, studio: Studio, data_folder: Path) -> None:
    other = draw(owner="bob")
    draw()
    history.trash("ann", [draw()])
    history.save_preset("ann", "mine", ask())
    waiting = studio.jobs.submit("ann", ask())
    assert history.forget("ann") == 3
    assert studio.jobs.snapshot("ann", waiting) is None
    assert (ids(history), ids(history, Query(trash=True)), history.presets("ann")) == ([], [], ())
    assert history.entry("bob", other) is not None
    assert len(list((data_folder / "pictures").iterdir())) == 2


def test_presets_are_settings_under_a_name_of_ones_own(history: History) -> None:
    history.save_preset("ann", "  Client  A ", ask("one"))
    history.save_preset("ann", "客户", ask("two"))
    history.save_preset("ann", "Client A", ask("three"))
    assert [(p.name, p.request.prompt) for p in history.presets("ann")] == [("Client A", "three"), ("客户", "two")]
    assert history.presets("bob") == ()
    history.drop_preset("bob", "客户")
    history.drop_preset("ann", "Client A")
    assert [p.name for p in history.presets("ann")] == ["客户"]
    for name in ("", " ", "\0", "x" * 81):
        with pytest.raises(UserError, match="name of 1 to 80 characters"):
            history.save_preset("ann", name, ask())


def test_lineage_goes_up_to_the_root_and_down_to_the_children(history: History, draw: Draw) -> None:
    root = draw()
    middle = draw(parent=root)
    leaf = draw(parent=middle)
    lineage = history.lineage("ann", middle)
    assert ([c.id for c in lineage.parents], [c.id for c in lineage.children]) == ([root], [leaf])
    assert [c.id for c in history.lineage("ann", leaf).parents] == [root, middle]
    history.trash("ann", [leaf])
    assert history.lineage("ann", middle).children == ()
    assert history.lineage("bob", middle).parents == ()


def test_a_picture_of_another_is_no_parent(history: History, draw: Draw) -> None:
    secret = draw(owner="bob")
    mine = history.entry("ann", draw(parent=secret))
    assert mine is not None
    assert mine.parent == ""


def test_another_owner_sees_and_changes_nothing(history: History, draw: Draw, studio: Studio) -> None:
    job_id = draw()
    assert ids(history, owner="bob") == []
    assert history.entry("bob", job_id) is None
    assert (history.trash("bob", [job_id]), history.restore("bob", [job_id])) == ([], [])
    history.mark("bob", [job_id], True)
    history.annotate("bob", job_id, "bob was here")
    assert history.verification("bob", job_id) is None
    with pytest.raises(UserError, match="no such picture"):
        history.verify("bob", job_id)
    assert studio.jobs.picture("bob", job_id) is None
    known = history.entry("ann", job_id)
    assert known is not None
    assert (known.favourite, known.note) == (False, "")


def test_a_damaged_record_is_named_in_the_log_and_hides_no_other(
    history: History, draw: Draw, studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, well = draw(), draw()
    with studio.store._database.begin() as connection:
        connection.execute(text("UPDATE history SET request = '{' WHERE job_id = :id"), {"id": damaged})
    assert ids(history) == [well, damaged]
    assert history.entry("ann", damaged) is None
    assert damaged in caplog.text
    assert len(list(history.export_lines("ann"))) == 1
