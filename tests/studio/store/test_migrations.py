"""What an older studio has written is there after the update, and is found."""

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, text

from core.request import GenerationRequest, StyleUse
from studio.store import database as opening
from studio.store.database import FILE, open_database, writing
from studio.store.records import Records
from studio.store.search import Query
from studio.store.store import Store

REQUEST = GenerationRequest("a red house 红色的房子", 128, 96, 7, styles=(StyleUse("水墨", 0.5, "ab" * 32),))


@pytest.fixture
def old(url: str, tmp_path: Path) -> Engine:
    """A database as the first version made it, with three records, one of them damaged, and a job that waits."""
    address = f"sqlite:///{tmp_path / FILE}" if url == "sqlite" else url.replace("postgresql:", "postgresql+psycopg:")
    database = opening._engine(address) if url == "sqlite" else create_engine(address)
    settings = Config()
    settings.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))
    with writing(database).begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
        for number, request in enumerate(
            (REQUEST.to_json(), "{damaged", json.dumps({"prompt": "a boat", "styles": ["?"]}))
        ):
            connection.execute(
                text(
                    "INSERT INTO history (job_id, owner, kind, request, seed, width, height, status, file, attempts,"
                    " frugal, created_ms, ended_ms, duration_ms) VALUES (:id, 'ann', 'interactive', :request, 7, 128,"
                    " 96, 'done', :file, 0, :no, 5, 6, 1)"
                ),
                {"id": f"{number:032x}", "request": request, "file": f"{number:032x}.png", "no": False},
            )
        connection.execute(
            text(
                "INSERT INTO jobs (id, owner, kind, request, state, attempts, holder, lease_ms, created_ms)"
                " VALUES ('waits', 'ann', 'interactive', :request, 'queued', 0, 'gone', 0, 5)"
            ),
            {"request": REQUEST.to_json()},
        )
    return database


def test_records_of_the_first_version_are_found_by_words_and_styles(old: Engine, url: str, tmp_path: Path) -> None:
    old.dispose()
    database = open_database(url, tmp_path)
    records = Records(database)
    found = {
        words: [row["job_id"][-1] for row in records.page("ann", Query(words=words), "", 10)[0]]
        for words in ("", "red", "房", "boat", "damaged")
    }
    assert found == {"": ["2", "1", "0"], "red": ["0"], "房": ["0"], "boat": ["2"], "damaged": []}
    assert len(records.page("ann", Query(styles=("水墨",), strength=(0.4, 0.6)), "", 10)[0]) == 1
    assert len(records.page("ann", Query(order="largest"), "", 10)[0]) == 3
    row = records.get("ann", f"{0:032x}")
    assert row is not None
    assert (row["file"], row["area"], row["trashed_ms"], row["favourite"]) == (f"{0:032x}.png", 128 * 96, 0, False)
    database.dispose()


def test_a_job_of_the_first_version_is_taken_over(old: Engine, url: str, tmp_path: Path) -> None:
    old.dispose()
    store = Store(open_database(url, tmp_path), "heir")
    (job,) = store.adopt("gone", "", 1, lambda _: pytest.fail("nothing is given up here"))
    assert (job.id, job.parent, job.batch, job.batch_index) == ("waits", "", "", 0)
    store.close()
