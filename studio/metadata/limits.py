"""How much of a stranger's picture is looked at, and what is said beyond that."""

from core.errors import N_, UserError

MOST_PARTS = 200_000  # chunks of a PNG: a picture of 200 MB in the smallest pieces that programs write
MOST_TEXT_BYTES = 4_000_000  # all texts together; the largest ComfyUI graphs are a tenth of it


def damaged() -> UserError:
    return UserError(N_("That picture is damaged, so its settings cannot be read. Get it again."))


def too_large() -> UserError:
    return UserError(N_("The text in that picture is far larger than any settings, so it is not read."))
