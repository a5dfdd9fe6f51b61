"""The style picker: which styles are applied and how strongly, drawn by one component.

It is told what there is as data and answers with the whole choice, so that an answer that comes late or twice does no
harm. It looks again by itself (style_watch.js), for styles that come and go and the dot of those on the device.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import UserError
from core.request import MAX_STYLES, StyleUse
from studio.styles import Style
from ui import state
from ui.i18n import _

HERE = Path(__file__).parent
KEY = "style-picker"
LOOK_S = 2.0


def show() -> None:
    """A fragment: a change of style draws this alone anew."""
    st.fragment(_picker)()


def _picker() -> None:
    styles = state.base().studio.styles.list()
    _drop_what_is_gone(styles)
    component()(key=KEY, data=picker_data(styles), on_choose_change=_chosen, on_look_change=_looked)
    if not styles:
        folder = state.base().studio.styles.folder.name + "/"
        st.text(_("No styles yet. Put .safetensors files into {folder}.").format(folder=folder))


def _chosen() -> None:
    choose(st.session_state[KEY]["choose"])


def _looked() -> None:
    """Something has changed in the styles folder; drawing anew is all there is to do."""


def choose(wanted: object) -> None:
    """Take a choice as it came from the browser; what is not a style that can be used is left out of it."""
    styles = {style.name: style for style in offered(state.base().studio.styles.list())}
    uses: dict[str, StyleUse] = {}
    for entry in wanted if isinstance(wanted, list) else []:
        try:
            use = StyleUse(entry["name"], entry["strength"])
        except (UserError, KeyError, TypeError):
            continue
        if use.name in styles:
            uses.setdefault(use.name, use)
    state.base().studio.worker.expect()
    before = {use.name for use in state.config().styles}
    state.configure(styles=tuple(uses.values())[:MAX_STYLES])
    _bring_in([styles[name] for name in uses if name not in before])


def use_style(name: str) -> None:
    """Choose this style alone, as trained."""
    choose([{"name": name, "strength": 1.0}])


def renamed(use: StyleUse, name: str, to: str) -> StyleUse:
    """The same choice, if it was of the style that is now called `to`."""
    return replace(use, name=to) if use.name == name else use


def offered(styles: tuple[Style, ...]) -> tuple[Style, ...]:
    return tuple(style for style in styles if style.state == "ready")


def picker_data(styles: tuple[Style, ...]) -> dict[str, Any]:
    """All that the component needs, as plain JSON."""
    facts = state.base().studio.worker.facts
    resident = facts.styles if facts else frozenset()
    chosen = state.config().styles
    listed = [s for s in styles if s.state == "ready" or any(use.name == s.name for use in chosen)]
    return {
        "styles": [_entry(style, style.sha256 in resident) for style in listed],
        "chosen": [{"name": use.name, "strength": use.strength} for use in chosen],
        "most": MAX_STYLES,
        "note": _note(styles),
        "version": state.base().studio.styles.version,
        "words": _words(),
    }


def source(style: Style) -> str:
    """The address of a style's thumbnail; empty without one."""
    return f"/app/static/style/{style.sha256}?v={style.thumbnail}" if style.thumbnail else ""


def _entry(style: Style, resident: bool) -> dict[str, Any]:
    return {
        "name": style.name,
        "label": style.label,
        "title": style.title,
        "src": source(style),
        "words": list(style.about.words),
        "sha256": style.sha256,
        "resident": resident,
    }


def _note(styles: tuple[Style, ...]) -> str:
    looking = sum(style.state == "looking" for style in styles)
    return _("New styles are being looked at: {count}").format(count=looking) if looking else ""


def _drop_what_is_gone(styles: tuple[Style, ...]) -> None:
    there = {style.name for style in styles if style.state != "unusable"}
    chosen = state.config().styles
    if any(use.name not in there for use in chosen):
        state.configure(styles=tuple(use for use in chosen if use.name in there))


def _bring_in(styles: list[Style]) -> None:
    uses = tuple(StyleUse(style.name, sha256=style.sha256) for style in styles)
    if uses:
        state.base().studio.worker.prefetch(uses)


def _words() -> dict[str, str]:
    return {
        "style": _("Style"),
        "none": _("None"),
        "strength": _("Strength"),
        "exact": _("Strength as a number"),
        "add": _("Add another style"),
        "off": _("Take off {name}"),
        "search": _("Search"),
        "insert": _("Add “{word}” to the prompt"),
        "resident": _("In memory: it takes effect at once"),
    }


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html, css, js, watch = (
        (HERE / name).read_text("utf-8")
        for name in ("style_picker.html", "style_picker.css", "style_picker.js", "style_watch.js")
    )
    return st.components.v2.component("jimeng_styles", html=html, css=css, js=watch + js)
