"""PNG as a list of chunks: texts read within limits, put in and taken out. Pixels are passed over."""

import struct
import zlib
from collections.abc import Iterator, Mapping

from studio.metadata import exif
from studio.metadata.limits import MOST_PARTS, MOST_TEXT_BYTES, damaged, too_large

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")
_HEADER_END = len(SIGNATURE) + 25  # after IHDR


def texts(data: bytes, wanted: frozenset[str]) -> tuple[dict[str, str], dict[int, str]]:
    """Texts by keyword, and those of its EXIF by tag. Raises UserError for what is damaged or too large."""
    found: dict[str, str] = {}
    tags: dict[int, str] = {}
    for kind, start, end in _chunks(data):
        if kind not in _TEXTS:
            continue
        if end - start > MOST_TEXT_BYTES:
            raise too_large()
        body = data[start:end]
        if zlib.crc32(kind + body) != int.from_bytes(data[end : end + 4]):
            raise damaged()
        if kind == b"eXIf":
            tags = tags or exif.texts(body)
            continue
        keyword, _, rest = body.partition(b"\0")
        name = keyword.decode("latin-1")
        if name in wanted and name not in found:
            found[name] = _text(kind, rest)
            if sum(map(len, found.values())) > MOST_TEXT_BYTES:
                raise too_large()
    return found, tags


def embed(data: bytes, values: Mapping[str, str], camera: bytes = b"") -> bytes:
    """The same picture with these texts and this EXIF, and no others."""
    plain, added = clean(data), [_text_chunk(keyword, text) for keyword, text in values.items()]
    if camera:
        added.append(_chunk(b"eXIf", camera))
    return plain[:_HEADER_END] + b"".join(added) + plain[_HEADER_END:]


def clean(data: bytes) -> bytes:
    """The same picture without texts and EXIF. Raises UserError for what is no whole PNG."""
    kept, from_, last = [], 0, b""
    for kind, start, end in _chunks(data):
        last = kind
        if kind in _TEXTS or kind == b"tIME":
            kept.append(data[from_ : start - 8])
            from_ = end + 4
    if last != b"IEND" or data[12:16] != b"IHDR":
        raise damaged()
    kept.append(data[from_:])
    return b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where the content begins and ends. A file that is cut off ends with its last whole chunk."""
    at = len(SIGNATURE)
    for _ in range(MOST_PARTS):
        if at + 12 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            return
        yield kind, at + 8, at + 8 + length
        if kind == b"IEND":
            return
        at += 12 + length


def _text(kind: bytes, rest: bytes) -> str:
    if kind == b"tEXt":
        return _decoded(rest)
    if kind == b"zTXt":
        return _decoded(_inflated(rest[1:]))
    if len(rest) < 2:
        raise damaged()
    packed = rest[0] == 1
    body = rest[2:].split(b"\0", 2)[-1]  # after the language and the translated keyword
    return (_inflated(body) if packed else body).decode("utf-8", "replace")


def _inflated(body: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        whole = unpacker.decompress(body, MOST_TEXT_BYTES + 1)
    except zlib.error as error:
        raise damaged() from error
    if len(whole) > MOST_TEXT_BYTES:
        raise too_large()
    return whole


def _decoded(body: bytes) -> str:
    """Latin-1 by the standard, UTF-8 by many a program."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _text_chunk(keyword: str, text: str) -> bytes:
    name = keyword.encode("latin-1")
    if text.isascii():
        return _chunk(b"tEXt", name + b"\0" + text.encode())
    return _chunk(b"iTXt", name + b"\0\0\0\0\0" + text.encode())


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))
