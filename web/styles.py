"""Styles over HTTP: their thumbnails, files that are dropped onto the page, and whether anything has changed."""

from collections.abc import Callable, Collection

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from core.errors import StudioError
from studio.styles import StyleLibrary
from web.guard import BYTES, Refused, Say, check_change, refusal, too_large
from web.owners import Owners
from web.pictures import FOR_EVER, NEVER, PREFIX, missing

UPLOAD = "/upload/style"
_CHUNK = 1 << 20  # written at once: small enough for memory, large enough for a thread to be worth it


def style_routes(
    library: StyleLibrary, owners: Owners, most_mb: int, say: Say, resident: Callable[[], Collection[str]]
) -> list[Route]:
    """Thumbnails are for everybody, as styles are; `?v=` changes with the picture.

    `/app/static/styles` answers {"version": ..., "resident": [...]}: a page that knows another version looks anew, and
    the hashes are those of the styles that are on the device.

    An upload is `PUT /upload/style?name=FILE&lang=LANGUAGE` with the file as its body. It answers {"name": ...}, or
    {"error": ...} in that language.
    """

    def thumbnail(request: Request) -> Response:
        file = library.thumbnails.file(str(request.path_params["sha256"])) if library.thumbnails else None
        return FileResponse(file, media_type="image/webp", headers=FOR_EVER) if file else missing()

    async def now(_: Request) -> Response:
        return JSONResponse({"version": library.version, "resident": sorted(resident())}, headers=NEVER)

    async def upload(request: Request) -> Response:
        try:
            check_change(request, owners, BYTES, most_mb)
            name = await _receive(request, library, most_mb)
        except ClientDisconnect:
            return Response(status_code=400)
        except (Refused, StudioError) as error:
            return refusal(request, error, say)
        return JSONResponse({"name": name}, 201)

    return [
        Route(PREFIX + "/style/{sha256}", thumbnail),
        Route(PREFIX + "/styles", now),
        Route(UPLOAD, upload, methods=["PUT"]),
    ]


async def _receive(request: Request, library: StyleLibrary, most_mb: int) -> str:
    """Write what arrives as it arrives; returns the style's name. What is not finished leaves nothing behind."""
    received, waiting = 0, bytearray()
    with await run_in_threadpool(library.upload) as upload:
        async for chunk in request.stream():
            received += len(chunk)
            if received > most_mb << 20:
                raise too_large(most_mb)
            waiting += chunk
            if len(waiting) >= _CHUNK:
                await run_in_threadpool(upload.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(upload.write, bytes(waiting))
        style = await run_in_threadpool(upload.finish, request.query_params.get("name", ""))
    return style.name
