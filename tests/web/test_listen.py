"""Whether the server will be able to listen."""

import socket

import pytest

from core.errors import UserError
from web.listen import check_port


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_no_error_and_stays_free():
    check_port("127.0.0.1", 0)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    check_port("127.0.0.1", port)
    check_port("localhost", port)


def test_a_used_port_is_named_with_what_to_do(taken):
    with pytest.raises(UserError, match=f"Port {taken} is in use already.*--port {taken + 1}"):
        check_port("127.0.0.1", taken)


@pytest.mark.parametrize("address", ["203.0.113.1", "no such host", "\x00", "1.2.3.4.5"])
def test_an_address_that_is_not_ours_is_named(address):
    with pytest.raises(UserError, match="cannot listen on"):
        check_port(address, 8501)
