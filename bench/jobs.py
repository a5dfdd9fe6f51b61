"""Many people on one device, beside first come, first served: who waits how long, and what fairness costs.

python -m bench.jobs                    everything but the kills, on the demo model (about ten minutes on two cores)
python -m bench.jobs --only waits
python -m bench.jobs --kills 50         a studio in a process of its own, killed at every quantum in turn
"""

import argparse
import hashlib
import itertools
import platform
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import psutil

from bench.kills import kill_again_and_again
from core.config import Config, PathsConfig, QueueConfig
from core.config import load as load_config
from core.engine import Engine, EngineFacts, Event, Frame, Picture
from core.request import GenerationRequest, StyleUse
from studio.build import Studio, assemble, describe, make_engine
from studio.job import Job, Kind, Snapshot
from studio.scheduler import Scheduler

OBJECTS = ("house", "tree", "boat", "car", "cat", "flower", "star", "heart")
COLOURS = ("red", "blue", "green", "yellow", "purple", "orange")


@dataclass
class Logged:
    """The real engine; `log` holds the seed of each quantum's request, in order, `ended` what came of it."""

    engine: Engine
    log: list[int] = field(default_factory=list)
    frames: dict[int, str] = field(default_factory=dict)

    @property
    def info(self) -> object:
        return self.engine.info

    def load(self) -> Iterator[float]:
        yield 1.0  # it has been loaded

    def generate(self, request: GenerationRequest, frugal: bool = False) -> Generator[Event, None, None]:
        with closing(self.engine.generate(request, frugal)) as events:
            while True:
                event = next(events)
                self.log.append(request.seed)
                if isinstance(event, Picture):
                    self.frames[request.seed] = digest(event.frame)
                yield event

    def prefetch(self, styles: Sequence[StyleUse]) -> None:
        self.engine.prefetch(styles)

    def free(self) -> None:
        self.engine.free()

    def lower(self) -> bool:
        return self.engine.lower()

    def rest(self) -> Iterator[None]:
        return self.engine.rest()

    def wake(self) -> None:
        self.engine.wake()

    def facts(self) -> EngineFacts:
        return self.engine.facts()


class FirstComeFirstServed(Scheduler):
    """What other studios do: whole jobs in the order in which they came."""

    def next(self, may_start: bool = True) -> Job | None:
        return next(iter(self._jobs.values()), None)


class Bench:
    """Studios on one engine that stays loaded, each on a data folder of its own."""

    def __init__(self) -> None:
        config = load_config()
        self.info = describe(config.model.path)
        self.config = config
        self.engine = Logged(make_engine(config, self.info))
        for _ in self.engine.engine.load():
            pass
        self.seeds = itertools.count(1)
        self.styles = sorted(f.stem for f in config.paths.lora.glob("*.safetensors"))

    @contextmanager
    def studio(self, fair: bool = True) -> Iterator[Studio]:
        with tempfile.TemporaryDirectory() as folder:
            paths = PathsConfig(self.config.paths.lora, self.config.paths.lora_cache, Path(folder))
            queue = QueueConfig(max_jobs=10_000, max_jobs_per_owner=10_000)
            config = Config(model=self.config.model, paths=paths, queue=queue)
            studio = assemble(config, self.info, lambda: self.engine)
            if not fair:
                studio.roster._scheduler.__class__ = FirstComeFirstServed
            self.engine.log.clear()
            studio.start()
            try:
                yield studio
            finally:
                studio.stop()

    def request(
        self, rng: random.Random | None = None, steps: int = 8, scale: int = 1, style: str = ""
    ) -> GenerationRequest:
        width, height = self.info.sizes[0] if rng is None else rng.choice(self.info.sizes)
        if rng is not None:
            steps, style = rng.choice((4, 8, 8, 12)), rng.choice(["", *self.styles])
        words = rng or random.Random(0)  # noqa: S311 (a scene)
        prompt = f"a {words.choice(COLOURS)} {words.choice(OBJECTS)}"
        styles = (StyleUse(style, 1.0 if rng is None else rng.choice((0.5, 0.8, 1.0))),) if style else ()
        return GenerationRequest(prompt, width * scale, height * scale, next(self.seeds), steps, styles=styles)


def digest(frame: Frame) -> str:
    return hashlib.sha256(frame.rgb).hexdigest()


def end_of(studio: Studio, owner: str, job_id: str) -> Snapshot:
    *_, last = studio.jobs.watch(owner, job_id)
    return last


def took(studio: Studio, owner: str, request: GenerationRequest, kind: Kind = "interactive") -> float:
    began_s = monotonic()
    last = end_of(studio, owner, studio.jobs.submit(owner, request, kind=kind))
    assert last.state == "done", last
    return monotonic() - began_s


def isolation(bench: Bench, owners: int = 8, each: int = 20) -> None:
    """Random requests of many owners at once, some cancelled: every picture is the one made alone."""
    rng = random.Random(7)
    wanted: dict[tuple[str, str], GenerationRequest] = {}
    with bench.studio() as studio:
        for _ in range(each):
            for n in range(owners):
                owner, request = f"owner{n}", bench.request(rng)
                wanted[owner, studio.jobs.submit(owner, request)] = request
        for owner, job_id in rng.sample(sorted(wanted), len(wanted) // 8):
            studio.jobs.cancel(owner, job_id)
        states = {key: end_of(studio, *key).state for key in wanted}
        switches = sum(a != b for a, b in itertools.pairwise(bench.engine.log))
    done = [key for key, state in states.items() if state == "done"]
    same = 0
    for key in done:
        frame = bench.engine.frames[wanted[key].seed]
        *_, alone = bench.engine.engine.generate(wanted[key])
        assert isinstance(alone, Picture)
        same += digest(alone.frame) == frame
    print(f"isolation: {len(wanted)} requests of {owners} owners, {len(wanted) - len(done)} cancelled,"
          f" {switches} switches: {same} of {len(done)} bitwise the picture made alone")  # fmt: skip


def waits(bench: Bench, runs: int = 12) -> None:
    """A small picture that comes just after a long one of somebody else, fairly and first come first served."""
    for name, long_request in (
        ("4 times the size", lambda: bench.request(scale=2)),
        ("10 times the steps", lambda: bench.request(steps=80)),
    ):
        small: dict[bool, list[float]] = {True: [], False: []}
        long: dict[bool, list[float]] = {True: [], False: []}
        alone: list[float] = []
        for _ in range(runs):
            for fair in (True, False):
                with bench.studio(fair) as studio:
                    took(studio, "cyd", bench.request())  # so that times are known
                    began_s = monotonic()
                    long_id = studio.jobs.submit("ann", long_request())
                    wait_for_a_quantum(bench, studio)
                    small[fair].append(took(studio, "bob", bench.request()))
                    end_of(studio, "ann", long_id)
                    long[fair].append(monotonic() - began_s)
                    if fair:
                        alone.append(took(studio, "cyd", bench.request()))
        # What bob has to wait for is the rest, beyond what his picture takes on an empty studio.
        own = statistics.median(alone)
        waited = {fair: p95([max(0.0, s - own) for s in small[fair]]) for fair in (True, False)}
        ratio = waited[True] / waited[False]
        share = statistics.median(long[True]) / statistics.median(long[False])
        print(f"a small picture behind one of {name}: waits p95 {waited[True] * 1e3:.0f} ms,"
              f" first come first served {waited[False] * 1e3:.0f} ms: {ratio:.2f}x;"
              f" the long one ends {share:.2f}x as late")  # fmt: skip


def first_looks(bench: Bench, runs: int = 20) -> None:
    """Quanta until a newcomer's first preview under load, and after a cancel."""
    quanta, after_cancel = [], []
    with bench.studio() as studio:
        others = [f"rival{n}" for n in range(4)]
        for owner, _ in itertools.product(others, range(runs)):
            studio.jobs.submit(owner, bench.request(steps=20))
        while any(all(job.step == 0 for job in studio.jobs.list(owner, 1000)) for owner in others):
            wait_for_a_quantum(bench, studio)  # until none of them is a newcomer, too
        for n in range(runs):
            wait_for_a_quantum(bench, studio)
            request, owner = bench.request(), f"new{n}"
            job_id = studio.jobs.submit(owner, request)
            before = len(bench.engine.log)  # it has been accepted
            for now in studio.jobs.watch(owner, job_id):
                if now.step >= 1:
                    break
            mine = [at for at, seed in enumerate(bench.engine.log) if seed == request.seed]
            quanta.append(mine[1] + 1 - before)  # its text, and its first step
            studio.jobs.cancel(owner, job_id)
            cancelled = len(bench.engine.log)
            wait_for_a_quantum(bench, studio)
            after_cancel.append(sum(seed == request.seed for seed in bench.engine.log[cancelled:]))
        for owner in others:
            for job in studio.jobs.list(owner, 1000):
                studio.jobs.cancel(owner, job.id)
    print(f"first preview of a newcomer among 4 busy owners: {statistics.median(quanta):.0f} quanta after submit,"
          f" {max(quanta)} at most; quanta of a job after its cancel: {max(after_cancel)} at most")  # fmt: skip


def batch(bench: Bench, runs: int = 15) -> None:
    """Single pictures of one owner while another has a batch of a hundred."""
    delays, alone, together = [], [], []
    with bench.studio() as studio:
        alone = [took(studio, "bob", bench.request()) for _ in range(runs)]
        ids = [studio.jobs.submit("ann", bench.request(), kind="batch") for _ in range(100)]
        for _ in range(runs):
            wait_for_a_quantum(bench, studio)
            request, before = bench.request(), len(bench.engine.log)
            together.append(took(studio, "bob", request))
            mine = [at for at, seed in enumerate(bench.engine.log) if seed == request.seed]
            delays.append(mine[-1] + 1 - before - len(mine))
        for job_id in ids:
            studio.jobs.cancel("ann", job_id)
    print(f"a single picture beside a batch of 100: {statistics.median(delays):.0f} quanta of others in between,"
          f" {max(delays)} at most; {statistics.median(together) / statistics.median(alone):.2f}x of the time on an"
          " empty studio")  # fmt: skip


def throughput(bench: Bench, rounds: int = 9, owners: int = 6, each: int = 3) -> None:
    """The same pictures interleaved and one after the other."""
    spent: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(rounds):
        for fair in (True, False) if turn % 2 else (False, True):
            with bench.studio(fair) as studio:
                requests = [bench.request(style=bench.styles[n % len(bench.styles)]) for n in range(owners * each)]
                began_s = monotonic()
                ids = [
                    (f"owner{n % owners}", studio.jobs.submit(f"owner{n % owners}", r)) for n, r in enumerate(requests)
                ]
                for owner, job_id in ids:
                    end_of(studio, owner, job_id)
                spent[fair].append(monotonic() - began_s)
    ratio = statistics.median(plain / fair for plain, fair in zip(spent[False], spent[True], strict=True))
    print(f"{owners * each} pictures of {owners} owners in {len(bench.styles)} styles: interleaved"
          f" {statistics.median(spent[True]):.2f} s, one after the other {statistics.median(spent[False]):.2f} s:"
          f" {ratio:.3f}x of the throughput")  # fmt: skip


def memory(bench: Bench, count: int = 1000) -> None:
    """A thousand pictures, one after the other: what stays in memory."""
    process = psutil.Process()
    seen = []
    with bench.studio() as studio:
        for n in range(count):
            took(studio, f"owner{n % 7}", bench.request(steps=1, style=["", *bench.styles][n % 3]))
            if n % (count // 10) == 0:
                seen.append(process.memory_info().rss / 1e6)
        seen.append(process.memory_info().rss / 1e6)
    print(f"memory over {count} pictures, MB at every tenth: {' '.join(f'{mb:.0f}' for mb in seen)};"
          f" last half {seen[-1] - seen[len(seen) // 2]:+.0f} MB")  # fmt: skip


def wait_for_a_quantum(bench: Bench, studio: Studio) -> None:
    """Until the device has done something."""
    before = len(bench.engine.log)
    while len(bench.engine.log) == before and studio.roster.all():
        sleep(0.001)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


PARTS: dict[str, Callable[[Bench], None]] = {
    "isolation": isolation,
    "waits": waits,
    "looks": first_looks,
    "batch": batch,
    "throughput": throughput,
    "memory": memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.jobs")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--kills", type=int, metavar="N", help="kill a studio N times instead")
    args = parser.parse_args()
    if args.kills:
        kill_again_and_again(args.kills)
        return
    bench = Bench()
    facts = bench.engine.facts()
    print(f"{bench.info.name} on {facts.device}, {psutil.cpu_count()} cores, Python {platform.python_version()}")
    for name in args.only or PARTS:
        PARTS[name](bench)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
