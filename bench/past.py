"""A long past to look through: records as the studio writes them, of pictures that nobody drew."""

import json
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.request import GenerationRequest, StyleUse
from studio.store.database import open_database, writing
from studio.store.recording import put_record

SUBJECTS = ("a red house", "a blue boat", "an orange cat", "a yellow star", "a tree", "a purple heart", "红色的房子")
PLACES = ("on a green meadow", "by the sea", "in the snow", "at night", "at sunset", "with many small clouds above it")
SIZES = ((128, 128), (160, 96), (96, 160), (128, 128), (256, 256))
STYLES = ("", "", "cartoon", "sketch")
DAY_MS = 24 * 3600 * 1000
_AT_ONCE = 2_000


def fill(data: Path, owner: str, count: int, until_ms: int, thumbnails: Sequence[Path] = (), a_day: int = 60) -> None:
    """Add `count` records of `owner` to the database in the folder `data`, the newest from `until_ms`, `a_day` a day.

    One in forty failed. `thumbnails` are shown for the others, in turn; without any, no picture has a file.
    """
    database = open_database("sqlite", data)
    chosen = random.Random(7)
    rows = _records(owner, count, until_ms, bool(thumbnails), a_day, chosen)
    folder = data / "pictures"
    done = 0
    while done < count:
        with writing(database).begin() as connection:
            for row in (next(rows) for _ in range(min(_AT_ONCE, count - done))):
                put_record(connection, row)
                if row["file"]:
                    os.link(thumbnails[done % len(thumbnails)], folder / f"{row['job_id']}.thumb.webp")
                done += 1
    database.dispose()


def _records(
    owner: str, count: int, until_ms: int, has_files: bool, a_day: int, chosen: random.Random
) -> Iterator[dict[str, Any]]:
    failed = json.dumps({"kind": "memory", "template": "", "values": {}})
    for number in range(count):
        width, height = chosen.choice(SIZES)
        style = chosen.choice(STYLES)
        fails = number % 40 == 39
        request = GenerationRequest(
            f"{chosen.choice(SUBJECTS)} {chosen.choice(PLACES)}, number {number}", width, height, number,
            styles=(StyleUse(style, chosen.choice((0.5, 0.8, 1.0))),) if style else (),
        )  # fmt: skip
        job_id = f"{chosen.getrandbits(128):032x}"
        at_ms = until_ms - (count - number) * (DAY_MS // a_day)
        duration_ms = 0 if fails else chosen.randrange(300, 3_000)
        yield {
            "job_id": job_id, "owner": owner, "kind": "interactive", "request": request.to_json(),
            "seed": request.seed, "width": width, "height": height, "status": "failed" if fails else "done",
            "file": f"{job_id}.png" if has_files and not fails else None, "error": failed if fails else None,
            "attempts": 0, "frugal": False, "created_ms": at_ms, "started_ms": at_ms, "ended_ms": at_ms + duration_ms,
            "duration_ms": duration_ms, "model": "Jimeng demo",
        }  # fmt: skip
