"""Moving style files with all that lies beside them: to another name, to the trash, and back.

The trash is a hidden folder in the styles folder, so that a move is one rename and an undo is another.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.errors import N_, UserError
from studio.styles.folder import ENDING, Found

TRASH = ".trash"
KEPT_DAYS = 30
_TOKEN = re.compile(r"(\d+)-[0-9a-f]{16}")


def rename(folder: Path, found: Found, name: str) -> None:
    """Give a style and its companions another name. Raises UserError when it is taken, or the disk refuses."""
    target = folder / f"{name}{ENDING}"
    old, new = found.file.name.removesuffix(ENDING), target.name.removesuffix(ENDING)
    moves = [(f, target.parent / (new + f.name.removeprefix(old))) for f in _with_companions(found)]
    if any(to.exists() and not to.samefile(at) for at, to in moves):
        raise UserError(N_('There is a style "{name}" already. Choose another name.'), name=name)
    _move(moves)


def throw_away(folder: Path, found: Found, now_s: float) -> str:
    """Move a style and its companions to the trash; returns what `bring_back` takes."""
    token = f"{int(now_s)}-{secrets.token_hex(8)}"
    box = folder / TRASH / token
    _move([(f, box / f.relative_to(folder)) for f in _with_companions(found)])
    return token


def bring_back(folder: Path, token: str) -> None:
    """Undo `throw_away`. Raises UserError when it is no longer there, or its name was given to another."""
    box = folder / TRASH / token
    if not _TOKEN.fullmatch(token) or not box.is_dir():
        raise UserError(N_("That style is no longer in the trash."))
    moves = [(f, folder / f.relative_to(box)) for f in sorted(box.rglob("*")) if f.is_file()]
    for at, to in moves:
        if to.exists() and at.name.endswith(ENDING):
            name = to.relative_to(folder).as_posix().removesuffix(ENDING)
            raise UserError(N_('There is another style "{name}" now. Rename that one first.'), name=name)
    _move([(at, to) for at, to in moves if not to.exists()])
    shutil.rmtree(box, ignore_errors=True)


def empty_trash(folder: Path, now_s: float) -> None:
    """Delete for good what was thrown away more than KEPT_DAYS ago."""
    for box in _boxes(folder):
        token = _TOKEN.fullmatch(box.name)
        if token and now_s - int(token[1]) > KEPT_DAYS * 24 * 3600:
            shutil.rmtree(box, ignore_errors=True)


def _boxes(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (folder / TRASH).iterdir()


def _with_companions(found: Found) -> list[Path]:
    return [*(found.file.parent / name for name, _ in found.beside), found.file]


def _move(moves: list[tuple[Path, Path]]) -> None:
    """All or none. The style itself goes last: until then it is where it was."""
    done: list[tuple[Path, Path]] = []
    try:
        for at, to in moves:
            to.parent.mkdir(parents=True, exist_ok=True)
            os.rename(at, to)
            done.append((at, to))
    except OSError as error:
        for at, to in reversed(done):
            with suppress(OSError):
                os.rename(to, at)
        raise UserError(
            N_("The file {file} cannot be moved: {why}."), file=at.name, why=error.strerror or "?"
        ) from error
