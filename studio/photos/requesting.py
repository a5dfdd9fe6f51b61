"""From a file that somebody sent to what the engine is asked for. One photo is decoded at a time: a large one takes
hundreds of MB.
"""

import io
import json
import threading

from PIL import Image

from core import errors
from core.engine import Frame, ModelInfo
from core.errors import N_, UserError
from core.request import GenerationRequest
from studio.photos.archives import Upload
from studio.photos.batch_files import BatchFiles
from studio.photos.reading import read
from studio.photos.settings import PhotoSettings
from studio.sources import Sources
from studio.store.batches import NewPhoto, StoredPhoto
from studio.styles import StyleLibrary

THUMBNAIL_SIDE = 160  # pixels
WORDS = "a photo"  # where neither prompt nor style says anything


class Requesting:
    """Any thread may call any method."""

    def __init__(self, files: BatchFiles, sources: Sources, styles: StyleLibrary, info: ModelInfo | None) -> None:
        self._files, self._sources, self._styles, self._info = files, sources, styles, info
        self._decoding = threading.Lock()

    def examine(self, batch: str, upload: Upload) -> NewPhoto:
        """Read it once, to know whether it can be, and keep it as it came: settings may change.

        Raises UserError when the disk refuses.
        """
        try:
            if upload.problem is not None:
                raise upload.problem
            with self._decoding:
                photo = read(upload.data, THUMBNAIL_SIDE)
        except UserError as error:
            return NewPhoto(upload.name, state="refused", error=errors.to_json(error))
        name = self._files.save(batch, upload.data, _webp(photo.frame))
        return NewPhoto(upload.name, name, notes=json.dumps(photo.notes))

    def read(self, batch: str, photo: StoredPhoto, settings: PhotoSettings) -> Frame:
        """The photo in the size and on the background that the settings say. Raises UserError when it is gone."""
        data = self._files.photo(batch, photo.file)
        with self._decoding:
            return read(data, settings.longest, settings.background_rgb()).frame

    def request(self, owner: str, frame: Frame, settings: PhotoSettings) -> GenerationRequest:
        """What draws `frame`, which is kept to be drawn from. Raises UserError."""
        if self._info is None:
            raise UserError(N_("The model cannot be used. The Status page says why."))
        source = self._sources.add(owner, frame)
        return settings.request(self._info, (frame.width, frame.height), source, self._words(settings))

    def _words(self, settings: PhotoSettings) -> str:
        """What a style wants to hear, where no prompt was given."""
        style = next((one for one in self._styles.list() if one.name == settings.style), None)
        return ", ".join(style.about.words) if style is not None and style.about.words else WORDS


def _webp(frame: Frame) -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", (frame.width, frame.height), frame.rgb).save(out, "WEBP", quality=80)
    return out.getvalue()
