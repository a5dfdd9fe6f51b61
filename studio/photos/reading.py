"""A photo as it comes from a phone, a scanner or a stranger, made into plain upright sRGB pixels, or refused by name.

What a file is, is told by its content, never by its name. Nothing is decoded before its size is known to be sane. Of
what a camera wrote into it (place, time, device) nothing goes on, unless that is asked for.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from core.engine import Frame
from core.errors import N_, UserError

MOST_BYTES = 100_000_000
MOST_PIXELS = 89_000_000  # just below where Pillow itself begins to warn
MOST_EXIF_BYTES = 65_000  # JPEG's own limit is a little more
LEAST_SIDE = 16
WHITE = (255, 255, 255)
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
_JPEGS = ("JPEG", "MPO")  # the second is one with another picture in it, as phones write
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_ORIENTATION, _EXIF_IFD, _MAKER_NOTE = 0x0112, 0x8769, 0x927C
_Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Photo:
    """`format` as Pillow calls it. `notes` say what was done that a user may want to know: templates without values.

    `exif` is what the camera wrote, as a TIFF structure, if it was to be kept.
    """

    frame: Frame
    format: str
    notes: tuple[str, ...] = ()
    exif: bytes = b""


def read(data: bytes, most_side: int, background: _Rgb = WHITE, keep_camera_data: bool = False) -> Photo:
    """Read a photo, made smaller where it is over `most_side` pixels; what is transparent shows `background`.

    Raises UserError that says what is wrong with this file, whatever it is.
    """
    if not data:
        raise UserError(N_("The file is empty. Choose it again, or another one."))
    if len(data) > MOST_BYTES:
        raise UserError(N_("The file is larger than {most} MB. Save it smaller."), most=MOST_BYTES // 1_000_000)
    try:
        with _opened(data) as image:
            _check_size(image.size)
            return _read(image, most_side, background, keep_camera_data)
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # told before anything is decoded
        raise _too_large() from error
    except MemoryError as error:
        raise UserError(N_("The photo takes more memory than there is. Save it smaller.")) from error
    except Exception as error:  # noqa: BLE001 (a decoder fed with anything may raise anything)
        raise UserError(N_("The photo is damaged or cut off. Send it again, or open it and save it anew.")) from error


def camera_data(data: bytes) -> bytes:
    """What the camera wrote into a photo, as in `Photo.exif`; nothing when that cannot be read."""
    try:
        with _opened(data) as image:
            return _camera_data(image)
    except Exception:  # noqa: BLE001 (what cannot be read cannot be kept)
        return b""


def _opened(data: bytes) -> Image.Image:
    formats: tuple[str, ...] = _FORMATS
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        _learn_heic()
        formats = ("HEIF",)
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError as error:
        if formats is not _FORMATS:
            raise  # it says what it is, and is not
        raise UserError(N_("This is not a photo that can be read here. JPEG, PNG, WebP and AVIF can.")) from error


def _learn_heic() -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise UserError(
            N_("HEIC photos need one more package here: pip install pillow-heif. Or save the photo as JPEG.")
        ) from error
    pillow_heif.register_heif_opener(thumbnails=False)


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise _too_large(size)
    if min(size) < LEAST_SIDE:
        raise UserError(
            N_("The photo is {width} x {height} pixels. {least} a side is the least."),
            width=size[0], height=size[1], least=LEAST_SIDE,
        )  # fmt: skip


def _too_large(size: tuple[int, int] | None = None) -> UserError:
    most = MOST_PIXELS // 1_000_000
    if size is None:
        return UserError(N_("The photo has more than {most} megapixels. Save it smaller."), most=most)
    return UserError(
        N_("The photo is {width} x {height} pixels; {most} megapixels are the most. Save it smaller."),
        width=size[0], height=size[1], most=most,
    )  # fmt: skip


def _read(image: Image.Image, most_side: int, background: _Rgb, keep_camera_data: bool) -> Photo:
    kind, notes = str(image.format), list[str]()
    frames = int(getattr(image, "n_frames", 1))
    if frames > 1 and kind not in _JPEGS:
        notes.append(N_("It moves; the first picture of it was taken."))
    if kind in _JPEGS:
        image.draft(None, (most_side * 2, most_side * 2))  # decodes a large one at half its size or less, in no time
    image.load()
    exif = _camera_data(image) if keep_camera_data else b""
    picture, alpha = _apart(_upright(image))
    picture = _srgb(picture, image.info.get("icc_profile"), notes)
    if alpha is not None:
        picture = Image.composite(picture, Image.new("RGB", picture.size, background), alpha)
    picture.thumbnail((most_side, most_side), Image.Resampling.LANCZOS)
    return Photo(Frame(picture.width, picture.height, picture.tobytes()), kind, tuple(notes), exif)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 (EXIF that cannot be read turns nothing)
        return image


def _apart(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours, in a mode a colour profile may be for, and the opacity."""
    if image.mode.startswith("I"):  # 16 bits of grey
        values = np.asarray(image).astype(np.int64).clip(0, 0xFFFF)
        return Image.fromarray(((values * 255 + 0x7FFF) // 0xFFFF).astype(np.uint8)), None
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "1":
        return image.convert("L"), None
    if image.mode not in ("RGBA", "LA", "L", "RGB", "CMYK"):
        return image.convert("RGB"), None
    if image.mode in ("RGBA", "LA"):
        return image.convert(image.mode[:-1]), image.getchannel("A")
    return image, None


def _srgb(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    if not profile:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append(N_("Its colour profile could not be read; colours may be off a little."))
        return image.convert("RGB")
    return converted if converted is not None else image.convert("RGB")


def _camera_data(image: Image.Image) -> bytes:
    """EXIF without the orientation, which the pixels have now, as far as any format has room for it."""
    try:
        exif = image.getexif()
        exif.pop(_ORIENTATION, None)
        if len(exif.tobytes()) > MOST_EXIF_BYTES:
            exif.get_ifd(_EXIF_IFD).pop(_MAKER_NOTE, None)  # the maker's own, which nobody else reads
        written = exif.tobytes().removeprefix(b"Exif\0\0") if len(exif) else b""
        return written if len(written) <= MOST_EXIF_BYTES else b""
    except Exception:  # noqa: BLE001 (what cannot be read cannot be kept)
        return b""
