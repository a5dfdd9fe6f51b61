"""A library whose files are read by tools that do what a file's content tells them."""

import hashlib
import io
import json
import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from core.errors import UserError
from core.style import StyleReport
from studio.styles import StyleLibrary
from studio.styles.thumbnails import Thumbnails

NOW_S = 2_000_000_000.0


class ScriptedTools:
    """Content that begins with "problem: " has that problem; what follows "metadata: " is the file's metadata."""

    def __init__(self) -> None:
        self.inspected: list[Path] = []
        self.compiled: list[str] = []
        self.was_compiled = threading.Event()

    def inspect(self, file: Path) -> StyleReport:
        self.inspected.append(file)
        data = file.read_bytes()
        if data == b"defect":
            raise KeyError("a defect of ours")
        text = data.decode()
        metadata = json.loads(text.removeprefix("metadata: ")) if text.startswith("metadata: ") else {}
        problem = UserError(text.removeprefix("problem: ")) if text.startswith("problem: ") else None
        digest = hashlib.sha256(data).hexdigest()
        return StyleReport(digest, len(data), "kohya", "LoRA", 240, 240, (4, 32), "bf16", "", metadata, problem)

    def compile(self, file: Path, sha256: str) -> None:
        if file.read_bytes() == b"fails to compile":
            raise UserError("It does not fit.")
        self.compiled.append(sha256)
        self.was_compiled.set()


class Reading:
    """The library, its tools, and a hand that drops files into it. The clock stands still."""

    def __init__(self, folder: Path) -> None:
        self.tools = ScriptedTools()
        self.thumbnails = Thumbnails(folder / "data" / "styles")
        self.now_s = NOW_S
        self.library = StyleLibrary(folder / "lora", self.tools, self.thumbnails, lambda: self.now_s)
        self.library.folder.mkdir()

    def drop(self, name: str, content: bytes, age_s: float = 0.0) -> Path:
        return self.beside(f"{name}.safetensors", content, age_s)

    def beside(self, file_name: str, content: bytes, age_s: float = 0.0) -> Path:
        file = self.library.folder / file_name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (self.now_s - age_s, self.now_s - age_s))
        return file

    def left(self) -> list[str]:
        """Every file in the styles folder, hidden ones too."""
        return sorted(
            f.relative_to(self.library.folder).as_posix() for f in self.library.folder.rglob("*") if f.is_file()
        )


def picture(width: int = 64, height: int = 48, color: str = "red", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, kind)
    return out.getvalue()


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


@pytest.fixture
def library(tmp_path: Path) -> StyleLibrary:
    """Without tools: every file is taken as it is."""
    folder = tmp_path / "lora"
    folder.mkdir()
    (folder / "sketch.safetensors").write_bytes(b"one")
    return StyleLibrary(folder)
