"""What the style picker offers, and what it takes from a browser."""

from collections.abc import Callable
from typing import Any

import pytest

from core.engine import EngineFacts
from core.request import MAX_STYLES, StyleUse
from ui import i18n, state, style_picker


@pytest.fixture
def session(page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session's choices, without a page around them."""
    page()  # puts the shared parts in place
    chosen: dict[str, Any] = {}
    monkeypatch.setattr(state, "config", lambda: state.Config(**chosen))
    monkeypatch.setattr(state, "configure", lambda **choices: chosen.update(choices))
    monkeypatch.setattr(i18n, "language", lambda: "en")
    return chosen


@pytest.fixture
def fetched(studio, monkeypatch: pytest.MonkeyPatch) -> list[StyleUse]:
    uses: list[StyleUse] = []
    monkeypatch.setattr(studio.worker, "prefetch", uses.extend)
    return uses


def entry(name: object = "sketch", strength: object = 1.0) -> dict[str, object]:
    return {"name": name, "strength": strength}


def test_a_choice_is_kept_and_new_styles_are_brought_in_at_once(session, studio, fetched):
    studio.styles.scan(), studio.styles.scan()  # the second sees that nothing grows
    style_picker.choose([entry("sketch", 0.5)])
    style_picker.choose([entry("sketch", 0.7), entry("cartoon", -2)])
    assert session["styles"] == (StyleUse("sketch", 0.7), StyleUse("cartoon", -2.0))
    assert [(use.name, len(use.sha256)) for use in fetched] == [("sketch", 64), ("cartoon", 64)]


@pytest.mark.parametrize(
    "wanted",
    [None, "sketch", {"name": "sketch"}, [None], ["sketch"], [{}], [entry("no such")], [entry("../sketch")], [entry(7)],
     [entry(strength="1")], [entry(strength=2.01)], [entry(strength=float("nan"))], [entry(strength=True)]],
)  # fmt: skip
def test_what_is_no_choice_of_styles_is_none(session, fetched, wanted):
    style_picker.choose(wanted)
    assert session["styles"] == () and not fetched


def test_a_style_counts_once_and_no_more_than_fit(session, studio, fetched):
    for n in range(MAX_STYLES + 2):
        (studio.styles.folder / f"s{n}.safetensors").write_bytes(b"%d" % n)
    style_picker.choose([entry("s0"), entry("s0", 0.2), *(entry(f"s{n}") for n in range(1, MAX_STYLES + 2))])
    assert [use.name for use in session["styles"]] == [f"s{n}" for n in range(MAX_STYLES)]


def test_only_what_can_be_used_is_offered_and_what_is_on_the_device_is_marked(session, studio, monkeypatch):
    studio.styles.scan(), studio.styles.scan()  # the second sees that nothing grows
    styles = studio.styles.list()
    resident = styles[0].sha256
    monkeypatch.setattr(studio.worker, "facts", EngineFacts("cpu", "float32", styles=frozenset({resident})))
    shown = style_picker.picker_data(styles)
    assert [(s["name"], s["resident"]) for s in shown["styles"]] == [("cartoon", True), ("sketch", False)]
    monkeypatch.setattr(studio.styles, "_tools", object())  # from now on, a file without a report is being looked at
    shown = style_picker.picker_data(studio.styles.list())
    assert shown["styles"] == [] and shown["note"] == "New styles are being looked at: 2"


def test_a_hostile_name_is_data_and_nothing_else(session, studio):
    (studio.styles.folder / "**<b>x**.safetensors").write_bytes(b"x")
    assert "**<b>x**" in [s["name"] for s in style_picker.picker_data(studio.styles.list())["styles"]]
