"""History at 100,000 records, on SQLite and PostgreSQL in turn: how long pages, filters, searches and records take.

python -m bench.history                 both databases (some minutes; most of it fills them)
python -m bench.history --records 10000 --only sqlite
python -m bench.history --verify 200    random records drawn again on the demo model: are they identical?
"""

import argparse
import itertools
import json
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, text

from core.config import Config, PathsConfig
from core.config import load as load_config
from core.request import GenerationRequest, StyleUse
from studio.build import assemble, describe, make_engine, surroundings_of
from studio.history import Query
from studio.store.database import open_database
from studio.store.recording import Ending
from studio.store.records import Records
from studio.store.store import NewJob, Store

OWNER, OTHERS = "ann", [f"other{n}" for n in range(10)]
COLOURS = ["red", "blue", "green", "yellow", "purple", "orange", "white", "black", "golden", "silver", "pale", "dark"]
CHINESE = "红色 蓝色 房子 小船 猫咪 花园 天空 星星 山水 城市 夜晚 春天 老人 孩子 森林 大海 水墨 风格".split()  # noqa: SIM905
STYLES = [f"style{n}" for n in range(30)]
SIZES = [(1024, 1024), (768, 1024), (1024, 768), (512, 512), (2048, 2048)]
FIRST_MS = 1_750_000_000_000
MINUTE_MS = 60_000
A_PART = 20  # records


class Maker:
    """Records as they would be after years: a few words used all the time, thousands hardly ever."""

    def __init__(self, seed: int = 7) -> None:
        self.rng = random.Random(seed)
        syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "ol")]
        self.vocabulary = ["".join(self.rng.choices(syllables, k=self.rng.randint(2, 4))) for _ in range(8_000)]
        self.weights = list(itertools.accumulate(1 / (n + 1) for n in range(len(self.vocabulary))))

    def prompt(self) -> str:
        words = self.rng.choices(self.vocabulary, cum_weights=self.weights, k=self.rng.randint(6, 20))
        if self.rng.random() < 0.3:
            return "".join(self.rng.choices(CHINESE, k=self.rng.randint(3, 8))) + "，" + " ".join(words[:4])
        return f"a {self.rng.choice(COLOURS)} " + " ".join(words)

    def record(self, number: int) -> dict[str, Any]:
        rng, (width, height) = self.rng, self.rng.choices(SIZES, (50, 20, 15, 10, 5))[0]
        count = rng.choices((0, 1, 2), (30, 60, 10))[0]
        styles = tuple(StyleUse(s, rng.choice((0.5, 0.8, 1.0)), "ab" * 32) for s in self.names(count))
        request = GenerationRequest(self.prompt(), width, height, rng.randrange(2**32), styles=styles)
        status = rng.choices(("done", "failed", "cancelled"), (94, 2, 4))[0]
        created_ms = FIRST_MS + number * MINUTE_MS
        return {
            "job_id": f"{number:032x}", "kind": "interactive", "request": request.to_json(), "seed": request.seed,
            "width": width, "height": height, "status": status, "error": None, "attempts": 0, "frugal": False,
            "file": f"{number:032x}.png" if status == "done" else None, "created_ms": created_ms,
            "started_ms": created_ms, "ended_ms": created_ms, "duration_ms": rng.randrange(500, 20_000),
            "stages": "{}", "model": rng.choice(("Z-Image-Turbo", "demo")), "model_hash": "ff" * 32,
            "facts": json.dumps({"device": "cpu", "torch": "2.13"}, sort_keys=True), "bytes": 1_500_000,
            "pixels": "ab" * 32, "batch": f"batch{number // 1000}" if rng.random() < 0.1 else "", "batch_index": 0,
            "input_name": "", "parent": "", "favourite": rng.random() < 0.02,
            "tags": json.dumps(["client"] if rng.random() < 0.05 else []), "note": "",
        }  # fmt: skip

    def names(self, count: int) -> list[str]:
        return list(dict.fromkeys(self.rng.choices(STYLES, [1 / (n + 1) for n in range(len(STYLES))], k=count)))


def filled(database: Engine, count: int) -> Records:
    """`count` records of one owner among a tenth as many of others."""
    records, maker, numbers = Records(database), Maker(), itertools.count(1)
    for start in range(0, count, 500):
        records.add(OWNER, [maker.record(next(numbers)) for _ in range(min(500, count - start))])
        records.add(maker.rng.choice(OTHERS), [maker.record(next(numbers)) for _ in range(50)])
    if database.dialect.name == "postgresql":  # as its autovacuum does by itself, some minutes later
        with database.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return records


def questions(count: int, maker: Maker) -> dict[str, list[Query]]:
    """What is asked, by the name of the figure."""
    rng, middle = maker.rng, datetime.fromtimestamp((FIRST_MS + count // 2 * MINUTE_MS) / 1000, UTC)
    later = datetime.fromtimestamp((FIRST_MS + (count // 2 + 500) * MINUTE_MS) / 1000, UTC)
    common, rare = maker.vocabulary[:5], rng.sample(maker.vocabulary[2_000:], 20)
    return {
        "first page": [Query()],
        "style, common": [Query(styles=(STYLES[0],))],
        "style, rare": [Query(styles=(STYLES[-1],))],
        "style and strength": [Query(styles=STYLES[:2], strength=(0.7, 0.9)), Query(strength=(0.45, 0.55))],
        "style that nobody used": [Query(styles=("nosuch",))],
        "size": [Query(sizes=(size,)) for size in SIZES],
        "status": [Query(statuses=("failed",)), Query(statuses=("done",))],
        "model": [Query(models=("demo",)), Query(models=("nosuch",))],
        "time": [Query(since=middle), Query(until=middle), Query(since=middle, until=later)],
        "batch": [Query(batch="batch7"), Query(batch="nosuch")],
        "favourites": [Query(favourites=True)],
        "trash": [Query(trash=True)],
        "several filters": [
            Query(styles=(STYLES[3],), sizes=(SIZES[4],), statuses=("done",), favourites=True),
            Query(models=("demo",), sizes=(SIZES[0],), until=middle, order="oldest"),
        ],
        "oldest, largest, slowest first": [Query(order="oldest"), Query(order="largest"), Query(order="slowest")],
        "word, common": [Query(words=word) for word in common],
        "word, rare": [Query(words=word) for word in rare],
        "two words": [Query(words=f"{a} {b}") for a, b in zip(common * 4, rare, strict=True)] + [Query(words="red bl")],
        "beginning of a word": [Query(words=word[:n]) for word in common + rare for n in (1, 2, 3, 4)],
        "Chinese, 1 to 4 characters": [Query(words=w) for w in ("红", "子", "红色", "房子小", "水墨风格", "色的")],
        "word and filter": [Query(words=common[1], styles=(STYLES[5],)), Query(words="红", favourites=True)],
        "word, largest first": [Query(words=common[0], order="largest")],
        "nonsense": [Query(words="zzzqqq"), Query(words="'; DROP"), Query(words="a" * 1000)],
    }


def measure(stores: dict[str, Records], count: int, runs: int) -> None:
    """Every question on every database in turn, `runs` times."""
    spent: dict[str, dict[str, list[float]]] = {}
    asked = questions(count, Maker())
    cursors = {name: deep_cursor(records) for name, records in stores.items()}
    for _ in range(runs):
        for what, queries in asked.items():
            for query, (name, records) in itertools.product(queries, stores.items()):
                took(spent, what, name, lambda r=records, q=query: r.page(OWNER, q, "", 60))
        for name, records in stores.items():
            took(spent, "a page in the middle", name, lambda r=records, n=name: r.page(OWNER, Query(), cursors[n], 60))
            took(spent, "counts of all filters", name, lambda r=records: r.counts(OWNER))
            took(spent, "a record in full", name, lambda r=records: r.get(OWNER, f"{count // 2:032x}"))
    report(spent, list(stores))


def deep_cursor(records: Records) -> str:
    cursor = ""
    for _ in range(20):
        _, cursor = records.page(OWNER, Query(), cursor, 500)
    return cursor


def recording(databases: dict[str, Engine], runs: int) -> None:
    """A job is accepted, begun and ended with all its columns, styles and words: two writes and the record."""
    spent: dict[str, dict[str, list[float]]] = {}
    maker = Maker(8)
    for number, (name, database) in itertools.product(range(runs), databases.items()):
        store, made = Store(database, "bench"), maker.record(10_000_000 + number)
        job_id = f"f{number:031x}"
        store.add(NewJob(job_id, OWNER, None, "interactive", made["request"], made["created_ms"]), 1)
        store.begin(job_id, 1)
        ending = Ending(
            "done", made["seed"], made["width"], made["height"], 1, 1, f"{job_id}.png", model="demo",
            environment={"device": "cpu"}, stages={"text": 1}, pixels="ab" * 32, bytes=1,
        )  # fmt: skip
        took(spent, "recording a picture", name, lambda s=store, j=job_id, e=ending: s.end(j, e))
    records = {name: Records(database) for name, database in databases.items()}
    for number, (name, known) in itertools.product(range(runs), records.items()):
        ids = [f"{number + n:032x}" for n in range(1, 11)]
        took(spent, "10 favourites", name, lambda r=known, i=ids: r.mark(OWNER, i, True))
        took(spent, "10 into the trash", name, lambda r=known, i=ids: r.trash(OWNER, i, 1))
        took(spent, "10 back from it", name, lambda r=known, i=ids: r.restore(OWNER, i))
        took(spent, "a note", name, lambda r=known, i=ids: r.annotate(OWNER, i[0], "for a client", ["a", "b"]))
    report(spent, list(databases))


def took(spent: dict[str, dict[str, list[float]]], what: str, name: str, do: Callable[[], object]) -> None:
    began = perf_counter()
    do()
    spent.setdefault(what, {}).setdefault(name, []).append((perf_counter() - began) * 1e3)


def report(spent: dict[str, dict[str, list[float]]], names: list[str]) -> None:
    print(f"| ms: median, p95 | {' | '.join(names)} |")
    print("|---" * (len(names) + 1) + "|")
    for what, by_name in spent.items():
        cells = (f"{statistics.median(ms):.1f}, {p95(ms):.1f}" for ms in (by_name[name] for name in names))
        print(f"| {what} | {' | '.join(cells)} |")
    sys.stdout.flush()


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def verified(count: int) -> None:
    """Pictures of many kinds, drawn by a studio; then, by another studio on the same folder, each drawn again."""
    given = load_config()
    info, rng = describe(given.model.path), random.Random(7)
    styles = sorted(f.stem for f in given.paths.lora.glob("*.safetensors"))
    with tempfile.TemporaryDirectory() as folder:
        paths = PathsConfig(given.paths.lora, given.paths.lora_cache, Path(folder))
        config, began = Config(model=given.model, paths=paths), perf_counter()
        done = same = records = 0
        while done < count:
            ids: list[str] = []
            for again in (False, True):  # by another studio, on the same folder
                studio = assemble(
                    config, info, lambda: make_engine(config, info), do=at_once,
                    surroundings=lambda facts: surroundings_of(config, info, facts),
                )  # fmt: skip
                for n in range(min(A_PART, count - done)):
                    if again:
                        studio.history.verify(OWNER, ids[n])
                    else:
                        ids.append(studio.jobs.submit(OWNER, picture(rng, info.sizes, styles)))
                    studio.worker.draw_waiting()
                if again:
                    found = [studio.history.verification(OWNER, job_id) for job_id in ids]
                    same += sum(one is not None and one.identical and not one.changed for one in found)
                    records = studio.history.facets(OWNER).total
                studio.close()
            done += len(ids)
            took_s = perf_counter() - began
            print(f"{done} records drawn again: {same} identical, pixel for pixel; {records} records, {took_s:.0f} s")
            sys.stdout.flush()


def picture(rng: random.Random, sizes: Sequence[tuple[int, int]], styles: Sequence[str]) -> GenerationRequest:
    use = (StyleUse(rng.choice(styles), rng.choice((0.5, 0.8, 1.0))),) if rng.random() < 0.5 else ()
    width, height = rng.choice(sizes)
    steps, guidance = rng.choice((2, 4, 8)), rng.choice((0.0, 0.0, 1.0))
    words = f"a {rng.choice(COLOURS)} {rng.choice(('house', 'boat', 'cat', 'tree'))}"
    return GenerationRequest(words, width, height, rng.randrange(2**32), steps, guidance, styles=use)


def at_once(task: Callable[[], object]) -> None:
    task()


@contextmanager
def postgresql() -> Iterator[str]:
    """A server of its own that waits for the disk, as it is by default."""
    programs = next(p.parent for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True))
    folder = Path(tempfile.mkdtemp(prefix="jimeng-bench-"))
    shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, user="postgres", cwd=folder, stdout=subprocess.DEVNULL)

    run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8")
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -p {port}", "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.history")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--verify", type=int, metavar="N")
    args = parser.parse_args()
    if args.verify:
        verified(args.verify)
        return
    with tempfile.TemporaryDirectory() as folder, postgresql() as url:
        urls = {"sqlite": "sqlite", "postgresql": url}
        databases = {
            name: open_database(where, Path(folder)) for name, where in urls.items() if args.only in (None, name)
        }
        stores = {name: filled(database, args.records) for name, database in databases.items()}
        measure(stores, args.records, args.runs)
        recording(databases, 100)
        if "sqlite" in databases:
            print(f"{(Path(folder) / 'studio.db').stat().st_size / 1e6:.0f} MB on SQLite")
        for database in databases.values():
            database.dispose()


if __name__ == "__main__":
    main()
