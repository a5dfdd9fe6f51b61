"""Our pictures tell what they were made with: to us exactly, to others in the text they know, or not at all."""

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from sd_parsers import ParserManager

from core.errors import UserError
from core.request import MAX_PROMPT_CHARACTERS, GenerationRequest, Source, StyleUse
from studio.metadata import Facts, clean, embed, read
from tests.studio.metadata import samples

REQUEST = GenerationRequest(
    "a red house, (in: snow)",
    832,
    1216,
    2**53 - 1,
    9,
    2.5,
    "fog, \N{FOX FACE}",
    (StyleUse("sketch", 0.8, "ab" * 32), StyleUse("looks/墨水", -0.25)),
)
FACTS = Facts(REQUEST, "Z-Image-Turbo", "0123456789abcdef", {"torch": "2.13"}, "f" * 32, "2026-11-21T12:00:00+00:00")
ENCODED = {
    "PNG": samples.encoded("PNG"),
    "JPEG": samples.encoded("JPEG", quality=90),
    "WebP": samples.encoded("WEBP", quality=90),
    "WebP, lossless": samples.encoded("WEBP", lossless=True),
}
AWKWARD = [
    "<script>alert(1)</script> & <b>",
    "]]> --> ?> &amp; &quot; \" ' \\ \\u0041",
    "**bold** [a](b) `code` $x$",
    "'; DROP TABLE history; --",
    "\u202egnp.exe\u202c بيت",
    "\N{FOX FACE}\N{ZERO WIDTH JOINER}\N{SNOWMAN} \U0010fffd \ufffe",
    "two\nlines\n\nNegative prompt: not one\nSteps: 1, Sampler: x, Seed: 2, Size: 3x4",
    "<lora:other:1> and a\ttab",
    "\ufeffmark",
    "x" * MAX_PROMPT_CHARACTERS,
    "&" * MAX_PROMPT_CHARACTERS,
    "\N{FOX FACE}" * MAX_PROMPT_CHARACTERS,
]


def pixels(picture: bytes) -> bytes:
    with Image.open(io.BytesIO(picture)) as image:
        return image.tobytes()


@pytest.mark.parametrize("kind", ENCODED)
def test_what_is_written_is_read_back_exactly_and_no_pixel_changes(kind: str) -> None:
    written = embed(ENCODED[kind], FACTS)
    found = read(written)
    assert found.facts == FACTS
    assert (found.origin, found.unused) == ("Jimeng Studio", ())
    assert (found.settings.prompt, found.settings.styles) == (REQUEST.prompt, REQUEST.styles)
    assert pixels(written) == pixels(ENCODED[kind])


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("prompt", AWKWARD, ids=range(len(AWKWARD)))
def test_any_prompt_comes_back_as_it_was(kind: str, prompt: str) -> None:
    request = replace(REQUEST, prompt=prompt, negative_prompt=prompt)
    written = embed(ENCODED[kind], replace(FACTS, request=request))
    assert read(written).facts == replace(FACTS, request=request)
    assert pixels(written) == pixels(ENCODED[kind])


@given(st.text(min_size=1, max_size=200), st.sampled_from(sorted(ENCODED)))
def test_any_text_that_a_request_can_hold_comes_back(prompt: str, kind: str) -> None:
    try:
        request = replace(REQUEST, prompt=prompt)
    except UserError:
        return
    found = read(embed(ENCODED[kind], Facts(request)))
    assert found.facts is not None
    assert found.facts.request == request


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_a_well_known_reader_of_others_reads_it_right(kind: str) -> None:
    request = replace(REQUEST, negative_prompt="fog", styles=REQUEST.styles[:1])
    info = ParserManager().parse(io.BytesIO(embed(ENCODED[kind], replace(FACTS, request=request))))
    assert info is not None
    assert info.generator.value == "AUTOMATIC1111"
    (sampler,) = info.samplers
    assert [p.value for p in sampler.prompts] == [f"{request.prompt} <lora:sketch:0.8>"]
    assert [p.value for p in sampler.negative_prompts] == ["fog"]
    assert sampler.name == "Euler"
    assert sampler.parameters == {
        "steps": "9", "cfg_scale": "3.5", "seed": str(2**53 - 1), "scheduler": "Simple",
    }  # fmt: skip
    assert sampler.model is not None
    assert (sampler.model.name, sampler.model.hash) == ("Z-Image-Turbo", "0123456789")
    assert info.metadata["Size"] == "832x1216"


def test_the_text_for_others_is_as_a1111_writes_it() -> None:
    with Image.open(io.BytesIO(embed(ENCODED["PNG"], replace(FACTS, model='a "b", c')))) as image:
        assert image.info["parameters"] == (
            "a red house, (in: snow) <lora:sketch:0.8> <lora:looks/墨水:-0.25>\n"
            "Negative prompt: fog, \N{FOX FACE}\n"
            "Steps: 9, Sampler: Euler, Schedule type: Simple, CFG scale: 3.5, Seed: 9007199254740991, Size: 832x1216, "
            'Model hash: 0123456789, Model: "a \\"b\\", c", Lora hashes: "sketch: ababababab", '
            "Version: Jimeng Studio 0.1.0"
        )


def test_what_started_from_a_picture_or_was_enlarged_says_so() -> None:
    drawn = replace(REQUEST, width=256, height=512, styles=())
    enlarged = read(embed(ENCODED["PNG"], Facts(replace(drawn, upscale=2))))
    assert (enlarged.settings.width, enlarged.settings.height) == (128, 256)
    assert enlarged.unused == (("upscale", "2"),)
    redrawn = read(embed(ENCODED["PNG"], Facts(replace(drawn, source=Source("ab" * 32, 0.45)))))
    assert (redrawn.settings.width, redrawn.settings.height) == (256, 512)
    assert redrawn.unused == (("source", "abababababab 0.45"),)
    for request, says in (
        (replace(drawn, upscale=2), "Size: 128x256, Denoising strength: 0.3, Hires upscale: 2, "),
        (replace(drawn, source=Source("ab" * 32, 0.45)), "Size: 256x512, Denoising strength: 0.45, "),
    ):
        with Image.open(io.BytesIO(embed(ENCODED["PNG"], Facts(request)))) as image:
            assert says in image.info["parameters"]


def test_a_picture_of_a_newer_version_is_read_by_the_text_that_all_read() -> None:
    newer = embed(ENCODED["PNG"], FACTS).replace(b'"seed":', b'"sead":')
    with pytest.raises(UserError, match="damaged"):
        read(newer)  # its checksum says that somebody changed it
    found = read(samples.png(jimeng='{"request":{"prompt":"x","hologram":1}}', parameters="x\nSteps: 8, Seed: 5, Size: 64x64, Version: Jimeng Studio 9"))  # fmt: skip  # noqa: E501
    assert (found.origin, found.settings.seed, found.unused) == ("Jimeng Studio", 5, ())


@pytest.mark.parametrize("kind", ENCODED)
def test_a_clean_copy_has_not_a_word_in_it(kind: str) -> None:
    copy = clean(embed(ENCODED[kind], FACTS))
    for word in (
        b"red house",
        "红".encode(),
        b"sketch",
        b"Exif",
        b"jimeng",
        b"EXIF",
        b"XMP",
        b"parameters",
        b"ns.adobe",
    ):
        assert word not in copy
        assert word.decode().encode("utf-16-be") not in copy
    assert pixels(copy) == pixels(ENCODED[kind])
    with pytest.raises(UserError, match="no settings"):
        read(copy)
    if not kind.startswith("WebP"):  # there the extended header stays
        assert copy == ENCODED[kind]


def test_a_picture_is_written_anew_without_keeping_the_old_words() -> None:
    for picture in ENCODED.values():
        once = embed(picture, FACTS)
        assert embed(once, FACTS) == once
        other = embed(once, Facts(replace(REQUEST, prompt="another")))
        assert b"red house" not in other
        assert "red house".encode("utf-16-be") not in other


def test_colour_profiles_and_transparency_stay() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("PNG", "JPEG", "WEBP"):
        for change in (lambda p: embed(p, FACTS), clean):
            with Image.open(io.BytesIO(change(samples.encoded(kind, icc_profile=profile)))) as image:
                assert image.info["icc_profile"] == profile
    clear = Image.new("RGBA", (9, 7), (1, 2, 3, 100))
    for lossless in (True, False):
        out = io.BytesIO()
        clear.save(out, "WEBP", lossless=lossless)
        written = embed(out.getvalue(), FACTS)
        assert read(written).facts == FACTS
        with Image.open(io.BytesIO(written)) as image:
            assert (image.mode, image.size) == ("RGBA", (9, 7))


def test_a_large_environment_is_left_out_before_anything_else() -> None:
    facts = replace(FACTS, environment={"everything": "x" * 100_000})
    for picture in ENCODED.values():
        found = read(embed(picture, facts))
        assert found.facts == replace(FACTS, environment={})


@pytest.mark.parametrize("change", [clean, lambda p: embed(p, FACTS)])
@pytest.mark.parametrize("cut", [0, 8, 30])
def test_half_a_picture_is_refused_rather_than_written(change: Callable[[bytes], bytes], cut: int) -> None:
    for picture in ENCODED.values():
        with pytest.raises(UserError):
            change(picture[:cut])
