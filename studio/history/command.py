"""`python -m studio history list | show | verify | export | import | check`, for scripts and for housekeeping."""

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.config import Config
from core.errors import UserError
from studio import build
from studio.build import Studio
from studio.files import write_whole
from studio.history import Entry, History, Query, Verification
from studio.history.check import check
from studio.history.lines import to_data

_SHOWN = 60  # characters of a prompt in a list


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:
    """The command and all below it."""
    top = commands.add_parser("history", allow_abbrev=False, help="look at what was made, check it, take it elsewhere")
    below = top.add_subparsers(required=True, metavar="COMMAND")

    def one(name: str, run: Callable[[Config, argparse.Namespace], int], says: str) -> argparse.ArgumentParser:
        parser = below.add_parser(name, parents=[common], allow_abbrev=False, help=says)
        parser.set_defaults(run=run)
        parser.add_argument("--json", action="store_true", help="for programs: a line of JSON for each record")
        if name != "check":
            parser.add_argument("--owner", metavar="ID", help="whose; need not be said where there is one only")
        return parser

    listing = one("list", _list, "list records, the newest first")
    listing.add_argument("words", nargs="?", default="", metavar="WORDS", help="in prompt, note or tags")
    listing.add_argument("--style", action="append", default=[], metavar="NAME", help="may be given several times")
    listing.add_argument("--status", action="append", default=[], choices=("done", "failed", "cancelled"))
    listing.add_argument("--favourites", action="store_true", help="only those")
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="20 by default")
    one("show", _show, "all that is known of a record").add_argument("id", metavar="ID")
    verify = one("verify", _verify, "draw records again: are they the same, pixel for pixel?")
    verify.add_argument("ids", nargs="*", metavar="ID")
    verify.add_argument("--random", type=int, default=0, metavar="N", help="so many, picked at random")
    export = one("export", _export, "write pictures as a .zip file, or all records as a .jsonl file")
    export.add_argument("output", type=Path, metavar="FILE", help="ending in .zip or .jsonl")
    export.add_argument("ids", nargs="*", metavar="ID", help="for a .zip file; all with a picture by default")
    export.add_argument("--clean", action="store_true", help="pictures that say nothing of how they were made")
    one("import", _import, "bring records in from a .jsonl file").add_argument("file", type=Path, metavar="FILE")
    look = one("check", _check, "do the records and the pictures folder agree?")
    look.add_argument("--deep", action="store_true", help="read every picture, too")
    look.add_argument("--delete-orphans", action="store_true", help="delete files that no record names")


def _list(config: Config, options: argparse.Namespace) -> int:
    with _opened(config, options) as (studio, owner):
        query = Query(
            words=options.words,
            styles=tuple(options.style),
            statuses=tuple(options.status),
            favourites=options.favourites,
        )
        for number, entry in enumerate(_entries(studio.history, owner, query)):
            if number == options.limit:
                break
            print(_line(entry) if options.json else _row(entry))
    return 0


def _show(config: Config, options: argparse.Namespace) -> int:
    with _opened(config, options) as (studio, owner):
        entry = studio.history.entry(owner, options.id)
        if entry is None:
            raise _no_such(options.id)
        print(_line(entry) if options.json else json.dumps(to_data(entry), ensure_ascii=False, indent=2))
    return 0


def _verify(config: Config, options: argparse.Namespace) -> int:
    """Drawn by this process alone: a studio that runs is not asked, and not waited for."""
    well = True
    with _opened(config, options) as (studio, owner):
        ids = options.ids or [e.id for e in _entries(studio.history, owner, Query(statuses=("done",)))]
        if options.random:
            ids = random.sample(ids, min(options.random, len(ids)))
        for job_id in ids:
            studio.history.verify(owner, job_id)
            studio.worker.draw_waiting()
            found = studio.history.verification(owner, job_id)
            well = well and found is not None and found.identical
            print(_judged(job_id, found, options.json), flush=True)
    return 0 if well else 1


def _export(config: Config, options: argparse.Namespace) -> int:
    with _opened(config, options) as (studio, owner):
        history: History = studio.history
        parts: Iterator[bytes]
        if options.output.suffix == ".jsonl":
            parts = (line.encode() for line in history.export_lines(owner))
        elif options.output.suffix == ".zip":
            ids = options.ids or [e.id for e in _entries(history, owner, Query(statuses=("done",)))]
            parts = history.export(owner, ids, options.clean)
        else:
            raise UserError("{file} ends neither in .zip nor in .jsonl.", file=str(options.output))
        try:
            write_whole(options.output, parts)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise UserError("{file} cannot be written: {why}.", file=str(options.output), why=why) from error
    return 0


def _import(config: Config, options: argparse.Namespace) -> int:
    with _opened(config, options) as (studio, owner):
        try:
            with options.file.open(encoding="utf-8", errors="replace") as texts:
                imported = studio.history.import_lines(owner, texts)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise UserError("{file} cannot be read: {why}.", file=str(options.file), why=why) from error
    skipped = [{"line": number, "why": str(why)} for number, why in imported.skipped]
    if options.json:
        print(json.dumps({"count": imported.count, "skipped": skipped}, ensure_ascii=False))
    else:
        print(f"{imported.count} new records")
        for one in skipped:
            print(f"line {one['line']}: {one['why']}", file=sys.stderr)
    return 1 if skipped else 0


def _check(config: Config, options: argparse.Namespace) -> int:
    with _studio(config) as studio:
        found = check(studio.history.records, studio.history.files, options.deep)
        if options.delete_orphans:
            for file in found.orphans:
                file.unlink(missing_ok=True)
    if options.json:
        told = {
            "pictures": found.pictures, "bytes": found.bytes, "orphans": [file.name for file in found.orphans],
            "missing": [kept.job_id for kept in found.missing], "damaged": [kept.job_id for kept in found.damaged],
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"{found.pictures} pictures, {found.bytes / 1e6:.1f} MB")
        for file in found.orphans:
            print(f"{'deleted' if options.delete_orphans else 'no record'}  {file.name}")
        for kept in found.missing:
            print(f"file gone  {kept.job_id}  {kept.file}")
        for kept in found.damaged:
            print(f"other pixels  {kept.job_id}  {kept.file}")
    gone = found.missing or found.damaged or (found.orphans and not options.delete_orphans)
    return 1 if gone else 0


# --- around them -------------------------------------------------------------------------------------------------


def _at_once(task: Callable[[], object]) -> None:
    task()


@contextmanager
def _studio(config: Config) -> Iterator[Studio]:
    studio = build.build(config, do=_at_once)
    try:
        yield studio
    finally:
        studio.stop()


@contextmanager
def _opened(config: Config, options: argparse.Namespace) -> Iterator[tuple[Studio, str]]:
    with _studio(config) as studio:
        yield studio, options.owner or _only_owner(studio.history)


def _only_owner(history: History) -> str:
    owners = history.records.owners()
    if len(owners) > 1:
        known = ", ".join(f"{owner} ({count})" for owner, count in owners[:10])
        raise UserError("Several people have records here. Say whose with --owner: {known}.", known=known)
    return owners[0][0] if owners else "local"


def _entries(history: History, owner: str, query: Query) -> Iterator[Entry]:
    cursor = ""
    while True:
        page = history.page(owner, query, cursor)
        for card in page.cards:
            if (entry := history.entry(owner, card.id)) is not None:
                yield entry
        cursor = page.next
        if not cursor:
            return


def _judged(job_id: str, found: Verification | None, as_json: bool) -> str:
    if as_json:
        data = json.loads(found.to_json()) if found is not None else {}
        return json.dumps({"id": job_id} | data, ensure_ascii=False)
    if found is None or found.state != "done":
        return f"{job_id}  {found.error if found is not None else 'gone'}"
    changed = "".join(f"  {c.what}: {c.then or '-'} -> {c.now or '-'}" for c in found.changed)
    if found.identical:
        return f"{job_id}  identical, pixel for pixel{changed}"
    return f"{job_id}  differs" + (f", {found.psnr_db:.1f} dB" if found.psnr_db is not None else "") + changed


def _line(entry: Entry) -> str:
    return json.dumps(to_data(entry), ensure_ascii=False)


def _row(entry: Entry) -> str:
    prompt = " ".join(entry.request.prompt.split())
    prompt = prompt if len(prompt) <= _SHOWN else prompt[: _SHOWN - 1] + "…"
    size = f"{entry.request.width}x{entry.request.height}"
    return f"{entry.id}  {entry.created.astimezone():%Y-%m-%d %H:%M}  {entry.status:<9} {size:>9}  {prompt}"


def _no_such(job_id: str) -> UserError:
    return UserError("There is no record {id}.", id=job_id[:64])
