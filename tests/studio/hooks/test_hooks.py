"""From a job to those who are told of it: whom the settings name, of what they name, with what they allow."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Reference

from core.config import ArchiveConfig, Config, HistoryConfig, PathsConfig, QueueConfig, WebhooksConfig
from core.engine import Picture
from core.errors import UserError
from core.request import StyleUse
from studio.build import Studio, assemble
from studio.hooks.courier import Courier
from studio.hooks.day_log import entries
from studio.job import Job
from studio.store.outbox import Change
from tests.studio.conftest import FRAME, INFO, ScriptedEngine, ask, lora
from tests.studio.hooks.conftest import SECRET, Receiver, Time, say

__all__ = ["lora"]  # a fixture

ALL = WebhooksConfig(secrets=(SECRET,), private=True, events=("accepted", "started", "finished", "failed", "cancelled"))
Open = Callable[..., Studio]


@pytest.fixture
def open_studio(data_folder: Path, lora: Path, time: Time) -> Iterator[Open]:
    opened: list[Studio] = []
    ids = itertools.count()

    def open_one(**sections: Any) -> Studio:
        paths = PathsConfig(lora=lora, data=data_folder)
        config = Config(paths=paths, queue=QueueConfig(max_jobs=100, max_jobs_per_owner=50), **sections)
        opened.append(
            assemble(
                config, INFO, ScriptedEngine,
                do=lambda task: task(), now=time, new_id=lambda: f"{next(ids):032x}",
            )
        )  # fmt: skip
        return opened[-1]

    yield open_one
    for studio in opened:
        studio.hooks.stop()
        studio.close()


def begun(studio: Studio) -> Job:
    job = studio.jobs.next(True, 0)
    assert job is not None
    studio.jobs.begin(job)
    return job


def run_some(studio: Studio) -> list[str]:
    """One that is finished, one that fails, one that is cancelled."""
    request = ask("a secret prompt", styles=(StyleUse("sketch", 0.5),))
    ids = [studio.jobs.submit("ann", request)]
    studio.jobs.finish(begun(studio), Picture(FRAME), 0.1)
    ids.append(studio.jobs.submit("bob", request, batch="b1", batch_index=2, kind="batch"))
    studio.jobs.fail(begun(studio), UserError("The style {name} is broken.", name="x"))
    ids.append(studio.jobs.submit("cyd", request))
    studio.jobs.cancel("cyd", ids[-1])
    return ids


def deliver_all(studio: Studio) -> None:
    for courier in studio.hooks.couriers():
        while courier.step() == 0.0:
            pass


def test_every_change_is_told_signed_to_each_address(open_studio: Open, receiver: Receiver, time: Time) -> None:
    other = receiver.url.replace("hook", "other")
    studio = open_studio(webhooks=replace(ALL, urls=(receiver.url, other)))
    ids = run_some(studio)
    deliver_all(studio)
    for path in ("/hook?a=b", "/other?a=b"):
        told = [
            (Reference(SECRET).verify(body, headers), headers)
            for where, headers, body in receiver.seen
            if where == path
        ]
        assert [(m["type"], m["data"]["id"]) for m, _ in told] == [
            ("picture.accepted", ids[0]), ("picture.started", ids[0]), ("picture.finished", ids[0]),
            ("picture.accepted", ids[1]), ("picture.started", ids[1]), ("picture.failed", ids[1]),
            ("picture.accepted", ids[2]), ("picture.cancelled", ids[2]),
        ]  # fmt: skip
        assert len({headers["webhook-id"] for _, headers in told}) == 8
    finished, failed = told[2][0]["data"], told[5][0]["data"]
    assert (finished["seed"], finished["width"], finished["height"], finished["steps"]) == (7, 128, 128, 8)
    assert finished["styles"] == [{"name": "sketch", "strength": 0.5}]
    assert finished["picture"] == f"/app/static/img/{ids[0]}"
    assert finished["duration_ms"] >= 0
    assert failed["error"] == "The style x is broken."
    assert (failed["batch"], failed["batch_index"], failed["kind"]) == ("b1", 2, "batch")
    assert datetime.fromisoformat(told[0][0]["timestamp"]).tzinfo == UTC


def test_only_what_was_asked_for_is_told_and_prompts_stay_here_unless_allowed(
    open_studio: Open, receiver: Receiver
) -> None:
    studio = open_studio(webhooks=replace(ALL, urls=(receiver.url,), events=("failed",)))
    run_some(studio)
    deliver_all(studio)
    assert [json.loads(body)["type"] for *_, body in receiver.seen] == ["picture.failed"]
    assert "secret prompt" not in receiver.seen[0][2]
    assert not any(owner in receiver.seen[0][2] for owner in ("ann", "bob", "cyd"))
    receiver.seen.clear()
    studio = open_studio(webhooks=replace(ALL, urls=(receiver.url,), events=("finished",), prompts=True))
    run_some(studio)
    deliver_all(studio)
    assert json.loads(receiver.seen[0][2])["data"]["prompt"] == "a secret prompt"


def test_each_address_may_have_a_secret_of_its_own(open_studio: Open, receiver: Receiver) -> None:
    second = "whsec_" + "QUJD" * 10
    urls = (receiver.url, receiver.url.replace("hook", "other"))
    studio = open_studio(webhooks=replace(ALL, urls=urls, secrets=(SECRET, second), events=("accepted",)))
    run_some(studio)
    deliver_all(studio)
    for path, headers, body in receiver.seen:
        Reference(SECRET if path.startswith("/hook") else second).verify(body, headers)


def test_the_day_log_has_a_line_for_each_end_and_batches_have_their_own(open_studio: Open, data_folder: Path) -> None:
    studio = open_studio(history=HistoryConfig(log=True))
    ids = run_some(studio)
    deliver_all(studio)
    deliver_all(studio)
    files = {f.name.split("_2")[0]: list(entries(f)) for f in (data_folder / "history").iterdir()}
    assert [(e["id"], e["status"]) for e in files["history"]] == [(ids[0], "finished"), (ids[2], "cancelled")]
    assert [(e["id"], e["status"]) for e in files["batch_history"]] == [(ids[1], "failed")]
    first = files["history"][0]
    assert first["request"]["prompt"] == "a secret prompt"
    assert (data_folder / "pictures" / first["file"]).is_file()
    assert datetime.fromisoformat(first["time"]).utcoffset() is not None


def test_a_finished_picture_comes_to_the_archive_when_it_is_back(
    open_studio: Open, data_folder: Path, tmp_path: Path, time: Time
) -> None:
    folder = tmp_path / "mount" / "copies"
    settings = ArchiveConfig(folder=str(folder))
    studio = open_studio(archive=settings)
    run_some(studio)
    deliver_all(studio)
    (status,) = studio.hooks.status()
    assert (status.kind, status.waiting, str(status.why)) == (
        "archive", 1, f"The archive folder {folder} is not there. Pictures are copied as soon as it is.",
    )  # fmt: skip
    assert not folder.parent.exists()
    again = open_studio(archive=settings)  # the studio was started anew, and the disk is there
    folder.mkdir(parents=True)
    again.hooks.open()
    time.pass_(600)
    deliver_all(again)
    (copy,) = (f for f in folder.rglob("*") if f.is_file())
    assert copy.read_bytes() == (data_folder / "pictures" / copy.name).read_bytes()
    (status,) = again.hooks.status()
    assert (status.waiting, status.since) == (0, None)


def test_a_receiver_that_fails_or_sleeps_holds_up_no_job(open_studio: Open, receiver: Receiver) -> None:
    def answer(asked: Any) -> None:
        receiver.over.wait()
        say(asked, 500)

    receiver.answer = answer
    studio = open_studio(webhooks=replace(ALL, urls=(receiver.url,)))
    studio.hooks.start()
    ids = run_some(studio)
    while not receiver.seen:
        receiver.over.wait(0.005)
    ids += run_some(studio)
    states = [studio.jobs.snapshot(owner, job_id).state for owner, job_id in zip(("ann", "bob", "cyd") * 2, ids, strict=True)]  # type: ignore[union-attr]  # fmt: skip  # noqa: E501
    assert states == ["done", "failed", "cancelled"] * 2


def test_an_address_that_is_gone_is_told_nothing_more_and_others_are(open_studio: Open, receiver: Receiver) -> None:
    receiver.answer = lambda asked: say(asked, 410 if asked.path.startswith("/hook") else 200)
    settings = replace(ALL, urls=(receiver.url, receiver.url.replace("hook", "other")), events=("finished",))
    for _ in range(2):  # the second time after a restart
        studio = open_studio(webhooks=settings)
        studio.hooks.open()
        run_some(studio)
        deliver_all_open(studio)
    paths = [path for path, *_ in receiver.seen]
    assert paths.count("/hook?a=b") == 1
    assert paths.count("/other?a=b") == 2
    assert [status.closed for status in studio.hooks.status()] == [True, False]
    fresh = open_studio(webhooks=replace(settings, secrets=("whsec_" + "QUJD" * 10,)))
    fresh.hooks.open()
    assert [status.closed for status in fresh.hooks.status()] == [False, False]  # a new secret is a new agreement


def deliver_all_open(studio: Studio) -> None:
    def drain(courier: Courier) -> None:
        while not courier.closed and courier.step() == 0.0:
            pass

    for courier in studio.hooks.couriers():
        drain(courier)


def test_without_a_setting_nothing_is_written_or_started(open_studio: Open, data_folder: Path) -> None:
    studio = open_studio()
    studio.hooks.start()
    run_some(studio)
    assert studio.hooks.status() == ()
    assert not (data_folder / "history").exists()
    assert not (data_folder / "place").exists()


def test_letters_to_an_address_that_was_taken_out_are_dropped(open_studio: Open, receiver: Receiver) -> None:
    receiver.answer = lambda asked: say(asked, 500)
    run_some(open_studio(webhooks=replace(ALL, urls=(receiver.url,))))
    other = open_studio(webhooks=replace(ALL, urls=("http://127.0.0.1:9/",), events=("failed",)))
    other.hooks.open()
    assert sum(other.hooks._outbox.waiting().values()) == 0


def test_a_letter_that_cannot_be_written_does_not_keep_a_job_from_ending(open_studio: Open) -> None:
    studio = open_studio(webhooks=replace(ALL, urls=("http://127.0.0.1:9/",)))
    assert studio.hooks.letters(Change("finished", {"id": "x", "kind": "interactive", "request": "{"}, 0)) == []


def test_who_has_all_deleted_is_told_of_no_more_and_leaves_the_log(open_studio: Open, receiver: Receiver) -> None:
    studio = open_studio(webhooks=replace(ALL, urls=(receiver.url,)), history=HistoryConfig(log=True))
    run_some(studio)
    deliver_all(studio)
    run_some(studio)
    waits = studio.jobs.submit("ann", ask("a secret prompt"))
    told = len(receiver.seen)
    studio.history.forget("ann")
    deliver_all(studio)
    later = [json.loads(body)["data"] for _, _, body in receiver.seen[told:]]
    assert [data["kind"] for data in later].count("batch") == 3  # bob's: accepted, started, failed
    assert waits not in {data["id"] for data in later} and len(later) == 5  # and cyd's: accepted, cancelled
    (log,) = (studio.config.paths.data / "history").glob("history_*.jsonl")
    assert [entry["status"] for entry in entries(log)] == ["cancelled", "cancelled"]
