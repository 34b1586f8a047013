"""The router: what every page shares, and which pages there are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.widgets import looks

PICTURES = Path(__file__).parent / "widgets"

# A picture of our own: Streamlit's named icons are fetched from the internet for a browser's tab.
st.set_page_config(page_title="DICOM Viewer Pro", page_icon=PICTURES / "icon.svg", layout="wide")
st.logo(PICTURES / "logo.svg", size="large")
looks.apply()
page = st.navigation(
    [
        st.Page("patients.py", title="Patients", icon=":material/groups:", default=True),
        st.Page("import_studies.py", title="Import", icon=":material/move_to_inbox:"),
        st.Page("hospital_config.py", title="Hospital Config", icon=":material/local_hospital:"),
    ],
    position="top",
)
page.run()
st.space("medium")
st.caption("DICOM Viewer Pro · not a medical device, not for diagnosis")
