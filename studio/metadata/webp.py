"""WebP as a list of chunks: EXIF and XMP read, put in and taken out. Pixels are passed over."""

import struct
from collections.abc import Iterator

from studio.metadata import exif, xmp
from studio.metadata.limits import MOST_PARTS, MOST_TEXT_BYTES, damaged, too_large

_EXIF, _XMP = b"EXIF", b"XMP "
_HAS_EXIF, _HAS_XMP, _HAS_ALPHA = 0x08, 0x04, 0x10
_LOSSLESS_MARK, _LOSSY_MARK = b"\x2f", b"\x9d\x01\x2a"


def is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def texts(data: bytes) -> tuple[str, dict[int, str]]:
    """The settings in its XMP, and texts of its EXIF by tag. Raises UserError for what is too large."""
    settings, tags = "", dict[int, str]()
    for kind, body in _chunks(data):
        if kind not in (_EXIF, _XMP):
            continue
        if len(body) > MOST_TEXT_BYTES:
            raise too_large()
        if kind == _EXIF:
            tags = tags or exif.texts(bytes(body))
        else:
            settings = settings or xmp.settings(bytes(body))
    return settings, tags


def embed(data: bytes, parameters: str, settings: str, camera: bytes = b"") -> bytes:
    """The same picture with these and without what it had. `camera`, a TIFF structure, replaces the parameters."""
    chunks = [(k, b) for k, b in _whole(data) if k not in (_EXIF, _XMP)]
    if chunks[0][0] != b"VP8X":
        chunks.insert(0, (b"VP8X", memoryview(_extended(*chunks[0]))))
    added = [(_EXIF, memoryview(camera or exif.build(parameters))), (_XMP, memoryview(xmp.build(settings)))]
    return _packed([*chunks, *added], _HAS_EXIF | _HAS_XMP)


def clean(data: bytes) -> bytes:
    """The same picture without EXIF and XMP. Raises UserError for what is no whole WebP."""
    return _packed([(k, b) for k, b in _whole(data) if k not in (_EXIF, _XMP)], 0)


def _whole(data: bytes) -> list[tuple[bytes, memoryview]]:
    chunks = list(_chunks(data))
    if not any(kind in (b"VP8 ", b"VP8L", b"ANMF") for kind, _ in chunks):
        raise damaged()
    return chunks


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, at = memoryview(data), 12
    end = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    for _ in range(MOST_PARTS):
        if at + 8 > end:
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            return
        yield kind, view[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _packed(chunks: list[tuple[bytes, memoryview]], flags: int) -> bytes:
    parts: list[bytes | memoryview] = []
    for kind, body in chunks:
        if kind == b"VP8X":
            body = memoryview(bytes([body[0] & ~(_HAS_EXIF | _HAS_XMP) | flags]) + bytes(body[1:]))
        parts += [struct.pack("<4sI", kind, len(body)), body, b"\0" * (len(body) % 2)]
    whole = b"".join(parts)
    return struct.pack("<4sI4s", b"RIFF", len(whole) + 4, b"WEBP") + whole


def _extended(kind: bytes, body: memoryview) -> bytes:
    """The header that a file with metadata needs, for one that had none."""
    if kind == b"VP8L" and body[:1] == _LOSSLESS_MARK and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bits >> 28 & 1
    elif kind == b"VP8 " and body[3:6] == _LOSSY_MARK and len(body) >= 10:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", body, 6))
        alpha = 0
    else:
        raise damaged()
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes([_HAS_ALPHA * alpha, 0, 0, 0]) + sides
