"""The application: jobs, styles, files. No torch, no Streamlit; only `build` knows which engine there is."""
