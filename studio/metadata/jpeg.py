"""JPEG as a list of segments: EXIF, XMP and comments read, put in and taken out. Pixels are passed over."""

import struct
from collections.abc import Iterator

from studio.metadata import exif, xmp
from studio.metadata.limits import damaged

SIGNATURE = b"\xff\xd8\xff"
MOST_SEGMENT_BYTES = 65_533
_APP1, _APP13, _COMMENT = 0xE1, 0xED, 0xFE
_SCAN, _END = 0xDA, 0xD9
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_MOST_SEGMENTS = 1_000


def texts(data: bytes) -> tuple[str, dict[int, str], str]:
    """The settings in its XMP, texts of its EXIF by tag, and its comment."""
    settings, tags, comment = "", dict[int, str](), ""
    for marker, start, end in _segments(data):
        body = data[start:end]
        if marker == _APP1 and body.startswith(_EXIF):
            tags = tags or exif.texts(body)
        elif marker == _APP1 and body.startswith(_XMP):
            settings = settings or xmp.settings(body)
        elif marker == _COMMENT:
            comment = comment or body.decode("utf-8", "replace")
    return settings, tags, comment


def embed(data: bytes, parameters: str, settings: str, camera: bytes = b"") -> bytes:
    """The same picture with these and without what it had. A text that no segment can hold is left out.

    `camera`, a TIFF structure, stands in place of the parameters.
    """
    plain = clean(data)
    parts = (_EXIF + (camera or exif.build(parameters)), _XMP + xmp.build(settings))
    return plain[:2] + b"".join(_segment(part) for part in parts if len(part) <= MOST_SEGMENT_BYTES) + plain[2:]


def clean(data: bytes) -> bytes:
    """The same picture without EXIF, XMP, IPTC and comments. Raises UserError for what is no whole JPEG."""
    kept, from_, scanned = [], 0, False
    for marker, start, end in _segments(data):
        scanned = marker == _SCAN
        if marker in (_APP1, _APP13, _COMMENT):
            kept.append(data[from_ : start - 4])
            from_ = end
    if not scanned:
        raise damaged()
    kept.append(data[from_:])
    return b"".join(kept)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, and where the content begins and ends, up to the first scan and with it."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if data[at : at + 2] == b"\xff\xff":  # filling
            at += 1
            continue
        if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] == _END:
            return
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if length < 2 or at + 2 + length > len(data):
            return
        yield marker, at + 4, at + 2 + length
        if marker == _SCAN:
            return
        at += 2 + length


def _segment(body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) + body
