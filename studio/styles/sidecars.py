"""What is written about a style: in the files beside it, and in the file itself.

Read are `NAME.json` (ours, and as other programs write it), `NAME.civitai.info`, and the ModelSpec and kohya entries
of the file's own metadata, in this order: what the first says of something holds. All of it is a stranger's text.
"""

import json
import os
import stat
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.styles.folder import TEXTS, Found
from studio.styles.style import About
from studio.styles.text import one_line, paragraph, without_html

MOST_TITLE = 120
MOST_DESCRIPTION = 2_000
MOST_WORD = 100
MOST_WORDS = 12
MOST_JSON_BYTES = 1_000_000
_WORDS = ("trigger words", "trigger_words", "trigger_phrase", "activation text", "triggers", "trainedWords")
_COMMON_TAGS = 3


def about(found: Found, metadata: Mapping[str, str]) -> About:
    """Never raises: what cannot be read says nothing."""
    folder = found.file.parent
    said = [_from(name, _json(folder / name)) for name, _ in found.beside if name.endswith(TEXTS)]
    said += [_modelspec(metadata), _kohya(metadata, found.file.stem)]
    return About(
        title=next((a.title for a in said if a.title), ""),
        author=next((a.author for a in said if a.author), ""),
        description=next((a.description for a in said if a.description), ""),
        words=next((a.words for a in said if a.words), ()),
    )


def read_beside(file: Path, most_bytes: int) -> bytes | None:
    """The content of a file that lies in the styles folder; None for a link, a pipe, one too large or unreadable."""
    try:
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as data:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            content = data.read(most_bytes + 1)
    except OSError:
        return None
    return content if len(content) <= most_bytes else None


def _from(name: str, data: Mapping[str, Any]) -> About:
    return _civitai(data) if name.endswith(".civitai.info") else _own(data)


def _own(data: Mapping[str, Any]) -> About:
    return _made(
        data.get("name") or data.get("title"),
        data.get("author") or data.get("creator"),
        data.get("description") or data.get("notes"),
        next((data[key] for key in _WORDS if data.get(key)), None),
    )


def _civitai(data: Mapping[str, Any]) -> About:
    model, creator = _mapping(data.get("model")), _mapping(data.get("creator"))
    return _made(
        model.get("name") or data.get("name"),
        creator.get("username"),
        without_html(data.get("description") or model.get("description")),
        data.get("trainedWords"),
    )


def _modelspec(metadata: Mapping[str, str]) -> About:
    entry = {key: metadata.get(f"modelspec.{key}") for key in ("title", "author", "description", "trigger_phrase")}
    return _made(entry["title"], entry["author"], entry["description"], entry["trigger_phrase"])


def _kohya(metadata: Mapping[str, str], stem: str) -> About:
    """All checkpoints of a run carry the run's name: where the file's own name says more, that is the title."""
    title = metadata.get("ss_output_name", "")
    counts: Counter[str] = Counter()
    for tags in _mapping(_parsed(metadata.get("ss_tag_frequency", ""))).values():
        for tag, count in _mapping(tags).items():
            if isinstance(count, int):
                counts[str(tag)] += count
    return _made(title if title not in stem else "", None, None, [tag for tag, _ in counts.most_common(_COMMON_TAGS)])


def _made(title: object, author: object, description: object, words: object) -> About:
    return About(
        one_line(title, MOST_TITLE),
        one_line(author, MOST_TITLE),
        paragraph(description, MOST_DESCRIPTION),
        _words(words),
    )


def _words(value: object) -> tuple[str, ...]:
    """A list as it is, a text by its commas; each word once."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    words = (one_line(part, MOST_WORD).strip(" ,") for part in parts[: 4 * MOST_WORDS])
    return tuple(dict.fromkeys(word for word in words if word))[:MOST_WORDS]


def _json(file: Path) -> Mapping[str, Any]:
    data = read_beside(file, MOST_JSON_BYTES)
    return _mapping(_parsed(data)) if data else {}


def _parsed(data: str | bytes) -> object:
    try:
        return json.loads(data.decode("utf-8-sig") if isinstance(data, bytes) else data)
    except (ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
