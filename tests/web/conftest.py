"""The routes and the middleware as app.py mounts them, around a studio in which a test draws by hand."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from core.config import Config, PathsConfig, WebConfig
from core.engine import Engine, EngineStatus, Frame, ModelInfo, Picture, Progress
from core.request import GenerationRequest
from studio.build import Studio, assemble
from web import mount
from web.owners import Owners

INFO = ModelInfo("test model", "/nowhere", 16, 512, ((128, 128),), 8, 0.0)


@pytest.fixture
def studio(tmp_path: Path, data_folder: Path) -> Iterator[Studio]:
    ids = itertools.count(1)
    made = assemble(
        Config(paths=PathsConfig(lora=tmp_path / "lora", data=data_folder)),
        INFO,
        _no_engine,
        do=lambda task: task(),
        new_id=lambda: f"{next(ids):032x}",
    )
    made.worker.status = EngineStatus("loading", 0.5)
    yield made
    made.close()


def _no_engine() -> Engine:
    raise AssertionError("nothing is drawn here")


@pytest.fixture
def owners() -> Owners:
    ids = itertools.count(1)
    return Owners(b"k" * 32, lambda: f"owner{next(ids)}")


@pytest.fixture
def browser(studio: Studio, owners: Owners) -> Callable[..., TestClient]:
    """A new browser, without cookies. `allowed` and `address` as in config.toml."""

    async def page(_: object) -> HTMLResponse:
        return HTMLResponse("<p>page</p>")

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    def open_browser(host: str = "localhost:8501", allowed: tuple[str, ...] = (), address: str = "127.0.0.1", **more):
        configured = replace(studio, config=Config(web=WebConfig(allowed)))
        app = Starlette(
            routes=[
                *mount.routes(configured, owners, lambda language, error: f"{language}: {error}"),
                Route("/", page),
                WebSocketRoute("/socket", socket),
            ],
            middleware=mount.middleware(configured, owners, address),
        )
        return TestClient(app, base_url=f"http://{host}", **more)

    return open_browser


@pytest.fixture
def draw(studio: Studio) -> Callable[[str], str]:
    """A finished picture of that owner."""

    def draw_one(owner: str) -> str:
        job_id = studio.jobs.submit(owner, GenerationRequest("a red house", 128, 128, 7))
        job = studio.jobs.next(True, 0)
        assert job is not None
        studio.jobs.begin(job)
        studio.jobs.report(job, Progress("text", 0, 8), 0.0)
        studio.jobs.finish(job, Picture(Frame(2, 1, b"\x01\x02\x03\xfd\xfe\xff")), 0.0)
        return job_id

    return draw_one
