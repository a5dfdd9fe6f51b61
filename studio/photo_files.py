"""`python -m studio photo`: photos of any number, from files, folders and ZIP archives, drawn anew into a folder.

A photo that cannot be read or drawn is told, and the next one goes on. While one is drawn, the one after is read and
the one before written. What became of each stands in `photos.csv` beside the pictures.
"""

import csv
import io
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from core.config import Config
from core.engine import Engine, Frame, ModelInfo
from core.errors import StudioError, UserError
from core.request import MAX_SIDE, GenerationRequest, Source, StyleUse
from studio import build, formats
from studio.draw import drawn, loaded, on_terminal, write
from studio.formats import Format
from studio.logs import reported
from studio.metadata import Facts
from studio.photos import Photo, Upload, fit, read
from studio.photos.archives import free_name, open_file
from studio.photos.delivery import encoded
from studio.photos.reading import LEAST_SIDE, WHITE
from studio.styles import StyleLibrary

TABLE = "photos.csv"
WORDS = "a photo"  # where nothing is said of what the photos show
_COLUMNS = ("input", "output", "status", "error", "width", "height", "style", "strength", "seed", "seconds")
_TAKEN = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".zip")  # from a folder
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line. `longest` is the longest side of the results, in pixels."""

    inputs: tuple[Path, ...]
    folder: Path
    styles: tuple[tuple[str, float], ...]
    strength: float
    longest: int
    format: Format
    quality: int
    seed: int
    prompt: str = ""
    background: tuple[int, int, int] = WHITE
    keep_camera_data: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo: a line of the table."""

    name: str
    output: str = ""
    error: str = ""
    width: int = 0
    height: int = 0
    seconds: float = 0.0


def draw_photos(config: Config, wish: Wish, say: Say) -> bool:
    """Draw all photos; `say` is told of each. True when none failed. Raises UserError for what concerns them all."""
    info = build.describe(config.model.path)
    uses = StyleLibrary(config.paths.lora).pin(StyleUse(name, weight) for name, weight in wish.styles)
    if not LEAST_SIDE <= wish.longest <= MAX_SIDE:
        raise UserError("The resolution has to be from {least} to {most} pixels.", least=LEAST_SIDE, most=MAX_SIDE)
    info.check(_request(wish, uses, info, (1, 1), "0" * 64))  # what is wrong with the wish is wrong for every photo
    _make(wish.folder)
    shown: dict[str, Frame] = {}
    engine = loaded(build.make_engine(config, info, previews=False, sources=shown.__getitem__), on_terminal)
    work = _Work(engine, wish, uses, shown, say)
    try:
        work.draw()
    finally:
        if work.outcomes:
            write(wish.folder / TABLE, _table(work.outcomes, wish))
    if not work.outcomes:
        raise UserError("There is no photo in what was named.")
    return not any(outcome.error for outcome in work.outcomes)


@dataclass(slots=True)
class _Work:
    """`shown` is where the engine finds the photo that it is to start from."""

    engine: Engine
    wish: Wish
    uses: tuple[StyleUse, ...]
    shown: dict[str, Frame]
    say: Say
    outcomes: list[Outcome] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def draw(self) -> None:
        with ThreadPoolExecutor(1, "reading") as reading, ThreadPoolExecutor(1, "writing") as writing:
            last: Future[None] | None = None
            for upload, opened in self._one_ahead(reading):
                finish = self._drawn(upload, opened)
                if last is not None:
                    last.result()  # no more than one picture waits to be written
                last = writing.submit(self._end, upload.name, finish)

    def _one_ahead(self, reading: ThreadPoolExecutor) -> Iterator[tuple[Upload, Future[Photo]]]:
        before = None
        for upload in _uploads(self.wish.inputs):
            after = upload, reading.submit(_opened, upload, self.wish)
            if before is not None:
                yield before
            before = after
        if before is not None:
            yield before

    def _drawn(self, upload: Upload, opened: Future[Photo]) -> Callable[[], Outcome]:
        """Draw a photo; what is left of the work, to be done on another thread, is to write it."""
        began_s = monotonic()
        try:
            photo = opened.result()
            sha256, size = photo.frame.sha256, (photo.frame.width, photo.frame.height)
            request = _request(self.wish, self.uses, self.engine.info, size, sha256)
            self.shown[sha256] = photo.frame
            frame = drawn(self.engine, request, on_terminal)
        except Exception as error:  # noqa: BLE001 (whatever it is, the other photos go on)
            return _raising(error)
        finally:
            self.shown.clear()
        name = free_name(_named(upload.name, self.wish, self.uses), self.taken)

        def finish() -> Outcome:
            write(self.wish.folder / name, self._encoded(frame, request, photo.exif))
            return Outcome(upload.name, name, "", frame.width, frame.height, monotonic() - began_s)

        return finish

    def _encoded(self, frame: Frame, request: GenerationRequest, exif: bytes) -> bytes:
        return encoded(frame, self.wish.format, self.wish.quality, Facts(request, self.engine.info.name), exif)

    def _end(self, name: str, finish: Callable[[], Outcome]) -> None:
        try:
            outcome = finish()
        except Exception as error:  # noqa: BLE001 (as above)
            outcome = Outcome(name, error=str(error if isinstance(error, StudioError) else reported(error)))
        self.outcomes.append(outcome)
        on_terminal("")
        self.say(f"{name}: {outcome.error or outcome.output}")


def _raising(error: Exception) -> Callable[[], Outcome]:
    def finish() -> Outcome:
        raise error

    return finish


def _uploads(inputs: tuple[Path, ...]) -> Iterator[Upload]:
    for path in inputs:
        if path.is_dir():
            for file in sorted(path.iterdir()):
                if file.suffix.lower() in _TAKEN and file.is_file() and not file.name.startswith("."):
                    yield from open_file(file)
        else:
            yield from open_file(path)


def _opened(upload: Upload, wish: Wish) -> Photo:
    if upload.problem is not None:
        raise upload.problem
    return read(upload.data, wish.longest, wish.background, wish.keep_camera_data)


def _request(
    wish: Wish, uses: tuple[StyleUse, ...], info: ModelInfo, size: tuple[int, int], sha256: str
) -> GenerationRequest:
    width, height = fit(size, wish.longest, info)
    return GenerationRequest(
        prompt=wish.prompt or WORDS,
        width=width,
        height=height,
        seed=wish.seed,
        num_inference_steps=info.num_inference_steps,
        guidance_scale=info.guidance_scale,
        styles=uses,
        source=Source(sha256, wish.strength),
    )


def _named(name: str, wish: Wish, uses: tuple[StyleUse, ...]) -> str:
    """The photo's own name and what was done with it: "IMG_1_cartoon-100_strength60_seed7.png"."""
    styles = [f"{use.name.replace('/', '-')}-{round(use.strength * 100):03}" for use in uses]
    parts = [Path(name).stem, *styles, f"strength{round(wish.strength * 100)}", f"seed{wish.seed}"]
    return "_".join(parts) + formats.KINDS[wish.format].ending


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UserError("{folder} cannot be made: {why}.", folder=str(folder), why=why) from error


def _table(outcomes: list[Outcome], wish: Wish) -> bytes:
    """Comma-separated values, for a spreadsheet: no name in it is taken for a formula."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_COLUMNS)
    styles = " ".join(f"{name}:{weight:g}" for name, weight in wish.styles)
    for one in outcomes:
        status = "failed" if one.error else "done"
        row = (
            one.name, one.output, status, one.error, one.width, one.height, styles, wish.strength, wish.seed,
            f"{one.seconds:.2f}",
        )  # fmt: skip
        table.writerow([f"'{cell}" if str(cell).startswith(_FORMULA) else cell for cell in row])
    return out.getvalue().encode("utf-8-sig")
