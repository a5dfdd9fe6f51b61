"""HTTP beside the pages: health, pictures, who a browser is, which host names are answered. Imports no Streamlit."""
