"""What people write beside a picture: a note, and tags. Text without anything that is none."""

import unicodedata
from collections.abc import Sequence

from core.errors import N_, UserError

MOST_NOTE = 10_000  # characters
MOST_TAGS, MOST_TAG = 30, 60


def checked_note(note: str) -> str:
    """As it is kept. Raises UserError when it is too long."""
    note = cleaned(note.replace("\r\n", "\n"), keep="\n\t").strip()
    if len(note) > MOST_NOTE:
        raise UserError(N_("A note has at most {most} characters. Shorten it."), most=MOST_NOTE)
    return note


def checked_tags(tags: Sequence[str]) -> list[str]:
    """As they are kept, each once. Raises UserError when they are too many or too long."""
    kept = list(dict.fromkeys(tag for tag in (" ".join(cleaned(t).split()) for t in tags) if tag))
    if len(kept) > MOST_TAGS or any(len(tag) > MOST_TAG for tag in kept):
        raise UserError(
            N_("A picture has at most {most} tags of at most {characters} characters."),
            most=MOST_TAGS,
            characters=MOST_TAG,
        )
    return kept


def cleaned(text: str, keep: str = "") -> str:
    """Without control characters and what is no text at all."""
    return "".join(c for c in text if c in keep or unicodedata.category(c) not in ("Cc", "Cs"))
