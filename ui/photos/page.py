"""The Photos page as Streamlit sees it: one component, and the picture that a click elsewhere has sent here."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.config import STREAMLIT_DEFAULTS
from core.errors import UserError
from core.request import MAX_SEED
from studio.photos import settings
from ui import i18n, state, style_picker
from ui.i18n import _, say
from ui.photos.words import words
from web.photos import UPLOAD

HERE = Path(__file__).parent
SHARED = HERE.parent
KEY = "photos"
SCRIPTS = ("send.js", "settings.js", "rows.js", "closer.js", "page.js")
SHARED_SCRIPTS = ("dom.js", "drop_target.js", "over.js", "live.js")


def show() -> None:
    state.base().studio.worker.expect()
    problem = _take(str(st.session_state.pop(state.START_PHOTO, "")))
    with st.container(key="photos-page"):
        component()(key=KEY, data=page_data(problem))


def _take(picture: str) -> str:
    """Why it could not be taken; "" when all is well."""
    try:
        if picture:
            state.base().studio.photos.take(state.owner(), picture)
    except UserError as error:
        return say(error)
    return ""


def page_data(problem: str = "") -> dict[str, Any]:
    """All that the component needs, as plain JSON. The set it asks for by itself."""
    studio = state.base().studio
    server = {**STREAMLIT_DEFAULTS["server"], **studio.config.streamlit.get("server", {})}
    ready = style_picker.offered(studio.styles.list())
    return {
        "lang": i18n.language(),
        "language": i18n.language().replace("_", "-"),
        "title": f"{_('Photos')} · Jimeng Studio",
        "problem": problem,
        "upload": UPLOAD,
        "most_mb": int(server["maxUploadSize"]),
        "most_seed": MAX_SEED,
        "styles": [(style.name, style.title) for style in ready],
        "sides": settings.offered(studio.info),
        "formats": settings.formats(),
        "words": words(),
    }


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html = (HERE / "page.html").read_text("utf-8")
    sheets = (HERE / "page.css", SHARED / "drop_target.css", SHARED / "over.css")
    scripts = [*(SHARED / name for name in SHARED_SCRIPTS), *(HERE / name for name in SCRIPTS)]
    css, js = ("\n".join(file.read_text("utf-8") for file in files) for files in (sheets, scripts))
    return st.components.v2.component("jimeng_photos", html=html, css=css, js=js)
