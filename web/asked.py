"""What a browser asks for, taken with care: it may be anything."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from core.errors import N_, UserError
from web.guard import Refused

MOST_DIGITS = 7
Order: TypeAlias = Mapping[str, Any]


def whole(given: object, otherwise: int) -> int:
    """A whole number of at most `MOST_DIGITS` digits; `otherwise` for all that is none."""
    text = str(given)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else otherwise


def ordered(data: bytes) -> Order:
    """What a page of ours wants done, sent as JSON. Raises Refused: 400."""
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise Refused(400, UserError(N_("This was not asked by the studio's own page. Reload it, and allow cookies.")))
    return given
