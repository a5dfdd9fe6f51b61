"""A studio that is killed in the middle of a set of photos goes on where it was."""

from collections.abc import Callable

import pytest

from tests.faults.conftest import Victim

PHOTOS, QUANTA = 7, 4


@pytest.mark.parametrize("quanta", [0, 1, QUANTA, 3 * QUANTA + 2, 5 * QUANTA])
def test_a_set_is_drawn_to_its_end_and_no_photo_twice(
    quanta: int, start: Callable[..., Victim], history: Callable[[], list[tuple[str, str]]]
) -> None:
    first = start()
    first.tell("photos", count=PHOTOS)
    for _ in range(quanta):
        first.tell("feed")
        first.tell("quantum")
    first.tell("feed")
    first.kill()
    second = start()
    while second.tell("feed") or second.tell("quantum"):
        second.tell("quantum")
    assert second.tell("states") == ["done"] * PHOTOS
    assert [status for _, status in history()] == ["done"] * PHOTOS
