"""Every end of a job is one whole line of its day's file, whatever happens in between."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.hooks.courier import Undelivered
from studio.hooks.day_log import DayLog, append, entries
from studio.store.outbox import Taken

ROOT = Path(__file__).resolve().parents[3]


def line(job_id: str, day: str = "2026-11-21", kind: str = "interactive", attempts: int = 1) -> Taken:
    body = {"time": f"{day}T12:00:00.000+01:00", "id": job_id, "kind": kind, "request": {"prompt": "雪\n\u2028<b>"}}
    return Taken(1, "msg", json.dumps(body, ensure_ascii=False), 0, attempts)


def ids(file: Path) -> list[str]:
    return [entry["id"] for entry in entries(file)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "history"


def test_each_day_and_each_kind_has_its_file(folder: Path) -> None:
    log = DayLog(folder, 0)
    for letter in (line("a"), line("b", kind="batch"), line("c", "2026-11-22"), line("d")):
        log.deliver(letter)
    assert sorted(f.name for f in folder.iterdir()) == [
        "batch_history_20261121.jsonl",
        "history_20261121.jsonl",
        "history_20261122.jsonl",
    ]
    assert ids(folder / "history_20261121.jsonl") == ["a", "d"]
    assert len((folder / "history_20261121.jsonl").read_bytes().splitlines()) == 2


def test_a_torn_line_is_passed_over_and_spoils_no_other(folder: Path) -> None:
    log, file = DayLog(folder, 0), folder / "history_20261121.jsonl"
    log.deliver(line("a"))
    whole = file.read_bytes()
    for cut in (1, 5, 40, len(line("b").body.encode()) - 1):
        file.write_bytes(whole + line("b").body.encode()[:cut])
        assert ids(file) == ["a"]
        log.deliver(line("c"))
        assert ids(file) == ["a", "c"]


def test_what_was_written_before_a_crash_is_not_written_twice(folder: Path) -> None:
    log = DayLog(folder, 0)
    log.deliver(line("a"))
    log.deliver(line("a", attempts=2))
    log.deliver(line("b", attempts=2))
    assert ids(folder / "history_20261121.jsonl") == ["a", "b"]


def test_old_days_go_when_a_number_of_days_is_set_and_nothing_else_does(folder: Path) -> None:
    folder.mkdir()
    names = [f"{kind}history_202611{day:02}.jsonl" for kind in ("", "batch_") for day in range(10, 22)]
    for name in [*names, "history_20261101.jsonl.bak", "notes.txt"]:
        (folder / name).write_text("")
    DayLog(folder, 0).deliver(line("a"))
    assert len(list(folder.iterdir())) == 26
    DayLog(folder, 7).deliver(line("a"))
    assert sorted(f.name for f in folder.iterdir()) == sorted(
        [n for n in names if n.split("_")[-1] >= "20261115"] + ["history_20261101.jsonl.bak", "notes.txt"]
    )


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("a file")
    with pytest.raises(Undelivered, match="The day log cannot be written to .*history: .*File exists"):
        DayLog(tmp_path / "history", 0).deliver(line("a"))


FULL = """
import resource, signal, sys
from pathlib import Path
from studio.hooks.day_log import append
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    append(Path(sys.argv[1]), "y" * 90)
except OSError as error:
    print(error.errno)
"""


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    append(file, "x" * 50)
    run = subprocess.run([sys.executable, "-c", FULL, str(file)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip().isdigit()
    assert file.read_text() == "x" * 50 + "\n"
    append(file, "z")
    assert file.read_text() == "x" * 50 + "\nz\n"


def test_what_is_to_be_forgotten_goes_from_every_day_and_nothing_else(folder: Path) -> None:
    log = DayLog(folder, 0)
    for letter in (line("a"), line("b"), line("a", "2026-11-22", kind="batch"), line("c", "2026-11-23")):
        log.deliver(letter)
    day, untouched = folder / "history_20261121.jsonl", folder / "history_20261123.jsonl"
    with day.open("ab") as file:
        file.write(b'{"id": "torn')
    (folder / "notes.txt").write_text('{"id": "a"}')
    before = untouched.stat().st_ino
    log.forget({"a"})
    assert ids(day) == ["b"] and ids(folder / "batch_history_20261122.jsonl") == []
    assert (day.read_bytes().splitlines()[-1], untouched.stat().st_ino) == (b'{"id": "torn', before)
    assert (folder / "notes.txt").read_text() == '{"id": "a"}'
    log.deliver(line("d"))
    assert ids(day) == ["b", "d"]


def test_a_log_that_is_not_there_has_nothing_to_forget(folder: Path) -> None:
    DayLog(folder, 0).forget({"a"})
    assert not folder.exists()
