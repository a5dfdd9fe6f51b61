"""The one thread that owns the device: it loads the model, then serves one job after the other."""

import logging
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from time import monotonic
from uuid import uuid4

from core.engine import Engine, EngineFacts, EngineStatus, Event, Picture
from core.errors import InternalError, StudioError, UserError
from core.request import StyleUse
from studio.jobs import Job, Jobs

log = logging.getLogger(__name__)
_PATIENCE_S = 0.5  # between two looks at whether to stop


class Worker:
    """Started and stopped by whoever built it. `engine` is made on the thread, so that the page answers meanwhile."""

    def __init__(self, engine: Callable[[], Engine], jobs: Jobs) -> None:
        self._make_engine, self._jobs = engine, jobs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self.status = EngineStatus("loading")
        self.facts: EngineFacts | None = None

    def prefetch(self, styles: Sequence[StyleUse]) -> None:
        """Somebody has chosen these styles and will soon draw with them. Returns at once."""

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop after the quantum under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def is_alive(self) -> bool:
        """Whether it is still at work, `stop` or not."""
        return self._thread.is_alive()

    def _run(self) -> None:
        engine = self._load()
        while engine is not None and not self._stop.is_set():
            job = self._jobs.claim(_PATIENCE_S)
            if job is not None:
                self._serve(engine, job)

    def _load(self) -> Engine | None:
        try:
            engine = self._make_engine()
            for fraction in engine.load():
                if self._stop.is_set():
                    return None
                self.status = EngineStatus("loading", fraction)
        except UserError as error:
            log.error("the model cannot be used: %s", error)
            self._refuse(error)
            return None
        except Exception as error:  # noqa: BLE001 (the boundary: whatever it is, the page must say so)
            known = reported(error)
            self._refuse(UserError(known.template, **known.values))
            return None
        self.status = EngineStatus("ready", 1.0)
        return engine

    def _refuse(self, error: UserError) -> None:
        self.status = EngineStatus("failed", error=error)
        self._jobs.refuse(error)

    def _serve(self, engine: Engine, job: Job) -> None:
        try:
            with closing(engine.generate(job.request)) as events:
                self._draw(events, job)
        except StudioError as error:
            log.warning("job %s failed: %s", job.id, error)
            self._jobs.fail(job, error)
        except Exception as error:  # noqa: BLE001 (the boundary: a job may fail, the worker may not)
            self._jobs.fail(job, reported(error))

    def _draw(self, events: Generator[Event, None, None], job: Job) -> None:
        asked = monotonic()
        for event in events:
            if job.cancelled.is_set() or self._stop.is_set():
                self._jobs.stop(job)
                return
            if isinstance(event, Picture):
                self._jobs.finish(job, event, monotonic() - asked)
                return
            self._jobs.report(job, event)
            asked = monotonic()
        raise RuntimeError("the engine ended without a picture")


def reported(error: Exception) -> InternalError:
    """Log an unexpected error in full; what is returned carries only the id to find it by."""
    error_id = uuid4().hex[:8]
    log.error("internal error %s", error_id, exc_info=error)
    return InternalError(error_id)
