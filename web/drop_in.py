"""A picture that is dropped onto the Studio page: what it says of its settings. The picture itself is not kept.

Only the text in the file is read, never its pixels (see studio/metadata).
"""

from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.errors import StudioError
from studio import metadata
from web.guard import BYTES, Refused, Say, body, check_change, refusal
from web.owners import Owners

UPLOAD = "/upload/picture"
MOST_MB = 64


def drop_in_route(owners: Owners, say: Say) -> Route:
    """`PUT /upload/picture?lang=LANGUAGE` with the file as its body.

    It answers {"origin", "settings": {...}, "unused": [[name, value], ...]}, or {"error": ...} in that language.
    """

    async def read(request: Request) -> Response:
        try:
            check_change(request, owners, BYTES, MOST_MB)
            picture = await body(request, MOST_MB)
            found = await run_in_threadpool(metadata.read, picture)
        except ClientDisconnect:
            return Response(status_code=400)
        except (Refused, StudioError) as error:
            return refusal(request, error, say)
        return JSONResponse(_told(found))

    return Route(UPLOAD, read, methods=["PUT"])


def _told(found: metadata.Found) -> dict[str, Any]:
    return {"origin": found.origin, "settings": asdict(found.settings), "unused": [list(pair) for pair in found.unused]}
