"""What the Studio page shows of its owner's jobs, as plain JSON: with the page, and for each look after that.

The page's own script looks again over HTTP, not by rerunning a fragment: an answer is a few dictionary look-ups where
a rerun is a thread and a page, so a hundred open pages cost next to nothing. What has not changed since the last look
is not sent again. Nothing here is anybody's but the owner's.
"""

import hashlib
from itertools import count
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.engine import EngineStatus
from core.errors import UserError
from studio.build import Studio
from studio.job import Snapshot
from ui import i18n
from ui.i18n import _, say
from ui.state import Base
from ui.wording import facts, status_line
from web.pictures import NEVER, PREFIX

URL = PREFIX + "/now"
STRIP = 12  # finished pictures shown
NEAR = 3  # in the queue: soon to be drawn
# How long until the next look, in ms.
DRAWING_MS, NEAR_MS, WAITING_MS, IDLE_MS = 200, 400, 1000, 2500
_order = count(1)  # a look that was taken later has the larger number ...
_process = uuid4().hex[:8]  # ... within one life of the studio


def look(studio: Studio, owner: str) -> dict[str, Any]:
    """The owner's jobs now, those that wait and run first, else newest first; in the language that is being spoken.

    Where they cannot be read, there are none, and why not is the problem to tell of.
    """
    at = next(_order)
    try:
        return _told(at, _recent(studio, owner), studio.worker.status)
    except UserError as error:
        return {**_told(at, [], studio.worker.status), "problem": say(error)}


def tag(jobs: list[Snapshot], model: EngineStatus) -> str:
    """Equal for two looks at which the same is to be seen. Made without putting anything into words."""
    seen = (
        i18n.language(), model.state, round(model.fraction, 2),
        [(job.id, job.state, job.position, job.stage, job.step, job.preview_version, job.attempt) for job in jobs],
    )  # fmt: skip
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def live_route(base: Base) -> Route:
    """`GET ?lang=&seen=`: the look as JSON, 204 when its tag is `seen`, 404 for a browser without an owner, 503 when
    the jobs cannot be read just now."""

    def now(request: Request) -> Response:
        owner, at = base.read_owner(request.cookies), next(_order)
        if owner is None:
            return Response(status_code=404, headers=NEVER)
        try:
            jobs = _recent(base.studio, owner)
        except UserError:
            return Response(status_code=503, headers=NEVER)  # the page keeps what it has, and looks again
        with i18n.speaking(request.query_params.get("lang", "")):
            if request.query_params.get("seen") == tag(jobs, base.studio.worker.status):
                return Response(status_code=204, headers=NEVER)
            return JSONResponse(_told(at, jobs, base.studio.worker.status), headers=NEVER)

    return Route(URL, now)


def _recent(studio: Studio, owner: str) -> list[Snapshot]:
    """All that wait and run, the latest that came to something, and the last to end: the status line says how."""
    jobs = studio.jobs.list(owner)
    active, ended = [job for job in jobs if job.active], [job for job in jobs if not job.active]
    kept = {job.id for job in [job for job in ended if job.state != "cancelled"][:STRIP] + ended[:1]}
    return active + [job for job in ended if job.id in kept]


def _told(at: int, jobs: list[Snapshot], model: EngineStatus) -> dict[str, Any]:
    active = [job for job in reversed(jobs) if job.active]
    last = next((job for job in jobs if not job.active), None)
    failed = last if last is not None and last.state == "failed" else None
    problem = model.error or (failed.error if failed else None)
    return {
        "at": at,
        "process": _process,
        "tag": tag(jobs, model),
        "again_ms": _again_ms(active, model),
        "status": status_line(active, last, model),
        "problem": say(problem) if problem and not active else "",
        "failed": failed.id if failed and not model.error and not active else "",
        "active": len(active),
        "jobs": [_job(job) for job in jobs],
    }


def _again_ms(active: list[Snapshot], model: EngineStatus) -> int:
    if not active:
        return WAITING_MS if model.state == "loading" else IDLE_MS
    if any(job.state == "running" for job in active):
        return DRAWING_MS
    return NEAR_MS if min(job.position for job in active) <= NEAR and model.state == "ready" else WAITING_MS


def _job(job: Snapshot) -> dict[str, Any]:
    request = job.request
    return {
        "id": job.id,
        "state": job.state,
        "width": request.width,
        "height": request.height,
        "prompt": request.prompt,
        "facts": facts(request),
        "share": job.share,
        "preview": f"{PREFIX}/preview/{job.id}?v={job.preview_version}" if job.preview_version else "",
        "place": _("Number {position} in line").format(position=job.position) if job.state == "queued" else "",
        "reason": say(job.error) if job.error else "",
    }
