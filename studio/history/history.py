"""What pages, HTTP and the command line call. Every method takes the owner first; another's record does not exist."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic

from sqlalchemy import Engine

from core.errors import N_, UserError
from core.request import GenerationRequest
from studio.endings import milliseconds
from studio.files import PictureFiles
from studio.history import lines
from studio.history.entries import Entry, Facets, Lineage, Page, Preset, card, entry
from studio.history.export import zipped
from studio.history.lines import Imported
from studio.history.marks import checked_note, checked_tags, cleaned
from studio.jobs import Jobs
from studio.store.presets import PresetStore
from studio.store.records import Kept, Records
from studio.store.search import Query
from studio.verification import Verification

MOST_CARDS = 500  # to a page
MOST_PRESETS, MOST_NAME = 200, 80
GENERATIONS = 50  # of parents that are shown, and so many children
FACETS_KEPT_S = 5.0  # counting 100,000 records takes longer than finding a page of them
_AT_ONCE = 200
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_EVERYTHING = 2**62


class History:
    """Any thread may call any method. Each raises StoreError when the database refuses; then nothing was changed."""

    def __init__(
        self,
        database: Engine,
        jobs: Jobs,
        files: PictureFiles,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = monotonic,
        also_forget: Callable[[str], object] = lambda _: None,
        untell: Callable[[Collection[str]], object] = lambda _: None,
    ) -> None:
        """When all that is an owner's is deleted, `also_forget` deletes what else the owner has brought, and `untell`
        what is still to be told of these jobs."""
        self.records = Records(database)
        self._presets = PresetStore(database)
        self.files, self._jobs, self._now, self._clock = files, jobs, now, clock
        self._also_forget, self._untell = also_forget, untell
        self._facets: dict[str, tuple[float, Facets]] = {}

    # --- looking -----------------------------------------------------------------------------------------------

    def page(self, owner: str, query: Query = Query(), cursor: str = "", limit: int = 60) -> Page:  # noqa: B008 (frozen)
        """The records that `query` asks for, from `cursor` on. Raises UserError for a cursor that is none."""
        rows, more = self.records.page(owner, query, cursor, max(1, min(limit, MOST_CARDS)))
        return Page(tuple(map(card, rows)), more)

    def facets(self, owner: str) -> Facets:
        """What can be filtered by, with counts that are a few seconds old at most."""
        at, known = self._facets.get(owner, (0.0, None))
        if known is not None and self._clock() - at < FACETS_KEPT_S:
            return known
        counts = self.records.counts(owner)
        found = Facets(
            styles=tuple(counts["styles"]),
            models=tuple(counts["models"]),
            sizes=tuple(((width, height), count) for width, height, count in counts["sizes"]),
            statuses=tuple(counts["statuses"]),
            batches=tuple(counts["batches"]),
            total=counts["total"][0][1],
        )
        if len(self._facets) > 1_000:
            self._facets.clear()
        self._facets[owner] = (self._clock(), found)
        return found

    def entry(self, owner: str, job_id: str) -> Entry | None:
        """A record in full, in the trash or not; None when there is none."""
        row = self.records.get(owner, job_id) if _ID.fullmatch(job_id) else None
        return entry(row) if row is not None else None

    def lineage(self, owner: str, job_id: str) -> Lineage:
        """What it was made from and what was made from it, as far as that is still there."""
        parents: list[str] = []
        known = job_id if _ID.fullmatch(job_id) else ""
        while known and len(parents) < GENERATIONS:
            known = self.records.parent_of(owner, known)
            if not known or known in (job_id, *parents):
                break
            parents.append(known)
        above = self.records.cards(owner, parents[::-1])
        below = self.records.children(owner, job_id, GENERATIONS) if _ID.fullmatch(job_id) else []
        return Lineage(tuple(map(card, above)), tuple(map(card, below)))

    # --- marking -----------------------------------------------------------------------------------------------

    def mark(self, owner: str, ids: Iterable[str], favourite: bool) -> None:
        """Favourites are found by themselves, and never let go of to save room."""
        self.records.mark(owner, _ids(ids), favourite)

    def annotate(self, owner: str, job_id: str, note: str | None = None, tags: Sequence[str] | None = None) -> None:
        """Words of one's own; None leaves them as they are. Raises UserError when they are too many."""
        note = checked_note(note) if note is not None else None
        tags = checked_tags(tags) if tags is not None else None
        if _ID.fullmatch(job_id):
            self.records.annotate(owner, job_id, note, tags)

    def trash(self, owner: str, ids: Iterable[str]) -> list[str]:
        """Put into the trash; returns what was put there, which is what `restore` takes to undo it."""
        moved = self.records.trash(owner, _ids(ids), milliseconds(self._now()))
        self._has_changed(owner)
        return moved

    def restore(self, owner: str, ids: Iterable[str]) -> list[str]:
        """Take out of the trash; returns what came back."""
        moved = self.records.restore(owner, _ids(ids))
        self._has_changed(owner)
        return moved

    def empty_trash(self, owner: str) -> int:
        """Delete for good what lies in the owner's trash; returns how many that were."""
        count = 0
        while gone := self.records.trashed(owner, _EVERYTHING, _AT_ONCE):
            count += self._delete(gone)
        self._has_changed(owner)
        return count

    def forget(self, owner: str) -> int:
        """Delete all that is the owner's: pictures, sources, records, presets, jobs, what others were to be told of
        them, and what the day log says of them. Returns the count of records.

        Raises UserError when a picture's file or the log cannot be deleted; what is left then stays known. What was
        told already, to webhooks and the archive, is out of reach.
        """
        self._also_forget(owner)
        for snapshot in self._jobs.list(owner, 1_000_000):
            if snapshot.active:
                self._jobs.cancel(owner, snapshot.id)
        self._untell(self.records.ids(owner))
        count = 0
        while gone := self.records.of_owner(owner, _AT_ONCE):
            count += self._delete(gone)
        self.records.forget(owner)
        self._jobs.forget_sources(owner)
        self._has_changed(owner)
        return count

    # --- presets -----------------------------------------------------------------------------------------------

    def presets(self, owner: str) -> tuple[Preset, ...]:
        """In the order in which their names were first kept; without those that cannot be read any more."""
        found = []
        for name, request in self._presets.list(owner):
            with suppress(UserError):
                found.append(Preset(name, GenerationRequest.from_json(request)))
        return tuple(found)

    def save_preset(self, owner: str, name: str, request: GenerationRequest) -> None:
        """Keep settings under this name, in place of others of that name. Raises UserError for a name that is none."""
        name = " ".join(cleaned(name).split())
        if not name or len(name) > MOST_NAME:
            raise UserError(N_("Give it a name of 1 to {most} characters."), most=MOST_NAME)
        known = [preset for preset, _ in self._presets.list(owner)]
        if name not in known and len(known) >= MOST_PRESETS:
            raise UserError(N_("There are {count} presets already. Delete one first."), count=len(known))
        self._presets.save(owner, name, request.to_json())

    def drop_preset(self, owner: str, name: str) -> None:
        """Delete it, if it is there."""
        self._presets.drop(owner, cleaned(name))

    # --- drawing again -----------------------------------------------------------------------------------------

    def verify(self, owner: str, job_id: str) -> str:
        """Have a picture drawn again and compared; returns the id of the job that does it.

        Raises UserError when there is no such picture, or it cannot be drawn any more: the model draws no such size, or
        a style is gone or another.
        """
        if not _ID.fullmatch(job_id):
            raise UserError(N_("There is no such picture any more."))
        return self._jobs.verify(owner, job_id)

    def verification(self, owner: str, job_id: str) -> Verification | None:
        """How far it is, or how the last one ended; None when there was none."""
        under_way = self._jobs.verifying(owner, job_id)
        if under_way is not None:
            return Verification(under_way.id, under_way.state, under_way.created)
        known = self.entry(owner, job_id)
        return known.verified if known is not None else None

    # --- taking out, bringing in -------------------------------------------------------------------------------

    def export(self, owner: str, ids: Iterable[str], clean: bool = False) -> Iterator[bytes]:
        """Pictures as a ZIP file, in pieces, with manifest.csv and manifest.json.

        `clean`: pictures that say nothing of how they were made, and no manifests.
        """
        asked = _ids(ids)
        return zipped(lambda: self.records.each(owner, asked), self.files, clean)

    def export_lines(self, owner: str) -> Iterator[str]:
        """The whole history but the trash, a record a line, oldest first."""
        return lines.lines(self.records.each(owner))

    def import_lines(self, owner: str, texts: Iterable[str]) -> Imported:
        """Bring in what `export_lines` has written, here or elsewhere. What is there already stays as it is."""
        imported = lines.read(self.records, owner, texts)
        self._has_changed(owner)
        return imported

    # --- inside ------------------------------------------------------------------------------------------------

    def _delete(self, gone: Sequence[Kept]) -> int:
        """Files first: one whose record is gone would be nobody's, and stay."""
        for kept in gone:
            if not self.files.remove(kept.job_id, kept.file):
                raise UserError(
                    N_("The picture {file} cannot be deleted. Look at the rights of its folder."), file=kept.file
                )
        self.records.delete(gone)
        return len(gone)

    def _has_changed(self, owner: str) -> None:
        self._jobs.changed(owner)
        self._facets.pop(owner, None)


def _ids(ids: Iterable[str]) -> list[str]:
    return [job_id for job_id in dict.fromkeys(ids) if _ID.fullmatch(job_id)]
