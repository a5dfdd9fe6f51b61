"""No picture does harm by what it says: refused in a sentence, or read as text, in little time and memory."""

import io
import json
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import UserError
from core.request import GenerationRequest
from studio.metadata import Facts, clean, embed, read
from tests.studio.metadata import samples

FACTS = Facts(GenerationRequest("a red house", 64, 64, 7))
OURS = {kind: embed(samples.encoded(kind), FACTS) for kind in ("PNG", "JPEG", "WEBP")}
MOST_MEMORY_MB = 40
PLAIN = "not a word"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes, side: int = 1) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def bomb(megabytes: int = 2000) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


BOMB = bomb()
HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "a web page": (b"<!DOCTYPE html><script>alert(1)</script>", "web page or a drawing in text"),
    "a drawing": (b'<?xml version="1.0"?><svg onload="alert(1)"/>', "web page or a drawing in text"),
    "a drawing, marked": (b"\xef\xbb\xbf\n <SVG>", "web page or a drawing in text"),
    "a program": (b"MZ\x90\0" * 100, "none of them"),
    "a GIF": (b"GIF89a" + bytes(100), "none of them"),
    "a pickle": (b"\x80\x04cos\nsystem\n.", "none of them"),
    "zeros": (bytes(1000), "none of them"),
    "a mark alone": (b"\x89PNG\r\n\x1a\n", "no settings"),
    "a JPEG's mark alone": (b"\xff\xd8\xff", "no settings"),
    "a WebP's mark alone": (b"RIFF\xff\xff\xff\xffWEBP", "no settings"),
    "a bomb of text": (png(chunk(b"zTXt", b"parameters\0\0" + BOMB)), "far larger than any settings"),
    "a bomb of other text": (png(chunk(b"iTXt", b"prompt\0\1\0\0\0" + BOMB)), "far larger than any settings"),
    "many small bombs": (
        png(*[chunk(b"zTXt", k + b"\0\0" + zlib.compress(b"x" * 3_000_000)) for k in (b"parameters", b"prompt")]),
        "far larger than any settings",
    ),
    "long text": (png(chunk(b"tEXt", b"parameters\0" + b"x" * 5_000_000)), "far larger than any settings"),
    "a long line": (png(chunk(b"tEXt", b"parameters\0" + b"x" * 1_000_000)), "far larger than any settings"),
    "text that is not packed": (png(chunk(b"zTXt", b"parameters\0\0nonsense")), "damaged"),
    "a wrong checksum": (png(chunk(b"tEXt", b"parameters\0x")[:-1] + b"\0"), "damaged"),
    "a chunk without end": (png()[:33] + b"\xff\xff\xff\xfftEXtparameters\0x", "no settings"),
    "a picture of a terabyte": (png(side=2**31 - 1), "no settings"),
    "no keyword": (png(chunk(b"tEXt", b""), chunk(b"iTXt", b"parameters\0")), "damaged"),
    "brackets": (png(chunk(b"tEXt", b"prompt\0" + b'{"a":' * 500_000)), "no settings"),
    "more brackets": (png(chunk(b"tEXt", b"jimeng\0" + b"[" * 900_000)), "no settings"),
    "a long number": (png(chunk(b"tEXt", b"invokeai_metadata\0" + b'{"seed":' + b"9" * 900_000 + b"}")), "no settings"),
    "another's JSON": (png(chunk(b"tEXt", b'jimeng\0{"request":7}')), "no settings"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_refused_in_a_sentence(name: str) -> None:
    data, says = HOSTILE[name]
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=says) as raised:
            read(data)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY_MB * 1e6
    finally:
        tracemalloc.stop()
    assert str(raised.value).isprintable()


def test_neither_name_nor_size_matters_only_what_is_in_it() -> None:
    text = chunk(b"tEXt", b"parameters\0x\nSteps: 8, Seed: 5, Size: 64x64")
    assert read(png(text, side=2**31 - 1)).settings.seed == 5  # four exabytes of pixels that nobody looks at


SLOW: dict[str, Callable[[int], bytes]] = {
    "words": lambda n: png(chunk(b"tEXt", b"parameters\0" + b"a " * n)),
    "spaces": lambda n: png(chunk(b"tEXt", b"parameters\0" + b" ," * n + b"<lora:x:1>")),
    "half styles": lambda n: png(chunk(b"tEXt", b"parameters\0" + b"<lora:" * (n // 3))),
    "open quotes": lambda n: png(chunk(b"tEXt", b"parameters\0" + b'a:"b,' * (n // 3))),
    "brackets in a prompt": lambda n: png(chunk(b"tEXt", b'Dream\0"' + b"[" * n + b'" -s 8')),
    "a chain of nodes": lambda n: png(chunk(b"tEXt", b"prompt\0" + json.dumps(chain(4_900)).encode())),
    "a thicket of nodes": lambda n: png(chunk(b"tEXt", b"prompt\0" + json.dumps(thicket(300)).encode())),
    "filling": lambda n: b"\xff\xd8" + b"\xff" * (n * 10),
    "half a packet": lambda n: (
        b"RIFF\xff\xff\xff\x00WEBPXMP " + struct.pack("<I", n * 20) + b'jimeng:settings="'[:20].ljust(20) * n
    ),  # fmt: skip  # noqa: E501
    "small chunks": lambda n: png(chunk(b"tEXt", b"a\0b") * n),
}


def chain(length: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        str(n): {"class_type": "ConditioningSampler", "inputs": {
            "positive": [str(n + 1), 0], "conditioning": [str(n + 1), 0], "model": [str(n + 1), 0],
            "latent_image": [str(n + 1), 0], "text": [str(n + 1), 0]}}
        for n in range(length)
    }  # fmt: skip
    return nodes | {"s": {"class_type": "SaveImage", "inputs": {"images": ["0", 0]}}}


def thicket(count: int) -> dict[str, Any]:
    """Every node is linked with every other."""
    links = {f"in{n}": [str(n), 0] for n in range(count)}
    return {
        str(n): {"class_type": "KSamplerConcatEncode", "inputs": {"positive": ["1", 0], "text": ["2", 0], **links}}
        for n in range(count)
    }


@pytest.mark.parametrize("name", SLOW)
def test_none_takes_long_to_read(name: str) -> None:
    """Not a measurement: what these would cost a careless reader is minutes, and the memory of a small machine."""
    with nullcontext() if name in READABLE else pytest.raises(UserError):
        read(SLOW[name](60_000))


READABLE = {
    "words",
    "spaces",
    "half styles",
    "open quotes",
    "brackets in a prompt",
    "a chain of nodes",
    "a thicket of nodes",
}


@given(st.sampled_from(sorted(OURS)), st.integers(0, 2_000), st.binary(max_size=30), st.integers(0, 30))
def test_no_bytes_changed_do_more_than_a_refusal(kind: str, at: int, put_in: bytes, taken_out: int) -> None:
    data = OURS[kind]
    data = data[:at] + put_in + data[at + taken_out :]
    for use in (read, clean, lambda d: embed(d, FACTS)):
        try:
            use(data)
        except UserError as error:
            assert str(error)


@given(st.binary(max_size=300))
def test_no_exif_does_more_than_nothing(data: bytes) -> None:
    picture = samples.encoded("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08" + data)
    with pytest.raises(UserError, match="no settings"):
        read(picture)


def test_hostile_words_are_only_words() -> None:
    words = "<img src=x onerror=alert(1)> {0} %s \u202e ${x} '; DROP TABLE jobs"
    found = read(samples.png(parameters=f"{words}\nSteps: 8, Seed: 5, <b>Odd: \u202e<i>x</i>, Size: 1x1"))
    assert found.settings.prompt == words
    assert found.unused == (("<b>Odd", "<i>x</i>"),)


def test_our_own_pictures_are_pictures_for_everybody_else() -> None:
    for data in OURS.values():
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert image.size == (24, 24)
