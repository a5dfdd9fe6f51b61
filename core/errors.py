"""Errors as the user meets them.

A message is a template and its values, kept apart, so that a page can translate the template and a log can read it
in English. Nothing here logs or prints.
"""

import json
from typing import TypeAlias

Value: TypeAlias = str | int | float


def N_(message: str) -> str:  # noqa: N802 (gettext's own name for "translate this later")
    """Mark a template for translation without translating it."""
    return message


class StudioError(Exception):
    """Base of all our errors: `template` with `{names}` and the `values` that fill them."""

    def __init__(self, template: str, **values: Value) -> None:
        super().__init__(template, values)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        return self.template.format(**self.values)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.template, self.values))


class UserError(StudioError):
    """Says what happened, in the user's words, and what to do. Shown as it is."""


class OutOfMemory(UserError):
    """The device has not enough memory for what was asked."""

    def __init__(self) -> None:
        super().__init__(
            N_("The device ran out of memory. Try a smaller picture, or fewer styles; your other pictures go on.")
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (OutOfMemory, ())


class DeviceLost(UserError):
    """The device has gone, and took what was on it along."""

    def __init__(self) -> None:
        super().__init__(
            N_("The device does not answer any more. Start the studio again; if it stays, restart the machine.")
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (DeviceLost, ())


class InternalError(StudioError):
    """Ours to mend. The details stand in the log under `error_id`, which is what the page shows."""

    def __init__(self, error_id: str) -> None:
        super().__init__(
            N_("Something went wrong on our side. Try again; if it stays, look for {error_id} in the log."),
            error_id=error_id,
        )
        self.error_id = error_id

    def __reduce__(self) -> tuple[object, ...]:
        return (InternalError, (self.error_id,))


def to_json(error: StudioError) -> str:
    """What `from_json` makes an equal error of, years later."""
    kind = "internal" if isinstance(error, InternalError) else "memory" if isinstance(error, OutOfMemory) else "user"
    return json.dumps({"kind": kind, "template": error.template, "values": error.values}, ensure_ascii=False)


def from_json(text: str) -> StudioError:
    """Raises ValueError for what `to_json` has not written."""
    data = json.loads(text)
    try:
        if data["kind"] == "internal":
            return InternalError(str(data["values"]["error_id"]))
        return OutOfMemory() if data["kind"] == "memory" else UserError(data["template"], **data["values"])
    except (KeyError, TypeError) as error:
        raise ValueError("not an error of ours") from error


def _rebuild(kind: type[StudioError], template: str, values: dict[str, Value]) -> StudioError:
    return kind(template, **values)
