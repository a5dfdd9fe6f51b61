"""Words in the user's language: English in the source, others from locales/, read once at start-up."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from gettext import NullTranslations
from pathlib import Path

import streamlit as st
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from core.errors import StudioError
from ui import state

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
DEFAULT = "en"
_asked: ContextVar[str | None] = ContextVar("asked", default=None)


def load_catalogs() -> dict[str, NullTranslations]:
    """Translations by language. English needs none."""
    catalogs: dict[str, NullTranslations] = {DEFAULT: NullTranslations()}
    for language in LANGUAGES:
        if language != DEFAULT:
            with (LOCALES / language / "LC_MESSAGES" / "jimeng.po").open("rb") as file:
                compiled = io.BytesIO()
                write_mo(compiled, read_po(file, locale=language))
            compiled.seek(0)
            catalogs[language] = Translations(compiled)
    return catalogs


@contextmanager
def speaking(wanted: str) -> Iterator[None]:
    """Say what is said inside in this language: for answers that belong to no session."""
    before = _asked.set(wanted if wanted in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _asked.reset(before)


def language() -> str:
    """This session's: what the link in the page set, else the address, else the browser."""
    if (asked_for := _asked.get()) is not None:
        return asked_for
    if "language" not in st.session_state:
        asked = st.query_params.get("lang", "")
        st.session_state["language"] = asked if asked in LANGUAGES else spoken(st.context.locale)
    return str(st.session_state["language"])


def switch(to: str) -> None:
    st.session_state["language"] = to
    st.query_params["lang"] = to


def spoken(locale: str | None) -> str:
    """The language we have that is nearest to a browser's ("zh-Hans-CN")."""
    tongue = (locale or "").replace("_", "-").split("-")[0].lower()
    return next((known for known in LANGUAGES if known.split("_")[0] == tongue), DEFAULT)


def _(message: str) -> str:
    """Translate. The empty message is the catalogue's own header, so it stays empty."""
    return state.base().catalogs[language()].gettext(message) if message else ""


def say(error: StudioError) -> str:
    """An error in the user's language; names of fields inside it too."""
    values = {name: _(value) if isinstance(value, str) else value for name, value in error.values.items()}
    return _(error.template).format(**values)


def say_in(wanted: str, error: StudioError) -> str:
    """An error in the language that a request names."""
    with speaking(wanted):
        return say(error)


def of_language(texts: Mapping[str, str]) -> str:
    """What a model says of itself, in this language, else in English."""
    return texts.get(language()) or texts.get(DEFAULT, "")
