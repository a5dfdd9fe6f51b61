"""The thread that writes things down, so that neither the device nor a page waits for a disk.

Tasks are done in the order in which they come. One that the database refuses is tried again until it is done, after the
others; when too many wait, whoever brings the next one waits too, rather than memory filling up.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TypeAlias

from studio.store.database import StoreError

log = logging.getLogger(__name__)

Task: TypeAlias = Callable[[], object]
MOST_WAITING = 64
RETRY_S = 2.0
ROUND_S = 10.0  # between two rounds of housekeeping


class Keeper:
    """Started and stopped by whoever built it. `rounds` are done at the start and every few seconds."""

    def __init__(self) -> None:
        self.rounds: list[Task] = []
        self._tasks: deque[Task] = deque()
        self._late: list[Task] = []
        self._retry_s = self._round_s = 0.0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def do(self, task: Task) -> None:
        """Do it soon. Returns at once, unless too much waits already."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._tasks) + len(self._late) < MOST_WAITING or self._stopping)
            self._tasks.append(task)
            self._changed.notify_all()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Do what waits, once, and end. What the database still refuses is done anew at the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while (task := self._next()) is not None:
            try:
                task()
            except StoreError as error:
                log.warning("%s", error)
                self._put_off(task)
            except Exception:
                log.exception("a task of the keeper failed")  # the next ones are not its victims

    def _next(self) -> Task | None:
        """Blocks until there is something to do; None at the end."""
        with self._changed:
            while True:
                now_s = monotonic()
                if self._tasks:
                    self._changed.notify_all()  # there is room again
                    return self._tasks.popleft()
                if self._stopping:
                    return None
                if self._late and now_s >= self._retry_s:
                    return self._late.pop(0)
                if now_s >= self._round_s:
                    self._round_s = now_s + ROUND_S
                    self._tasks.extend(self.rounds)
                    continue
                self._changed.wait(RETRY_S if self._late else self._round_s - now_s)

    def _put_off(self, task: Task) -> None:
        with self._changed:
            if task not in self.rounds:  # those come again by themselves
                self._late.append(task)
                self._retry_s = monotonic() + RETRY_S
