"""Databases are made, brought up to date, and refused in words when they cannot be used."""

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from core.errors import UserError
from studio.store import database as opening
from studio.store.database import FILE, StoreError, open_database, refusals_told, writing
from studio.store.schema import HEAD, metadata
from studio.store.store import NewJob, Store


def test_the_migrations_make_the_tables_that_the_code_knows(database: Engine) -> None:
    with database.connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _: not str(name).startswith("history_words"),
        }
        context = MigrationContext.configure(connection, opts=options)  # those are each database's own
        assert compare_metadata(context, metadata) == []


def test_the_newest_migration_is_the_one_the_code_asks_for() -> None:
    settings = Config()
    settings.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(settings).get_current_head() == HEAD


def test_opening_again_changes_nothing(url: str, database: Engine, tmp_path: Path) -> None:
    Store(database, "me").add(NewJob("j", "ann", "k", "batch", "{}", 1), 1)
    again = open_database(url, tmp_path)
    assert Store(again, "me").find("ann", "k") == "j"
    again.dispose()


def test_two_studios_that_start_at_once_on_an_empty_database_both_start(url: str, tmp_path: Path) -> None:
    start, failed = threading.Barrier(4), []

    def open_one() -> None:
        start.wait()
        try:
            open_database(url, tmp_path).dispose()
        except Exception as error:  # noqa: BLE001 (told below)
            failed.append(error)

    threads = [threading.Thread(target=open_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_a_database_of_a_newer_studio_is_not_touched(url: str, database: Engine, tmp_path: Path) -> None:
    with writing(database).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match="written by a newer version of the studio .9999; this one knows"):
        open_database(url, tmp_path)


def test_writes_wait_for_each_other_and_none_is_lost(database: Engine) -> None:
    with writing(database).begin() as connection:
        connection.execute(text("CREATE TABLE counter (n INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))

    def count() -> None:
        for _ in range(20):
            with refusals_told(), writing(database).begin() as connection:
                if database.dialect.name == "postgresql":
                    connection.execute(text("LOCK TABLE counter"))
                found = connection.execute(text("SELECT n FROM counter")).scalar()
                connection.execute(text("UPDATE counter SET n = :n"), {"n": found + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.connect() as connection:
        assert connection.execute(text("SELECT n FROM counter")).scalar() == 80


def test_a_database_that_another_process_keeps_locked_is_waited_for_and_then_refuses_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BUSY_S", 0.05)
    store = Store(open_database("sqlite", tmp_path), "me")
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(
        StoreError, match="cannot write down what you asked for: database is locked. Nothing was changed"
    ):
        store.add(NewJob("j", "ann", None, "batch", "{}", 1), 1)
    assert store.records("ann", 1) == []  # reading goes on meanwhile
    other.execute("COMMIT")
    other.close()
    assert store.add(NewJob("j", "ann", None, "batch", "{}", 1), 1) == "j"
    store.close()


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"my diary\n" * 500)
    with pytest.raises(StoreError, match="file is not a database"):
        open_database("sqlite", tmp_path)
    assert (tmp_path / FILE).read_bytes() == b"my diary\n" * 500


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("what?", "has to be"),
        ("nosuch://x/y", "has to be"),
        ("postgresql://nobody@127.0.0.1:1/none", "cannot write down"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_in_words(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=says):
        open_database(url, tmp_path)


def test_a_mistake_of_ours_is_not_told_as_the_databases_refusal(database: Engine) -> None:
    with pytest.raises(Exception, match="nosuch") as raised, refusals_told(), database.connect() as connection:
        connection.execute(text("SELECT nosuch FROM jobs"))
    assert raised.type is not StoreError or database.dialect.name == "sqlite"
