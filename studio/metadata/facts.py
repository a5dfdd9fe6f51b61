"""What our own pictures say of themselves: the exact request and what drew it, as one JSON object."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import UserError
from core.request import GenerationRequest

FORMAT = 1  # a reader that knows only older ones still finds the request
MOST_JSON_BYTES = 60_000  # what a segment of a JPEG holds, with room for what goes around it
_TEXTS = ("model", "model_hash", "id", "created")
_XML = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\ufffe\uffff"}  # the same JSON, and nothing that XML would mind


@dataclass(frozen=True, slots=True)
class Facts:
    """How a picture came about. `model_hash` and the styles' sha256 tell which files; `environment` is short text.

    `id` is the job's, `created` a moment in ISO 8601.
    """

    request: GenerationRequest
    model: str = ""
    model_hash: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    id: str = ""
    created: str = ""

    def to_json(self) -> str:
        """At most MOST_JSON_BYTES in UTF-8; the environment is left out where it would not fit."""
        data: dict[str, Any] = {
            "format": FORMAT,
            "request": json.loads(self.request.to_json()),
            "model": self.model[:200],
            "model_hash": self.model_hash[:64],
            "id": self.id,
            "created": self.created,
        }
        whole = _dumped(data | {"environment": dict(self.environment)})
        return whole if len(whole.encode()) <= MOST_JSON_BYTES else _dumped(data)

    @classmethod
    def from_json(cls, text: str) -> "Facts | None":
        """None for what is not ours, or asks for something this version does not know."""
        try:
            data = json.loads(text)
            request = GenerationRequest.from_json(json.dumps(data["request"]))
        except (ValueError, RecursionError, KeyError, TypeError, UserError):
            return None
        environment = data.get("environment")
        texts = {name: data[name] for name in _TEXTS if isinstance(data.get(name), str)}
        return cls(request, environment=_strings(environment), **texts)


def _dumped(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True).translate(_XML)


def _strings(data: object) -> dict[str, str]:
    if not isinstance(data, dict):
        return {}
    return {k: v for k, v in data.items() if isinstance(k, str) and isinstance(v, str)}
