"""The page without a server: real jobs, styles and files; a test draws by hand, so nothing happens in between."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from streamlit.testing.v1 import AppTest

from core.config import Config, PathsConfig, QueueConfig
from core.engine import Engine, EngineStatus, Frame, ModelInfo, Picture, Progress
from studio.build import Studio, assemble
from ui import actions, i18n, state

ROOT = Path(__file__).resolve().parents[2]
INFO = ModelInfo(
    name="test model",
    path="/nowhere",
    size_multiple=16,
    max_side=512,
    sizes=((128, 128), (256, 256), (160, 96)),
    num_inference_steps=8,
    guidance_scale=0.0,
    knows={"en": "It knows houses.", "zh_CN": "它会画房子。"},
    examples={"en": ("a *red* house",), "zh_CN": ("红色的房子",)},
)


@pytest.fixture
def studio(tmp_path: Path, data_folder: Path) -> Iterator[Studio]:
    """Nothing is drawn until `draw` is called."""
    lora = tmp_path / "lora"
    lora.mkdir()
    for name in ("sketch", "cartoon"):
        (lora / f"{name}.safetensors").write_bytes(name.encode())
    ids = itertools.count(1)
    made = assemble(
        Config(paths=PathsConfig(lora=lora, data=data_folder), queue=QueueConfig(100, 5)),
        INFO,
        _no_engine,
        do=lambda task: task(),
        new_id=lambda: f"{next(ids):032x}",
    )
    made.worker.status = EngineStatus("ready", 1.0)
    yield made
    made.close()


def _no_engine() -> Engine:
    raise AssertionError("nothing is drawn here")


@pytest.fixture
def cookies() -> dict[str, str]:
    """Who the next session is: set `owner` for a browser that is known."""
    return {}


class Clock:
    """Ten seconds pass between two looks at it: tests are quicker than fingers."""

    now_s, step_s = 0.0, 10.0

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(
    studio: Studio, cookies: dict[str, str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., AppTest]]:
    """Opens the page in a new session; `lang` as the address has it."""

    def read_owner(_: Mapping[str, str]) -> str | None:
        return cookies.get("owner")

    monkeypatch.setattr(state, "_base", state.Base(studio, read_owner, i18n.load_catalogs(), clock))

    def open_page(lang: str = "en") -> AppTest:
        test = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
        test.query_params["lang"] = lang
        return test.run()

    yield open_page


@pytest.fixture
def draw(studio: Studio) -> Callable[[], int]:
    """Finish all that waits; returns how many pictures that were."""

    def finish_all() -> int:
        count = 0
        while (job := studio.jobs.next(True, 0)) is not None:
            studio.jobs.begin(job)
            studio.jobs.report(job, Progress("text", 0, 1), 0.0)
            studio.jobs.finish(job, Picture(Frame(1, 1, bytes([count, 2, 3]))), 0.0)
            count += 1
        return count

    return finish_all


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Callable[[AppTest], AbstractContextManager[ModuleType]]:
    """What a click in a component does in that session; AppTest has no such clicks."""

    @contextmanager
    def in_session(test: AppTest) -> Iterator[ModuleType]:
        with monkeypatch.context() as patch:
            patch.setattr(state, "owner", lambda: test.session_state["owner"])
            patch.setattr(state, "result", lambda: test.session_state["result"])
            patch.setattr(actions.st, "session_state", test.session_state)
            yield actions

    return in_session
