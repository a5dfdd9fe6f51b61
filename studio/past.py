"""What has ended, by owner: read from the store when somebody first asks, then kept at hand for pages that poll."""

import logging
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import cast

from core import errors
from core.errors import UserError
from core.request import GenerationRequest
from studio.job import Kind, Snapshot, State
from studio.store.store import Record, Store

log = logging.getLogger(__name__)

KEPT_PER_OWNER = 200
KEPT_OWNERS = 500


class Past:
    """Snapshots of ended jobs. Any thread may call."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._owners: OrderedDict[str, OrderedDict[str, Snapshot]] = OrderedDict()  # each newest first
        self._lock = threading.Lock()

    def add(self, owner: str, ended: Snapshot) -> None:
        """A job has ended, and its record is in the store."""
        with self._lock:
            known = self._owners.get(owner)
            if known is not None:
                known[ended.id] = ended
                known.move_to_end(ended.id, last=False)
                if len(known) > KEPT_PER_OWNER:
                    known.popitem()

    def forget(self, owner: str) -> None:
        """What the owner has was changed in the store."""
        with self._lock:
            self._owners.pop(owner, None)

    def list(self, owner: str) -> list[Snapshot]:
        """The owner's latest, newest first, without the trash. Raises StoreError when they cannot be read."""
        with self._lock:
            return list(self._of(owner).values())

    def get(self, owner: str, job_id: str) -> Snapshot | None:
        """One that has ended, however long ago; None when there is none, or when it is another's."""
        with self._lock:
            if (known := self._of(owner).get(job_id)) is not None:
                return known
        record = self._store.record(job_id)
        return _snapshot(record) if record is not None and record.owner == owner else None

    def _of(self, owner: str) -> OrderedDict[str, Snapshot]:
        known = self._owners.get(owner)
        if known is None:
            read = map(_snapshot, self._store.records(owner, KEPT_PER_OWNER))
            known = self._owners[owner] = OrderedDict((one.id, one) for one in read if one is not None)
            if len(self._owners) > KEPT_OWNERS:
                self._owners.popitem(last=False)
        self._owners.move_to_end(owner)
        return known


def _snapshot(record: Record) -> Snapshot | None:
    try:
        request = GenerationRequest.from_json(record.request)
        error = errors.from_json(record.error) if record.error else None
    except (UserError, ValueError):
        log.warning("the record of job %s cannot be read", record.job_id)
        return None
    return Snapshot(
        id=record.job_id,
        request=request,
        created=datetime.fromtimestamp(record.created_ms / 1000, UTC),
        state=cast(State, record.status),
        step=request.denoising_steps if record.status == "done" else 0,
        steps=request.denoising_steps,
        elapsed_s=record.duration_ms / 1000,
        error=error,
        kind=cast(Kind, record.kind),
        attempt=record.attempts + 1,
        frugal=record.frugal,
        file=record.file or "",
    )
