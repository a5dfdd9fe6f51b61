"""Takes letters from the outbox to one target, on a thread of its own, so that nobody else waits for it.

When a target cannot be reached, it is tried less and less often, and at once with everything when it is back. What a
target refuses alone does not hold up what comes after it.
"""

import logging
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from core.errors import StudioError
from studio.hooks.status import HookStatus, Kind
from studio.logs import reported
from studio.store.database import StoreError
from studio.store.outbox import Outbox, Taken

log = logging.getLogger(__name__)

LEASE_MS = 10 * 60 * 1000
MOST_WAITING = 100_000  # letters to one target; beyond that the oldest are dropped
LONGEST_PAUSE_S = 300.0  # between two tries at a target that cannot be reached
_LONGEST_WAIT_S = 6 * 3600.0  # between two tries of one letter
_FIRST_WAIT_S = 5.0
_LOOK_S, _REFUSED_S, _SWEEP_S = 1.0, 2.0, 3600.0
_WAS_AWAY = 3  # failures in a row
_AT_ONCE = 20  # letters taken in one transaction; all their deadlines together are less than a lease


class Undelivered(Exception):
    """Not this time. `why` is for the Status page; `wait_s` is what the target asked for."""

    def __init__(self, why: StudioError, wait_s: float = 0.0) -> None:
        super().__init__(str(why))
        self.why, self.wait_s = why, wait_s


class Closed(Exception):
    """The target wants nothing any more."""


class Target(Protocol):
    """Who is told: `key` names it in the outbox, `name` to people. `keep_ms` is how long a letter to it is good for."""

    key: str
    name: str
    kind: Kind
    keep_ms: int

    def deliver(self, letter: Taken) -> None:
        """Raises Undelivered to be asked again, Closed to be never asked again. May take seconds."""
        ...

    def interrupt(self) -> None:
        """Let a `deliver` that waits end soon. Called from another thread."""
        ...


class Courier:
    """Started and stopped by whoever built it."""

    def __init__(
        self,
        target: Target,
        outbox: Outbox,
        now: Callable[[], datetime],
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311 (spreads tries, guards nothing)
    ) -> None:
        self.target = target
        self._outbox, self._now, self._jitter = outbox, now, jitter
        self._failures = 0
        self._trouble: tuple[datetime, StudioError] | None = None
        self._dropped = 0
        self._closed_ms = 0
        self._swept_ms = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"courier {target.kind}", daemon=True)

    @property
    def closed(self) -> bool:
        return self._closed_ms > 0

    def open(self, closed_ms: int) -> None:
        """What earlier processes have left is due now. `closed_ms` is when the target was closed; 0 when it is not."""
        self._closed_ms = closed_ms
        if not closed_ms:
            self._outbox.hurry(self.target.key, self._ms())

    def start(self) -> None:
        if not self.closed:
            self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """What is not delivered stays in the outbox."""
        self._stop.set()
        self.target.interrupt()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def status(self, waiting: int) -> HookStatus:
        since, why = self._trouble or (None, None)
        if self.closed:
            since = datetime.fromtimestamp(self._closed_ms / 1000, UTC)
        return HookStatus(self.target.kind, self.target.name, waiting, since, why, self.closed, self._dropped)

    def step(self) -> float:
        """Deliver what is due, up to the first that fails. Returns in how many seconds to do it again."""
        self._sweep()
        now_ms = self._ms()
        letters = self._outbox.take(self.target.key, now_ms, now_ms + LEASE_MS, _AT_ONCE)
        delivered: list[int] = []
        put_off: dict[int, int] = {}
        wait_s = 0.0 if letters else _LOOK_S
        try:
            for letter in letters:
                if put_off or self._stop.is_set():
                    break
                failure = self._try(letter)
                if failure is None:
                    delivered.append(letter.number)
                    self._succeeded()
                else:
                    put_off[letter.number], wait_s = self._failed(letter, failure)
        except Closed:
            self._outbox.close(self.target.key, self._ms())
            self._closed_ms = self._ms()
            log.warning("%s wants to be told nothing any more", self.target.name)
            return LONGEST_PAUSE_S
        if letters:
            untried = {one.number: now_ms for one in letters if one.number not in {*delivered, *put_off}}
            self._outbox.settle(delivered, put_off, untried)
        return wait_s

    def _try(self, letter: Taken) -> Undelivered | None:
        try:
            self.target.deliver(letter)
        except Undelivered as error:
            return error
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001 (the boundary: a letter may fail, the courier may not)
            return Undelivered(reported(error))
        return None

    def _succeeded(self) -> None:
        if self._failures >= _WAS_AWAY:
            log.info("%s is back", self.target.name)
            self._outbox.hurry(self.target.key, self._ms())
        self._failures, self._trouble = 0, None

    def _failed(self, letter: Taken, failure: Undelivered) -> tuple[int, float]:
        """When the letter is due again, and how long to leave the target alone."""
        self._failures += 1
        since = self._trouble[0] if self._trouble else self._now()
        self._trouble = (since, failure.why)
        if self._failures in (1, _WAS_AWAY):
            log.warning("%s: %s", self.target.name, failure.why)
        own_s = max(failure.wait_s, min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 4.0 ** min(letter.attempts - 1, 10)))
        pause_s = max(failure.wait_s, min(LONGEST_PAUSE_S, 2.0 ** min(self._failures - 1, 10)))
        return self._ms() + round(own_s * self._jitter() * 1000), pause_s * self._jitter()

    def _sweep(self) -> None:
        now_ms = self._ms()
        if now_ms - self._swept_ms < _SWEEP_S * 1000:
            return
        self._swept_ms = now_ms
        dropped = self._outbox.forget(self.target.key, now_ms - self.target.keep_ms, MOST_WAITING)
        if dropped:
            self._dropped += dropped
            log.error("%s could not be told of %d changes, which are too old now", self.target.name, dropped)

    def _run(self) -> None:
        while not self._stop.is_set() and not self.closed:
            try:
                wait_s = self.step()
            except StoreError as error:
                log.warning("%s", error)
                wait_s = _REFUSED_S
            self._stop.wait(wait_s)

    def _ms(self) -> int:
        return int(self._now().timestamp() * 1000)
