"""The way back from a pseudonym, for admins; the audit notes who went it."""

from __future__ import annotations

import streamlit as st

from dicomcore import people
from dicomcore.errors import DicomViewerError
from dicomcore.services import Services
from pages.widgets import looks
from pages.widgets.problems import problem


def ask(services: Services) -> None:
    """Which patient is behind a pseudonym."""
    with (
        st.expander("Who is behind a pseudonym?", icon=":material/visibility:", key="way-back"),
        st.form("way-back-form", border=False),
    ):
        what, of = st.columns(2)
        subject = what.text_input("Pseudonym", placeholder="Subject 7F3A2C91B04E", autocomplete="off", key="subject")
        project = of.text_input("Project that it was shown to", autocomplete="off", key="subject-project")
        st.caption("It is noted in the audit that you asked.")
        if st.form_submit_button("Show the Patient", icon=":material/visibility:"):
            _answer(services, subject or "", (project or "").strip())


def _answer(services: Services, subject: str, project: str) -> None:
    try:
        found = people.behind(services, subject, project)
    except DicomViewerError as error:
        problem(error)
    else:
        born = found.birth_date or "unknown"
        looks.heading(found.name, f"Id {found.patient_id} · born {born} · archive id {found.id}", "way-back")
