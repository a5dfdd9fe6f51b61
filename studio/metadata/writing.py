"""Settings into a finished picture file, and all of them out of it. Not one pixel changes."""

from studio.metadata import a1111, jpeg, png, webp
from studio.metadata.facts import Facts
from studio.metadata.limits import damaged

OWN_KEYWORD = "jimeng"


def embed(picture: bytes, facts: Facts, camera: bytes = b"") -> bytes:
    """A PNG, JPEG or WebP with what it was made with, in place of what it said before.

    `camera` is the EXIF of a photo to keep beside that, a TIFF structure. JPEG and WebP have one place for that and the
    text of A1111: our own JSON stands in them either way. Raises UserError for what is none of the three.
    """
    parameters, settings = a1111.to_text(facts), facts.to_json()
    if picture.startswith(png.SIGNATURE):
        return png.embed(picture, {"parameters": parameters, OWN_KEYWORD: settings}, camera)
    if picture.startswith(jpeg.SIGNATURE):
        return jpeg.embed(picture, parameters, settings, camera)
    if webp.is_webp(picture):
        return webp.embed(picture, parameters, settings, camera)
    raise damaged()


def clean(picture: bytes) -> bytes:
    """The same PNG, JPEG or WebP without a word in it; colour profiles stay. Raises UserError for no picture."""
    if picture.startswith(png.SIGNATURE):
        return png.clean(picture)
    if picture.startswith(jpeg.SIGNATURE):
        return jpeg.clean(picture)
    if webp.is_webp(picture):
        return webp.clean(picture)
    raise damaged()
