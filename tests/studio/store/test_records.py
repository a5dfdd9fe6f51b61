"""What is found of what was recorded, the same on every database."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from core.errors import UserError
from core.request import GenerationRequest, StyleUse
from studio.store.recording import Ending
from studio.store.records import Records
from studio.store.search import Order, Query
from studio.store.store import NewJob, Store

LEASE_MS = 1_000
Put = Callable[..., str]


@pytest.fixture
def records(database: Engine) -> Records:
    return Records(database)


@pytest.fixture
def put(database: Engine) -> Put:
    """Records a job that has ended; returns its id."""
    store, ids = Store(database, "me"), itertools.count()

    def put_one(
        prompt: str = "a red house",
        owner: str = "ann",
        status: str = "done",
        size: tuple[int, int] = (128, 96),
        styles: tuple[StyleUse, ...] = (),
        created_ms: int = 5,
        parent: str = "",
        batch: str = "",
        **ending: Any,
    ) -> str:
        job_id = f"j{next(ids)}"
        request = GenerationRequest(prompt, *size, seed=7, styles=styles)
        store.add(
            NewJob(job_id, owner, None, "interactive", request.to_json(), created_ms, parent=parent, batch=batch),
            LEASE_MS,
        )
        file = f"{job_id}.png" if status == "done" else None
        ending = {"ended_ms": 9, "file": file, "model": "demo", "pixels": "aa", "bytes": 10} | ending
        assert store.end(job_id, Ending(status, 7, *size, **ending))
        return job_id

    return put_one


def found(records: Records, owner: str = "ann", **query: Any) -> list[str]:
    return [row["job_id"] for row in records.page(owner, Query(**query), "", 100)[0]]


@pytest.mark.parametrize(
    "words",
    [
        "red",
        "RED",
        "re",
        "house red",
        "Löwe",
        "lowe",
        "note",
        "client",
        "🏠",
        "红色",
        "色的房",
        "房",
        "子",
        "ネコ",
        "ﾈｺ",
        "v3",
    ],
)
def test_a_picture_is_found_by_the_beginning_of_any_word_of_its_prompt_note_and_tags(
    records: Records, put: Put, words: str
) -> None:
    mine = put("A red-ish house, Löwe 🏠 红色的房子 ネコ anime_v3")
    records.annotate("ann", mine, "a note", ["Client X"])
    put("something else")
    put("A red house Löwe note client 🏠 红色的房子 ネコ v3", owner="bob")
    assert found(records, words=words) == [mine]


@pytest.mark.parametrize("words", ["blue", "ouse", "red blue", "色红", "红子", "绿", "redd"])
def test_what_is_not_there_is_not_found(records: Records, put: Put, words: str) -> None:
    put("a red house 红色的房子")
    assert found(records, words=words) == []


@pytest.mark.parametrize(
    "words",
    [
        "'", '"', "' OR 1=1 --", "red OR", "AND", "NEAR(", "red*", "red NOT house", "^red", "owner : ann", "{words}: x",
        "%", "_", "\\", "a\\' b", ":* & !", "\0", "re\0d", "\u202ered", "\ud800", "🏠" * 500, "x" * 100_000,
        "a " * 50_000, "红" * 50_000, "<script>", "\n\t", "\u0600", "İ", "ß" * 1_000,
    ],
)  # fmt: skip
def test_whatever_is_typed_is_never_an_error(records: Records, put: Put, words: str) -> None:
    put()
    records.page("ann", Query(words=words), "", 10)
    records.page("ann", Query(words=words, favourites=True, order="largest"), "", 10)


def test_no_words_are_no_condition_and_mere_signs_are_nowhere(records: Records, put: Put) -> None:
    put()
    assert (len(found(records, words=" \n")), len(found(records, words="!?"))) == (1, 0)


def test_words_follow_a_note_and_leave_with_the_record(records: Records, put: Put) -> None:
    job_id = put()
    records.annotate("ann", job_id, "first", None)
    records.annotate("ann", job_id, "second", ["tag"])
    records.annotate("ann", job_id, None, None)
    assert (found(records, words="first"), found(records, words="second tag red")) == ([], [job_id])
    records.delete(records.of_owner("ann", 10))
    assert found(records, words="second") == []


def test_filters_narrow_what_is_found_each_and_all_together(records: Records, put: Put) -> None:
    anime, sketch = StyleUse("anime", 0.8), StyleUse("水墨/sketch", 0.4)
    one = put("a house", styles=(anime,), size=(256, 128), created_ms=1_000, batch="b1", model="turbo")
    two = put("a house", styles=(anime, sketch), created_ms=2_000)
    three = put("a boat", status="failed", created_ms=3_000)
    records.mark("ann", [two], True)
    assert found(records, styles=("anime",)) == [two, one]
    assert found(records, styles=("水墨/sketch", "nosuch")) == [two]
    assert found(records, styles=("anime", "水墨/sketch"), strength=(0.3, 0.5)) == [two]
    assert found(records, strength=(0.7, 0.9)) == [two, one]
    assert found(records, sizes=((256, 128),)) == [one]
    assert found(records, sizes=((256, 128), (128, 96))) == [three, two, one]
    assert found(records, statuses=("failed", "cancelled")) == [three]
    assert found(records, models=("turbo",)) == [one]
    assert found(records, batch="b1") == [one]
    assert found(records, favourites=True) == [two]
    since, until = (datetime.fromtimestamp(s, UTC) for s in (1.5, 2.5))
    assert found(records, since=since) == [three, two]
    assert found(records, since=since, until=until) == [two]
    assert found(records, words="hou", styles=("anime",), sizes=((128, 96),), favourites=True, since=since) == [two]
    assert found(records, words="boat", styles=("anime",)) == []
    assert found(records, "bob") == []


@pytest.mark.parametrize("hostile", ["\0", "\ud800", "'; DROP TABLE history; --"])
def test_hostile_values_of_filters_find_nothing_and_harm_nothing(records: Records, put: Put, hostile: str) -> None:
    put()
    for query in (
        Query(styles=(hostile,)),
        Query(models=(hostile,)),
        Query(batch=hostile),
        Query(sizes=((10**30, 1),)),
    ):
        assert records.page("ann", query, "", 10) == ([], "")
    assert len(found(records)) == 1


@pytest.mark.parametrize("order", ["newest", "oldest", "largest", "slowest"])
def test_pages_follow_each_other_without_a_gap_or_a_repetition_while_records_come(
    records: Records, put: Put, order: Order
) -> None:
    sizes = [(64, 64), (128, 64), (64, 128)]
    ids = [put(size=sizes[n % 3], duration_ms=n % 4) for n in range(11)]
    key = {
        "newest": lambda n: -n, "oldest": lambda n: n,
        "largest": lambda n: (-(1 if n % 3 else 0), -n), "slowest": lambda n: (-(n % 4), -n),
    }[order]  # fmt: skip
    for words in ("", "red"):
        seen: list[str] = []
        cursor = ""
        while True:
            rows, cursor = records.page("ann", Query(order=order, words=words), cursor, 4)
            seen += [row["job_id"] for row in rows]
            if not cursor:
                break
            if order == "newest":
                put()  # comes before what was seen
        assert [i for i in seen if i in ids] == [ids[n] for n in sorted(range(11), key=key)]
        assert len(seen) == len(set(seen))


@pytest.mark.parametrize("cursor", ["x", "1", "1.", ".1", "-1.2", "1.2.3", "9" * 40 + ".1", "١.١", "1'--.1"])
def test_a_cursor_that_is_none_is_refused_in_words(records: Records, put: Put, cursor: str) -> None:
    with pytest.raises(UserError, match="Load the page again"):
        records.page("ann", Query(), cursor, 10)


def test_the_trash_hides_and_gives_back(records: Records, put: Put) -> None:
    one, two = put("a", styles=(StyleUse("anime"),)), put("b")
    assert records.trash("ann", [one, "nosuch"], 50) == [one]
    assert records.trash("ann", [one], 60) == []
    assert (found(records), found(records, trash=True)) == ([two], [one])
    assert records.counts("ann")["styles"] == []
    assert records.restore("bob", [one]) == []
    assert records.restore("ann", [two, one]) == [one]
    assert (found(records), found(records, trash=True)) == ([two, one], [])


def test_counts_are_of_what_is_there(records: Records, put: Put) -> None:
    anime = StyleUse("anime", 0.8)
    put(styles=(anime,), batch="b1")
    put(styles=(anime, StyleUse("sketch")), batch="b1", model="turbo")
    put(status="failed", size=(64, 64), batch="b2")
    put(owner="bob", styles=(anime,))
    records.trash("ann", [put(styles=(anime,))], 1)
    assert records.counts("ann") == {
        "statuses": [("done", 2), ("failed", 1)],
        "models": [("demo", 2), ("turbo", 1)],
        "sizes": [(128, 96, 2), (64, 64, 1)],
        "batches": [("b2", 1), ("b1", 2)],
        "styles": [("anime", 2), ("sketch", 1)],
        "total": [("", 3)],
    }


def test_a_record_holds_all_that_was_known_at_its_end_and_its_environment_is_kept_once(
    records: Records, put: Put, database: Engine
) -> None:
    facts = {"torch": "2.13", "device": "cpu"}
    for _ in range(2):
        job_id = put(environment=facts, stages={"text": 1, "denoise": 20}, model_hash="ff", duration_ms=30)
    row = records.get("ann", job_id)
    assert row is not None
    assert json.loads(row["facts"]) == facts
    assert (json.loads(row["stages"]), row["duration_ms"], row["model_hash"]) == ({"text": 1, "denoise": 20}, 30, "ff")
    assert (row["bytes"], row["pixels"], row["area"]) == (10, "aa", 128 * 96)
    with database.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM environments")).scalar() == 1


def test_another_owners_record_does_not_exist(records: Records, put: Put) -> None:
    job_id = put()
    records.mark("bob", [job_id], True)
    records.annotate("bob", job_id, "mine now", ["x"])
    assert records.get("bob", job_id) is None
    assert records.trash("bob", [job_id], 1) == []
    assert records.cards("bob", [job_id]) == []
    assert list(records.each("bob", [job_id])) == []
    assert found(records, words="mine") == []
    row = records.get("ann", job_id)
    assert row is not None
    assert (row["favourite"], row["note"], row["trashed_ms"]) == (False, "", 0)


def test_what_led_to_what_is_known(records: Records, put: Put) -> None:
    root = put("root")
    child = put("child", parent=root)
    put("not mine", owner="bob", parent=root)
    assert records.parent_of("ann", child) == root
    assert [row["job_id"] for row in records.children("ann", root, 10)] == [child]


def test_deleting_leaves_nothing_of_a_record(records: Records, put: Put, database: Engine) -> None:
    put(styles=(StyleUse("anime"),))
    put(owner="bob")
    records.delete(records.of_owner("ann", 10))
    records.forget("ann")
    with database.connect() as connection:
        for table, left in (("history", 1), ("jobs", 1), ("history_words", 1), ("style_uses", 0)):
            assert connection.execute(select(func.count()).select_from(text(table))).scalar() == left
