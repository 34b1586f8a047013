"""Patients: search, then patient, studies, series and pictures of their slices."""

from __future__ import annotations

import streamlit as st

from dicomcore import people
from dicomcore.visitor import Right
from pages.widgets import begin, patient_search, studies
from pages.widgets.at_work import services
from pages.widgets.problems import problems_shown
from pages.widgets.visit import admitted

visitor = admitted(Right.LOOK)
engine = services()
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Patients", width="content")
    with st.container(horizontal=True, width="content"):
        refresh = st.button("Refresh", icon=":material/refresh:", help="Make these tables say what the archive holds.")
        if visitor.may(Right.ADMINISTER) and st.button("Hospital Config", icon=":material/local_hospital:"):
            st.switch_page("hospital_config.py")
if not people.shows_identities(visitor):
    begin.tell_of_pseudonyms(visitor)
with problems_shown():
    if refresh:
        begin.refresh(engine)
with problems_shown():
    if begin.nothing_here(engine):
        begin.show(engine, visitor)
    else:
        patient_search.show(engine, visitor)
        if patient := st.query_params.get("patient"):
            studies.show(engine, visitor, patient)
    begin.follow_cache(engine, visitor)
