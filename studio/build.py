"""From a configuration to a studio: the one module here that knows the real engine."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from uuid import uuid4

from core.check import Check
from core.config import Config
from core.engine import Engine, ModelInfo
from core.errors import UserError
from pipeline.describe import describe as describe
from studio.files import PictureFiles
from studio.jobs import Jobs
from studio.styles import StyleLibrary
from studio.worker import Worker


@dataclass(frozen=True, slots=True)
class Studio:
    """What all sessions share. `info` is None when the model's folder cannot be read; `worker.status` then says why."""

    config: Config
    info: ModelInfo | None
    styles: StyleLibrary
    jobs: Jobs
    worker: Worker


def build(config: Config) -> Studio:
    """Put the parts together; starts nothing. Raises UserError when the data folder cannot be written to."""
    styles = StyleLibrary(config.paths.lora)
    files = PictureFiles(config.paths.data / "pictures")
    info: ModelInfo | None = None
    broken: UserError | None = None
    try:
        info = describe(config.model.path)
    except UserError as error:
        broken = error

    def engine() -> Engine:
        if broken is not None or info is None:
            raise broken or RuntimeError("no model")
        return make_engine(config, info)

    jobs = Jobs(
        info,
        styles,
        files,
        max_jobs=config.queue.max_jobs,
        max_jobs_per_owner=config.queue.max_jobs_per_owner,
        clock=monotonic,
        new_id=lambda: uuid4().hex,
    )
    return Studio(config, info, styles, jobs, Worker(engine, jobs))


def examine_engine(config: Config, info: ModelInfo | None, styles: tuple[str, ...]) -> Iterator[Check]:
    """What the engine stands on, looked at for `python -m studio doctor`."""
    _share_processors()
    from pipeline.doctor import examine

    return examine(config, info, styles)


def make_engine(config: Config, info: ModelInfo, previews: bool = True) -> Engine:
    """The engine of this process. Imports torch, which takes seconds: call it where nobody waits."""
    _share_processors()
    from pipeline.engine import TorchEngine

    return TorchEngine(info, config.paths.lora, config.model.device, previews)


def _share_processors() -> None:
    """Let torch's threads sleep while they wait for each other; it is read once, when torch is imported.

    By default they spin. With one of two cores busy (a browser is enough), 30 steps of the demo took 6 to 24 s that way
    and 0.7 to 1.9 s this way (measured).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
