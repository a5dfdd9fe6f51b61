"""One prompt and one seed, drawn with many styles: each picture is a job, a few at a time, so that others are served.

The rest waits here and not in the queue: whoever looks calls `advance`, and who stops looking asks for no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from core.errors import StudioError, UserError
from core.request import GenerationRequest, StyleUse
from studio.jobs import Jobs
from studio.styles import StyleLibrary

IN_FLIGHT = 4  # of one comparison: enough to keep the device busy, few enough to cancel


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a comparison: what to write under it, and the styles it is drawn with."""

    label: str
    styles: tuple[StyleUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a cell is. `share` of its steps are done; `preview` counts the previews there are of it."""

    cell: Cell
    state: str
    job_id: str = ""
    share: float = 0.0
    preview: int = 0
    error: StudioError | None = None


@dataclass(slots=True)
class Comparison:
    """`key` tells one comparison of an owner from the next. `held_up` says why no more is asked for at the moment."""

    request: GenerationRequest
    cells: tuple[Cell, ...]
    key: str
    held_up: UserError | None = None
    cancelled: bool = False
    _ids: dict[int, str] = field(default_factory=dict)
    _errors: dict[int, UserError] = field(default_factory=dict)

    def advance(self, jobs: Jobs, styles: StyleLibrary, owner: str) -> None:
        """Ask for the next pictures, as many as may be under way."""
        self.held_up = None
        room = IN_FLIGHT - sum(outcome.state in ("queued", "running") for outcome in self.outcomes(jobs, owner))
        for number in self._waiting():
            if room <= 0 or self.cancelled:
                return
            request = replace(self.request, styles=self.cells[number].styles)
            try:
                styles.pin(request.styles)
            except UserError as error:  # of this style; the others may be well
                self._errors[number] = error
                continue
            try:
                self._ids[number] = jobs.submit(owner, request, key=f"{self.key} {number}", kind="batch")
            except UserError as error:  # of the queue; there is room when something has ended
                self.held_up = error
                return
            room -= 1

    def cancel(self, jobs: Jobs, owner: str) -> None:
        """Stop what runs, and ask for no more."""
        self.cancelled = True
        for job_id in self._ids.values():
            jobs.cancel(owner, job_id)

    def outcomes(self, jobs: Jobs, owner: str) -> list[Outcome]:
        """One for each cell, in their order."""
        return [self._outcome(number, jobs, owner) for number in range(len(self.cells))]

    def is_over(self, jobs: Jobs, owner: str) -> bool:
        return all(o.state not in ("waiting", "queued", "running") for o in self.outcomes(jobs, owner))

    def _waiting(self) -> Iterator[int]:
        return (n for n in range(len(self.cells)) if n not in self._ids and n not in self._errors)

    def _outcome(self, number: int, jobs: Jobs, owner: str) -> Outcome:
        cell = self.cells[number]
        if number in self._errors:
            return Outcome(cell, "failed", error=self._errors[number])
        if number not in self._ids:
            return Outcome(cell, "cancelled" if self.cancelled else "waiting")
        job = jobs.snapshot(owner, self._ids[number])
        if job is None:
            return Outcome(cell, "cancelled")
        return Outcome(cell, job.state, job.id, job.share, job.preview_version, job.error)


def strengths(low: float, high: float, count: int) -> tuple[float, ...]:
    """`count` strengths at even distances, to two decimals."""
    return tuple(round(low + (high - low) * n / (count - 1), 2) for n in range(count))
