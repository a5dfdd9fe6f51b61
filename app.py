"""Start the studio: python app.py [--config FILE] [--port N] [--address A].

Puts the parts together and serves; there is no logic here, and nothing imports it (that would be a second studio).
"""

import argparse
import asyncio
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import streamlit as st

from core import config as settings
from core.errors import UserError
from studio.build import Studio, build
from studio.logs import FORMAT, LogFile
from ui import i18n, live, server_options, state
from web import mount
from web.listen import check_port
from web.owners import Owners, signing_key

PAGE = Path(__file__).resolve().parent / "ui" / "main.py"


def main() -> int:
    arguments = _arguments()
    try:
        config = settings.load(arguments.config)
        options = server_options.checked(config, arguments.address, arguments.port)
        address, port = str(options["server.address"]), int(options["server.port"])
        check_port(address, port)
        studio = build(config)
        owners = Owners(signing_key(config.paths.data / "secret.key"), lambda: uuid4().hex)
        base = state.Base(studio, owners.read, i18n.load_catalogs())
        state.install(base)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    logging.basicConfig(
        level=logging.INFO, format=FORMAT, handlers=[logging.StreamHandler(), LogFile(config.paths.data / "studio.log")]
    )
    app = st.App(
        PAGE,
        lifespan=lambda _: _running(studio),
        routes=[*mount.routes(studio, owners, i18n.say_in), live.live_route(base)],
        middleware=mount.middleware(studio, owners, address),
    )
    print(f"Jimeng Studio  http://{_shown(address)}:{port}  (Ctrl+C stops it)", flush=True)
    with suppress(KeyboardInterrupt):
        app.run(config=options)
    if studio.worker.is_alive():  # loading cannot be hurried, and nothing of a user's is at stake
        logging.shutdown()
        os._exit(0)
    return 0


@asynccontextmanager
async def _running(studio: Studio) -> AsyncIterator[None]:
    studio.start()
    freezing = asyncio.create_task(_freeze_when_loaded(studio))
    try:
        yield
    finally:
        freezing.cancel()
        with suppress(asyncio.CancelledError):
            await freezing
        studio.stop()


async def _freeze_when_loaded(studio: Studio) -> None:
    """What is loaded now stays: garbage collections need not walk through it again (0.2 s each, measured)."""
    while studio.worker.status.state == "loading":
        await asyncio.sleep(0.5)
    gc.freeze()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="Start the studio.")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings to use instead of config.toml")
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on, instead of [server] port")
    parser.add_argument("--address", metavar="A", help="address to listen on, instead of [server] address")
    return parser.parse_args()


def _shown(address: str) -> str:
    """The address as a browser on this machine takes it."""
    if address in ("0.0.0.0", "::", ""):  # noqa: S104 (shown, not opened)
        return "localhost"
    return f"[{address}]" if ":" in address else address


if __name__ == "__main__":
    sys.exit(main())
