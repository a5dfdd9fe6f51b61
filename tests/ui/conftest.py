"""The page without a server: real jobs, styles and files; a test draws by hand, so nothing happens in between."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.config import Config, PathsConfig
from core.engine import EngineStatus, Frame, ModelInfo, Picture, Progress
from studio.build import Studio
from studio.files import PictureFiles
from studio.jobs import Jobs
from studio.styles import StyleLibrary
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
def studio(tmp_path: Path) -> Studio:
    """Nothing is drawn until `draw` is called."""
    lora = tmp_path / "lora"
    lora.mkdir()
    for name in ("sketch", "cartoon"):
        (lora / f"{name}.safetensors").write_bytes(name.encode())
    styles = StyleLibrary(lora)
    ids = itertools.count(1)
    jobs = Jobs(
        INFO,
        styles,
        PictureFiles(tmp_path / "data" / "pictures"),
        max_jobs=100,
        max_jobs_per_owner=5,
        clock=monotonic,
        new_id=lambda: f"{next(ids):032x}",
    )
    worker = SimpleNamespace(status=EngineStatus("ready", 1.0))
    return Studio(Config(paths=PathsConfig(lora=lora)), INFO, styles, jobs, worker)  # type: ignore[arg-type]


@pytest.fixture
def cookies() -> dict[str, str]:
    """Who the next session is: set `owner` for a browser that is known."""
    return {}


@pytest.fixture
def page(studio: Studio, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Opens the page in a new session; `lang` as the address has it."""

    def read_owner(_: Mapping[str, str]) -> str | None:
        return cookies.get("owner")

    monkeypatch.setattr(state, "_base", state.Base(studio, read_owner, i18n.load_catalogs()))
    monkeypatch.setattr(actions, "DOUBLE_CLICK_S", 0.0)  # tests are quicker than fingers

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
        while (job := studio.jobs.claim(0)) is not None:
            studio.jobs.report(job, Progress("text", 0, 1))
            studio.jobs.finish(job, Picture(Frame(1, 1, bytes([count, 2, 3]))), 0.0)
            count += 1
        return count

    return finish_all
