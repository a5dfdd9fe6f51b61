"""Open the database and bring its tables up to date: SQLite in the data folder, or PostgreSQL by URL."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from core.errors import N_, UserError
from studio.store.schema import HEAD

FILE = "studio.db"
BUSY_S = 15  # how long a write waits for another process that holds the database
_MIGRATING = 0x4A494D45  # "JIME": any number that nobody else locks
_MIGRATIONS = Path(__file__).parent / "migrations"


class StoreError(UserError):
    """The database refuses. What was asked for has not happened, and may be tried again."""


def open_database(url: str, folder: Path) -> Engine:
    """Connect, and migrate if need be. `url` is "sqlite" for a file in `folder`, or a SQLAlchemy URL.

    Raises UserError when it cannot be reached, is damaged, or was written by a newer version of the studio.
    """
    if url == "sqlite":
        folder.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{folder / FILE}"
    try:
        database = _engine(url)
    except (ArgumentError, NoSuchModuleError) as error:
        raise UserError(
            '[store] url has to be "sqlite" or "postgresql://user:password@host/database". It is neither: {why}',
            why=str(error).split("\n")[0],
        ) from error
    except ModuleNotFoundError as error:
        raise UserError(
            'The package {package} is missing. Install it with: .venv/bin/pip install "psycopg[binary]"',
            package=str(error.name),
        ) from error
    try:
        with refusals_told():
            _migrate(database)
    except BaseException:
        database.dispose()
        raise
    return database


@contextmanager
def refusals_told() -> Iterator[None]:
    """What the database refuses becomes a StoreError that says why; a mistake of ours stays what it is."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as error:
        raise _refusal(error) from error
    except DBAPIError as error:
        damaged = type(error.orig) is sqlite3.DatabaseError  # its subclasses are mistakes of ours
        if not (error.connection_invalidated or damaged):
            raise
        raise _refusal(error) from error


def writing(database: Engine) -> Engine:
    """The same database; transactions begun on it take the right to write first, and wait for it if need be.

    A transaction of SQLite that reads and only then wants to write fails at once when another has written meanwhile.
    """
    return database.execution_options(immediate=True)


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        database = create_engine(parsed, connect_args={"timeout": BUSY_S})
        event.listen(database, "connect", _set_up_sqlite)
        event.listen(database, "begin", _begin_sqlite)
        return database
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": BUSY_S})


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver
    _log_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Write-ahead logging. A file that is new to it is switched by one connection alone, and SQLite refuses the others
    at once instead of waiting: so they wait here."""
    give_up = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _migrate(database: Engine) -> None:
    found = _version(database)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise UserError(
            "The database was written by a newer version of the studio ({found}; this one knows {known}). Update it.",
            found=found, known=HEAD,
        )  # fmt: skip
    from alembic import command  # a tenth of a second, spent only when there is something to do
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with writing(database).begin() as connection:
        if database.dialect.name == "postgresql":  # a second studio may start at the same moment; SQLite's lock is held
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def _version(database: Engine) -> str | None:
    with database.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return str(found) if found is not None else None


def _refusal(error: SQLAlchemyError | sqlite3.Error) -> StoreError:
    why = str(getattr(error, "orig", None) or error).split("\n")[0]
    return StoreError(
        N_("The studio cannot write down what you asked for: {why}. Nothing was changed; try again in a moment."),
        why=why,
    )
