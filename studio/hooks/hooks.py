"""Everybody who is told of pictures, put together from the settings: whom of what, and how it stands with them."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from core.config import Config
from studio.files import write_whole
from studio.hooks import messages
from studio.hooks.archive import Archive
from studio.hooks.courier import Courier, Target
from studio.hooks.day_log import DayLog
from studio.hooks.status import HookStatus
from studio.store.database import StoreError
from studio.store.outbox import Change, Letter, Outbox
from studio.store.recording import VERIFY

log = logging.getLogger(__name__)
ENDS = frozenset(("finished", "failed", "cancelled"))
LOG_FOLDER = "history"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a target wants to hear of, and in which words."""

    events: frozenset[str]
    words: Callable[[Change], str]


class Hooks:
    """Started and stopped by whoever built it; without a setting that asks for it, there is nothing in it."""

    def __init__(self, config: Config, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._wishes: dict[str, Wish] = {}
        self._couriers: dict[str, Courier] = {}
        self._log = DayLog(config.paths.data / LOG_FOLDER, config.history.log_days)
        for target, wish in _targets(config, self._log, now):
            self._wishes[target.key] = wish
            self._couriers[target.key] = Courier(target, outbox, now)

    def letters(self, change: Change) -> list[Letter]:
        """To all who want to hear of it. Never raises: whatever is wrong with a letter, a job goes on."""
        if not self._wishes or change.job["kind"] == VERIFY:
            return []
        wanted = [k for k, wish in self._wishes.items() if change.event in wish.events and not self._couriers[k].closed]
        try:
            return [Letter(k, messages.identity(change), self._wishes[k].words(change), change.at_ms) for k in wanted]
        except (ValueError, KeyError, TypeError):
            log.exception("nobody can be told that job %s is %s", change.job["id"], change.event)
            return []

    def open(self) -> None:
        """See what earlier processes have left: who was closed, what is no more to be sent, what is due."""
        if not self._couriers:
            return
        try:
            closed = self._outbox.closed()
            self._outbox.keep_only(list(self._couriers))
            for key, courier in self._couriers.items():
                courier.open(closed.get(key, 0))
        except StoreError as error:
            log.warning("%s", error)  # nothing is lost by it, and the next start does it

    def start(self) -> None:
        """From now on letters are delivered."""
        self.open()
        for courier in self._couriers.values():
            courier.start()

    def stop(self) -> None:
        """Let go of what is under way; it stays in the outbox."""
        for courier in self._couriers.values():
            courier.stop(timeout_s=0)  # all of them at once
        for courier in self._couriers.values():
            courier.stop()

    def forget(self, jobs: Collection[str]) -> None:
        """Tell nobody of these jobs any more, and take what is said of them out of the day log.

        What was delivered elsewhere is out of reach. Raises StoreError, and UserError when the log cannot be changed.
        """
        self._outbox.drop(lambda message: messages.job_of(message) in jobs)
        self._log.forget(jobs)

    def couriers(self) -> tuple[Courier, ...]:
        return tuple(self._couriers.values())

    def status(self) -> tuple[HookStatus, ...]:
        """How it stands with each; how many letters wait is 0 where the database does not say."""
        if not self._couriers:
            return ()
        try:
            waiting = self._outbox.waiting()
        except StoreError:
            waiting = {}
        return tuple(courier.status(waiting.get(key, 0)) for key, courier in self._couriers.items())


def _targets(config: Config, day_log: DayLog, now: Callable[[], datetime]) -> list[tuple[Target, Wish]]:
    data, found = config.paths.data, list[tuple[Target, Wish]]()
    if config.history.log:
        found.append((day_log, Wish(ENDS, messages.for_log)))
    settings = config.webhooks
    wish = Wish(frozenset(settings.events), lambda change: messages.for_webhook(change, settings.prompts))
    if settings.urls:
        from studio.hooks.webhook import Webhook  # a tenth of a second, spent only when somebody is to be told
    secrets = settings.secrets if len(settings.secrets) > 1 else settings.secrets * len(settings.urls)
    for url, secret in zip(settings.urls, secrets, strict=True):
        found.append((Webhook(url, secret, settings.private, now), wish))
    if config.archive.folder:
        archive = Archive(Path(config.archive.folder), data / "pictures")
        found.append((archive, Wish(frozenset(("finished",)), messages.for_archive)))
    return found


def place(config: Config) -> str:
    """What tells this data folder from others on the same database, wherever it is moved to. Raises OSError.

    Empty when nobody is told anything.
    """
    if not (config.history.log or config.webhooks.urls or config.archive.folder):
        return ""
    file = config.paths.data / "place"
    if not file.exists():
        write_whole(file, uuid4().hex.encode())
    return file.read_text("ascii").strip()
