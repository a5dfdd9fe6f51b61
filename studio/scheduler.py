"""Whose quantum is next. Policy alone: no thread, no device, no clock of its own.

1. Pictures that somebody waits for come before batches; a batch still gets a quantum now and then.
2. Who comes anew is shown a first preview before anybody else goes on.
3. Between owners the picture goes on that would be done first if all owners shared the device evenly. So none is done
   later than under even sharing, and short ones a good deal sooner; there is also less switching to and fro.
4. Within an owner the one whose wait is longest for what is left of it (highest response ratio): short ones overtake
   long ones, and a long one that has waited long enough is not overtaken any more.

(3) is the Fair Sojourn Protocol: Friedman, Henderson, SIGMETRICS 2003. An owner's share is counted in seconds of the
device, and who comes anew starts level with those who are there: being away earns nothing.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from studio.costs import Costs
from studio.job import Job, Lane

BATCH_EVERY_S = 10.0  # at the latest a batch has a quantum that often,
BATCH_SHARE = 20  # but no more than one part in so many
_Account = tuple[str, Lane]


@dataclass(slots=True)
class Account:
    """What an owner has had of the device, in seconds; `fresh` until the first preview after coming anew."""

    served_s: float = 0.0
    fresh: bool = False


class Scheduler:
    """Holds the active jobs. The caller sees to it that only one thread at a time is in here."""

    def __init__(self, clock: Callable[[], float], costs: Costs) -> None:
        self._clock, self.costs = clock, costs
        self._jobs: dict[str, Job] = {}
        self._accounts: defaultdict[_Account, Account] = defaultdict(Account)
        self._level: defaultdict[Lane, float] = defaultdict(float)  # where who comes anew starts
        self._batch_due_s = 0.0

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        account = self._accounts[job.owner, job.lane]
        if job.lane == "batch" and not any(other.lane == "batch" for other in self._jobs.values()):
            self._batch_due_s = max(self._batch_due_s, self._clock() + BATCH_EVERY_S)
        if not any(other.owner == job.owner and other.lane == job.lane for other in self._jobs.values()):
            account.fresh = account.served_s <= self._level[job.lane]
            account.served_s = max(account.served_s, self._level[job.lane])
        self._jobs[job.id] = job

    def remove(self, job: Job) -> None:
        """It has ended, or needs the device no more. Unknown jobs are ignored."""
        self._jobs.pop(job.id, None)
        if not self._jobs:  # nobody is owed anything
            self._accounts.clear()
            self._level.clear()

    def next(self, may_start: bool = True) -> Job | None:
        """The job to advance by a quantum; one that has begun unless `may_start`."""
        ready = [job for job in self._jobs.values() if may_start or job.state == "running"]
        interactive = [job for job in ready if job.lane == "interactive"]
        batch = [job for job in ready if job.lane == "batch"]
        pool = batch if batch and (not interactive or self._clock() >= self._batch_due_s) else interactive
        if not pool:
            return None
        best: dict[str, Job] = {}
        for job in pool:
            rival = best.setdefault(job.owner, job)
            if rival is not job and self._response_ratio(job) > self._response_ratio(rival):
                best[job.owner] = job
        return min(best.values(), key=self._turn)

    def charge(self, job: Job, seconds: float) -> None:
        """A quantum of `job` took that long."""
        if job.id not in self._jobs:
            return
        account = self._accounts[job.owner, job.lane]
        self._level[job.lane] = max(self._level[job.lane], account.served_s)
        account.served_s += seconds
        if job.step:
            account.fresh = False
        if job.lane == "batch":
            self._batch_due_s = self._clock() + max(BATCH_EVERY_S, BATCH_SHARE * seconds)

    def line(self) -> list[Job]:
        """All jobs in the order in which they are likely to end, if nobody else comes."""
        line: list[Job] = []
        lanes: tuple[Lane, Lane] = ("interactive", "batch")
        for lane in lanes:
            line += self._line_of(lane)
        return line

    def left_s(self, job: Job) -> float:
        """Seconds until `job` is drawn, at most, if nobody else comes: it shares the device with other owners."""
        if job.id not in self._jobs:
            return 0.0
        rivals = [other for other in self._jobs.values() if other.lane == job.lane]
        before = [other for other in self._jobs.values() if other.lane == "interactive" != job.lane]
        own = sum(self.costs.left_s(other) for other in self._ahead(job, rivals))
        everything = sum(map(self.costs.left_s, rivals))
        share = len({other.owner for other in rivals})
        return min(own * share, everything) + sum(map(self.costs.left_s, before))

    def _turn(self, job: Job) -> tuple[bool, float, float]:
        account = self._accounts[job.owner, job.lane]
        done_s = 0.0 if account.fresh else account.served_s + self.costs.left_s(job)
        return not account.fresh, done_s, job.created_s

    def _response_ratio(self, job: Job) -> float:
        left_s = max(self.costs.left_s(job), 1e-6)
        return (self._clock() - job.created_s + left_s) / left_s

    def _ahead(self, job: Job, rivals: list[Job]) -> list[Job]:
        """The owner's jobs that are likely to end before this one, and itself."""
        own = [other for other in rivals if other.owner == job.owner]
        own.sort(key=self._response_ratio, reverse=True)
        return own[: own.index(job) + 1]

    def _line_of(self, lane: Lane) -> list[Job]:
        """By what their owners will have been served when they are drawn."""
        waiting: defaultdict[str, deque[Job]] = defaultdict(deque)
        for job in sorted((j for j in self._jobs.values() if j.lane == lane), key=self._response_ratio, reverse=True):
            waiting[job.owner].append(job)
        heap: list[tuple[float, float, str]] = []

        def queue_next(owner: str, served_s: float) -> None:
            if waiting[owner]:
                job = waiting[owner][0]
                heappush(heap, (served_s + self.costs.left_s(job), job.created_s, owner))

        for owner in waiting:
            queue_next(owner, self._accounts[owner, lane].served_s)
        line: list[Job] = []
        while heap:
            served_s, _, owner = heappop(heap)
            line.append(waiting[owner].popleft())
            queue_next(owner, served_s)
        return line
