"""The same selection for Jupyter."""

from __future__ import annotations

import streamlit as st

from dicomcore.exploring.cohort import Cohort
from dicomcore.exploring.snippet import jupyter
from dicomcore.services import Services
from pages.widgets import download
from pages.widgets.api_address import api_address


def show(services: Services, wanted: Cohort) -> None:
    """Python to copy; only for who may export, since that is what it does."""
    if not download.allowed():
        return
    with st.expander("The same in Jupyter", icon=":material/code:"):
        st.caption("Fetches these studies over the REST API. It needs a token: see Account.")
        st.code(jupyter(wanted, api_address(services)), language="python")
