"""Records of history as JSON for the browser, and what it asks for as a query. Moments are ms since 1970."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any, TypeVar, cast

from starlette.datastructures import QueryParams

from core.errors import N_, UserError
from core.request import MAX_STRENGTH
from studio.history import Card, Entry, Order, Query
from studio.job import State

STATES: tuple[State, ...] = ("done", "failed")  # shown when nothing is said of it: what was cancelled was not wanted
_ORDERS = ("newest", "oldest", "largest", "slowest")
_MOST_VALUES = 100
_T = TypeVar("_T")


def query(asked: QueryParams) -> Query:
    """What the page looks for. Raises UserError for what is no search of ours."""
    try:
        least, most = (_number(asked.get(name, "")) for name in ("least", "most"))
        return Query(
            words=asked.get("words", ""),
            styles=_values(asked, "style", str),
            strength=None if least is most is None else (_or(least, -MAX_STRENGTH), _or(most, MAX_STRENGTH)),
            sizes=_values(asked, "size", _size),
            statuses=_values(asked, "status", _state) or STATES,
            models=_values(asked, "model", str),
            since=_moment(asked.get("since", "")),
            until=_moment(asked.get("until", "")),
            batch=asked.get("batch", ""),
            favourites=asked.get("favourites") == "1",
            trash=asked.get("trash") == "1",
            order=_order(asked.get("order") or "newest"),
        )
    except (ValueError, OverflowError, OSError) as error:
        raise UserError(N_("This search could not be read. Clear it and try again.")) from error


def card(found: Card) -> dict[str, Any]:
    """What a tile needs."""
    return {
        "id": found.id,
        "prompt": found.prompt,
        "width": found.width,
        "height": found.height,
        "state": found.status,
        "at": _ms(found.created),
        "favourite": found.favourite,
        "has": found.has_picture,
    }


def entry(found: Entry) -> dict[str, Any]:
    """All of a record that is shown; its error and its lineage are for others to say."""
    request = found.request
    return {
        "id": found.id,
        "prompt": request.prompt,
        "negative": request.negative_prompt,
        "width": request.width,
        "height": request.height,
        "seed": request.seed,
        "steps": request.num_inference_steps,
        "guidance": request.guidance_scale,
        "styles": [{"name": use.name, "strength": use.strength} for use in request.styles],
        "redrawn": request.source.strength if request.source is not None and request.upscale == 1 else None,
        "state": found.status,
        "at": _ms(found.created),
        "duration": found.duration_ms,
        "parts": dict(found.stages_ms),
        "model": found.model,
        "file": found.file,
        "bytes": found.bytes,
        "has": bool(found.file),
        "batch": found.batch,
        "batchIndex": found.batch_index,
        "input": found.input_name,
        "favourite": found.favourite,
        "tags": list(found.tags),
        "note": found.note,
        "trashed": found.trashed is not None,
    }


def _values(asked: QueryParams, name: str, read: Callable[[str], _T]) -> tuple[_T, ...]:
    return tuple(read(value) for value in asked.getlist(name)[:_MOST_VALUES])


def _size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width[:6]), int(height[:6])


def _state(text: str) -> State:
    if text not in ("done", "failed", "cancelled"):
        raise ValueError(text)
    return cast(State, text)


def _order(text: str) -> Order:
    if text not in _ORDERS:
        raise ValueError(text)
    return cast(Order, text)


def _number(text: str) -> float | None:
    number = float(text) if text else None
    if number is not None and not isfinite(number):
        raise ValueError(text)
    return number


def _or(number: float | None, otherwise: float) -> float:
    return otherwise if number is None else number


def _moment(text: str) -> datetime | None:
    return datetime.fromtimestamp(int(text[:16]) / 1000, UTC) if text else None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def ids(order: Mapping[str, Any]) -> Sequence[str]:
    """Those of an order, as far as they can be ids."""
    given = order.get("ids")
    return [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
