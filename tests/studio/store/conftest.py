"""The store on each database it knows: SQLite, and a real PostgreSQL that the tests start for themselves."""

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from studio.store.database import open_database
from studio.store.store import Store

OpenStore = Callable[[str], Store]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a server with no databases of ours, as SQLAlchemy takes it, without the database's name."""
    programs = _programs()
    if programs is None:
        if os.environ.get("JIMENG_REQUIRE_POSTGRESQL"):
            pytest.fail("no PostgreSQL here, and JIMENG_REQUIRE_POSTGRESQL is set")
        pytest.skip("no PostgreSQL here")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="jimeng-postgresql-"))
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        log = folder.parent / f"{folder.name}.log"
        with log.open("a") as out:
            subprocess.run(command, check=True, user=user, cwd=folder, stdout=out, stderr=out)

    port = _free_port()
    run("initdb", "--auth=trust", "--username=postgres", "--no-sync")
    run("pg_ctl", "-w", "-o", f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off", "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return "sqlite"
    server = request.getfixturevalue("postgresql")
    name = f"test_{next(_numbers)}"
    admin = create_engine(
        server.replace("postgresql:", "postgresql+psycopg:") + "/postgres", isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return f"{server}/{name}"


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Engine]:
    database = open_database(url, tmp_path)
    yield database
    database.dispose()


@pytest.fixture
def open_store(url: str, database: Engine, tmp_path: Path) -> Iterator[OpenStore]:
    """The store as the process of that name has it."""
    opened: list[Store] = []

    def open_one(holder: str) -> Store:
        opened.append(Store(open_database(url, tmp_path), holder))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


_numbers = itertools.count()


def _programs() -> Path | None:
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").is_file()), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
