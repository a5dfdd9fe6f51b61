"""One address that is told of pictures by HTTP, signed. Nothing it does, or does not do, is felt by anybody else.

Redirects are not followed, answers are not read, and all of it together has to be over in seconds.
"""

import hashlib
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from socket import SHUT_RDWR
from typing import Any

import certifi
import httpx

from core import __version__
from core.errors import N_, StudioError, UserError
from studio.hooks.addresses import Resolve, is_public, resolve
from studio.hooks.courier import Closed, Undelivered
from studio.hooks.signing import headers
from studio.hooks.status import Kind
from studio.store.outbox import Taken

DEADLINE_S = 15.0  # for one try, whatever the receiver does
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_KEEP_DAYS = 3
_LONGEST_ASKED_S = 3600.0
_GONE = 410
_MOST_ADDRESSES = 4
_PORTS = {"http": 80, "https": 443}


class Webhook:
    """A target of letters. `private` lets it be an address of this machine or its network."""

    kind: Kind = "webhook"
    keep_ms = _KEEP_DAYS * 24 * 3600 * 1000

    def __init__(
        self,
        url: str,
        secret: str,
        private: bool,
        now: Callable[[], datetime],
        resolve: Resolve = resolve,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._url, self._secret, self._private = httpx.URL(url), secret, private
        self._now, self._resolve, self._deadline_s = now, resolve, deadline_s
        self.key = "webhook:" + hashlib.sha256(f"{url}\n{secret}".encode()).hexdigest()[:16]
        self.name = self._url.host  # what follows it may be secret
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log the address in full each time
        encrypted = self._url.scheme == "https"
        self._client = httpx.Client(
            verify=_trusted() if encrypted else False, timeout=_TIMEOUT, trust_env=False, follow_redirects=False
        )
        self._socket: Any = None
        self._late = False

    def deliver(self, letter: Taken) -> None:
        body = letter.body.encode()
        signed = headers(self._secret, letter.message, int(self._now().timestamp()), letter.body)
        answer = self._post(body, signed)
        if answer.status_code == _GONE:
            raise Closed
        if not answer.is_success:
            raise Undelivered(
                UserError(N_("{host} answers with status {status}."), host=self.name, status=answer.status_code),
                _asked_s(answer.headers),
            )

    def interrupt(self) -> None:
        """End a try that is under way."""
        with suppress(OSError, AttributeError):
            self._socket.shutdown(SHUT_RDWR)

    def _post(self, body: bytes, signed: Mapping[str, str]) -> httpx.Response:
        """The answer's head, from the first of the host's addresses that takes a connection."""
        last: httpx.HTTPError | None = None
        for address in self._addresses():
            try:
                return self._post_to(address, body, signed)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                last = error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Undelivered(self._unreachable(error)) from error
        raise Undelivered(self._unreachable(last)) from last

    def _addresses(self) -> list[str]:
        host = self._url.host
        try:
            found = self._resolve(host, self._url.port or _PORTS[self._url.scheme])
        except (OSError, UnicodeError) as error:
            raise Undelivered(self._unreachable(error)) from error
        allowed = [one for one in found if self._private or is_public(one)]
        if not allowed:
            raise Undelivered(
                UserError(
                    N_("{host} is on this machine or its network. Set [webhooks] private = true if it may be told."),
                    host=self.name,
                )
            )
        return allowed[:_MOST_ADDRESSES]

    def _post_to(self, address: str, body: bytes, signed: Mapping[str, str]) -> httpx.Response:
        host = self._url.netloc.decode("ascii")
        request = self._client.build_request(
            "POST",
            self._url.copy_with(host=address),
            content=body,
            headers={**signed, "host": host, "user-agent": f"Jimeng-Studio/{__version__}", "connection": "close"},
            extensions={"sni_hostname": self._url.host, "trace": self._trace},
        )
        self._late = False
        watchdog = threading.Timer(self._deadline_s, self._give_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            answer = self._client.send(request, stream=True)
            answer.close()  # whatever else it wants to say
            return answer
        finally:
            watchdog.cancel()
            self._socket = None

    def _give_up(self) -> None:
        self._late = True
        self.interrupt()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")

    def _unreachable(self, error: Exception | None) -> StudioError:
        if self._late or isinstance(error, httpx.TimeoutException):
            return UserError(N_("{host} does not answer in time."), host=self.name)
        why = str(error).split("\n")[0][:200] or type(error).__name__
        return UserError(N_("{host} cannot be reached: {why}"), host=self.name, why=why)


@cache
def _trusted() -> ssl.SSLContext:
    """Who this machine trusts, a company's own authority perhaps, and who every browser trusts. Takes 50 ms, once."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _asked_s(answer: Mapping[str, str]) -> float:
    """How long it wants to be left alone, within reason."""
    asked = answer.get("retry-after", "")
    return min(float(asked), _LONGEST_ASKED_S) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else 0.0
