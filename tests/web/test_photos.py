"""Photos by HTTP: each is answered for itself, what is not asked by our page changes nothing, and a ZIP file that is
fetched while photos are drawn holds them all."""

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from starlette.testclient import TestClient

from core.engine import Frame, Picture, Progress
from core.errors import UserError
from studio import metadata
from studio.build import Studio
from tests.hostile import photos as hostile
from web import photos as routes
from web.owners import Owners

FROM_US = {"Origin": "http://localhost:8501", "Sec-Fetch-Site": "same-origin"}
AS_BYTES = FROM_US | {"Content-Type": "application/octet-stream"}
AS_JSON = FROM_US | {"Content-Type": "application/json"}
SETTINGS = {
    "style": "", "strength": 0.6, "prompt": "", "longest": 128, "seed": 7, "format": "jpeg", "quality": 90,
    "background": "#ffffff",
}  # fmt: skip


@pytest.fixture
def client(browser: Callable[..., TestClient], owners: Owners) -> TestClient:
    """A browser that has opened the page: ann's."""
    return browser(cookies={owners.cookie: owners.sign("ann")})


@pytest.fixture
def bobs(browser: Callable[..., TestClient], owners: Owners) -> TestClient:
    return browser(cookies={owners.cookie: owners.sign("bob")})


def photo() -> bytes:
    return hostile.saved(hostile.picture())


def put(client: TestClient, data: bytes = b"", name: str = "a.png", **headers: str):
    more = {k.replace("_", "-"): v for k, v in headers.items()}
    return client.put(routes.UPLOAD, params={"name": name, "lang": "en"}, content=data, headers=AS_BYTES | more)


def post(client: TestClient, what: str, headers: dict[str, str] = AS_JSON, **order: object):
    return client.post(f"{routes.AT}/{what}", params={"lang": "en"}, content=json.dumps(order), headers=headers)


def now(client: TestClient) -> dict:
    return client.get(f"{routes.AT}/now", params={"lang": "en"}).json()


def states(client: TestClient) -> list[str]:
    return [one["state"] for one in now(client)["photos"]]


def fetched(parts: Coroutine[None, None, bytes]) -> bytes:
    """On a thread of its own: after browser tests there is a loop on this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, parts).result()


def draw_next(studio: Studio, fails: bool = False) -> bool:
    """What the feeder and the worker would do."""
    studio.photos.feeder.round()
    job = studio.jobs.next(True, 0)
    if job is None:
        return False
    studio.jobs.begin(job)
    studio.jobs.report(job, Progress("text", 0, 8), 0.0)
    if fails:
        studio.jobs.fail(job, UserError("It went wrong."))
    else:
        studio.jobs.finish(job, Picture(Frame(64, 48, bytes(range(256)) * 36)), 0.0)
    studio.photos.feeder.round()
    return True


HOSTILE = {
    "truncated": hostile.saved(hostile.picture(200, 200), "JPEG")[:900],
    "empty": b"",
    "one pixel": hostile.saved(hostile.picture(60, 40).resize((1, 1))),
    "20,000 a side": hostile.png_header(20_000, 20_000),
    "HTML": b"<html><script>alert(1)</script></html>",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "no ZIP": b"PK\x03\x04 nothing",
}
FINE = {
    "CMYK": hostile.saved(hostile.picture().convert("CMYK"), "JPEG"),
    "grey": hostile.saved(hostile.picture().convert("L")),
    "16 bits": hostile.saved(Image.new("I;16", (60, 40), 40_000)),
    "transparent": hostile.saved(hostile.picture().convert("RGBA")),
    "palette": hostile.saved(hostile.picture().convert("P")),
    "moving": hostile.saved(hostile.picture(), "WEBP", save_all=True, append_images=[hostile.picture(60, 40)]),
    "another ending": hostile.saved(hostile.picture(), "WEBP"),
}


def test_each_photo_is_answered_for_itself_and_none_stops_another(client):
    for what, data in HOSTILE.items():
        answer = put(client, data, f"{what}.jpg")
        assert answer.status_code == 201, what
        (told,) = answer.json()["photos"]
        assert (told["state"], bool(told["error"])) == ("refused", True), what
    for what, data in FINE.items():
        (told,) = put(client, data, f"{what}.jpg").json()["photos"]
        assert told["state"] == "waiting", (what, told)
    assert states(client) == ["refused"] * len(HOSTILE) + ["waiting"] * len(FINE)


def test_a_zip_bomb_and_names_that_lead_elsewhere_do_no_harm(client, studio):
    (told,) = put(client, hostile.zip_bomb(120), "bomb.zip").json()["photos"]
    assert told["state"] == "refused"
    archive = hostile.archive({"../../../etc/passwd.png": photo(), "C:\\x\\y.png": photo()})
    assert [one["name"] for one in put(client, archive, "x.zip").json()["photos"]] == ["passwd.png", "y.png"]
    folder = studio.config.paths.data / "photos"
    assert {path.parent.parent for path in folder.rglob("*.photo")} == {folder}


def test_500_at_once_with_the_same_name_are_500(client):
    data = photo()
    for _ in range(500):
        assert put(client, data, "portrait.png").status_code == 201
    assert states(client) == ["waiting"] * 500


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"Origin": "http://evil.example"}),
        (403, {"Sec_Fetch_Site": "cross-site"}),
        (415, {"Content_Type": "multipart/form-data"}),
        (413, {"Content_Length": str(1 << 40)}),
    ],
)
def test_what_our_page_did_not_ask_for_is_not_taken(client, status, headers):
    assert put(client, photo(), **headers).status_code == status
    assert states(client) == []


@pytest.mark.parametrize(
    "what", ["settings", "draw", "try", "pause", "resume", "cancel", "close", "retry", "remove", "take"]
)
def test_nothing_is_changed_for_a_strange_page_or_a_browser_without_an_owner(client, browser, what):
    put(client, photo())
    evil = AS_JSON | {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert post(client, what, evil, position=0, settings=SETTINGS).status_code == 403
    assert post(browser(), what, position=0, settings=SETTINGS).status_code == 403
    assert states(client) == ["waiting"]


@pytest.mark.parametrize(
    "wrong",
    [None, [], 7, {"strength": "much"}, {**SETTINGS, "strength": 0}, {**SETTINGS, "strength": float("nan")},
     {**SETTINGS, "format": "exe"}, {**SETTINGS, "background": "red; x"}, {**SETTINGS, "longest": 10**9},
     {**SETTINGS, "unknown": 1}, {**SETTINGS, "camera_data": "no"}, {**SETTINGS, "seed": -1},
     {**SETTINGS, "style": "../../x"}],
)  # fmt: skip
def test_settings_that_are_none_are_refused_in_words(client, studio, wrong):
    put(client, photo())
    answer = post(client, "draw", settings=wrong)
    if answer.status_code == 200:  # a style of an impossible name is found out when it is drawn, and said there
        studio.photos.feeder.round()
        assert states(client) == ["failed"]
    else:
        assert (answer.status_code, bool(answer.json()["error"])) == (422, True)
        assert states(client) == ["waiting"]


def test_what_has_not_changed_is_not_sent_again(client):
    put(client, photo())
    tag = now(client)["tag"]
    assert client.get(f"{routes.AT}/now", params={"lang": "en", "seen": tag}).status_code == 204


def test_a_photo_is_drawn_and_comes_back_under_its_name_in_the_format_asked_for(client, studio):
    put(client, photo(), "Ännie & Bob.heic.png")
    assert post(client, "draw", settings=SETTINGS).status_code == 200
    assert draw_next(studio)
    answer = client.get(f"{routes.AT}/result/0")
    assert "%C3%84nnie%20%26%20Bob.heic_60_" in answer.headers["content-disposition"]
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))
    told = client.get(f"/app/static/history/entry/{now(client)['photos'][0]['job']}").json()
    assert (told["redrawn"], told["input"]) == (0.6, "Ännie & Bob.heic.png")
    assert client.get(f"{routes.AT}/before/0").headers["content-type"] == "image/png"
    assert client.get(f"{routes.AT}/thumb/0").headers["content-type"] == "image/webp"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_any_picture_can_be_had_in_another_format_with_its_settings(client, draw, kind):
    made = draw("ann")
    answer = client.get(f"{routes.AT}/as/{made}", params={"format": kind, "quality": "100"})
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.format == kind.upper()
        if kind != "jpeg":
            assert image.convert("RGB").tobytes() == b"\x01\x02\x03\xfd\xfe\xff"
    assert b"a red house" in answer.content


@pytest.mark.parametrize("quality", ["9" * 5000, "-1", "1e3", "٣", "²", "best", ""])
def test_a_quality_that_is_none_is_the_usual_one(client, draw, quality):
    made, usual = draw("ann"), {"format": "jpeg"}
    answer = client.get(f"{routes.AT}/as/{made}", params=usual | {"quality": quality})
    assert answer.content == client.get(f"{routes.AT}/as/{made}", params=usual).content


@pytest.mark.parametrize("position", ["9" * 5000, "-1", "٣", "²", "x"])
def test_a_position_that_is_none_is_nowhere(client, position):
    put(client, photo())
    for path in ("thumb", "before", "result"):
        assert client.get(f"{routes.AT}/{path}/{position}").status_code == 404
    assert post(client, "remove", position=position).status_code == 200
    assert states(client) == ["waiting"]


def test_another_format_is_one_that_there_is_and_of_a_picture_of_ones_own(client, bobs, draw):
    made = draw("ann")
    assert client.get(f"{routes.AT}/as/{made}", params={"format": "exe"}).status_code == 404
    assert bobs.get(f"{routes.AT}/as/{made}", params={"format": "jpeg"}).status_code == 404


def test_one_that_failed_is_drawn_again_when_asked(client, studio):
    put(client, photo())
    post(client, "draw", settings=SETTINGS)
    draw_next(studio, fails=True)
    (told,) = now(client)["photos"]
    assert (told["state"], told["error"]) == ("failed", "en: It went wrong.")
    assert post(client, "retry", position=0).status_code == 200
    draw_next(studio)
    assert states(client) == ["done"]


def test_another_owner_sees_nothing_of_it(client, bobs, studio):
    put(client, photo())
    post(client, "draw", settings=SETTINGS)
    draw_next(studio)
    assert states(bobs) == []
    for path in ("thumb/0", "before/0", "result/0", "zip"):
        assert bobs.get(f"{routes.AT}/{path}").status_code == 404, path
    for what in ("pause", "cancel", "retry", "remove"):
        assert post(bobs, what, position=0).status_code == 422, what
    assert post(bobs, "take", id=now(client)["photos"][0]["job"]).status_code == 422
    assert states(client) == ["done"]


def test_a_zip_file_that_is_fetched_while_they_are_drawn_waits_for_all(client, studio, monkeypatch):
    monkeypatch.setattr(routes, "LOOK_S", 0)
    for name in ("=cmd.png", "same.png", "same.png", "broken.png"):
        put(client, photo() if name != "broken.png" else b"no", name)
    post(client, "draw", settings=SETTINGS)
    assert draw_next(studio)

    async def fetch() -> bytes:
        parts = []
        async for part in routes._parcel(studio.photos, studio.jobs, "ann", now(client)["id"]):
            parts.append(part)
            await asyncio.to_thread(draw_next, studio)
        return b"".join(parts)

    with zipfile.ZipFile(io.BytesIO(fetched(fetch()))) as archive:
        assert archive.testzip() is None
        names = [name for name in archive.namelist() if name != "photos.csv"]
        assert len(set(names)) == 3
        assert any(name.startswith("same (2)_") for name in names)
        for name in names:
            with Image.open(io.BytesIO(archive.read(name))) as image:
                assert image.format == "JPEG"
        rows = list(csv.DictReader(io.StringIO(archive.read("photos.csv").decode("utf-8-sig"))))
    assert [row["state"] for row in rows] == ["done", "done", "done", "refused"]
    assert rows[0]["photo"] == "'=cmd.png"
    assert rows[3]["error"]
    assert {row["file"] for row in rows[:3]} <= {*names, *(f"'{name}" for name in names)}


def test_names_in_a_zip_file_differ_although_photos_are_taken_out_meanwhile(client, studio, monkeypatch):
    monkeypatch.setattr(routes, "LOOK_S", 0)
    for _ in range(3):
        put(client, photo(), "same.png")
    post(client, "draw", settings=SETTINGS)
    draw_next(studio)

    async def fetch() -> bytes:
        parts = []
        async for part in routes._parcel(studio.photos, studio.jobs, "ann", now(client)["id"]):
            if not parts:
                post(client, "remove", position=0)  # what was "same (2)" is "same" from now on
            parts.append(part)
            await asyncio.to_thread(draw_next, studio)
        return b"".join(parts)

    with zipfile.ZipFile(io.BytesIO(fetched(fetch()))) as archive:
        assert len(set(archive.namelist())) == 4


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_camera_data_go_into_the_picture_only_when_asked_for(client, studio, kind):
    put(client, hostile.with_camera_data(), "a.jpg")
    post(client, "draw", settings=SETTINGS | {"format": kind})
    draw_next(studio)
    for wanted, camera in ((False, None), (True, "Phone 7")):
        assert post(client, "settings", settings=SETTINGS | {"format": kind, "camera_data": wanted}).status_code == 200
        with zipfile.ZipFile(io.BytesIO(client.get(f"{routes.AT}/zip").content)) as archive:
            zipped = archive.read(archive.namelist()[0])
        for data in (client.get(f"{routes.AT}/result/0").content, zipped):
            with Image.open(io.BytesIO(data)) as image:
                exif = image.getexif()
            assert (image.format, exif.get(0x0110), 0x0112 in exif) == (kind.upper(), camera, False)
            made = metadata.read(data).facts
            assert made is not None and made.request.seed == 7


def test_a_zip_file_ends_when_the_set_is_stopped(client, studio):
    put(client, photo())
    put(client, photo())
    post(client, "draw", settings=SETTINGS)
    draw_next(studio)
    post(client, "cancel")
    answer = client.get(f"{routes.AT}/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert len(archive.namelist()) == 2
