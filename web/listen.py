"""Whether the server will be able to listen, found out before anything is loaded."""

import errno
import os
import socket

from core.errors import N_, UserError


def check_port(address: str, port: int) -> None:
    """Raises UserError, saying what to do, when nothing can listen there."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, where = found[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except (OSError, OverflowError) as error:
        raise _why(address, port, error) from error


def _why(address: str, port: int, error: Exception) -> UserError:
    code = getattr(error, "errno", None)
    if code == errno.EADDRINUSE:
        return UserError(
            N_("Port {port} is in use already. Is the studio running? Stop it, or choose another port: --port {next}."),
            port=port, next=port + 1,
        )  # fmt: skip
    if code == errno.EACCES:
        return UserError(N_("Port {port} may not be opened by this user. Choose one above 1023."), port=port)
    return UserError(
        N_("The studio cannot listen on {address}, port {port}: {why}. Change [server] address or port."),
        address=address, port=port, why=getattr(error, "strerror", None) or str(error),
    )  # fmt: skip
