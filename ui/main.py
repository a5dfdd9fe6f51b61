"""What Streamlit runs for every visit: the page's frame, then the page."""

from pathlib import Path

import streamlit as st

from ui import about, navigation, state

HERE = Path(__file__).parent

st.set_page_config(page_title=navigation.NAME, page_icon=str(HERE / "icon.svg"), layout="wide")
st.html(HERE / "styles.css")
navigation.show()
about.show(state.base().studio)
