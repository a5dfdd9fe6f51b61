"""A webhook is signed so that all who know the standard believe it, goes where it may, and waits for nobody."""

import shutil
import socket
import ssl
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Reference
from standardwebhooks import WebhookVerificationError

from studio.hooks.addresses import is_public, resolve
from studio.hooks.courier import Closed, Undelivered
from studio.hooks.webhook import _trusted
from tests.studio.hooks.conftest import SECRET, Receiver, Time, letter, say, webhook

BODY = '{"type":"picture.finished","data":{"prompt":"雪 \N{FOX FACE} <b>"}}'


def test_the_reference_library_believes_what_is_sent(receiver: Receiver, time: Time) -> None:
    webhook(receiver.url, time).deliver(letter(BODY))
    ((path, headers, body),) = receiver.seen
    assert path == "/hook?a=b"
    assert body == BODY
    assert headers["content-type"] == "application/json"
    assert Reference(SECRET).verify(body, headers)["type"] == "picture.finished"


@pytest.mark.parametrize("forged", ["body", "webhook-id", "webhook-timestamp", "secret", "old"])
def test_and_nothing_that_was_changed(receiver: Receiver, time: Time, forged: str) -> None:
    if forged == "old":
        time.pass_(-600)
    webhook(receiver.url, time).deliver(letter(BODY))
    ((_, headers, body),) = receiver.seen
    secret = "whsec_" + "QUJD" * 10 if forged == "secret" else SECRET
    if forged == "body":
        body = body.replace("finished", "cancelled")
    elif forged in headers:
        headers[forged] = str(int(headers[forged]) + 1) if forged == "webhook-timestamp" else "msg_2"
    with pytest.raises(WebhookVerificationError):
        Reference(secret).verify(body, headers)


def test_a_redirect_is_not_followed(receiver: Receiver, time: Time) -> None:
    for status in (301, 302, 303, 307, 308):
        receiver.answer = lambda asked, status=status: say(asked, status, Location="/elsewhere")  # type: ignore[misc]
        with pytest.raises(Undelivered, match=f"127.0.0.1 answers with status {status}"):
            webhook(receiver.url, time).deliver(letter())
    assert {path for path, *_ in receiver.seen} == {"/hook?a=b"}


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_an_error_is_told_by_its_status(receiver: Receiver, time: Time, status: int) -> None:
    receiver.answer = lambda asked: say(asked, status)
    with pytest.raises(Undelivered, match=f"answers with status {status}"):
        webhook(receiver.url, time).deliver(letter())


def test_how_long_it_wants_to_be_left_alone_is_heard_within_reason(receiver: Receiver, time: Time) -> None:
    for asked_for, waits_s in (("120", 120), ("9999999", 3600), ("-1", 0), ("soon", 0), ("1" * 5000, 0)):
        receiver.answer = lambda asked, text=asked_for: say(asked, 429, Retry_After=text)  # type: ignore[misc]
        with pytest.raises(Undelivered) as raised:
            webhook(receiver.url, time).deliver(letter())
        assert raised.value.wait_s == waits_s


def test_gone_is_gone(receiver: Receiver, time: Time) -> None:
    receiver.answer = lambda asked: say(asked, 410)
    with pytest.raises(Closed):
        webhook(receiver.url, time).deliver(letter())


def sleep(receiver: Receiver) -> None:
    def answer(_: BaseHTTPRequestHandler) -> None:
        receiver.over.wait()

    receiver.answer = answer


def drip(receiver: Receiver) -> None:
    """A byte now and then: each time the clock of a timeout begins anew."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not receiver.over.wait(0.02):
            asked.wfile.write(b"x")
            asked.wfile.flush()

    receiver.answer = answer


@pytest.mark.parametrize("slowly", [sleep, drip])
def test_a_receiver_that_never_answers_is_left(receiver: Receiver, time: Time, slowly: object) -> None:
    slowly(receiver)  # type: ignore[operator]
    with pytest.raises(Undelivered, match="127.0.0.1 does not answer in time"):
        webhook(receiver.url, time, deadline_s=0.2).deliver(letter())
    receiver.answer = lambda asked: say(asked, 200)
    webhook(receiver.url, time).deliver(letter())


def test_an_endless_answer_is_not_read(receiver: Receiver, time: Time) -> None:
    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.end_headers()
        while not receiver.over.is_set():
            asked.wfile.write(bytes(100_000))

    receiver.answer = answer
    webhook(receiver.url, time).deliver(letter())


@pytest.mark.parametrize("answer", [b"", b"220 a mail server\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 50_000])
def test_what_is_no_answer_is_an_error_like_any_other(receiver: Receiver, time: Time, answer: bytes) -> None:
    receiver.answer = lambda asked: asked.wfile.write(answer) and None
    with pytest.raises(Undelivered, match="cannot be reached"):
        webhook(receiver.url, time).deliver(letter())


def test_nobody_there_is_told(time: Time) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(Undelivered, match="127.0.0.1 cannot be reached"):
            webhook(f"http://127.0.0.1:{taken.getsockname()[1]}/", time).deliver(letter())
    with pytest.raises(Undelivered, match="no-such-host.invalid cannot be reached"):
        webhook("http://no-such-host.invalid/", time).deliver(letter())


def test_the_second_address_is_tried_where_the_first_takes_nobody(receiver: Receiver, time: Time) -> None:
    url = f"http://example.test:{receiver.port}/"
    webhook(url, time, resolve=lambda *_: ["127.0.0.9", "127.0.0.1"]).deliver(letter())
    assert receiver.seen[0][1]["host"] == f"example.test:{receiver.port}"


def test_a_private_address_is_not_told_unless_allowed(receiver: Receiver, time: Time) -> None:
    for url in (receiver.url, f"http://localhost:{receiver.port}/"):
        with pytest.raises(Undelivered, match=r"on this machine or its network. Set \[webhooks\] private"):
            webhook(url, time, private=False).deliver(letter())
    assert receiver.seen == []


def test_a_name_that_changes_its_mind_is_reached_where_it_was_looked_at(receiver: Receiver, time: Time) -> None:
    """An address that passes, then this machine: what was checked is what is connected to, and it is asked once."""
    answers = iter([["203.0.113.7", "127.0.0.1"], AssertionError])
    asked: list[str] = []

    def resolve_(host: str, _: int) -> list[str]:
        asked.append(host)
        return next(answers)  # type: ignore[return-value]

    hook = webhook(f"http://rebinding.test:{receiver.port}/", time, private=False, resolve=resolve_)
    with pytest.raises(Undelivered, match="on this machine"):
        hook.deliver(letter())
    assert (asked, receiver.seen) == (["rebinding.test"], [])


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
     "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0",
     "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
     "2002:7f00:1::", "2002:a00:1::", "2001:db8::1", "", "example.com", "127.1", "0x7f000001"],
)  # fmt: skip
def test_these_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_these_are(address: str) -> None:
    assert is_public(address)


def test_odd_ways_to_write_an_address_mean_what_they_mean() -> None:
    for host in ("127.1", "0x7f000001", "2130706433", "localhost"):
        assert not any(map(is_public, resolve(host, 80)))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For hook.test, signed by itself; its key is in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here")
    file = tmp_path / "hook.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=hook.test", "-addext", "subjectAltName=DNS:hook.test", "-keyout", file,
         "-out", tmp_path / "crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_bytes(file.read_bytes() + (tmp_path / "crt").read_bytes())
    return file


def test_over_https_the_receiver_has_to_be_who_the_address_says(
    receiver: Receiver, time: Time, certificate: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Although the connection goes to an address that was looked up before: the name is what counts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    receiver.wrap(context)
    request.addfinalizer(_trusted.cache_clear)
    _trusted.cache_clear()

    def hook(host: str) -> None:
        webhook(f"https://{host}:{receiver.port}/", time, resolve=lambda *_: ["127.0.0.1"]).deliver(letter(BODY))

    with pytest.raises(Undelivered, match="cannot be reached: .*certificate verify failed"):
        hook("hook.test")  # nobody trusts it yet
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("crt")))
    _trusted.cache_clear()
    hook("hook.test")
    with pytest.raises(Undelivered, match="cannot be reached: .*(?i:mismatch|not valid for)"):
        hook("other.test")
    assert names == ["hook.test", "hook.test", "other.test"]
    assert [body for *_, body in receiver.seen] == [BODY]


def test_only_the_host_is_ever_shown(receiver: Receiver, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    hook = webhook(f"http://127.0.0.1:{receiver.port}/secret-token?key=secret", time)
    receiver.answer = lambda asked: say(asked, 500)
    with pytest.raises(Undelivered) as raised:
        hook.deliver(letter())
    assert "secret" not in str(raised.value) + hook.name + hook.key + caplog.text
