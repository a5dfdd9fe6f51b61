"""Whose quantum is next: simulated, on a device of which a step takes as long as the test says."""

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from core.engine import ModelInfo, Progress
from studio.costs import Costs
from studio.job import Job, Kind
from studio.scheduler import BATCH_EVERY_S, Scheduler
from tests.studio.conftest import Clock, ask

STEP_S = 0.1


@dataclass
class Device:
    """Runs quanta as the worker does: text, steps, decode. `log` holds the name of the job of each."""

    clock: Clock
    scheduler: Scheduler
    log: list[str] = field(default_factory=list)
    ended_s: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def submit(self, owner: str, name: str = "", kind: Kind = "interactive", steps: int = 8, width: int = 128) -> Job:
        request = ask(width=width, num_inference_steps=steps)
        created = datetime.fromtimestamp(0, UTC)
        job = Job(name or f"{owner}{self.count}", owner, None, kind, request, created, self.clock())
        self.count += 1
        self.scheduler.add(job)
        return job

    def quantum(self, may_start: bool = True) -> Job | None:
        job = self.scheduler.next(may_start)
        if job is None:
            return None
        job.state = "running"
        self.log.append(job.id)
        if job.stage is None:
            self._spend(job, Progress("text", 0, 1), STEP_S / 10)
        elif job.step < job.request.num_inference_steps:
            self._spend(job, Progress("denoise", job.step + 1, 1), STEP_S * job.request.width / 128)
        else:
            self.clock.now_s += STEP_S
            self.scheduler.charge(job, STEP_S)
            self.scheduler.remove(job)
            self.ended_s[job.id] = self.clock()
        return job

    def run(self, quanta: int = 100_000) -> None:
        for _ in range(quanta):
            if self.quantum() is None:
                return

    def _spend(self, job: Job, progress: Progress, seconds: float) -> None:
        self.clock.now_s += seconds
        job.follow(progress, self.clock())
        self.scheduler.costs.learn(job, progress.stage, seconds)
        self.scheduler.charge(job, seconds)


@pytest.fixture
def device(clock: Clock) -> Device:
    return Device(clock, Scheduler(clock, Costs()))


def test_one_owners_equal_pictures_are_drawn_one_after_the_other_in_order(device: Device) -> None:
    for _ in range(3):
        device.submit("ann")
    device.run()
    assert list(dict.fromkeys(device.log)) == ["ann0", "ann1", "ann2"]
    assert device.log == sorted(device.log)


def test_two_owners_with_equal_pictures_have_theirs_in_turn(device: Device) -> None:
    for owner in ("ann", "bob"):
        for _ in range(3):
            device.submit(owner, steps=20)
    device.run()
    ended = [name[:3] for name in sorted(device.ended_s, key=device.ended_s.__getitem__)]
    assert all({*pair} == {"ann", "bob"} for pair in zip(ended[::2], ended[1::2], strict=True))


def test_no_picture_is_done_later_than_if_all_owners_shared_the_device_evenly(clock: Clock) -> None:
    rng = random.Random(3)
    for _ in range(20):
        device = Device(clock, Scheduler(clock, Costs()))
        device.submit("zoe", steps=3)
        device.run()  # so that times are known
        began_s = clock()
        work: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for _ in range(rng.randrange(2, 12)):
            owner, steps = rng.choice(["ann", "bob", "cyd", "dan"]), rng.choice([2, 8, 20, 60])
            work[owner].append((device.submit(owner, steps=steps).id, STEP_S * (steps + 1.1)))
        device.run()
        for owner, jobs in evenly_shared(work).items():
            ended = sorted(device.ended_s[name] - began_s for name, _ in work[owner])
            slack_s = len(work) * 2.1 * STEP_S  # a first preview for each who came, and a quantum under way
            assert all(mine <= even + slack_s for mine, even in zip(ended, jobs, strict=True))


def evenly_shared(work: dict[str, list[tuple[str, float]]]) -> dict[str, list[float]]:
    """When each owner's pictures are done, shortest first, if all owners always have equal parts of the device."""
    left = {owner: sorted(seconds for _, seconds in jobs) for owner, jobs in work.items()}
    done: dict[str, list[float]] = {owner: [] for owner in work}
    now_s = 0.0
    while left:
        step_s = min(jobs[0] for jobs in left.values())
        now_s += step_s * len(left)
        for owner in list(left):
            left[owner][0] -= step_s
            if left[owner][0] < 1e-9:
                left[owner].pop(0)
                done[owner].append(now_s)
            if not left[owner]:
                del left[owner]
    return done


def test_an_owner_with_many_pictures_gets_no_more_of_the_device_than_one_with_a_few(device: Device) -> None:
    for _ in range(20):
        device.submit("ann")
    for _ in range(2):
        device.submit("bob")
    device.run()
    others = [s for name, s in device.ended_s.items() if name.startswith("ann")]
    last_of_bob = max(s for name, s in device.ended_s.items() if name.startswith("bob"))
    assert sum(s < last_of_bob for s in others) <= 3


@pytest.mark.parametrize("rivals", [1, 2, 5])
def test_who_comes_anew_has_a_first_preview_within_three_quanta(device: Device, rivals: int) -> None:
    for n in range(rivals):
        for _ in range(4):
            device.submit(f"rival{n}", steps=100)
    device.run(37)
    job = device.submit("ann")
    device.run(3)
    assert job.step >= 1


def test_asking_and_cancelling_again_and_again_does_not_push_others_aside(device: Device) -> None:
    patient = device.submit("ann", steps=100)
    for _ in range(30):
        pushy = device.submit("bob", steps=100)
        device.run(3)
        device.scheduler.remove(pushy)
    done = patient.step * STEP_S
    assert done > 0.4 * (device.clock() - 100)


def test_being_away_earns_nothing(device: Device) -> None:
    device.submit("ann", steps=2)
    device.run()
    bobs = [device.submit("bob", steps=20) for _ in range(10)]
    device.run(100)
    anns = [device.submit("ann", steps=20) for _ in range(10)]
    device.run()
    waiting = [job.id for job in bobs if device.ended_s[job.id] > device.ended_s[anns[0].id]]
    ended = [name for name in sorted(device.ended_s, key=device.ended_s.__getitem__) if name in waiting]
    order = sorted([*ended, *(job.id for job in anns)], key=device.ended_s.__getitem__)
    while_both = order[: 2 * len(ended)]
    assert abs(sum(name.startswith("ann") for name in while_both) - len(ended)) <= 1


def test_a_short_picture_overtakes_a_long_one_of_the_same_owner(device: Device) -> None:
    long = device.submit("ann", steps=100)
    device.run(10)
    short = device.submit("ann", steps=4)
    device.run(20)
    assert short.id in device.ended_s
    assert long.id not in device.ended_s


def test_a_long_picture_is_not_overtaken_for_ever(device: Device) -> None:
    long = device.submit("ann", steps=100)
    while long.id not in device.ended_s:
        assert len(device.log) < 2_000
        while len(device.scheduler) < 4:  # there are always short ones that wait
            device.submit("ann", steps=4)
        device.quantum()


def test_a_batch_of_a_hundred_delays_anothers_single_picture_by_two_quanta_at_most(device: Device) -> None:
    for _ in range(100):
        device.submit("ann", kind="batch")
    for _ in range(7):
        device.run(33)
        device.log.clear()
        single = device.submit("bob")
        while single.id not in device.ended_s:
            device.quantum()
        assert len(device.log) - 10 <= 2  # text, eight steps, decode


def test_a_batch_goes_on_however_busy_people_are(device: Device) -> None:
    batch = device.submit("ann", kind="batch", steps=8)
    while batch.id not in device.ended_s:
        assert device.clock() < 100 + 12 * (BATCH_EVERY_S + 5)
        if len(device.scheduler) < 4:
            device.submit("bob", steps=20)
        device.quantum()


def test_only_what_has_begun_goes_on_when_there_is_no_room(device: Device) -> None:
    first = device.submit("ann")
    device.quantum()
    device.submit("bob")
    assert device.quantum(may_start=False) is first
    device.scheduler.remove(first)
    assert device.quantum(may_start=False) is None


def test_the_line_is_the_order_in_which_pictures_will_end(device: Device) -> None:
    rng = random.Random(5)
    device.submit("zoe", steps=3)
    device.run()  # so that times are known
    for n in range(12):
        device.submit(
            rng.choice(["ann", "bob", "cyd"]), steps=rng.choice([4, 8, 30]), kind=rng.choice(["interactive", "batch"])
        )
        device.run(n % 3)
    told = [job.id for job in device.scheduler.line()]
    device.ended_s.clear()
    device.run()
    ended = sorted(device.ended_s, key=device.ended_s.__getitem__)
    wrong = sum(abs(told.index(name) - ended.index(name)) for name in told)
    assert wrong <= len(told)  # each within a place of what was said, on average


def test_the_time_told_is_about_the_time_it_takes(device: Device) -> None:
    device.submit("zoe", steps=3)
    device.run()
    for owner in ("ann", "bob", "ann", "cyd"):
        device.submit(owner)
    job = device.submit("bob")
    told_s, since_s = device.scheduler.left_s(job), device.clock()
    device.run()
    took_s = device.ended_s[job.id] - since_s
    assert took_s <= told_s * 1.1
    assert told_s <= took_s * 1.5


def test_when_all_is_done_nobody_is_owed_anything(device: Device) -> None:
    device.submit("ann", steps=100)
    device.run()
    ann, bob = device.submit("ann", steps=20), device.submit("bob", steps=20)
    device.run()
    assert device.ended_s[ann.id] < device.ended_s[bob.id]


def test_a_tile_is_reckoned_as_a_tile_and_not_as_the_whole_picture() -> None:
    info = ModelInfo("scripted", "/nowhere", 16, 512, ((128, 128),), 8, 0.0)
    costs = Costs(info.work)

    plain = Job("j", "ann", None, "interactive", ask(), datetime.now(UTC), 0.0)
    large = replace(ask(), width=256, height=256, upscale=2)
    enlarged = Job("k", "ann", None, "interactive", large, plain.created, 0.0)
    costs.learn(plain, "denoise", 1.0)
    tiles = info.tiles(enlarged.request)
    share = tiles.megapixels / (128 * 128 / 1e6)
    assert costs.left_s(enlarged) == pytest.approx(info.work(enlarged.request).steps * share)
    costs.learn(enlarged, "denoise", 1.0 * share)
    assert costs.left_s(plain) == pytest.approx(8 + 1)
    costs.learn(enlarged, "decode", 100.0)  # of a tile: says nothing of how long a whole picture takes
    assert costs.decode_s(plain) == pytest.approx(1.0)
