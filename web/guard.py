"""Before anything is changed over HTTP: it was our own page that asked, for a browser that we know, with what we take.

Pages are protected by Streamlit; routes of ours are not, so each one that changes something asks here first.
"""

from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.errors import N_, StudioError, UserError
from web.owners import Owners

Say: TypeAlias = Callable[[str, StudioError], str]  # an error in the words of a language
BYTES = "application/octet-stream"  # which no form can send
FORM = "application/x-www-form-urlencoded"  # which one can: only for what changes nothing


class Refused(Exception):
    """The status to answer with, and why."""

    def __init__(self, status: int, error: UserError) -> None:
        super().__init__(status, error)
        self.status, self.error = status, error


def check_change(request: Request, owners: Owners, content_type: str, most_mb: int) -> str:
    """Whose browser it is. Raises Refused: 403, 415 or 413.

    A form on a strange page cannot send `content_type`, if that is none of the three that forms have.
    """
    owner = owners.read(request.cookies)
    if not _is_from_our_page(request) or owner is None:
        raise Refused(403, UserError(N_("This was not asked by the studio's own page. Reload it, and allow cookies.")))
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != content_type:
        raise Refused(415, UserError(N_("This kind of file cannot be taken here.")))
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length[:20]) > most_mb << 20:
        raise too_large(most_mb)
    return owner


def refusal(request: Request, error: Refused | StudioError, say: Say) -> Response:
    """{"error": ...} in the language that the request names as `lang`; 422 for what was asked rightly and cannot be."""
    status, why = (error.status, error.error) if isinstance(error, Refused) else (422, error)
    return JSONResponse({"error": say(request.query_params.get("lang", ""), why)}, status)


async def body(request: Request, most_mb: int) -> bytes:
    """All of it. Raises Refused for one that is longer, whatever it said."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > most_mb << 20:
            raise too_large(most_mb)
    return bytes(received)


def too_large(most_mb: int) -> Refused:
    return Refused(413, UserError(N_("The file is too large: {most} MB is the most."), most=most_mb))


def _is_from_our_page(request: Request) -> bool:
    """By what a browser says of itself; one that says nothing is none of ours."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin") or (site is None and origin is None):
        return False
    host = request.headers.get("host")
    return origin in (None, f"http://{host}", f"https://{host}")
