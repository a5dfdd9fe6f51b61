"""One finding of `python -m studio doctor`: plain data, so that who looks and who tells need not know each other."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, whether it is well, and what was found or what to do."""

    name: str
    ok: bool
    says: str
