"""The styles as cards: search, upload, details, rename, remove with undo. One component draws it all."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.config import STREAMLIT_DEFAULTS
from core.errors import UserError
from studio.styles import Style, StyleLibrary
from ui import i18n, state, style_picker
from ui.i18n import _, say
from web.styles import UPLOAD

HERE = Path(__file__).parent
KEY = "style-library"
REMOVED = "styles.removed"  # (token, name) of what this session removed last, for undo
PROBLEM = "styles.problem"  # why the last click came to nothing
SCRIPTS = ("dom.js", "drop_target.js", "style_watch.js", "style_upload.js", "style_library.js")


def show() -> None:
    """A fragment: what is done here draws this alone anew."""
    st.fragment(_library)()


def _library() -> None:
    if state.GO_TO in st.session_state:
        st.rerun()
    component()(key=KEY, data=library_data(), on_act_change=_acted)


def _acted() -> None:
    act(st.session_state[KEY]["act"])


def act(order: Any) -> None:
    """What was clicked, as it came from the browser: {do, name} and, to rename, {to}."""
    library = state.base().studio.styles
    what, name = str(order.get("do")), str(order.get("name"))
    st.session_state.pop(PROBLEM, None)
    try:
        if what == "rename":
            _rename(library, name, str(order.get("to")))
        elif what == "remove":
            st.session_state[REMOVED] = (library.remove(name), name)
        elif what == "undo" and REMOVED in st.session_state:
            library.restore(st.session_state.pop(REMOVED)[0])
        elif what == "use":
            style_picker.use_style(name)
            st.session_state[state.GO_TO] = "studio"
    except UserError as error:
        st.session_state[PROBLEM] = error


def _rename(library: StyleLibrary, name: str, to: str) -> None:
    to = library.rename(name, to)
    state.configure(styles=tuple(style_picker.renamed(use, name, to) for use in state.config().styles))


def library_data() -> dict[str, Any]:
    """All that the component needs, as plain JSON."""
    studio = state.base().studio
    version = studio.styles.version  # before the list: what changes between the two is looked at once more
    problem, removed = st.session_state.get(PROBLEM), st.session_state.get(REMOVED)
    server = {**STREAMLIT_DEFAULTS["server"], **studio.config.streamlit.get("server", {})}
    return {
        "styles": [_card(style) for style in studio.styles.list()],
        "version": version,
        "problem": say(problem) if problem else "",
        "removed": removed[1] if removed else "",
        "upload": UPLOAD,
        "most_mb": int(server["maxUploadSize"]),
        "language": i18n.language(),
        "words": _words(),
    }


def _card(style: Style) -> dict[str, Any]:
    about = style.about
    return {
        "name": style.name,
        "label": style.label,
        "title": style.title,
        "author": about.author,
        "description": about.description,
        "words": list(about.words),
        "state": style.state,
        "problem": say(style.problem) if style.problem else "",
        "coverage": _coverage(style),
        "src": style_picker.source(style),
        "facts": _facts(style),
    }


def _coverage(style: Style) -> str:
    report = style.report
    if report is None or not report.modules:
        return ""
    return _("{applied} of {modules} modules").format(applied=report.applied, modules=report.modules)


def _facts(style: Style) -> list[tuple[str, str]]:
    """What is known of the file, as label and value; only what there is."""
    report, facts = style.report, [(_("Trigger words"), ", ".join(style.about.words)), (_("File"), style.file.name)]
    facts.append((_("File size"), f"{style.size_bytes / 1e6:.1f} MB"))
    if report is not None:
        least, most = report.rank
        facts += [
            (_("Applied"), _coverage(style)),
            (_("Kind"), " · ".join(part for part in (report.kind, report.layout, report.dtype) if part)),
            (_("Rank"), f"{least}" if least == most else f"{least} – {most}"),
            (_("Made for"), report.made_for),
        ]
        facts += [(label, report.metadata.get(key, "")) for label, key in _origin()]
    facts.append((_("Fingerprint"), style.sha256))
    return [(label, value) for label, value in facts if value and value != "0"]


def _origin() -> list[tuple[str, str]]:
    return [
        (_("Trained on"), "ss_sd_model_name"),
        (_("Pictures learnt from"), "ss_num_train_images"),
        (_("Training steps"), "ss_steps"),
        (_("Made on"), "modelspec.date"),
        (_("Licence"), "modelspec.license"),
    ]


def _words() -> dict[str, str]:
    return {
        "search": _("Search"),
        "addStyles": _("Add styles"),
        "dropHere": _("Drop style files here"),
        "empty": _("No styles yet. Drop .safetensors files here, or add them with the button above."),
        "nothing": _("No style matches your search."),
        "looking": _("Being looked at …"),
        "waiting": _("Waiting …"),
        "added": _("Added"),
        "cut": _("The connection was lost. Drop the file again."),
        "tooLarge": _("The file is too large: {most} MB is the most."),
        "removed": _("“{name}” was removed."),
        "undo": _("Undo"),
        "close": _("Close"),
        "by": _("by {author}"),
        "use": _("Use in the Studio"),
        "rename": _("Rename"),
        "newName": _("New name"),
        "save": _("Save"),
        "remove": _("Remove"),
    }


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html = (HERE / "style_library.html").read_text("utf-8")
    css = "\n".join((HERE / name).read_text("utf-8") for name in ("style_library.css", "drop_target.css"))
    js = "\n".join((HERE / name).read_text("utf-8") for name in SCRIPTS)
    return st.components.v2.component("jimeng_library", html=html, css=css, js=js)
