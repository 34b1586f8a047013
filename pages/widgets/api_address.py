"""Where the REST API is for whoever looks at the page."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from dicomcore.services import Services


def api_address(services: Services) -> str:
    """``http://localhost:8501/api``."""
    seen = urlsplit(st.context.url or "http://localhost:8501")
    return f"{(services.settings.public_url or f'{seen.scheme}://{seen.netloc}').rstrip('/')}/api"
