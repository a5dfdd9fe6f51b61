"""The pages there are, and the quiet line of links between them.

A session keeps its choices while it is on another page. What was typed last arrives there together with the click.
"""

from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core.errors import N_
from ui import state, status_page, studio_page, styles_page
from ui.history import page as history_page
from ui.i18n import _
from ui.photos import page as photos_page

# Where, what it is called, and what draws it. The first is the one at `/`.
PAGES: tuple[tuple[str, str, Callable[[], None]], ...] = (
    ("studio", N_("Studio"), studio_page.show),
    ("photos", N_("Photos"), photos_page.show),
    ("history", N_("History"), history_page.show),
    ("styles", N_("Styles"), styles_page.show),
    ("status", N_("Status"), status_page.show),
)
NAME = "Jimeng Studio"


def show() -> None:
    """Draw the masthead and the page that the address names."""
    pages = [_page(number, *entry) for number, entry in enumerate(PAGES)]
    here = st.navigation(pages, position="hidden")
    wanted = st.session_state.pop(state.GO_TO, "")
    for page, (address, _name, _show) in zip(pages, PAGES, strict=True):
        if address == wanted:
            st.switch_page(page, query_params=dict(st.query_params.items()))
    with st.container(key="masthead"):
        st.html(f'<h1 class="wordmark">{NAME}</h1>')
        with st.container(horizontal=True, vertical_alignment="center", key="pages"):
            for page, (_address, name, _show) in zip(pages, PAGES, strict=True):
                _link(page, _(name), page is here)
    here.run()


def _link(page: StreamlitPage, name: str, is_here: bool) -> None:
    if is_here:
        st.html(f'<span aria-current="page">{name}</span>')
    else:
        st.page_link(page, label=name, query_params=dict(st.query_params.items()))  # the language stays


def _page(number: int, address: str, name: str, draw: Callable[[], None]) -> StreamlitPage:
    home = number == 0
    title = NAME if home else f"{_(name)} · {NAME}"
    return st.Page(draw if home else partial(_elsewhere, draw), title=title, url_path=address, default=home)


def _elsewhere(draw: Callable[[], None]) -> None:
    state.keep_config()
    draw()
