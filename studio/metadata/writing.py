"""Settings into a finished picture file, and all of them out of it. Not one pixel changes."""

from studio.metadata import a1111, jpeg, png, webp
from studio.metadata.facts import Facts
from studio.metadata.limits import damaged

OWN_KEYWORD = "jimeng"


def embed(picture: bytes, facts: Facts) -> bytes:
    """A PNG, JPEG or WebP with what it was made with, in place of what it said before.

    Raises UserError for what is none of them.
    """
    parameters, settings = a1111.to_text(facts), facts.to_json()
    if picture.startswith(png.SIGNATURE):
        return png.embed(picture, {"parameters": parameters, OWN_KEYWORD: settings})
    if picture.startswith(jpeg.SIGNATURE):
        return jpeg.embed(picture, parameters, settings)
    if webp.is_webp(picture):
        return webp.embed(picture, parameters, settings)
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
