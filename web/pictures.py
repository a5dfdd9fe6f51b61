"""Pictures by URL: whole, as thumbnail, and while they are being drawn. Only their owner gets them."""

import io
from pathlib import Path
from urllib.parse import quote

from PIL import Image, ImageFilter
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.engine import Frame
from studio import metadata
from studio.jobs import Jobs
from web.owners import Owners

PREVIEW_SIDE = 256
PREFIX = "/app/static"  # Streamlit's elements take URLs below it as they are
_SAFE = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
FOR_EVER = {**_SAFE, "Cache-Control": "private, max-age=31536000, immutable"}
FOR_A_WHILE = {**_SAFE, "Cache-Control": "private, max-age=300"}
NEVER = {**_SAFE, "Cache-Control": "no-store"}


def picture_routes(jobs: Jobs, owners: Owners) -> list[Route]:
    """What is unknown and what is another's is the same 404. Endpoints are plain functions: they run on a thread.

    A picture never changes, so its id is its ETag. A preview does: its address says which one it is (`?v=`).
    """

    def image(request: Request) -> Response:
        file = _file(request, False)
        if file is None:
            return missing()
        kind = "attachment" if request.query_params.get("download") else "inline"
        disposition = {"Content-Disposition": f"{kind}; filename*=UTF-8''{quote(file.name, safe='')}"}
        if request.query_params.get("clean"):  # the same pixels, without a word of how they were made
            return Response(metadata.clean(file.read_bytes()), media_type="image/png", headers=NEVER | disposition)
        return _stored(request, file, "image/png", disposition)

    def thumbnail(request: Request) -> Response:
        file = _file(request, True)
        return _stored(request, file, "image/webp", {}) if file is not None else missing()

    def preview(request: Request) -> Response:
        owner = owners.read(request.cookies)
        frame = jobs.preview(owner, _id(request)) if owner else None
        kept = FOR_A_WHILE if request.query_params.get("v") else NEVER
        return Response(_smooth(frame), media_type="image/png", headers=kept) if frame else missing()

    def _stored(request: Request, file: Path, media_type: str, also: dict[str, str]) -> Response:
        headers = {**FOR_EVER, "ETag": f'"{_id(request)}"'}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return FileResponse(file, media_type=media_type, headers=headers | also)

    def _file(request: Request, thumbnail: bool) -> Path | None:
        owner = owners.read(request.cookies)
        file = jobs.picture(owner, _id(request), thumbnail) if owner else None
        return file if file is not None and file.is_file() else None

    return [
        Route(PREFIX + "/img/{id}", image),
        Route(PREFIX + "/thumb/{id}", thumbnail),
        Route(PREFIX + "/preview/{id}", preview),
    ]


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _smooth(frame: Frame) -> bytes:
    """A preview as PNG. A small one is enlarged here, softly: browsers would show its pixels as squares."""
    image = Image.frombytes("RGB", (frame.width, frame.height), frame.rgb)
    scale = PREVIEW_SIDE // max(image.size)
    if scale > 1:
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
        image = image.filter(ImageFilter.GaussianBlur(scale * 0.4))  # bold colours would still show their squares
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def missing() -> Response:
    return PlainTextResponse("not found", 404, headers=NEVER)
