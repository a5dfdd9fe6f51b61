"""What is written about a style is read from where people have it, and can do no harm."""

import io
import json
import os

import pytest
from PIL import Image

from studio.styles.sidecars import read_beside
from studio.styles.style import About
from studio.styles.thumbnails import MOST_PIXELS, SIDE, shrunk
from tests.studio.styles.conftest import Reading, picture


def about(reading: Reading, **files: object) -> About:
    """What the library says of `ink` with these beside it: `json`, `civitai`, and `metadata` for the file's own."""
    metadata = files.pop("metadata", {})
    for kind, data in files.items():
        name = {"json": "ink.json", "civitai": "ink.civitai.info"}[kind]
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        reading.beside(name, content, age_s=60)
    reading.drop("ink", b"metadata: " + json.dumps(metadata).encode(), age_s=60)
    reading.library.scan()
    style = reading.library.get("ink")
    assert style is not None and style.state == "ready"
    return style.about


def test_our_own_and_other_programs_json(reading: Reading) -> None:
    ours = {
        "name": "Ink wash",
        "description": "Soft\nand grey",
        "trigger words": ["ink wash", "shuimo"],
        "author": "Li",
    }
    assert about(reading, json=ours) == About("Ink wash", "Li", "Soft\nand grey", ("ink wash", "shuimo"))
    theirs = {"activation text": "ink wash, shuimo,, ink wash", "notes": "from A1111", "preferred weight": 0.8}
    assert about(reading, json=theirs) == About("", "", "from A1111", ("ink wash", "shuimo"))


def test_what_civitai_says_comes_as_text(reading: Reading) -> None:
    info = {
        "name": "v2",
        "model": {"name": "Ink"},
        "description": "<p>Use <b>ink</b>&nbsp;&amp; water</p><script>alert(1)</script><p>Enjoy</p>",
        "trainedWords": ["ink wash, soft", "shuimo"],
        "creator": {"username": "li"},
    }
    assert about(reading, civitai=info) == About("Ink", "li", "Use ink & water\n\nEnjoy", ("ink wash, soft", "shuimo"))


def test_the_files_own_metadata_speaks_where_nothing_lies_beside_it(reading: Reading) -> None:
    tags = json.dumps({"a": {"ink": 40, "paper": 3, "cat": 1}, "b": {"paper": 9, "dog": 2}})
    kohya = {"ss_output_name": "wash-v2", "ss_tag_frequency": tags}
    assert about(reading, metadata=kohya) == About("wash-v2", "", "", ("ink", "paper", "dog"))
    assert about(reading, metadata={"ss_output_name": "ink"}).title == ""  # the file's own name says as much
    spec = {"modelspec.title": "Ink", "modelspec.author": "Li", "modelspec.trigger_phrase": "ink wash"}
    assert about(reading, metadata=kohya | spec) == About("Ink", "Li", "", ("ink wash",))
    assert about(reading, metadata=kohya | spec, json={"name": "Mine"}) == About("Mine", "Li", "", ("ink wash",))


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"name": 7, "trigger words": {"a": 1}}',
     b'{"name": null, "description": [], "trigger words": [1, null, ["x"]]}', b" " * 1_000_001],
)  # fmt: skip
def test_a_damaged_sidecar_says_nothing(reading: Reading, data: bytes) -> None:
    assert about(reading, json=data, civitai=data) == About()


def test_a_hostile_sidecar_is_cut_and_cleaned(reading: Reading) -> None:
    said = about(
        reading,
        json={
            "name": "a\x00b\x1b[31m\u202egnp.exe\n\n**bold**" + "x" * 10_000,
            "description": "d" * 10_000 + "\n" * 100,
            "trigger words": ["w" * 1_000] + [f"word {n}" for n in range(1_000)] + ["\u202e", "", " , "],
        },
    )
    assert said.title.startswith("ab[31mgnp.exe **bold**xxx") and len(said.title) == 120
    assert len(said.description) == 2_000
    assert len(said.words) == 12 and len(said.words[0]) == 100


def test_a_sidecar_that_is_a_link_or_a_pipe_is_left_alone(reading: Reading, tmp_path) -> None:
    (tmp_path / "secret").write_text('{"name": "secret"}')
    (reading.library.folder / "ink.json").symlink_to(tmp_path / "secret")
    os.mkfifo(reading.library.folder / "ink.civitai.info")
    (reading.library.folder / "ink.png").symlink_to(tmp_path / "secret")
    assert about(reading) == About()


def test_a_sidecar_that_changes_is_read_anew_and_the_file_is_not(reading: Reading) -> None:
    assert about(reading, json={"name": "one"}).title == "one"
    reading.beside("ink.json", b'{"name": "another"}', age_s=30)
    reading.library.scan()
    assert reading.library.get("ink").about.title == "another" and len(reading.tools.inspected) == 1


# --- pictures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ink.preview.png", "PNG"), ("ink.preview.webp", "WEBP"), ("ink.jpg", "JPEG"), ("ink.png", "WEBP")],
)
def test_a_preview_beside_the_file_becomes_its_thumbnail(reading: Reading, name: str, kind: str) -> None:
    reading.beside(name, picture(2000, 1000, kind=kind), age_s=60)
    about(reading)
    style = reading.library.get("ink")
    assert style.thumbnail
    with Image.open(reading.thumbnails.file(style.sha256)) as image:
        assert (image.format, image.size) == ("WEBP", (SIDE, SIDE // 2))


def test_a_chosen_picture_stays_before_the_one_beside_the_file(reading: Reading, tmp_path) -> None:
    about(reading)
    style = reading.library.get("ink")
    assert not style.thumbnail
    (tmp_path / "mine.png").write_bytes(picture(color="blue"))
    reading.library.illustrate(style.sha256, tmp_path / "mine.png")
    reading.beside("ink.png", picture(color="red"), age_s=1)
    reading.library.scan()
    after = reading.library.get("ink")
    assert after.thumbnail
    with Image.open(reading.thumbnails.file(style.sha256)) as image:
        assert image.getpixel((5, 5))[2] > 200


def test_a_bad_preview_is_no_picture_and_the_next_one_is_taken(reading: Reading) -> None:
    reading.beside("ink.preview.png", b"\x89PNG\r\n\x1a\n nonsense", age_s=60)
    reading.beside("ink.png", picture(), age_s=60)
    about(reading)
    assert reading.library.get("ink").thumbnail


def test_a_sidecar_that_becomes_a_link_between_two_looks_is_not_followed(tmp_path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    assert read_beside(tmp_path / "secret", 100) == b"secret"
    assert read_beside(tmp_path / "link", 100) is None


def large() -> bytes:
    """A real picture of more pixels than we look at, in a few kilobytes."""
    out = io.BytesIO()
    Image.new("1", (8_000, MOST_PIXELS // 8_000 + 1)).save(out, "PNG")
    return out.getvalue()


def bomb() -> bytes:
    """A few hundred bytes that say they are a picture of 30,000 x 30,000."""
    data = bytearray(picture(1, 1))
    data[16:24] = (30_000).to_bytes(4, "big") * 2
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a" + bytes(100), b"<svg onload='x'/>", b"%!PS", bomb(), large(), picture()[:60], picture(kind="TIFF")],
    ids=["nothing", "gif", "svg", "postscript", "bomb", "large", "cut off", "tiff"],
)
def test_what_is_no_picture_of_ours_is_none(data: bytes) -> None:
    assert shrunk(data) is None


def test_a_thumbnail_carries_nothing_of_the_original_but_its_pixels() -> None:
    out = io.BytesIO()
    image, exif = Image.new("RGBA", (40, 20), (255, 0, 0, 0)), Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret"
    image.save(out, "PNG", exif=exif)
    small = shrunk(out.getvalue())
    assert small and b"secret" not in small
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (20, 40) and image.getpixel((1, 1)) == (255, 255, 255)
