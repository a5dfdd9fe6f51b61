"""The pages. Streamlit lives here and in app.py; pages talk to studio/, never to an engine."""
