"""What is taken out is whole and harmless, and what is brought in is checked."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.request import StyleUse
from studio.build import Studio
from studio.history import History, Query
from tests.studio.history.conftest import FRAME, Draw, ask, end


def unzipped(history: History, ids: list[str], owner: str = "ann", clean: bool = False) -> zipfile.ZipFile:
    parts = list(history.export(owner, ids, clean))
    return zipfile.ZipFile(io.BytesIO(b"".join(parts)))


def test_an_export_holds_the_pictures_as_they_are_and_two_manifests(history: History, draw: Draw) -> None:
    one, two = draw('红色的房子, "a"\nb'), draw("a boat", styles=(StyleUse("sketch", 0.5),))
    archive = unzipped(history, [two, one])
    assert archive.testzip() is None
    files = [history.entry("ann", job_id).file for job_id in (two, one)]  # type: ignore[union-attr]
    assert archive.namelist() == [*files, "manifest.csv", "manifest.json"]
    with Image.open(archive.open(files[0])) as image:
        assert image.tobytes() == FRAME.rgb
    rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))
    assert [(row["id"], row["file"], row["prompt"]) for row in rows] == [
        (two, files[0], "a boat"), (one, files[1], "红色的房子, \"a\"\nb"),
    ]  # fmt: skip
    assert rows[0]["styles"] == "sketch:0.5"
    told = json.loads(archive.read("manifest.json"))
    assert [data["request"]["prompt"] for data in told] == ["a boat", '红色的房子, "a"\nb']


@pytest.mark.parametrize("prompt", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1"])
def test_a_prompt_that_is_a_formula_is_text_in_the_manifest(history: History, draw: Draw, prompt: str) -> None:
    rows = csv.DictReader(io.StringIO(unzipped(history, [draw(prompt)]).read("manifest.csv").decode("utf-8-sig")))
    assert next(rows)["prompt"] == f"'{prompt}"


def test_a_clean_export_says_nothing_of_how_the_pictures_were_made(history: History, draw: Draw) -> None:
    job_id = draw("a secret")
    archive = unzipped(history, [job_id], clean=True)
    (name,) = archive.namelist()
    assert b"secret" not in archive.read(name)
    assert b"secret" in unzipped(history, [job_id]).read(name)
    with Image.open(archive.open(name)) as image:
        assert image.tobytes() == FRAME.rgb


def test_a_picture_whose_file_is_gone_is_in_the_manifest_and_stops_nothing(
    history: History, draw: Draw, data_folder: Path
) -> None:
    gone, failed, there = draw(), draw(frame=None), draw()
    (data_folder / "pictures" / history.entry("ann", gone).file).unlink()  # type: ignore[union-attr]
    archive = unzipped(history, [gone, failed, there, "nosuch", "../x"])
    assert len(archive.namelist()) == 3
    told = json.loads(archive.read("manifest.json"))
    assert [(data["id"], bool(data["file"])) for data in told] == [(gone, False), (failed, False), (there, True)]
    assert json.loads(unzipped(history, []).read("manifest.json")) == []


def test_another_owners_pictures_are_not_exported(history: History, draw: Draw) -> None:
    job_id = draw("a secret")
    assert unzipped(history, [job_id], owner="bob").namelist() == ["manifest.csv", "manifest.json"]
    assert list(history.export_lines("bob")) == []


def test_a_history_goes_out_as_lines_and_comes_back_once_with_all_but_the_files(
    history: History, draw: Draw, studio: Studio
) -> None:
    one = draw("红色的房子", styles=(StyleUse("sketch", 0.5),), batch="b", batch_index=2)
    draw(frame=None, parent=one)
    history.annotate("ann", one, "a note", ["tag"])
    history.mark("ann", [one], True)
    lines = list(history.export_lines("ann"))
    before = [history.entry("ann", card.id) for card in history.page("ann").cards]
    assert history.import_lines("ann", lines).count == 0  # it is there
    history.forget("ann")
    assert history.import_lines("ann", lines).count == 2
    assert history.import_lines("ann", lines).count == 0
    after = [history.entry("ann", card.id) for card in history.page("ann").cards]
    for old, new in zip(before, after, strict=True):
        assert old is not None and new is not None
        for name in ("request", "status", "created", "batch", "tags", "note", "favourite", "environment", "parent"):
            assert getattr(new, name) == getattr(old, name)
        assert str(new.error) == str(old.error)
        assert (new.file, new.bytes) == ("", 0)
    assert [card.id for card in history.page("ann", Query(words="红色 note", styles=("sketch",))).cards] == [one]


def test_one_bad_line_in_ten_thousand_is_named_and_the_rest_comes_in(history: History, draw: Draw) -> None:
    draw()
    (line,) = history.export_lines("ann")
    lines = [changed(line, id=f"{n:032x}") for n in range(1, 2_001)]
    lines[777] = lines[777][:-20]
    imported = history.import_lines("ann", lines)
    assert imported.count == 1_999
    assert [(number, str(why)) for number, why in imported.skipped] == [
        (778, "This line is no record of a picture, or a damaged one.")
    ]
    assert history.facets("ann").total == 2_000


def test_anothers_record_is_not_changed_by_a_line_with_its_id(history: History, draw: Draw) -> None:
    job_id = draw("ann's own")
    line = changed(next(history.export_lines("ann")), note="bob was here")
    for expected in (1, 0):
        assert history.import_lines("bob", [line]).count == expected
    (card,) = history.page("bob").cards
    assert card.id != job_id
    known = history.entry("ann", job_id)
    assert known is not None
    assert known.note == ""


def test_a_line_with_the_id_of_a_job_under_way_does_not_keep_it_from_ending(
    studio: Studio, history: History, draw: Draw
) -> None:
    draw()
    line = next(history.export_lines("ann"))
    job_id = studio.jobs.submit("ann", ask())
    history.import_lines("bob", [changed(line, id=job_id)])
    history.import_lines("ann", [changed(line, id=job_id)])
    end(studio)
    known = history.entry("ann", job_id)
    assert known is not None
    assert known.file


@pytest.mark.parametrize(
    "change",
    [
        {"jimeng": 2}, {"id": "../../x"}, {"id": 7}, {"id": "A" * 32}, {"kind": "verify"}, {"status": "running"},
        {"request": None}, {"request": {"prompt": ""}}, {"request": []}, {"created": "yesterday"}, {"created": 5},
        {"created": "2026-01-01T00:00:00"}, {"ended": "9999-12-31T23:59:59+00:00"}, {"started": "x"},
        {"duration_ms": -1}, {"duration_ms": 1e300}, {"duration_ms": True}, {"stages_ms": {"text": "x"}},
        {"stages_ms": [1]}, {"model": "\0"}, {"model": "x" * 300}, {"environment": {"a": 1}}, {"environment": 5},
        {"environment": {str(n): "" for n in range(100)}}, {"pixels": "x"}, {"batch": "b" * 65}, {"batch_index": 2**63},
        {"parent": "../x"}, {"favourite": "yes"}, {"frugal": 1}, {"tags": "tag"}, {"tags": [5]}, {"note": None},
        {"note": "x" * 20_000}, {"error": "x"},
        {"error": {"kind": "user", "template": "{a:>999999999}", "values": {"a": "x"}}},
        {"error": {"kind": "user", "template": "{a.__class__}", "values": {"a": "x", "a.__class__": "x"}}},
        {"error": {"kind": "user", "template": "{b}", "values": {"a": "x"}}},
        {"error": {"kind": "user", "template": "x", "values": {"template": "x"}}},
    ],
    ids=str,
)  # fmt: skip
def test_a_hostile_line_is_refused_and_the_next_one_comes_in(
    history: History, draw: Draw, change: dict[str, Any]
) -> None:
    draw(frame=None)
    line = next(history.export_lines("ann"))
    imported = history.import_lines("ann", [changed(line, **{"id": "f" * 32, **change}), changed(line, id="e" * 32)])
    assert (imported.count, [number for number, _ in imported.skipped]) == (1, [1])


@pytest.mark.parametrize(
    "text", ["[]", "5", "null", "{}", '{"jimeng": 1}', "[" * 100_000, "x" * 300_000, "\0", "\ud800", "NaN"]
)
def test_what_is_no_record_at_all_is_refused(history: History, text: str) -> None:
    imported = history.import_lines("ann", ["", text, "\n"])
    assert (imported.count, [number for number, _ in imported.skipped]) == (0, [2])


def changed(line: str, **values: Any) -> str:
    return json.dumps(json.loads(line) | values)
