"""Pictures on the studio's disk, found by what their names end with."""

from pathlib import Path

from PIL import Image

from studio.file_names import SHORT_ID


def file_of(data: Path | str, picture: str) -> Path:
    (file,) = Path(data, "pictures").glob(f"*_{picture[:SHORT_ID]}.png")
    return file


def pixels_of(data: Path | str, picture: str) -> bytes:
    with Image.open(file_of(data, picture)) as image:
        return image.convert("RGB").tobytes()
