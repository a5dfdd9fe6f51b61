"""A long past to look through: records as the studio writes them, of pictures that nobody drew."""

import itertools
import json
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.request import GenerationRequest, StyleUse
from studio.store.database import open_database
from studio.store.records import Records

SUBJECTS = ("a red house", "a blue boat", "an orange cat", "a yellow star", "a tree", "a purple heart", "红色的房子")
PLACES = ("on a green meadow", "by the sea", "in the snow", "at night", "at sunset", "with many small clouds above it")
SIZES = ((128, 128), (160, 96), (96, 160), (128, 128), (256, 256))
STYLES = ("", "", "cartoon", "sketch")
DAY_MS = 24 * 3600 * 1000
_AT_ONCE = 500


def fill(data: Path, owner: str, count: int, until_ms: int, thumbnails: Sequence[Path] = (), a_day: int = 60) -> None:
    """Add `count` records of `owner` to the database in the folder `data`, the newest from `until_ms`, `a_day` a day.

    One in forty failed. `thumbnails` are shown for the others, in turn; without any, no picture has a file.
    """
    database = open_database("sqlite", data)
    rows = _records(owner, count, until_ms, bool(thumbnails), a_day)
    while part := list(itertools.islice(rows, _AT_ONCE)):
        Records(database).add(owner, part)
        for row in part:
            if row["file"]:
                thumbnail = data / "pictures" / f"{row['job_id']}.thumb.webp"
                os.link(thumbnails[row["seed"] % len(thumbnails)], thumbnail)
    database.dispose()


def _records(owner: str, count: int, until_ms: int, has_files: bool, a_day: int) -> Iterator[dict[str, Any]]:
    chosen = random.Random(owner)
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
            "job_id": job_id, "kind": "interactive", "request": request.to_json(),
            "seed": request.seed, "width": width, "height": height, "status": "failed" if fails else "done",
            "file": f"{job_id}.png" if has_files and not fails else None, "error": failed if fails else None,
            "attempts": 0, "frugal": False, "created_ms": at_ms, "started_ms": at_ms, "ended_ms": at_ms + duration_ms,
            "duration_ms": duration_ms, "model": "Jimeng demo", "model_hash": "", "stages": "{}", "facts": None,
            "bytes": 0, "pixels": "", "batch": "", "batch_index": 0, "input_name": "", "parent": "", "favourite": False,
            "tags": "[]", "note": "",
        }  # fmt: skip
