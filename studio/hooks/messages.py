"""What is said of a change: to a webhook, in the day log, to the archive. Each is one line of JSON."""

import json
from datetime import UTC, datetime
from typing import Any

from core import errors
from studio.store.outbox import Change

PICTURE_PATH = "/app/static/img/"  # where web/pictures.py serves it, to its owner alone


def identity(change: Change) -> str:
    """The same for the same change, however often it is told."""
    parts = ("msg", change.job["id"], change.event, *((str(change.attempts),) if change.attempts else ()))
    return "_".join(parts)


def job_of(message: str) -> str:
    """The job that a message of that identity tells of."""
    return message.partition("_")[2].partition("_")[0]


def for_webhook(change: Change, prompts: bool) -> str:
    """A body as Standard Webhooks has it: type, timestamp, data. Nothing in it says who asked for the picture."""
    job, request = change.job, json.loads(change.job["request"])
    data: dict[str, Any] = {"id": job["id"], "kind": job["kind"], "created": moment(job["created_ms"])}
    data |= {name: request[name] for name in ("width", "height", "seed")}
    data |= {"steps": request["num_inference_steps"], "guidance_scale": request["guidance_scale"]}
    data["styles"] = [{"name": use["name"], "strength": use["strength"]} for use in request["styles"]]
    if prompts:
        data |= {"prompt": request["prompt"], "negative_prompt": request["negative_prompt"]}
    if job["batch"]:
        data |= {"batch": job["batch"], "batch_index": job["batch_index"]}
    data |= {name: request[name] for name in ("source", "upscale") if name in request}
    data["attempt"] = change.attempts + 1
    data |= _outcome(change)
    if change.ending is not None and change.ending.file:
        data["picture"] = PICTURE_PATH + job["id"]
    return dumped({"type": f"picture.{change.event}", "timestamp": moment(change.at_ms), "data": data})


def for_log(change: Change) -> str:
    """A line of the day log: all that is known at a job's end, but for whose it was."""
    job = change.job
    known = {"time": local(change.at_ms), "id": job["id"], "status": change.event, "kind": job["kind"]}
    origin = {name: job[name] for name in ("batch", "batch_index", "input_name", "parent") if job[name]}
    request = {"request": json.loads(job["request"]), "attempts": change.attempts + 1}
    return dumped({**known, **origin, **_outcome(change), **request})


def for_archive(change: Change) -> str:
    """Which file, and when it was finished."""
    return dumped({"file": (change.ending.file if change.ending else None) or "", "time": local(change.at_ms)})


def moment(at_ms: int) -> str:
    """ISO 8601 in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def local(at_ms: int) -> str:
    """ISO 8601 in the time of this machine, and how far that is from UTC."""
    return datetime.fromtimestamp(at_ms / 1000).astimezone().isoformat(timespec="milliseconds")


def dumped(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _outcome(change: Change) -> dict[str, Any]:
    ending = change.ending
    if ending is None:
        return {}
    outcome: dict[str, Any] = {"duration_ms": ending.duration_ms}
    outcome |= {"stages_ms": dict(ending.stages)} if ending.stages else {}
    outcome |= {"model": ending.model, "model_hash": ending.model_hash} if ending.model else {}
    outcome |= {"file": ending.file, "bytes": ending.bytes} if ending.file else {}
    outcome |= {"error": str(errors.from_json(ending.error))} if ending.error else {}
    return outcome
