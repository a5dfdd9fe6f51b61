"""`python -m studio photo` and `upscale`: each photo by itself, named like the original, whatever the others are."""

import csv
import io
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from core.engine import Frame
from core.request import GenerationRequest
from studio import png
from studio.__main__ import _parser
from studio.metadata import Facts, embed, read
from tests.hostile.photos import archive, picture, saved, turned, with_camera_data
from tests.studio.test_command_line import Run, config, refused, studio

__all__ = ["config", "studio"]  # fixtures


def table(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "photos.csv").read_text("utf-8-sig"))))


def test_a_bad_photo_never_stops_the_others_and_the_exit_code_tells(studio: Run, config: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "b.jpg").write_bytes(turned(6))
    (photos / "a.png").write_bytes(saved(picture(), "PNG")[:-60])
    (photos / "notes.txt").write_text("not a photo")
    (tmp_path / "more.zip").write_bytes(archive({"x/B.jpg": turned(1), "../=c.svg": b"<svg/>"}))
    arguments = ["photo", "photos", "more.zip", "gone.jpg", "-o", "out", "--style", "cartoon", "--resolution", "160"]
    result = studio(*arguments, "--seed", "7", "--config", str(config))
    assert result.returncode == 1, result.stderr
    assert result.stderr == ""
    ending = "_cartoon-100_strength20_seed7"
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == [
        f"B{ending} (2).png", f"b{ending}.png", "photos.csv",
    ]  # fmt: skip
    rows = table(tmp_path / "out")
    assert [(row["input"], row["status"]) for row in rows] == [
        ("a.png", "failed"), ("b.jpg", "done"), ("B.jpg", "done"), ("'=c.svg", "failed"), ("gone.jpg", "failed"),
    ]  # fmt: skip
    assert "damaged or cut off" in rows[0]["error"]
    assert "not a photo" in rows[3]["error"]
    assert "cannot be read" in rows[4]["error"]
    with Image.open(tmp_path / "out" / rows[1]["output"]) as image:
        assert (image.format, image.size) == ("PNG", (160, 96))
    made = read((tmp_path / "out" / rows[1]["output"]).read_bytes()).facts
    assert made is not None and made.request.seed == 7 and made.request.source is not None
    assert made.request.styles[0].name == "cartoon"


@pytest.mark.parametrize(("kind", "ending"), [("jpeg", "jpg"), ("png", "png")])
def test_photos_become_the_format_and_keep_their_camera_data_only_when_asked(
    studio: Run, config: Path, tmp_path: Path, kind: str, ending: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(with_camera_data())
    common = ["--resolution", "64", "--strength", "0.2", "--config", str(config)]
    for folder, more, camera in (("plain", [], None), ("kept", ["--keep-camera-data"], "Phone 7")):
        result = studio("photo", "a.jpg", "-o", folder, "--format", kind, "--quality", "80", *common, *more)
        assert (result.returncode, result.stderr) == (0, "")
        with Image.open(tmp_path / folder / f"a_strength20_seed0.{ending}") as image:
            assert image.format == kind.upper()
            assert image.getexif().get(0x0110) == camera


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "the following arguments are required: -o"),
        (["-o", "out", "--format", "gif"], "invalid choice: 'gif'"),
        (["-o", "out", "--quality", "101"], "'101' is not a quality"),
        (["-o", "out", "--background", "white"], "'white' is not a colour"),
    ],
)
def test_an_option_that_is_none_is_named(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parser().parse_args(["photo", "a.jpg", *arguments])
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.jpg", "-o", "out", "--strength", "nan"], "Strength has to be a number from 0.1 to 1."),
        (["a.jpg", "-o", "out", "--style", "vangogh"], 'There is no style "vangogh"'),
        (["a.jpg", "-o", "out", "--resolution", "4"], "The resolution has to be from 16 to 8192 pixels."),
        (["a.jpg", "-o", "my.toml/out"], "my.toml/out cannot be made: Not a directory"),
        (["empty", "-o", "out", "--resolution", "64"], "There is no photo in what was named."),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_a_sentence(
    studio: Run, config: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "empty").mkdir()
    refused(studio("photo", *arguments, "--config", str(config)), says)


def test_a_picture_is_enlarged_with_its_own_words_and_seed(studio: Run, config: Path, tmp_path: Path) -> None:
    request = GenerationRequest("a red house", 64, 48, seed=5, num_inference_steps=4)
    (tmp_path / "in.png").write_bytes(embed(png.encode(Frame(64, 48, picture(64, 48).tobytes())), Facts(request)))
    result = studio("upscale", "in.png", "-o", "out.png", "--factor", "4", "--config", str(config))
    assert (result.returncode, result.stderr, result.stdout) == (0, "", "out.png  256x192  seed 5\n")
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (256, 192)
    made = read((tmp_path / "out.png").read_bytes()).facts
    assert made is not None
    assert (made.request.prompt, made.request.upscale, made.request.seed) == ("a red house", 4, 5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gone.png", "-o", "out.png"], "gone.png: The file cannot be read: No such file"),
        (["my.toml", "-o", "out.png"], "not a photo that can be read here"),
        (["my.toml", "-o", "out.gif"], "out.gif does not end in .png or .jpg"),
    ],
)
def test_an_enlargement_that_cannot_be_is_refused_before_the_model_is_loaded(
    studio: Run, config: Path, arguments: list[str], says: str
) -> None:
    refused(studio("upscale", *arguments, "--config", str(config)), says)


def test_a_picture_can_be_drawn_and_enlarged_at_once(studio: Run, config: Path, tmp_path: Path) -> None:
    arguments = ["draw", "a red house", "-o", "out.png", "--steps", "2", "--size", "64x64", "--upscale", "2"]
    result: subprocess.CompletedProcess[str] = studio(*arguments, "--config", str(config))
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (128, 128)
