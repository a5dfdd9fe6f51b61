"""Which host names are answered."""

import pytest
from starlette.testclient import WebSocketDenialResponse

from web.hosts import answered_hosts


@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST:1"])
def test_a_studio_on_this_machine_answers_to_its_own_names(browser, host):
    assert browser().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example", "localhost@evil.example",
     "[::2]:8501", ""],
)  # fmt: skip
def test_a_studio_on_this_machine_answers_to_no_other_name(browser, host):
    for path in ("/", "/health", "/app/static/img/x"):
        answer = browser().get(path, headers={"host": host})
        assert answer.status_code == 400 and "set-cookie" not in answer.headers


def test_a_page_elsewhere_cannot_open_a_socket_by_a_made_up_name(browser):
    with browser().websocket_connect("/socket", headers={"host": "localhost:8501"}) as socket:
        assert socket.receive_text() == "hello"
    with (
        pytest.raises(WebSocketDenialResponse),
        browser().websocket_connect("/socket", headers={"host": "evil.example"}),
    ):
        pass


def test_an_open_studio_answers_to_any_name_until_names_are_set(browser):
    assert browser(address="0.0.0.0").get("/", headers={"host": "studio.example"}).status_code == 200
    strict = browser(address="0.0.0.0", allowed=("studio.example",))
    assert strict.get("/", headers={"host": "studio.example:8501"}).status_code == 200
    assert strict.get("/", headers={"host": "other.example"}).status_code == 400


def test_addresses_of_version_6_are_bracketed_and_patterns_kept():
    assert answered_hosts(["::1", "*.example"], "0.0.0.0") == ["[::1]", "*.example"]
    assert "[::1]" in answered_hosts([], "::1") and "127.0.0.5" in answered_hosts([], "127.0.0.5")
    assert answered_hosts([], "::") == ["*"]
