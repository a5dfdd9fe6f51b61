"""The thread that keeps the library up to date: it looks every second, and reads what is new."""

import logging
import threading

from studio.styles.library import StyleLibrary

log = logging.getLogger(__name__)
EVERY_S = 0.7  # two looks and a read are then within two seconds
_EMPTY_EVERY = 5_000  # looks: about once an hour


class StyleWatcher:
    """Started and stopped by whoever serves."""

    def __init__(self, library: StyleLibrary) -> None:
        self._library = library
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="styles", daemon=True)

    def start(self) -> None:
        self._library.sweep()
        self._library.look()  # from now on nobody else has to
        self._library.watched = True
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop after the file that is being read."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        looks = 0
        while not self._stop.is_set():
            try:
                if looks % _EMPTY_EVERY == 0:
                    self._library.empty_trash()
                self._library.scan(self._stop.is_set)
            except Exception:  # noqa: BLE001 (the boundary: a folder in trouble now may be well in a second)
                log.exception("the styles folder cannot be looked at")
            looks += 1
            self._stop.wait(EVERY_S)
