"""The same selection for Jupyter."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from dicomcore.exploring.cohort import Cohort
from dicomcore.exploring.snippet import jupyter
from dicomcore.services import Services
from pages.widgets import download


def show(services: Services, wanted: Cohort) -> None:
    """Python to copy; only for who may export, since that is what it does."""
    if not download.allowed():
        return
    with st.expander("The same in Jupyter", icon=":material/code:"):
        st.caption("Fetches these studies over the REST API. It needs a token: see Account.")
        st.code(jupyter(wanted, f"{_address(services)}/api"), language="python")


def _address(services: Services) -> str:
    """Where the app is for whoever looks at the page."""
    seen = urlsplit(st.context.url or "http://localhost:8501")
    return (services.settings.public_url or f"{seen.scheme}://{seen.netloc}").rstrip("/")
