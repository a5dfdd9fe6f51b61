"""`python -m studio doctor`: look at everything the studio stands on, and say what is wrong and what to do."""

import http.client
import json
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from core.check import Check
from core.config import Config
from core.errors import UserError
from studio import build
from studio.files import PictureFiles
from studio.styles import StyleLibrary

LEAST_FREE_MB = 1_000  # memory and disk below this are named as a problem
_PATIENCE_S = 2.0  # for an answer on this machine


def examine(config: Config) -> Iterator[Check]:
    """One check after the other, as each is done. Nothing raises: what is wrong is a check that is not ok."""
    yield Check("Python", True, f"{sys.version.split()[0]} · {sys.prefix}")
    try:
        info = build.describe(config.model.path)
        yield Check("model", True, f"{info.name} · {config.model.path}")
    except UserError as error:
        info = None
        yield Check("model", False, str(error))
    styles = tuple(s.name for s in StyleLibrary(config.paths.lora).list())
    if styles:
        yield Check("styles", True, f"{len(styles)} · {', '.join(styles)}")
    else:
        yield Check("styles", True, f"none yet. Put .safetensors files into {config.paths.lora}")
    yield from build.examine_engine(config, info, styles)
    yield _memory()
    yield _disk(config.paths.data)
    yield _data(config.paths.data)
    yield _port(str(config.streamlit["server"]["address"]), int(config.streamlit["server"]["port"]))


def _memory() -> Check:
    memory = psutil.virtual_memory()
    enough = memory.available > LEAST_FREE_MB * 1e6
    text = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
    return Check("memory", enough, text if enough else text + ". Close other programs.")


def _disk(folder: Path) -> Check:
    there = next(f for f in (folder, *folder.parents) if f.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / 1e9:.1f} GB free in {there}"
    if free > LEAST_FREE_MB * 1e6:
        return Check("disk", True, text)
    return Check("disk", False, text + ". Free some, or set another folder as [paths] data.")


def _data(folder: Path) -> Check:
    try:
        PictureFiles(folder / "pictures")
    except UserError as error:
        return Check("data", False, str(error))
    return Check("data", True, f"{folder} can be written to")


def _port(address: str, port: int) -> Check:
    """Free when nobody answers; a running studio is well, too."""
    connection = http.client.HTTPConnection(_reachable(address), port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read(10_000))
        return Check("port", True, f"{address}:{port} · a studio is running there ({answer['status']})")
    except ConnectionRefusedError:
        return Check("port", True, f"{address}:{port} is free")
    except socket.gaierror:
        return Check("port", False, f"There is no address {address}. Change [server] address.")
    except (OSError, ValueError, TypeError, KeyError, http.client.HTTPException):
        return Check(
            "port",
            False,
            f"{address}:{port} is used by another program. Stop it, or change [server] port ({port + 1}?).",
        )
    finally:
        connection.close()


def _reachable(address: str) -> str:
    """Where a server that listens on `address` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 (asked, not opened)
