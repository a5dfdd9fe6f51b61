"""EXIF, as little of it as carries settings: texts in its first two directories.

A1111 and its kin write the comment as UTF-16 with the high byte first, whatever the byte order of the rest; others
write it the other way round, and nothing in the file tells which.
"""

import struct

USER_COMMENT = 0x9286
MAKE, MODEL, SOFTWARE, MAKER_NOTE, DESCRIPTION = 0x010F, 0x0110, 0x0131, 0x927C, 0x010E
_DIRECTORY = 0x8769
_MOST_ENTRIES = 500
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
_WANTED = (USER_COMMENT, MAKE, MODEL, SOFTWARE, MAKER_NOTE, DESCRIPTION)
_UNICODE, _ASCII, _NONE = b"UNICODE\0", b"ASCII\0\0\0", bytes(8)


def build(comment: str) -> bytes:
    """A TIFF structure that holds a comment and nothing else. `comment` has to fit beside others in 64 kB."""
    text = _UNICODE + comment.encode("utf-16-be")
    head = struct.pack(">2sHI", b"MM", 42, 8)
    first = struct.pack(">HHHIII", 1, _DIRECTORY, 4, 1, 26, 0)
    return head + first + struct.pack(">HHHIII", 1, USER_COMMENT, 7, len(text), 44, 0) + text


def texts(data: bytes) -> dict[int, str]:
    """Texts by tag; what is damaged is left out."""
    data = data.removeprefix(b"Exif\0\0")
    order = {b"MM\0*": ">", b"II*\0": "<"}.get(data[:4])
    if order is None or len(data) < 8:
        return {}
    found: dict[int, str] = {}
    waiting, seen = [struct.unpack_from(f"{order}I", data, 4)[0]], set[int]()
    while waiting and len(seen) < 3:
        at = waiting.pop()
        if at in seen or at + 2 > len(data):
            continue
        seen.add(at)
        count = min(struct.unpack_from(f"{order}H", data, at)[0], _MOST_ENTRIES, (len(data) - at - 2) // 12)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, length, offset = struct.unpack_from(f"{order}HHII", data, entry)
            if tag == _DIRECTORY:
                waiting.append(offset)
            elif tag in _WANTED and kind in _SIZES:
                start = entry + 8 if length * _SIZES[kind] <= 4 else offset
                value = data[start : start + length * _SIZES[kind]]
                found.setdefault(tag, _comment(value) if tag == USER_COMMENT else _plain(value))
    return found


def _comment(value: bytes) -> str:
    head, body = value[:8], value[8:]
    if head == _UNICODE:
        return _utf16(body)
    if head in (_ASCII, _NONE):
        return _plain(body)
    return _plain(value)  # without the eight bytes, as some programs leave it


def _utf16(body: bytes) -> str:
    if body[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return body.decode("utf-16", "replace").rstrip("\0")
    body = body[: len(body) // 2 * 2]
    high_first = body[0::2].count(0) >= body[1::2].count(0)  # letters and digits have a zero there
    return body.decode("utf-16-be" if high_first else "utf-16-le", "replace").rstrip("\0")


def _plain(value: bytes) -> str:
    value = value.rstrip(b"\0")
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
