"""History over HTTP: what the History page shows and does, as JSON; pictures as a ZIP; all of it as lines and back.

Everything is the asking browser's own: another's id is as one that does not exist. What changes something is guarded;
`lang` names the language of an error, which is answered as {"error": ...} with 4xx.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeAlias
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core.errors import N_, StudioError, UserError
from studio.history import History, Verification
from studio.jobs import Jobs
from web import history_json
from web.asked import ordered, whole
from web.guard import BYTES, FORM, Refused, Say, body, check_change, refusal, too_large
from web.owners import Owners
from web.pictures import NEVER, PREFIX, missing

AT = PREFIX + "/history"
IMPORT = "/upload/history"
MOST_AT_ONCE = 500
MOST_BODY_MB = 16  # of ids: room for all that anybody can select
TOLD_SKIPPED = 50  # lines of an import that are named
_SPOOLED = 1 << 20

Told: TypeAlias = Mapping[str, Any]


def history_routes(history: History, jobs: Jobs, owners: Owners, most_mb: int, say: Say) -> list[Route]:
    """The routes stand at the end. Endpoints that only read are plain functions: they run on a thread."""

    def reading(answer: Callable[[Request, str], Response]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            owner = owners.read(request.cookies)
            try:
                return answer(request, owner) if owner else missing()
            except StudioError as error:
                return refusal(request, error, say)

        return endpoint

    def changing(change: Callable[[str, Told], Told]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                owner = check_change(request, owners, "application/json", MOST_BODY_MB)
                order = ordered(await body(request, MOST_BODY_MB))
                return JSONResponse(await run_in_threadpool(change, owner, order), headers=NEVER)
            except ClientDisconnect:
                return Response(status_code=400)
            except (Refused, StudioError) as error:
                return refusal(request, error, say)

        return endpoint

    # --- looking -----------------------------------------------------------------------------------------------

    def page(request: Request, owner: str) -> Response:
        asked = request.query_params
        limit = max(1, min(MOST_AT_ONCE, whole(asked.get("limit", ""), 60)))
        found = history.page(owner, history_json.query(asked), asked.get("cursor", ""), limit)
        return _json({"cards": [history_json.card(card) for card in found.cards], "next": found.next})

    def facets(_: Request, owner: str) -> Response:
        found = history.facets(owner)
        sizes = [(f"{width}x{height}", count) for (width, height), count in found.sizes]
        counts = {"style": found.styles, "model": found.models, "status": found.statuses, "batch": found.batches}
        return _json({**counts, "size": sizes, "total": found.total})

    def entry(request: Request, owner: str) -> Response:
        found = history.entry(owner, _id(request))
        if found is None:
            raise _no_such()
        family, last = history.lineage(owner, found.id), found.verified
        lineage = {
            "parents": [history_json.card(card) for card in family.parents],
            "children": [history_json.card(card) for card in family.children],
        }
        error = say(_language(request), found.error) if found.error else ""
        verified = told(request, last) if last is not None and last.state in ("done", "failed") else None
        return _json({**history_json.entry(found), "error": error, "lineage": lineage, "verified": verified})

    def verification(request: Request, owner: str) -> Response:
        job = jobs.snapshot(owner, request.query_params.get("job", ""))
        if job is not None and job.active:
            return _json({"active": True, "share": job.share})
        found = history.verification(owner, _id(request))
        if found is None:
            raise _no_such()
        return _json({"active": found.state in ("queued", "running"), "share": 0, **told(request, found)})

    def told(request: Request, found: Verification) -> Told:
        return {
            "at": int(found.at.timestamp() * 1000),
            "identical": found.identical,
            "psnr": found.psnr_db,
            "changed": [asdict(change) for change in found.changed],
            "error": say(_language(request), found.error) if found.error else "",
        }

    def lines(_: Request, owner: str) -> Response:
        return _file((line.encode() for line in history.export_lines(owner)), "application/jsonl", "history.jsonl")

    async def pictures(request: Request) -> Response:
        """A form's own POST, so that a browser saves what comes: ids with commas, and whether they are to be clean."""
        try:
            owner = check_change(request, owners, FORM, MOST_BODY_MB)
            asked = parse_qs((await body(request, MOST_BODY_MB)).decode("ascii", "replace"))
        except Refused as refused:
            return refusal(request, refused, say)
        ids = [one for one in asked.get("ids", [""])[0].split(",") if one]
        parts = await run_in_threadpool(history.export, owner, ids, clean=bool(asked.get("clean")))
        return _file(parts, "application/zip", "pictures.zip")

    # --- changing ----------------------------------------------------------------------------------------------

    def mark(owner: str, order: Told) -> Told:
        history.mark(owner, history_json.ids(order), order.get("favourite") is True)
        return {}

    def annotate(owner: str, order: Told) -> Told:
        note, tags = order.get("note"), order.get("tags")
        history.annotate(
            owner, str(order.get("id")),
            note if isinstance(note, str) else None,
            [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else None,
        )  # fmt: skip
        return {}

    def trash(owner: str, order: Told) -> Told:
        return {"ids": history.trash(owner, history_json.ids(order))}

    def restore(owner: str, order: Told) -> Told:
        return {"ids": history.restore(owner, history_json.ids(order))}

    def empty(owner: str, _: Told) -> Told:
        return {"count": history.empty_trash(owner)}

    def forget(owner: str, _: Told) -> Told:
        return {"count": history.forget(owner)}

    def verify(owner: str, order: Told) -> Told:
        return {"job": history.verify(owner, str(order.get("id")))}

    def preset(owner: str, order: Told) -> Told:
        found, name = history.entry(owner, str(order.get("id"))), str(order.get("name")).strip()
        if found is None:
            raise _no_such()
        history.save_preset(owner, name, found.request)
        return {"name": name}

    async def read_lines(request: Request) -> Response:
        """The body is what `lines` gave, perhaps elsewhere."""
        try:
            owner = check_change(request, owners, BYTES, most_mb)
            with SpooledTemporaryFile(_SPOOLED) as received:
                await _receive(request, received, most_mb)
                read = await run_in_threadpool(lambda: history.import_lines(owner, _text_lines(received)))
        except ClientDisconnect:
            return Response(status_code=400)
        except (Refused, StudioError) as error:
            return refusal(request, error, say)
        skipped = [{"line": n, "why": say(_language(request), why)} for n, why in read.skipped[:TOLD_SKIPPED]]
        return _json({"count": read.count, "skipped": skipped, "skippedCount": len(read.skipped)})

    reads = {"page": page, "facets": facets, "entry/{id}": entry, "verification/{id}": verification, "lines": lines}
    changes = {
        "mark": mark, "annotate": annotate, "trash": trash, "restore": restore, "empty": empty, "forget": forget,
        "verify": verify, "preset": preset,
    }  # fmt: skip
    return [
        *(Route(f"{AT}/{path}", reading(answer)) for path, answer in reads.items()),
        *(Route(f"{AT}/{path}", changing(change), methods=["POST"]) for path, change in changes.items()),
        Route(f"{AT}/zip", pictures, methods=["POST"]),
        Route(IMPORT, read_lines, methods=["PUT"]),
    ]


async def _receive(request: Request, file: IO[bytes], most_mb: int) -> None:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most_mb << 20:
            raise too_large(most_mb)
        await run_in_threadpool(file.write, chunk)
    file.seek(0)


def _text_lines(file: IO[bytes]) -> Iterator[str]:
    return (line.decode("utf-8", "replace") for line in file)


def _file(parts: Iterator[bytes], media_type: str, name: str) -> Response:
    headers = {**NEVER, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, media_type=media_type, headers=headers)


def _json(told: Told) -> Response:
    return JSONResponse(told, headers=NEVER)


def _no_such() -> UserError:
    return UserError(N_("There is no such picture any more."))


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _language(request: Request) -> str:
    return request.query_params.get("lang", "")
