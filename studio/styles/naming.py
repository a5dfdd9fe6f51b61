"""Which names a style may be given, and what an uploaded file is called."""

import re
import unicodedata
from pathlib import PurePosixPath

from core.errors import N_, UserError
from core.request import StyleUse
from studio.styles.folder import ENDING, PICTURES, TEXTS
from studio.styles.text import one_line

MOST_NAME = 150
MOST_NAME_BYTES = 255 - max(len(end) for end in (ENDING, *TEXTS, *PICTURES))  # what file systems take
_UNFIT = re.compile(r'[\\/:*?"<>|]')  # for a file name somewhere


def checked(name: str) -> str:
    """A name that somebody typed, as it will be. Raises UserError when no file can have it."""
    name = unicodedata.normalize("NFC", name).strip().removesuffix(ENDING)
    fits = name == one_line(name, MOST_NAME) and not any(
        part.startswith(".") or part != part.strip(" ") or len(part.encode()) > MOST_NAME_BYTES
        for part in name.split("/")
    )
    try:
        if not fits:
            raise ValueError(name)
        return StyleUse(name).name
    except (ValueError, UserError) as error:
        raise UserError(
            N_("A style cannot have that name. Choose a short one, without : or \\, that does not begin with a dot.")
        ) from error


def of_upload(file_name: str) -> str:
    """A name for a file that came with `file_name`. Raises UserError for one that is no style file by its name."""
    last = PurePosixPath(file_name.replace("\\", "/")).name
    stem, dot, ending = one_line(last, 1_000).rpartition(".")
    if dot + ending.lower() != ENDING:
        raise UserError(
            N_('"{file}" is not a style: styles are files that end in .safetensors.'), file=one_line(last, MOST_NAME)
        )
    stem = _UNFIT.sub("_", unicodedata.normalize("NFC", stem)).strip(". ")[:MOST_NAME]
    while len(stem.encode()) > MOST_NAME_BYTES - len(" (99)"):
        stem = stem[:-1]
    return stem.strip() or "style"
