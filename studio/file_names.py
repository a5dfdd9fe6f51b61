"""What a picture's file is called: by the pattern in config.toml, and so that every file system takes the name.

A name is made of what never changes about a job, so that a job drawn anew after a crash writes the same file.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from string import Formatter

from core.errors import UserError
from core.request import GenerationRequest, StyleUse

ENDING = ".png"
MOST_BYTES = 180  # with ending: 255 is what disks take, and a copy or a cloud adds its own
SHORT_ID = 6
_FIELDS = ("date", "time", "width", "height", "styles", "seed", "steps", "prompt", "model", "batch", "index", "input")
_SIGNS = " ._-+=,@()[]#"  # beside letters and digits; none means anything to a shell's path or to Windows
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)", re.IGNORECASE)
_LONGEST_PART = 60  # characters of a style's name, a prompt, an input's name


@dataclass(frozen=True, slots=True)
class Named:
    """What a name may speak of. `created` is when the picture was asked for, in local time."""

    id: str
    created: datetime
    request: GenerationRequest
    model: str = ""
    batch: str = ""
    batch_index: int = 0
    input_name: str = ""


class FileNames:
    """Names by a pattern such as "{date}-{time}_{width}x{height}_{styles}_seed{seed}_{id}"."""

    def __init__(self, pattern: str) -> None:
        """Raises UserError for a pattern that holds what is not known, or whose names would not differ."""
        self._pattern = pattern
        try:
            parts = list(Formatter().parse(pattern))
        except ValueError as error:
            raise _wrong(f"{error}") from error
        named = {name for _, name, _, _ in parts if name is not None}
        if unknown := sorted(named - {*_FIELDS, "id"}):
            raise _wrong(
                "there is no {" + unknown[0] + "}; known are " + ", ".join("{" + f + "}" for f in (*_FIELDS, "id"))
            )
        if any(spec or conversion for _, _, spec, conversion in parts):
            raise _wrong("a name in braces stands alone, without : or !")
        if "id" not in named:
            raise _wrong("without {id} two pictures could have the same name")
        if bad := [c for literal, *_ in parts for c in literal if not _is_fine(c)]:
            raise _wrong(f"a file name cannot hold {bad[0]!r}")

    def name(self, named: Named, whole_id: bool = False) -> str:
        """With ending. With the whole id no other picture has it; a short one is for people."""
        number = named.id if whole_id else named.id[:SHORT_ID]
        request, created = named.request, named.created
        values = {
            "date": f"{created:%Y%m%d}",
            "time": f"{created:%H%M%S}",
            "width": str(request.width),
            "height": str(request.height),
            "styles": "+".join(_style(use) for use in request.styles),
            "seed": str(request.seed),
            "steps": str(request.num_inference_steps),
            "prompt": _part(request.prompt),
            "model": _part(named.model),
            "batch": _part(named.batch),
            "index": f"{named.batch_index:03d}" if named.batch else "",
            "input": _part(named.input_name.rsplit(".", 1)[0]),
            "id": "\0",
        }
        text = unicodedata.normalize("NFC", self._pattern.format(**values))
        text = "".join(c if c == "\0" or _is_fine(c) else "_" for c in text)
        text = re.sub(r"([_\- ])(?:[_ ]|(?<=_)-)+", r"\1", text).strip(" ._-")  # where something was empty
        return _fitted(text, number)


def is_name(text: str) -> bool:
    """Whether it is the name of a file in a folder, and of nothing above or below it. For names that were stored."""
    return bool(text) and not text.startswith(".") and not re.search(r"[/\\\0:]", text) and len(text.encode()) <= 255


def _style(use: StyleUse) -> str:
    return f"{_part(use.name)}-{'-' if use.strength < 0 else ''}{round(abs(use.strength) * 100):03d}"


def _part(text: str) -> str:
    flat = "".join(c if _is_fine(c) else "_" for c in text[: 4 * _LONGEST_PART])
    return re.sub(r"[\s_]+", "_", flat).strip("_.")[:_LONGEST_PART].rstrip("_.")


def _is_fine(c: str) -> bool:
    return c in _SIGNS or unicodedata.category(c)[0] in "LNM"


def _fitted(text: str, number: str) -> str:
    """No longer than a disk takes; the id stays whole."""
    before, _, after = text.partition("\0")
    room = MOST_BYTES - len(number) - len(ENDING)
    after = _cut(after.replace("\0", number), room // 2)
    name = _cut(before, room - len(after.encode())) + number + after
    return ("_" if _RESERVED.match(name) else "") + name + ENDING


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode("utf-8", "ignore") if len(text.encode()) > most_bytes else text


def _wrong(why: str) -> UserError:
    return UserError("[files] name in config.toml makes no file names: {why}.", why=why)
