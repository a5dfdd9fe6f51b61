"""The one thread that owns the device: it loads the model, then serves jobs, a quantum of one, a quantum of another."""

import logging
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from time import monotonic

from core.engine import Engine, EngineFacts, EngineStatus, Event, Picture
from core.errors import DeviceLost, OutOfMemory, StudioError, UserError
from core.request import StyleUse
from studio.endings import Surroundings
from studio.holder import Holder
from studio.job import Job
from studio.jobs import Jobs
from studio.logs import reported

log = logging.getLogger(__name__)
_PATIENCE_S = 0.5  # between two looks at whether to stop


@dataclass(slots=True)
class Flight:
    """A job that has begun, and the generator that draws it."""

    job: Job
    events: Generator[Event, None, None]


class Worker:
    """Started and stopped by whoever built it. `engine` is made on the thread, so that the page answers meanwhile."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        jobs: Jobs,
        holder: Holder,
        in_flight: int,
        surroundings: Callable[[EngineFacts], Surroundings] = lambda _: Surroundings(),
        rest_after_s: float = 0.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`surroundings` says what draws; it is asked once the model is loaded, and may take seconds. After
        `rest_after_s` without work the engine gives its memory back; 0 is never."""
        self._make_engine, self._jobs, self._holder, self._in_flight = engine, jobs, holder, in_flight
        self._surroundings, self._rest_after_s, self._clock = surroundings, rest_after_s, clock
        self._engine: Engine | None = None
        self._flights: dict[str, Flight] = {}
        self._wanted: tuple[StyleUse, ...] = ()
        self._intent = threading.Event()
        self._busy_s = clock()  # when there was last something to do
        self._resting = False
        self._lowered: set[str] = set()  # jobs for which the engine has taken less memory already
        self._lost: set[str] = set()  # jobs that the device was at when it was lost
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self.status = EngineStatus("loading")
        self.facts: EngineFacts | None = None

    def prefetch(self, styles: Sequence[StyleUse]) -> None:
        """Somebody has chosen these styles and will soon draw with them. Returns at once."""
        self._wanted = tuple(styles)  # the newest choice wins
        self.expect()

    def expect(self) -> None:
        """Somebody has opened the page or changed a setting, and will perhaps draw soon. Returns at once."""
        self._intent.set()
        if self._resting:
            self._jobs.nudge()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop after the quantum under way. What was being drawn is left to the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def draw_waiting(self) -> None:
        """Draw all that waits, on the caller's thread: for a program that ends then. Not beside `start`."""
        while self.draw_quantum() is not None:
            pass
        self._holder.at("")

    def draw_quantum(self) -> Job | None:
        """One quantum of what waits, on the caller's thread, and whose it was; None when nothing can be drawn."""
        job = self._jobs.next(True, 0) if self._is_ready() else None
        if job is not None:
            self._advance(job)
        return job

    def is_alive(self) -> bool:
        """Whether it is still at work, `stop` or not."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set() and self._is_ready():
            self._wake_or_rest()
            self._prefetch()
            job = self._jobs.next(len(self._flights) < self._in_flight, _PATIENCE_S)
            self._land_cancelled()
            if job is not None and not job.cancelled.is_set():
                self._advance(job)
                self._busy_s, self._resting = self._clock(), False
        for flight in list(self._flights.values()):
            self._land(flight.job)
        self._holder.at("")

    def _is_ready(self) -> bool:
        """Whether there is an engine, loaded now if need be."""
        if self._engine is None:
            self._engine = self._load()
            self._busy_s, self._resting = self._clock(), False
        return self._engine is not None

    def _load(self) -> Engine | None:
        try:
            engine = self._make_engine()
            for fraction in engine.load():
                if self._stop.is_set():
                    return None
                self.status = EngineStatus("loading", fraction)
            self.facts = engine.facts()
            self._jobs.drawn_in(self._surroundings(self.facts))
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

    def _prefetch(self) -> None:
        wanted, self._wanted = self._wanted, ()
        if wanted and self._engine is not None:
            try:
                self._engine.prefetch(wanted)
                self.facts = self._engine.facts()
            except Exception as error:  # noqa: BLE001 (a kindness must not stop the worker)
                reported(error)

    def _wake_or_rest(self) -> None:
        """Give the memory back when nobody draws, and take it again before somebody does."""
        engine = self._engine
        if engine is None:
            return
        try:
            if self._intent.is_set():
                self._intent.clear()
                self._busy_s = self._clock()
                if self._resting:
                    self._resting = False
                    engine.wake()
                    self.facts = engine.facts()
            elif not self._resting and not self._flights and 0 < self._rest_after_s <= self._clock() - self._busy_s:
                self._resting = not any(self._is_wanted() for _ in engine.rest())
                self.facts = engine.facts()
        except Exception as error:  # noqa: BLE001 (a kindness must not stop the worker)
            self._busy_s = self._clock()  # not again at once
            reported(error)

    def _is_wanted(self) -> bool:
        return self._intent.is_set() or self._jobs.next(True, 0) is not None

    def _advance(self, job: Job) -> None:
        """One quantum of `job`; whatever becomes of it, the worker lives."""
        engine = self._engine
        if engine is None:
            return
        self._holder.at(job.id)
        try:
            self._quantum(engine, job)
        except OutOfMemory as error:
            self._land(job)
            engine.free()
            if not job.frugal:
                log.warning("job %s ran out of memory; once more, with less", job.id)
                self._jobs.begin_anew(job, frugal=True)
            elif job.id not in self._lowered and self._lower(engine):
                self._lowered.add(job.id)
                log.warning("job %s ran out of memory again; once more, in a lower memory tier", job.id)
                self._jobs.begin_anew(job, frugal=True)
            else:
                self._fail(job, error)
        except DeviceLost as error:
            self._lose_engine(job, error)
        except StudioError as error:
            self._fail(job, error)
        except Exception as error:  # noqa: BLE001 (the boundary: a job may fail, the worker may not)
            self._fail(job, reported(error))

    def _lower(self, engine: Engine) -> bool:
        try:
            return engine.lower()
        finally:
            self.facts = engine.facts()

    def _lose_engine(self, job: Job, error: DeviceLost) -> None:
        """All that was under way begins anew with the next engine; a job that loses the device twice has failed."""
        log.error("the device was lost at job %s; the model is loaded again", job.id)
        for other in [flight.job for flight in self._flights.values()]:
            self._land(other)
            self._jobs.begin_anew(other, other.frugal)
        if job.id in self._lost:
            self._fail(job, error)
        self._lost.add(job.id)
        self._engine = self.facts = None  # gone before the next one takes its place
        self.status = EngineStatus("loading")

    def _quantum(self, engine: Engine, job: Job) -> None:
        began_s = monotonic()
        flight = self._flights.get(job.id)
        if flight is None:
            if job.state == "queued":
                self._jobs.begin(job)
            flight = self._flights[job.id] = Flight(job, engine.generate(job.request, job.frugal))
        try:
            event = next(flight.events)
        except StopIteration:
            raise RuntimeError("the engine ended without a picture") from None
        seconds = monotonic() - began_s
        if isinstance(event, Picture):
            self._land(job)
            self._jobs.finish(job, event, seconds)
            self.facts = engine.facts()
        else:
            self._jobs.report(job, event, seconds)
            if event.stage == "text":
                self.facts = engine.facts()  # its styles have come to the device

    def _fail(self, job: Job, error: StudioError) -> None:
        log.warning("job %s failed: %s", job.id, error)
        self._land(job)
        self._jobs.fail(job, error)

    def _land_cancelled(self) -> None:
        for flight in [f for f in self._flights.values() if f.job.cancelled.is_set()]:
            self._land(flight.job)

    def _land(self, job: Job) -> None:
        """Let go of its generator, whatever that thinks of it."""
        flight = self._flights.pop(job.id, None)
        if flight is not None:
            try:
                flight.events.close()
            except Exception as error:  # noqa: BLE001 (it has ended for us)
                reported(error)
