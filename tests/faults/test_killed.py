"""A process that is killed loses no job, doubles none, and leaves no half file."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from core.config import FilesConfig
from core.request import GenerationRequest
from studio.file_names import FileNames, Named
from studio.store.database import FILE
from tests.faults.conftest import Victim
from tests.faults.victim import pixels

QUANTA = 4  # text, two steps, decode
Start = Callable[..., Victim]
History = Callable[[], list[tuple[str, str]]]


def drain(victim: Victim) -> None:
    while victim.tell("quantum"):
        pass


def named(data_folder: Path) -> dict[str, str]:
    """The file of each record."""
    with closing(sqlite3.connect(data_folder / FILE)) as database:
        return dict(database.execute("SELECT job_id, file FROM history").fetchall())


def name_of(data_folder: Path, job_id: str, seed: int) -> str:
    """What the file of a job will be called."""
    with closing(sqlite3.connect(data_folder / FILE)) as database:
        (created_ms,) = database.execute("SELECT created_ms FROM jobs WHERE id = ?", (job_id,)).fetchone()
    created = datetime.fromtimestamp(created_ms / 1000).astimezone()
    return FileNames(FilesConfig().name).name(Named(job_id, created, GenerationRequest("a", 128, 128, seed)))


@pytest.mark.parametrize("quanta", range(QUANTA + 1))
def test_a_studio_killed_at_any_quantum_loses_no_job_and_doubles_none(
    quanta: int, start: Start, history: History, data_folder: Path
) -> None:
    first = start()
    ids = [first.tell("submit", prompt="a red house", seed=seed) for seed in (1, 2)]
    for _ in range(quanta):
        first.tell("quantum")
    first.kill()
    second = start()
    drain(second)
    assert sorted(history()) == sorted((job_id, "done") for job_id in ids)
    pictures = data_folder / "pictures"
    files = named(data_folder)
    assert sorted(files) == sorted(ids)
    assert sorted(f.name for f in pictures.iterdir()) == sorted([*files.values(), *(f"{i}.thumb.webp" for i in ids)])
    for job_id, seed in zip(ids, (1, 2), strict=True):
        with Image.open(pictures / files[job_id]) as image:
            assert image.tobytes() == pixels(seed)


def test_a_studio_killed_in_the_middle_of_a_write_leaves_nothing_half_written(
    start: Start, history: History, data_folder: Path
) -> None:
    first = start()
    job_id = first.tell("submit", prompt="a red house", seed=1)
    first.kill()
    pictures = data_folder / "pictures"
    (pictures / f"{job_id}.png.{first.process.pid}.partial").write_bytes(b"half")
    name = name_of(data_folder, job_id, 1)
    (pictures / name).write_bytes(b"from before")  # renamed, and then killed before it was recorded
    second = start()
    drain(second)
    assert history() == [(job_id, "done")]
    assert named(data_folder) == {job_id: name}
    assert sorted(f.name for f in pictures.iterdir()) == sorted([name, f"{job_id}.thumb.webp"])
    with Image.open(pictures / name) as image:
        assert image.tobytes() == pixels(1)


def test_a_job_that_kills_the_process_is_not_tried_for_ever_and_takes_no_other_with_it(
    start: Start, history: History
) -> None:
    victim = start()
    deadly = victim.tell("submit", prompt="deadly", seed=1)
    good = victim.tell("submit", prompt="a red house", seed=2)
    deaths = 0
    while victim.tell("quantum") or victim.tell("list") is None:
        if victim.process.poll() is not None:
            deaths += 1
            assert deaths <= 3
            victim = start()
    assert deaths == 3
    assert dict(history()) == {deadly: "failed", good: "done"}
    states = {job_id: (attempt, error) for job_id, _, attempt, error in victim.tell("list")}
    assert states[good] == (1, "None")
    assert "stopped 3 times while it drew this picture" in states[deadly][1]


def test_a_second_studio_on_the_same_folder_leaves_the_jobs_of_the_first_alone(start: Start, history: History) -> None:
    first, second = start(), start()
    job_id = first.tell("submit", prompt="a red house", seed=1)
    third = start()
    assert second.tell("quantum") is None
    assert third.tell("quantum") is None
    drain(first)
    assert history() == [(job_id, "done")]
