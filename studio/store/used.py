"""Which pictures others start from, as all that is in the database says: what nothing here names can go."""

import re
from collections.abc import Iterator

from sqlalchemy import Engine, select

from studio.store.batches import CLOSED
from studio.store.database import refusals_told
from studio.store.schema import batch_photos, batches, history, jobs

AT_ONCE = 500  # rows
_SHA256 = re.compile(r"[0-9a-f]{64}")


def used_sources(database: Engine) -> Iterator[tuple[str, str]]:
    """Whose, and its sha256: of records, of jobs that wait or run, of sets of photos that are not put away.

    Some come twice, and some are styles. Raises StoreError.
    """
    records = select(history.c.owner, history.c.request).where(history.c.request.contains('"source"'))
    active = select(jobs.c.owner, jobs.c.request).where(jobs.c.state.in_(("queued", "running")))
    shown = select(batches.c.owner, batch_photos.c.source).where(
        batches.c.id == batch_photos.c.batch, batches.c.state != CLOSED, batch_photos.c.source != ""
    )
    with refusals_told(), database.connect() as connection:
        for statement in (records, active, shown):
            for owner, text in connection.execute(statement.execution_options(yield_per=AT_ONCE)):
                yield from ((owner, sha256) for sha256 in _SHA256.findall(text))
