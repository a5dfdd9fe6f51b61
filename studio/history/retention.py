"""Keeping house: pictures are let go of when they are too old or too many, and the trash is emptied in time.

A little in each round, the oldest first, so that nobody waits for it. A favourite is never let go of; the record of a
picture that is stays, and with it all that it takes to draw it again. A photo that pictures were drawn from goes when
no record names it any more.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from core.config import HistoryConfig
from studio.endings import milliseconds
from studio.files import PictureFiles
from studio.store.records import Kept, Records

log = logging.getLogger(__name__)

A_BITE = 50  # pictures to a round
COUNTED_EVERY = 30  # rounds: adding up the bytes of 100,000 pictures takes longer than a round may
SWEPT_EVERY = 360  # rounds, an hour
_DAY_MS = 24 * 3600 * 1000


class Retention:
    """`round` is called every few seconds, on a thread that may wait for the disk."""

    def __init__(
        self, records: Records, files: PictureFiles, settings: HistoryConfig, now: Callable[[], datetime],
        sweep: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        """`sweep` deletes what pictures were made from that are not there any more."""
        self._records, self._files, self._settings, self._now = records, files, settings, now
        self._sweep, self._until_sweep = sweep, 0
        self._rounds, self._over = 0, 0

    def round(self) -> None:
        """Let go of a few. Raises StoreError when the database refuses."""
        settings, now_ms = self._settings, milliseconds(self._now())
        if settings.trash_days:
            gone = self._records.trashed(None, now_ms - settings.trash_days * _DAY_MS, A_BITE)
            if deleted := self._removed(gone):
                self._records.delete(deleted)
        if settings.keep_days:
            self._let_go(self._records.oldest(now_ms - settings.keep_days * _DAY_MS, A_BITE))
        if settings.keep_gb:
            self._make_room(settings.keep_gb * 10**9)
        if not self._until_sweep:
            self._sweep()
        self._until_sweep = (self._until_sweep or SWEPT_EVERY) - 1

    def _make_room(self, most: int) -> None:
        if self._over <= 0 and self._rounds % COUNTED_EVERY == 0:
            self._over = self._records.bytes() - most
        self._rounds += 1
        if self._over > 0:
            bite = []
            for kept in self._records.oldest(None, A_BITE):
                if self._over <= 0:
                    break
                bite.append(kept)
                self._over -= kept.bytes
            if not bite:
                self._over = 0  # favourites are all there is
            self._let_go(bite)

    def _let_go(self, old: list[Kept]) -> None:
        if gone := self._removed(old):
            self._records.let_go([kept.number for kept in gone])
            log.info("let go of %d pictures", len(gone))

    def _removed(self, old: list[Kept]) -> list[Kept]:
        return [kept for kept in old if self._files.remove(kept.job_id, kept.file)]
