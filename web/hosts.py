"""Which host names are answered. A page elsewhere must not reach a studio on this machine by a name it made up."""

from collections.abc import Sequence
from ipaddress import ip_address

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


def answered_hosts(allowed: Sequence[str], address: str) -> list[str]:
    """Patterns for TrustedHostMiddleware: what the settings say, else this machine's names, else any."""
    if allowed:
        return [_bracketed(name) for name in allowed]
    return [*LOCAL_NAMES, _bracketed(address)] if is_loopback(address) else ["*"]


def is_loopback(address: str) -> bool:
    """Whether a server that listens on `address` is reached from this machine only."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _bracketed(name: str) -> str:
    """IPv6 addresses stand in brackets in a Host header."""
    return f"[{name}]" if ":" in name and not name.startswith("[") else name
