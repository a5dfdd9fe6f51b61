"""History over HTTP: what the page shows and does, for its owner only, and only when our own page asks."""

import io
import json
import zipfile
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from core.engine import Frame
from core.errors import UserError
from core.request import GenerationRequest, StyleUse
from studio import png
from studio.metadata import Facts, embed

OURS = {"Sec-Fetch-Site": "same-origin"}
AT = "/app/static/history"


@pytest.fixture
def known(browser, owners) -> Callable[[str], TestClient]:
    """A browser that is known by this name."""

    def open_one(owner: str = "anna") -> TestClient:
        client = browser()
        client.cookies.set(owners.cookie, owners.sign(owner))
        return client

    return open_one


def cards(client: TestClient, **asked: object) -> list[str]:
    answer = client.get(f"{AT}/page", params=asked)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    return [card["id"] for card in answer.json()["cards"]]


def send(client: TestClient, path: str, **order: object) -> dict[str, object]:
    answer = client.post(f"{AT}/{path}", json=order, headers=OURS)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_page_tells_of_each_picture_what_a_tile_needs(known, draw):
    picture = draw("anna")
    (card,) = known().get(f"{AT}/page").json()["cards"]
    moment = card.pop("at")
    assert 1_700_000_000_000 < moment < 4_000_000_000_000
    assert card == {
        "id": picture, "prompt": "a red house", "width": 128, "height": 128, "state": "done", "favourite": False,
        "has": True,
    }  # fmt: skip


def test_pages_follow_each_other_without_a_gap(known, draw):
    drawn = [draw("anna") for _ in range(5)]
    client, found, cursor = known(), [], ""
    while True:
        page = client.get(f"{AT}/page", params={"limit": 2, "cursor": cursor}).json()
        found += [card["id"] for card in page["cards"]]
        if not (cursor := page["next"]):
            break
    assert found == drawn[::-1]


def test_words_and_filters_narrow_what_is_found(known, draw):
    picture, client = draw("anna"), known()
    assert cards(client, words="hou red") == [picture] == cards(client, size="128x128", status="done", order="largest")
    assert cards(client, words="boat") == cards(client, size="64x64") == cards(client, style="ink") == []
    assert cards(client, favourites="1") == cards(client, trash="1") == cards(client, status="failed") == []
    assert cards(client, since="4000000000000") == [] and cards(client, until="4000000000000") == [picture]


@pytest.mark.parametrize(
    "asked",
    [{"status": "gone"}, {"size": "1x1x1"}, {"size": "x"}, {"order": "random"}, {"least": "nan"}, {"most": "x"},
     {"since": "soon"}, {"since": "9" * 16}, {"cursor": "x"}],
)  # fmt: skip
def test_a_search_that_is_none_of_ours_is_refused(known, draw, asked):
    draw("anna")
    answer = known().get(f"{AT}/page", params=asked)
    assert answer.status_code == 422 and answer.json()["error"]


@pytest.mark.parametrize("words", ["'\"; DROP TABLE history; --", '" OR NEAR(*', "\u202e\u0000", "🙂", "(" * 999])
def test_whatever_is_typed_is_a_search(known, draw, words):
    draw("anna")
    assert cards(known(), words=words) == []


def test_facets_count_what_there_is(known, draw):
    draw("anna")
    told = known().get(f"{AT}/facets").json()
    assert told["size"] == [["128x128", 1]] and told["status"] == [["done", 1]] and told["total"] == 1


def test_an_entry_tells_all_of_a_picture(known, draw):
    picture = draw("anna")
    told = known().get(f"{AT}/entry/{picture}").json()
    assert told["prompt"] == "a red house" and told["seed"] == 7 and told["steps"] == 8 and told["styles"] == []
    assert told["file"].endswith(".png") and told["bytes"] > 0 and told["has"]
    assert told["lineage"] == {"parents": [], "children": []} and told["verified"] is None and told["error"] == ""


def test_a_note_tags_and_a_favourite_are_kept_and_found(known, draw):
    picture, client = draw("anna"), known()
    send(client, "annotate", id=picture, note="for the autumn poster", tags=["Client A", "poster"])
    send(client, "mark", ids=[picture], favourite=True)
    told = client.get(f"{AT}/entry/{picture}").json()
    assert told["note"] == "for the autumn poster" and told["tags"] == ["Client A", "poster"] and told["favourite"]
    assert cards(client, words="autumn") == cards(client, words="client") == cards(client, favourites="1") == [picture]


def test_what_is_put_into_the_trash_can_be_brought_back(known, draw):
    picture, client = draw("anna"), known()
    assert send(client, "trash", ids=[picture, "nonsense"]) == {"ids": [picture]}
    assert cards(client) == [] and cards(client, trash="1") == [picture]
    assert send(client, "restore", ids=[picture]) == {"ids": [picture]}
    assert cards(client) == [picture]
    send(client, "trash", ids=[picture])
    assert send(client, "empty") == {"count": 1}
    assert cards(client, trash="1") == []
    assert client.get(f"/app/static/img/{picture}").status_code == 404


def test_all_that_is_mine_is_deleted_and_nothing_of_others(known, draw):
    draw("anna")
    other = draw("ben")
    send(known("anna"), "forget")
    assert cards(known("anna")) == [] and cards(known("ben")) == [other]


def test_another_owner_sees_and_changes_nothing(known, draw):
    picture, other = draw("anna"), known("ben")
    assert cards(other) == [] and other.get(f"{AT}/facets").json()["total"] == 0
    assert other.get(f"{AT}/entry/{picture}").status_code == 422
    assert other.get(f"{AT}/verification/{picture}").status_code == 422
    assert other.post(f"{AT}/verify", json={"id": picture}, headers=OURS).status_code == 422
    assert other.post(f"{AT}/preset", json={"id": picture, "name": "x"}, headers=OURS).status_code == 422
    for path, order in {
        "mark": {"ids": [picture], "favourite": True},
        "annotate": {"id": picture, "note": "mine"},
        "trash": {"ids": [picture]},
        "empty": {},
        "forget": {},
    }.items():
        send(other, path, **order)
    told = known("anna").get(f"{AT}/entry/{picture}").json()
    assert not told["favourite"] and told["note"] == "" and not told["trashed"]


def test_a_browser_without_an_owner_gets_nothing(browser, draw):
    picture, client = draw("anna"), browser()
    for path in ("page", "facets", f"entry/{picture}", f"verification/{picture}", "lines"):
        assert client.get(f"{AT}/{path}").status_code == 404
    assert client.post(f"{AT}/zip", data={"ids": picture}).status_code == 403


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (403, {"Sec-Fetch-Site": "cross-site"}, b"{}"),
        (403, {"Sec-Fetch-Site": "same-origin", "Origin": "http://elsewhere"}, b"{}"),
        (403, {}, b"{}"),
        (415, {**OURS, "Content-Type": "text/plain"}, b"{}"),
        (415, {**OURS, "Content-Type": "application/x-www-form-urlencoded"}, b"ids=1"),
        (413, {**OURS, "Content-Length": "99999999999"}, b"{}"),
        (400, OURS, b"[1]"),
        (400, OURS, b"{"),
        (400, OURS, b"[" * 100_000),
    ],
)
@pytest.mark.parametrize("path", ["mark", "annotate", "trash", "restore", "empty", "forget", "verify", "preset"])
def test_what_our_page_would_not_send_changes_nothing(known, draw, path, status, headers, body):
    picture, client = draw("anna"), known()
    answer = client.post(f"{AT}/{path}", content=body, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == status and answer.json()["error"]
    assert cards(client) == [picture]
    assert client.get(f"{AT}/{path}").status_code == 405


def test_odd_values_in_an_order_change_nothing(known, draw):
    picture, client = draw("anna"), known()
    send(client, "mark", ids=[None, 1, {}, "../x", "\ud800".encode("utf-8", "replace").decode()], favourite=True)
    send(client, "trash", ids="all")
    send(client, "annotate", id=7, note=7, tags="x")
    assert cards(client) == [picture] and cards(client, favourites="1") == []


def test_a_preset_is_kept_from_a_picture(known, draw, studio):
    picture = draw("anna")
    assert send(known(), "preset", id=picture, name="  Client A ") == {"name": "Client A"}
    (preset,) = studio.history.presets("anna")
    assert preset.name == "Client A" and preset.request.width == 128
    refused = known().post(f"{AT}/preset", json={"id": picture, "name": " "}, headers=OURS)
    assert refused.status_code == 422 and "name" in refused.json()["error"]


def test_verify_says_how_far_it_is_and_then_what_came_of_it(known, draw, studio):
    picture, client = draw("anna"), known()
    job = send(client, "verify", id=picture)["job"]
    told = client.get(f"{AT}/verification/{picture}", params={"job": job}).json()
    assert told["active"] is True and told["share"] == 0


def test_the_error_of_a_failed_picture_is_said_in_the_language_asked_for(known, studio):
    job_id = studio.jobs.submit("anna", GenerationRequest("a red house", 128, 128, 7))
    job = studio.jobs.next(True, 0)
    studio.jobs.begin(job)
    studio.jobs.fail(job, UserError("The style {name} is broken.", name="ink"))
    told = known().get(f"{AT}/entry/{job_id}", params={"lang": "zh_CN"}).json()
    assert told["state"] == "failed" and told["error"] == "zh_CN: The style ink is broken." and not told["has"]


# --- out and in -----------------------------------------------------------------------------------------------------


def test_pictures_come_as_a_zip_with_what_is_known_of_them(known, draw):
    drawn = [draw("anna"), draw("anna")]
    answer = known().post(f"{AT}/zip", data={"ids": ",".join([*drawn, "nonsense"])}, headers=OURS)
    assert answer.headers["content-disposition"] == 'attachment; filename="pictures.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert sum(name.endswith(".png") for name in archive.namelist()) == 2
        assert {"manifest.csv", "manifest.json"} <= set(archive.namelist())
    bens = known("ben").post(f"{AT}/zip", data={"ids": drawn[0]}, headers=OURS)
    with zipfile.ZipFile(io.BytesIO(bens.content)) as archive:
        assert not any(name.endswith(".png") for name in archive.namelist())


def test_the_whole_history_goes_out_and_comes_back_but_for_a_bad_line(known, draw):
    draw("anna")
    draw("anna")
    saved = known("anna").get(f"{AT}/lines")
    assert saved.headers["content-disposition"].startswith("attachment")
    sent = {**OURS, "Content-Type": "application/octet-stream"}
    told = known("ben").put("/upload/history?lang=en", content=saved.text + "{broken\n", headers=sent).json()
    assert told["count"] == 2 and told["skippedCount"] == 1 and told["skipped"][0]["why"].startswith("en: ")
    assert len(cards(known("ben"))) == 2
    assert known("ben").put("/upload/history", content=saved.text, headers=sent).json()["count"] == 0


def test_lines_are_taken_from_our_own_page_only_and_not_without_end(known, browser):
    sent = {**OURS, "Content-Type": "application/octet-stream"}
    strange = {**sent, "Sec-Fetch-Site": "cross-site"}
    assert known().put("/upload/history", content=b"", headers=strange).status_code == 403
    assert browser().put("/upload/history", content=b"", headers=sent).status_code == 403
    assert known().put("/upload/history", content=b"x", headers=sent | {"Content-Length": "9" * 12}).status_code == 413
    assert known().put("/upload/history", content=b"x", headers=OURS | {"Content-Type": "text/csv"}).status_code == 415


# --- a picture dropped in -------------------------------------------------------------------------------------------


def drop(client: TestClient, content: bytes, **headers: str):
    return client.put(
        "/upload/picture?lang=en",
        content=content,
        headers={**OURS, "Content-Type": "application/octet-stream", **headers},
    )


def test_a_picture_of_ours_tells_its_settings(known):
    request = GenerationRequest("a <b>red</b> house", 128, 96, 7, styles=(StyleUse("ink", 0.5),))
    told = drop(known(), embed(png.encode(Frame(1, 1, b"abc")), Facts(request))).json()
    assert told["origin"] == "Jimeng Studio" and told["unused"] == []
    assert told["settings"]["prompt"] == "a <b>red</b> house" and told["settings"]["height"] == 96
    assert told["settings"]["styles"] == [{"name": "ink", "strength": 0.5, "sha256": ""}]


@pytest.mark.parametrize(
    "content", [b"", b"<svg></svg>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1\xff\xff", b"PK\x03\x04"]
)
def test_a_file_that_is_no_picture_with_settings_is_refused_in_a_sentence(known, content):
    answer = drop(known(), content)
    assert answer.status_code == 422 and answer.json()["error"].startswith("en: ")


def test_a_picture_is_read_for_our_own_page_only_and_not_without_end(known, browser):
    assert drop(known(), b"x", **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert drop(browser(), b"x").status_code == 403
    assert drop(known(), b"x", **{"Content-Type": "image/png"}).status_code == 415
    assert drop(known(), b"x", **{"Content-Length": str(65 << 20)}).status_code == 413
    assert known().get("/upload/picture").status_code == 405


def test_a_clean_copy_has_the_same_pixels_and_no_words(known, draw):
    picture, client = draw("anna"), known()
    answer = client.get(f"/app/static/img/{picture}?download=1&clean=1")
    assert answer.status_code == 200 and answer.headers["content-disposition"].startswith("attachment")
    assert b"parameters" not in answer.content and b"jimeng" not in answer.content.lower()
    assert known("ben").get(f"/app/static/img/{picture}?clean=1").status_code == 404
    assert json.dumps(picture) not in answer.text
