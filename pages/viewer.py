"""One study: its series, each in its fitting view, and all that is in their headers."""

from __future__ import annotations

import streamlit as st

from dicomcore.visitor import Right
from pages.widgets import viewer_study
from pages.widgets.at_work import services
from pages.widgets.problems import problems_shown
from pages.widgets.visit import admitted

visitor = admitted(Right.LOOK)
engine = services()
with problems_shown():
    if study := st.query_params.get("study"):
        viewer_study.show(engine, visitor, study)
    else:
        st.title("Viewer")
        st.info("Choose a study on the page Patients, and press “Open in viewer”.", icon=":material/radiology:")
        st.page_link("patients.py", label="Patients", icon=":material/groups:")
