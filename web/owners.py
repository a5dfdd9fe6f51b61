"""Who a browser is: a random name, signed, in a cookie that no script can read.

There are no accounts. Whoever holds the cookie owns what was made with it; a cookie that we did not sign is nobody's.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from itsdangerous import BadSignature, Signer
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import N_, UserError

KEPT_S = 400 * 24 * 3600  # the longest that browsers keep a cookie
_KEY_BYTES = 32


class Owners:
    """Signs and reads owner cookies. The cookie's name depends on the key, so two studios on one host do not clash."""

    def __init__(self, key: bytes, new_id: Callable[[], str]) -> None:
        self.cookie = "jimeng_" + hashlib.sha256(b"cookie name" + key).hexdigest()[:8]
        self.new_id = new_id
        self._signer = Signer(key, salt="jimeng.owner", digest_method=hashlib.sha256)

    def read(self, cookies: Mapping[str, str]) -> str | None:
        """The owner these cookies speak of; None without one, or with one that is not ours."""
        try:
            return self._signer.unsign(cookies.get(self.cookie, "")).decode("ascii")
        except (BadSignature, UnicodeError):
            return None

    def sign(self, owner: str) -> str:
        return self._signer.sign(owner).decode("ascii")


class OwnerCookie:
    """ASGI middleware: every page that is served gives its browser an owner, or prolongs the one it has."""

    def __init__(self, app: ASGIApp, owners: Owners) -> None:
        self.app, self._owners = app, owners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(Headers(raw=message["headers"])):
                owner = self._owners.read(HTTPConnection(scope).cookies) or self._owners.new_id()
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                MutableHeaders(raw=message["headers"]).append(
                    "set-cookie",
                    f"{self._owners.cookie}={self._owners.sign(owner)}; Max-Age={KEPT_S}; Path=/; "
                    f"HttpOnly; SameSite=Lax{secure}",
                )
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def signing_key(file: Path) -> bytes:
    """The key in `file`, made the first time; readable by this user only. Raises UserError when that fails."""
    try:
        if not file.exists():
            _write_private(file, os.urandom(_KEY_BYTES))
        key = file.read_bytes()
    except OSError as error:
        raise UserError(
            N_("The key of this studio, {file}, cannot be read or made: {why}."),
            file=str(file),
            why=error.strerror or type(error).__name__,
        ) from error
    if len(key) != _KEY_BYTES:
        raise UserError(
            N_("The key of this studio, {file}, is damaged. Delete it; a new one is made, and browsers start anew."),
            file=str(file),
        )
    return key


def _write_private(file: Path, data: bytes) -> None:
    """Whole or not at all, and at no moment readable by others."""
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(partial, file)


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html")
