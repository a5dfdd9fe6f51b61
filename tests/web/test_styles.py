"""Thumbnails of styles by URL, and the way in for a style file: nothing gets in that should not."""

import asyncio
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.studio.styles.conftest import Reading, picture
from web.owners import Owners
from web.styles import style_routes

MOST_MB = 1
OURS = {"Content-Type": "application/octet-stream", "Origin": "http://localhost:8501", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


@pytest.fixture
def app(reading: Reading, owners: Owners) -> Starlette:
    return Starlette(
        routes=style_routes(
            reading.library, owners, MOST_MB, lambda language, error: f"{language}: {error}", lambda: {"b", "a"}
        )
    )


@pytest.fixture
def client(app: Starlette, owners: Owners) -> TestClient:
    """A browser that has opened the page."""
    return TestClient(app, "http://localhost:8501", cookies={owners.cookie: owners.sign("somebody")})


def put(client: TestClient, content: object = b"a style", name: str = "ink.safetensors", **headers: str | None):
    wanted = {k: v for k, v in (OURS | {k.replace("_", "-"): v for k, v in headers.items()}).items() if v is not None}
    return client.put("/upload/style", params={"name": name, "lang": "en"}, content=content, headers=wanted)


def test_an_uploaded_file_becomes_a_style(client, reading):
    answer = put(client, b"a style" * 1_000, "Ink wash.safetensors")
    assert (answer.status_code, answer.json()) == (201, {"name": "Ink wash"})
    assert reading.left() == ["Ink wash.safetensors"]
    assert reading.library.get("Ink wash").state == "ready"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"Origin": "http://evil.example"}),
        (403, {"Origin": "http://localhost:9999"}),
        (403, {"Origin": "null"}),
        (403, {"Sec_Fetch_Site": "cross-site"}),
        (403, {"Sec_Fetch_Site": "same-site"}),
        (403, {"Sec_Fetch_Site": "none"}),
        (403, {"Origin": None, "Sec_Fetch_Site": None}),
        (403, {"Cookie": "nobody=1"}),
        (415, {"Content_Type": "multipart/form-data; boundary=x"}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Type": None}),
        (413, {"Content_Length": "1048577"}),
        (413, {"Content_Length": "9" * 400}),
        (413, {"Content_Length": "-1"}),
    ],
)
def test_what_our_page_would_not_send_is_refused_and_leaves_nothing(client, reading, status, headers):
    answer = put(client, **headers)
    assert answer.status_code == status and answer.json()["error"].startswith("en: ")
    assert reading.left() == [] and not reading.tools.inspected


def test_a_body_that_is_longer_than_it_said_is_cut_off_at_the_limit(client, reading):
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(100_000)

    answer = put(client, endless())
    assert answer.status_code == 413 and "1 MB is the most" in answer.json()["error"]
    assert reading.left() == []


def test_what_the_library_refuses_is_said_in_the_language_asked_for(client, reading):
    reading.drop("ink", b"here already", age_s=60)
    for content, says in ((b"problem: damaged", "en: damaged"), (b"here already", "You have this style already")):
        answer = put(client, content)
        assert answer.status_code == 422 and says in answer.json()["error"]
    assert put(client, name="model.ckpt").status_code == 422
    assert reading.left() == ["ink.safetensors"]


def test_a_browser_that_goes_away_leaves_nothing_behind(app, owners, reading):
    """Half a body, then the connection is gone: as the server tells it to the application."""
    messages = iter([{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    headers = OURS | {"Host": "localhost:8501", "Cookie": f"{owners.cookie}={owners.sign('somebody')}"}
    scope = {
        "type": "http", "method": "PUT", "path": "/upload/style", "query_string": b"name=ink.safetensors",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip
    with ThreadPoolExecutor(1) as thread:  # a browser's test may have left a loop in this one
        thread.submit(asyncio.run, app(scope, receive, send)).result()
    assert reading.left() == [] and sent[0]["status"] == 400


def test_only_put_changes_anything(client):
    for method in ("GET", "POST", "DELETE"):
        assert client.request(method, "/upload/style", headers=OURS).status_code == 405


def test_a_page_learns_that_something_has_changed_and_what_is_at_hand(client, reading):
    def look():
        return client.get("/app/static/styles").json()

    reading.drop("ink", b"ink", age_s=60)
    reading.library.scan()
    before = look()
    assert before["resident"] == ["a", "b"] and look() == before
    reading.library.scan()
    assert look() == before
    reading.beside("ink.png", picture(), age_s=60)
    reading.library.scan()
    after = look()
    assert after["version"] > before["version"]
    put(client)
    assert look()["version"] > after["version"]


def test_a_thumbnail_is_webp_and_kept_for_ever(client, reading):
    sha256 = hashlib.sha256(b"ink").hexdigest()
    assert client.get(f"/app/static/style/{sha256}").status_code == 404
    reading.thumbnails.choose(sha256, picture())
    answer = client.get(f"/app/static/style/{sha256}?v=1")
    assert answer.headers["content-type"] == "image/webp" and answer.content[8:12] == b"WEBP"
    assert "immutable" in answer.headers["cache-control"] and answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["..%2f..%2fsecret.key", "%00", "x" * 5000, "f" * 63, "F" * 64, "%ff"])
def test_a_thumbnail_of_what_is_no_hash_is_unknown(client, name):
    assert client.get(f"/app/static/style/{name}").status_code == 404
