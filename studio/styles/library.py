"""The library itself: it looks at the folder, has new files read, and says what a style's name means at this moment.

Nothing here is bound to a file's name: hashes are kept by stamp, reports by hash. A file that is renamed or moved is
not read again, and settings that name its content find it under its new name.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from pathlib import Path

from core.errors import N_, UserError
from core.request import StyleUse
from core.style import StyleReport, StyleTools
from studio.files import is_being_written
from studio.styles import naming, shelf, sidecars
from studio.styles.folder import ENDING, PICTURES, Found, Stamp, sha256, walk
from studio.styles.style import About, State, Style
from studio.styles.thumbnails import MOST_BYTES, Thumbnails
from studio.styles.upload import Upload, sweep

log = logging.getLogger(__name__)
SETTLED_S = 1.0  # a file that was not written to for so long is whole, as far as anybody can tell


class StyleLibrary:
    """Every method may be called from any thread. Until something calls `scan` regularly and sets `watched`, the folder
    is looked at each time that styles are asked for. Without `tools` every file is taken as it is."""

    def __init__(
        self,
        folder: Path,
        tools: StyleTools | None = None,
        thumbnails: Thumbnails | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.folder, self.thumbnails = folder, thumbnails
        self.watched = False
        self.version = 0  # grows with every change that `list` would show
        self._tools, self._now_s = tools, now_s
        self._lock = threading.Lock()  # held for moments
        self._moving = threading.Lock()  # held while files change their names
        self._found: tuple[Found, ...] = ()
        self._seen: dict[Path, Stamp] = {}
        self._hashes: dict[Stamp, str] = {}
        self._reports: dict[str, StyleReport] = {}
        self._abouts: dict[Found, About] = {}
        self._unreadable: dict[Path, UserError] = {}

    # --- what there is -----------------------------------------------------------------------------------------

    def list(self) -> tuple[Style, ...]:
        """All styles in natural order. A file whose name no request could carry is left out."""
        return tuple(map(self._style, self._found if self.watched else self.look()))

    def get(self, name: str) -> Style | None:
        return next((s for s in self.list() if s.name == name), None)

    def pin(self, uses: Iterable[StyleUse]) -> tuple[StyleUse, ...]:
        """The same styles with the content hash they have now; under their new name, where they were renamed.

        Raises UserError for one that is not there, cannot be used, or has another content than the request asks for.
        """
        return tuple(map(self._pin, uses))

    # --- what changes ------------------------------------------------------------------------------------------

    def look(self) -> tuple[Found, ...]:
        """See which files there are, without opening any."""
        found = walk(self.folder)
        with self._lock:
            self.version += found != self._found
            self._found = found
        return found

    def scan(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Look, then read what is new and whole: hash, inspect, compile, and what is written beside it."""
        seen, found = self._seen, self.look()
        self._seen = {f.file: f.stamp for f in found}
        for style in found:
            if stopped():
                return
            if self._is_settled(style, seen) and not self._is_known(style):
                self._study(style)
                self.look()  # that may have taken seconds
        self._forget(found)

    def sweep(self) -> None:
        """Take away the halves of uploads that earlier processes left. Not while uploads of this one are under way."""
        sweep(self.folder, is_being_written)

    def empty_trash(self) -> None:
        """Delete for good what lay in the trash long enough."""
        shelf.empty_trash(self.folder, self._now_s())

    def rename(self, name: str, to: str) -> str:
        """Returns the new name. Raises UserError when there is no such style, or the name is taken or impossible."""
        to = naming.checked(to)
        with self._moving:
            found = self._there(name)
            if any(f.name.casefold() == to.casefold() and f.name != name for f in self._found):
                raise UserError(N_('There is a style "{name}" already. Choose another name.'), name=to)
            shelf.rename(self.folder, found, to)
            self.look()
        return to

    def remove(self, name: str) -> str:
        """Into the trash; returns what `restore` takes to undo it. Raises UserError when there is no such style."""
        with self._moving:
            token = shelf.throw_away(self.folder, self._there(name), self._now_s())
            self.look()
        return token

    def restore(self, token: str) -> None:
        """Undo `remove`. Raises UserError when that is no longer possible."""
        with self._moving:
            shelf.bring_back(self.folder, token)
            self.look()

    def upload(self) -> Upload:
        """A place for a file that arrives in pieces. Raises UserError when the folder cannot be written to."""
        return Upload(self.folder, self._accept)

    def illustrate(self, sha256: str, picture: Path) -> None:
        """Take a picture as the thumbnail of all styles of this content. Raises UserError when it cannot be read."""
        try:
            done = self.thumbnails is not None and self.thumbnails.choose(sha256, picture.read_bytes())
        except OSError as error:
            log.warning("no thumbnail: %s", error)
            done = False
        if not done:
            raise UserError(N_("That picture cannot be used: its file is gone or cannot be read."))
        with self._lock:
            self.version += 1

    # --- inside ------------------------------------------------------------------------------------------------

    def _style(self, found: Found) -> Style:
        with self._lock:
            digest = self._hashes.get(found.stamp, "")
            report, about = self._reports.get(digest), self._abouts.get(found, About())
            problem = self._unreadable.get(found.file) or (report.problem if report else None)
        looking = self._tools is not None and report is None
        state: State = "unusable" if problem else "looking" if looking else "ready"
        picture = self.thumbnails.version(digest) if self.thumbnails and digest else ""
        return Style(found.name, found.file, state, found.stamp.size, digest, report, about, picture, problem)

    def _pin(self, use: StyleUse) -> StyleUse:
        styles = {s.name: s for s in self.list()}
        if use.name not in styles:
            styles = {s.name: self._style(s) for s in self.look()}
        style = styles.get(use.name)
        now = self._sha256(style.file) if style else ""
        if use.sha256 not in ("", now):
            moved = next((s for s in styles.values() if s.sha256 == use.sha256), None)
            if moved is not None:
                style, now = moved, use.sha256
            elif style is not None:
                raise UserError(
                    N_('The style "{name}" has changed since these settings were made. Pick it anew to use it now.'),
                    name=use.name,
                )
        if style is None:
            raise UserError(
                N_('There is no style "{name}". There are: {known}.'), name=use.name, known=", ".join(styles) or "-"
            )
        if style.problem is not None:
            raise copy(style.problem)  # each raise has its own traceback
        return replace(use, name=style.name, sha256=now)

    def _there(self, name: str) -> Found:
        found = next((f for f in self.look() if f.name == name), None)
        if found is None:
            raise UserError(N_('The style "{name}" is not there any more. Pick another one.'), name=name)
        return found

    def _accept(self, file: Path, digest: str, file_name: str) -> Style:
        """Give an uploaded file its name, if it is a style that this model can use and that is not here yet."""
        name = naming.of_upload(file_name)
        size = file.stat().st_size
        same = next((f for f in self.look() if f.stamp.size == size and self._sha256(f.file) == digest), None)
        if same is not None:
            raise UserError(N_('You have this style already. It is called "{name}".'), name=same.name)
        report = self._inspect(file, digest)
        if report is not None and report.problem is not None:
            raise copy(report.problem)
        with self._moving:
            name = self._free(name)
            target = self.folder / f"{name}{ENDING}"
            file.rename(target)
            with self._lock:
                self._hashes[Stamp.of(target.stat())] = digest
                if report is not None:
                    self._reports[digest] = report
            found = self._there(name)
        self._read_about(found, digest)
        return self._style(found)

    def _free(self, name: str) -> str:
        taken = {f.name.casefold() for f in self.look()}
        names = (name if n == 1 else f"{name} ({n})" for n in range(1, len(taken) + 2))
        return next(n for n in names if n.casefold() not in taken)

    def _is_settled(self, found: Found, seen: dict[Path, Stamp]) -> bool:
        return seen.get(found.file) == found.stamp or self._now_s() - found.stamp.mtime_ns / 1e9 > SETTLED_S

    def _is_known(self, found: Found) -> bool:
        inspected = self._tools is None or self._hashes.get(found.stamp) in self._reports
        return inspected and found in self._abouts and found.file not in self._unreadable

    def _study(self, found: Found) -> None:
        try:
            self._read(found)
            trouble = None
        except UserError as error:
            trouble = error
        except Exception:  # a defect of ours must not hide the other styles
            log.exception("style %s", found.name)
            trouble = UserError(N_("Something went wrong while this style was looked at. The log says what."))
        with self._lock:
            before = self._unreadable.pop(found.file, None)
            if trouble is not None:
                self._unreadable[found.file] = trouble
            self.version += str(before) != str(trouble)

    def _read(self, found: Found) -> None:
        digest = self._sha256(found.file)
        if self._hashes.get(found.stamp) != digest:
            return  # it was changed meanwhile, and will be looked at again
        if digest not in self._reports and (report := self._inspect(found.file, digest)) is not None:
            with self._lock:
                self._reports[digest] = report
        self._read_about(found, digest)

    def _inspect(self, file: Path, digest: str) -> StyleReport | None:
        """None without tools, or when the file is no longer what was hashed."""
        if self._tools is None:
            return None
        try:
            report = self._tools.inspect(file)
            if report.sha256 != digest:
                return None
            if report.problem is None:
                self._tools.compile(file, digest)
        except OSError as error:
            raise _unreadable(file, error) from error
        except UserError as error:
            return replace(report, problem=error)
        return report

    def _read_about(self, found: Found, digest: str) -> None:
        report = self._reports.get(digest)
        about = sidecars.about(found, report.metadata if report else {})
        self._find_thumbnail(found, digest)
        with self._lock:
            self._abouts[found] = about
            self.version += 1

    def _find_thumbnail(self, found: Found, digest: str) -> None:
        if self.thumbnails is None:
            return
        for name, stamp in found.beside:
            if not name.endswith(PICTURES) or self.thumbnails.is_as_new(digest, stamp.mtime_ns):
                continue
            data = sidecars.read_beside(found.file.parent / name, MOST_BYTES)
            if data and self.thumbnails.find(digest, data):
                return

    def _forget(self, found: tuple[Found, ...]) -> None:
        """What is known of files that are gone, but for reports: their content may come back, and they are small."""
        stamps, files = {f.stamp for f in found}, {f.file for f in found}
        with self._lock:
            self._hashes = {stamp: digest for stamp, digest in self._hashes.items() if stamp in stamps}
            self._abouts = {f: about for f, about in self._abouts.items() if f in set(found)}
            self._unreadable = {file: error for file, error in self._unreadable.items() if file in files}

    def _sha256(self, file: Path) -> str:
        try:
            stamp = Stamp.of(file.stat())
            with self._lock:
                known = self._hashes.get(stamp)
            if known is None:  # outside the lock: a large file takes seconds, and others wait for theirs
                known = sha256(file)
                if Stamp.of(file.stat()) == stamp:
                    with self._lock:
                        self._hashes[stamp] = known
            return known
        except OSError as error:
            raise _unreadable(file, error) from error


def _unreadable(file: Path, error: OSError) -> UserError:
    return UserError(N_("The style file {file} cannot be read: {why}."), file=file.name, why=error.strerror or "?")
