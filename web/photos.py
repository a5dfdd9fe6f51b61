"""Photos over HTTP: brought in as they come, the set as it stands, what is done with it, and the pictures as a ZIP file
that can be fetched while they are drawn.

Everything is the asking browser's own set. What changes something is guarded; `lang` names the language of an error.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from itertools import count
from typing import Any, cast, get_args
from urllib.parse import quote
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core.errors import StudioError, UserError
from studio.formats import KINDS, QUALITY, Format
from studio.jobs import Jobs
from studio.photos import delivery
from studio.photos.batch_now import BatchNow, PhotoNow
from studio.photos.batches import Batches
from studio.photos.settings import PhotoSettings
from web.asked import Order, ordered, whole
from web.guard import BYTES, Refused, Say, body, check_change, refusal, too_large
from web.owners import Owners
from web.pictures import FOR_A_WHILE, NEVER, PREFIX, missing

AT = PREFIX + "/photos"
UPLOAD = "/upload/photo"
MOST_BODY_MB = 1  # of an order
LOOK_S = 0.5  # between two looks at a set whose ZIP file waits for the next picture
RUNNING_MS, WAITING_MS, IDLE_MS = 400, 1000, 2500  # until the page looks again
MANY = 60  # photos: a page that shows more looks less often
_CHUNK = 1 << 20
_order = count(1)
_process = uuid4().hex[:8]


def photo_routes(photos: Batches, jobs: Jobs, owners: Owners, most_mb: int, say: Say) -> list[Route]:
    """The routes stand at the end. Endpoints that only read are plain functions: they run on a thread."""

    def reading(answer: Callable[[Request, str], Response]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            owner = owners.read(request.cookies)
            try:
                return answer(request, owner) if owner else missing()
            except StudioError as error:
                return refusal(request, error, say)

        return endpoint

    def changing(change: Callable[[str, Order], object]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                owner = check_change(request, owners, "application/json", MOST_BODY_MB)
                order = ordered(await body(request, MOST_BODY_MB))
                await run_in_threadpool(change, owner, order)
                return JSONResponse({}, headers=NEVER)
            except ClientDisconnect:
                return Response(status_code=400)
            except (Refused, StudioError) as error:
                return refusal(request, error, say)

        return endpoint

    # --- looking -----------------------------------------------------------------------------------------------

    def now(request: Request, owner: str) -> Response:
        """The set; 204 when it is as it was when its tag was `seen`. `at` tells a later look from an earlier one."""
        language, at = request.query_params.get("lang", ""), next(_order)
        told = _told(photos.look(owner), lambda error: say(language, error))
        tag = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
        if request.query_params.get("seen") == tag:
            return Response(status_code=204, headers=NEVER)
        return JSONResponse({**told, "tag": tag, "at": at, "process": _process}, headers=NEVER)

    def thumbnail(request: Request, owner: str) -> Response:
        file = photos.thumbnail(owner, _position(request.path_params["position"]))
        return FileResponse(file, media_type="image/webp", headers=FOR_A_WHILE) if file else missing()

    def before(request: Request, owner: str) -> Response:
        file = photos.before(owner, _position(request.path_params["position"]))
        return FileResponse(file, media_type="image/png", headers=FOR_A_WHILE) if file else missing()

    def result(request: Request, owner: str) -> Response:
        """One picture of the set, in the set's format and with its photo's name."""
        wanted, look = _position(request.path_params["position"]), photos.look(owner)
        kind = look.settings.format
        for photo, name in delivery.names(look.photos, kind):
            file = jobs.picture(owner, photo.job) if photo.position == wanted else None
            if file is not None:
                data = delivery.delivered(file, kind, look.settings.quality, photos.camera_data(look, photo))
                return Response(data, media_type=KINDS[kind].media_type, headers=NEVER | _as_file(name))
        return missing()

    def picture(request: Request, owner: str) -> Response:
        """Any picture of the owner's: `?format=jpeg&quality=90`."""
        asked = request.query_params
        file, kind = jobs.picture(owner, str(request.path_params["id"])), asked.get("format", "png")
        if file is None or kind not in get_args(Format):
            return missing()
        quality = max(1, min(100, whole(asked.get("quality", ""), QUALITY)))
        data = delivery.delivered(file, cast(Format, kind), quality)
        name = file.stem + KINDS[cast(Format, kind)].ending
        return Response(data, media_type=KINDS[cast(Format, kind)].media_type, headers=NEVER | _as_file(name))

    async def parcel(request: Request) -> Response:
        owner = owners.read(request.cookies)
        if owner is None:
            return missing()
        look = await run_in_threadpool(photos.look, owner)
        if not look.photos:
            return missing()
        return StreamingResponse(
            _parcel(photos, jobs, owner, look.id), media_type="application/zip", headers=NEVER | _as_file("photos.zip")
        )

    # --- changing ----------------------------------------------------------------------------------------------

    async def upload(request: Request) -> Response:
        """The body is a photo, or a ZIP file of some; they are answered one by one."""
        try:
            owner = check_change(request, owners, BYTES, most_mb)
            taken = await _receive(request, photos, owner, most_mb)
        except ClientDisconnect:
            return Response(status_code=400)
        except (Refused, StudioError) as error:
            return refusal(request, error, say)
        language = request.query_params.get("lang", "")
        return JSONResponse({"photos": [_photo(one, lambda error: say(language, error)) for one in taken]}, 201)

    def draw(owner: str, order: Order) -> None:
        photos.draw(owner, PhotoSettings.of(order.get("settings")), again=order.get("again") is True)

    def try_strengths(owner: str, order: Order) -> None:
        photos.try_strengths(owner, _position(order.get("position")), PhotoSettings.of(order.get("settings")))

    changes: Mapping[str, Callable[[str, Order], object]] = {
        "settings": lambda owner, order: photos.configure(owner, PhotoSettings.of(order.get("settings"))),
        "draw": draw,
        "try": try_strengths,
        "untry": lambda owner, _: photos.end_trial(owner),
        "pause": lambda owner, _: photos.pause(owner),
        "resume": lambda owner, _: photos.resume(owner),
        "cancel": lambda owner, _: photos.cancel(owner),
        "close": lambda owner, _: photos.close(owner),
        "retry": lambda owner, order: photos.retry(owner, _position(order.get("position"))),
        "remove": lambda owner, order: photos.remove(owner, _position(order.get("position"))),
        "take": lambda owner, order: photos.take(owner, str(order.get("id"))),
    }
    reads = {
        "now": now, "thumb/{position}": thumbnail, "before/{position}": before, "result/{position}": result,
        "as/{id}": picture,
    }  # fmt: skip
    return [
        *(Route(f"{AT}/{path}", reading(answer)) for path, answer in reads.items()),
        *(Route(f"{AT}/{path}", changing(change), methods=["POST"]) for path, change in changes.items()),
        Route(f"{AT}/zip", parcel),
        Route(UPLOAD, upload, methods=["PUT"]),
    ]


async def _receive(request: Request, photos: Batches, owner: str, most_mb: int) -> list[PhotoNow]:
    received, waiting = 0, bytearray()
    with await run_in_threadpool(photos.incoming) as incoming:
        async for chunk in request.stream():
            received += len(chunk)
            if received > most_mb << 20:
                raise too_large(most_mb)
            waiting += chunk
            if len(waiting) >= _CHUNK:
                await run_in_threadpool(incoming.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(incoming.write, bytes(waiting))
        name = request.query_params.get("name", "")
        return await run_in_threadpool(lambda: list(photos.add(owner, name, incoming.rewound())))


async def _parcel(photos: Batches, jobs: Jobs, owner: str, batch: str) -> AsyncIterator[bytes]:
    """Each picture as soon as it is there, until nothing more is being drawn."""
    parcel, sent = delivery.Parcel(), set[str]()
    while True:
        look = await run_in_threadpool(photos.look, owner)
        if look.id != batch:  # put away meanwhile
            yield parcel.close(())
            return
        for photo, name in delivery.names(look.photos, look.settings.format):
            if photo.job not in sent:
                sent.add(photo.job)
                yield await run_in_threadpool(_packed, parcel, photos, jobs, owner, look, photo, name)
        if not look.active:
            yield parcel.close(look.photos)
            return
        await asyncio.sleep(LOOK_S)


def _packed(
    parcel: delivery.Parcel, photos: Batches, jobs: Jobs, owner: str, look: BatchNow, photo: PhotoNow, name: str
) -> bytes:
    file, exif = jobs.picture(owner, photo.job), photos.camera_data(look, photo)
    try:
        data = delivery.delivered(file, look.settings.format, look.settings.quality, exif) if file else b""
    except UserError:
        data = b""
    return parcel.add(photo.job, name, data) if data else b""  # one that is gone is in the table all the same


def _told(look: BatchNow, say: Callable[[StudioError], str]) -> dict[str, Any]:
    counts = [photo.state for photo in look.photos]
    is_drawing = any(state in ("queued", "running") for state in counts)
    trial = look.trial and {
        "position": look.trial.position,
        "jobs": [
            {"id": job.id, "strength": at, "state": job.state, "share": round(job.share, 2),
             "error": say(job.error) if job.error else ""}
            for at, job in look.trial.jobs
        ],
    }  # fmt: skip
    quick = len(counts) <= MANY and (is_drawing or look.state == "running" or _is_trying(look))
    return {
        "id": look.id,
        "state": look.state,
        "active": look.active,
        "settings": asdict(look.settings),
        "photos": [_photo(photo, say) for photo in look.photos],
        "trial": trial,
        "left_s": look.left_s,
        "again_ms": RUNNING_MS if quick else WAITING_MS if look.active else IDLE_MS,
    }


def _is_trying(look: BatchNow) -> bool:
    return look.trial is not None and any(job.active for _, job in look.trial.jobs)


def _photo(photo: PhotoNow, say: Callable[[StudioError], str]) -> dict[str, Any]:
    told: dict[str, Any] = {"position": photo.position, "name": photo.name, "state": photo.state}
    told["thumb"] = photo.file  # another one, another address
    if photo.job:
        told["job"] = photo.job
    if photo.error is not None:
        told["error"] = say(photo.error)
    if photo.notes:
        told["notes"] = [say(UserError(note)) for note in photo.notes]
    if photo.state == "running":
        told |= {"share": round(photo.share, 2), "preview": photo.preview_version}
    if photo.state == "done":
        told["ms"] = photo.duration_ms
    return told


def _position(given: object) -> int:
    """-1, which is nowhere, for what is none."""
    return whole(given, -1)


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
