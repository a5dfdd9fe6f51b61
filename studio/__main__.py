"""The command line: `python -m studio draw`, `photo`, `upscale`, `doctor` and so on, a thin layer over the rest."""

import argparse
import logging
import os
import secrets
import sys
from pathlib import Path

from core import __version__
from core import config as settings
from core.config import Config
from core.errors import InternalError, StudioError
from core.request import UPSCALE_STRENGTH, UPSCALES
from studio import build, formats
from studio.doctor import examine
from studio.draw import Order, draw, on_terminal
from studio.enlarge import Enlarging, enlarge
from studio.history import command as history
from studio.logs import LogFile, reported
from studio.photo_files import Wish, draw_photos
from studio.photos.reading import WHITE
from studio.style_files import compile_files, inspect_files

RANDOM_SEEDS = 2**32
INTERRUPTED = 130  # what a shell expects of a program that was stopped with Ctrl+C


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors are told on stderr, in a sentence."""
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what this terminal cannot show
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    log = None
    try:
        config = settings.load(options.config)
        log = _log_to(config)
        status: int = options.run(config, options)
        return status
    except KeyboardInterrupt:
        on_terminal("")
        return INTERRUPTED
    except StudioError as error:
        return _told(error, log)
    except Exception as error:  # noqa: BLE001 (the boundary: the user reads a sentence, the log has the rest)
        return _told(reported(error), log)


def _draw(config: Config, options: argparse.Namespace) -> int:
    order = Order(
        prompt=options.prompt,
        output=options.output,
        seed=secrets.randbelow(RANDOM_SEEDS) if options.seed is None else options.seed,
        styles=tuple(options.style),
        steps=options.steps,
        size=options.size,
        guidance=options.guidance,
        upscale=options.upscale,
    )
    request = draw(config, order, on_terminal)
    on_terminal("")
    steps = request.num_inference_steps
    print(f"{order.output}  {request.width}x{request.height}  {steps} steps  seed {request.seed}")
    return 0


def _photo(config: Config, options: argparse.Namespace) -> int:
    strength = options.strength
    wish = Wish(
        inputs=tuple(options.inputs),
        folder=options.output,
        styles=tuple(options.style),
        strength=build.describe(config.model.path).photo_strength if strength is None else strength,
        longest=options.resolution,
        format=options.format,
        quality=options.quality,
        seed=options.seed,
        prompt=options.prompt,
        background=options.background,
        keep_camera_data=options.keep_camera_data,
    )
    return 0 if draw_photos(config, wish, print) else 1


def _upscale(config: Config, options: argparse.Namespace) -> int:
    wish = Enlarging(
        picture=options.picture,
        output=options.output,
        factor=options.factor,
        strength=options.strength,
        seed=options.seed,
        prompt=options.prompt,
        styles=tuple(options.style),
        quality=options.quality,
    )
    request = enlarge(config, wish, on_terminal)
    on_terminal("")
    print(f"{wish.output}  {request.width}x{request.height}  seed {request.seed}")
    return 0


def _doctor(config: Config, options: argparse.Namespace) -> int:
    well = True
    for check in examine(config):
        print(f"{'ok' if check.ok else 'FAIL':<5}{check.name:<9}{check.says}", flush=True)
        well = well and check.ok
    return 0 if well else 1


def _inspect(config: Config, options: argparse.Namespace) -> int:
    return 0 if inspect_files(config, options.files, options.json, print) else 1


def _compile(config: Config, options: argparse.Namespace) -> int:
    return 0 if compile_files(config, options.names, print) else 1


def _told(error: StudioError, log: LogFile | None) -> int:
    on_terminal("")
    print(f"studio: {error}", file=sys.stderr)
    if isinstance(error, InternalError) and log is not None and log.file.exists():
        print(f"studio: the log is {log.file}", file=sys.stderr)
    return 1


def _log_to(config: Config) -> LogFile:
    """Send what libraries and we log to a file: a terminal gets sentences."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # libraries' own progress bars, read when they are imported
    log = LogFile(config.paths.data / "studio.log")
    logging.basicConfig(handlers=[log], level=logging.WARNING)
    return log


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help="settings to use instead of config.toml")
    parser = argparse.ArgumentParser(prog="python -m studio", description="The studio without a browser.")
    parser.add_argument("--version", action="version", version=f"Jimeng Studio {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("draw", parents=[common], allow_abbrev=False, help="draw one picture into a file")
    one.set_defaults(run=_draw)
    one.add_argument("prompt", help="what to draw, in quotes")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the picture, ending in .png")
    one.add_argument("--seed", type=int, metavar="N", help="the same seed and settings give the same picture")
    _add_styles(one)
    one.add_argument(
        "--steps", type=int, metavar="N", help="more steps, more detail; the model's own number by default"
    )
    one.add_argument("--size", type=_size, metavar="WxH", help="in pixels; the model's own size by default")
    one.add_argument("--guidance", type=float, metavar="G", help="how strictly to follow the words; 0 is off")

    one.add_argument("--upscale", type=int, choices=UPSCALES, default=1, metavar="N", help="2 or 4: so much larger")

    photo = commands.add_parser(
        "photo", parents=[common], allow_abbrev=False, help="draw photos anew, as many as wanted"
    )
    photo.set_defaults(run=_photo)
    photo.add_argument("inputs", type=Path, nargs="+", metavar="IN", help="a photo, a ZIP file or a folder of photos")
    photo.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the pictures go")
    _add_styles(photo)
    photo.add_argument(
        "--strength", type=float, metavar="S", help="0.1 keeps the photo, 1 forgets it; the model's own by default"
    )
    photo.add_argument("--resolution", type=int, default=1024, metavar="PIXELS", help="of the longest side")
    photo.add_argument("--format", choices=formats.available(), default="png")
    photo.add_argument("--quality", type=_quality, default=formats.QUALITY, metavar="Q", help="1 to 100; not for PNG")
    photo.add_argument("--seed", type=int, default=0, metavar="N", help="one for all, so that they look like a set")
    photo.add_argument("--prompt", default="", metavar="TEXT", help="what the photos show")
    photo.add_argument("--background", type=_colour, default=WHITE, metavar="RRGGBB", help="under transparency")
    photo.add_argument("--keep-camera-data", action="store_true", help="time, place and camera stay in the pictures")

    large = commands.add_parser("upscale", parents=[common], allow_abbrev=False, help="make a picture larger")
    large.set_defaults(run=_upscale)
    large.add_argument("picture", type=Path, metavar="IN", help="a picture of any origin")
    large.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help=".png, .jpg, .webp or .avif")
    large.add_argument("--factor", type=int, choices=UPSCALES[1:], default=2, metavar="N", help="2 or 4")
    large.add_argument("--strength", type=float, default=UPSCALE_STRENGTH, metavar="S", help="how much is drawn anew")
    large.add_argument("--seed", type=int, metavar="N", help="the picture's own by default")
    large.add_argument("--prompt", metavar="TEXT", help="what it shows; its own words by default, where it has some")
    _add_styles(large)
    large.add_argument("--quality", type=_quality, default=formats.QUALITY, metavar="Q", help="1 to 100; not for PNG")

    look = commands.add_parser("doctor", parents=[common], allow_abbrev=False, help="say what is wrong on this machine")
    look.set_defaults(run=_doctor)

    what = commands.add_parser("inspect", parents=[common], allow_abbrev=False, help="say what style files are")
    what.set_defaults(run=_inspect)
    what.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a .safetensors file; nothing in it is run")
    what.add_argument("--json", action="store_true", help="for programs")

    history.add_to(commands, common)

    ready = commands.add_parser("compile", parents=[common], allow_abbrev=False, help="make styles ready for the model")
    ready.set_defaults(run=_compile)
    ready.add_argument("names", nargs="*", metavar="NAME", help="of styles in the styles folder; all by default")
    return parser


def _add_styles(command: argparse.ArgumentParser) -> None:
    several = "may be given several times"
    command.add_argument(
        "--style", type=_style, action="append", default=[], metavar="NAME[:STRENGTH]", help=several
    )  # fmt: skip


def _quality(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a quality; write a number from 1 to 100")
    return int(text)


def _colour(text: str) -> tuple[int, int, int]:
    try:
        red, green, blue = bytes.fromhex(text.removeprefix("#"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a colour; write it as ffffff") from None
    return red, green, blue


def _style(text: str) -> tuple[str, float]:
    name, colon, strength = text.rpartition(":")
    if not colon:
        return text, 1.0
    try:
        return name, float(strength)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{strength!r} is not a strength; write NAME:0.8, or NAME alone") from None


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = map(int, text.lower().replace("×", "x").split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write it as 128x128") from None
    return width, height


if __name__ == "__main__":
    sys.exit(main())
