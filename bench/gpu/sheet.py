"""What was measured, as it comes: printed, and written to a file, so that a run that is cut off keeps what it has."""

import json
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

Figures: TypeAlias = Mapping[str, float | str]


class Sheet:
    """Rows under titles, measured while there is time."""

    def __init__(self, minutes: float, file: Path | None, machine: Figures, now: Callable[[], float] = perf_counter):
        self._end, self._file, self._now = now() + minutes * 60, file, now
        self._began, self._title = now(), ""
        self.rows: list[dict[str, object]] = []
        self.machine = dict(machine)
        print("\n".join(f"{name:20} {value}" for name, value in machine.items()), flush=True)
        self._write()

    def title(self, text: str) -> None:
        self._title = text
        print(f"\n{text}", flush=True)

    def row(self, name: str, figures: Figures) -> None:
        """Keep and show figures; names of numbers end in their unit."""
        self.rows.append({"title": self._title, "row": name, **figures})
        shown = "   ".join(f"{key} {_shown(value)}" for key, value in figures.items())
        print(f"  {name:34} {shown}", flush=True)
        self._write()

    def measure(self, name: str, seconds: float, run: Callable[[], Figures | None], keep: float = 0) -> bool:
        """Run what takes about so many seconds, if there are that many left and `keep` more. What fails is a row, too.

        Whether it was done.
        """
        left = self._end - self._now() - keep
        if seconds > left:
            self.row(name, {"skipped": f"it takes {seconds:.0f} s, and {max(0, left):.0f} s are left"})
            return False
        try:
            figures = run()
        except Exception as error:  # noqa: BLE001 (the rows after it are still worth having)
            self.row(name, {"failed": f"{type(error).__name__}: {str(error).strip()[:200]}"})
            traceback.print_exc()
            return False
        if figures is not None:
            self.row(name, figures)
        return True

    def _write(self) -> None:
        if self._file is not None:
            content = {"machine": self.machine, "seconds": round(self._now() - self._began, 1), "rows": self.rows}
            self._file.write_text(json.dumps(content, indent=1), "utf-8")


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
