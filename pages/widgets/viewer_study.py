"""The viewer page: whose study it is, its series at the left, and the one that is open at the right."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dicomcore import instances, people
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import export, looks, viewer_open_in, viewer_series, viewer_tags, viewer_view
from pages.widgets.problems import problem, problems_shown
from pages.widgets.tables import filled
from pages.widgets.words import EMPTY, iso_date, shortened

MOST_LETTERS = 200
VIEW, TAGS = "View", "Tags"


def show(services: Services, visitor: Visitor, study_id: str) -> None:
    """A study by the id that the visitor was given."""
    study = people.study(services, visitor, study_id)
    patient = people.patient(services, visitor, study["patient"]) if study else None
    if study is None or patient is None:
        problem("This study is not, or no more, in the archive. Go back to Patients and press Refresh.")
        st.page_link("patients.py", label="Patients", icon=":material/groups:")
        return
    looks.unseen_heading("Viewer")
    _top(services, visitor, patient, study)
    series = filled(instances.series_in_order(services, visitor, study["id"]))
    if series.empty:
        st.caption("This study has no series.")
        return
    left, right = st.columns([1, 3.2], gap="medium")
    chosen = viewer_series.chosen_of(series)
    with right:  # first: what was asked for does not wait for the thumbnails
        _opened(services, visitor, series, series.iloc[chosen])
    with left:
        viewer_series.show(services, visitor, series, chosen)
    export.show(visitor, pd.Series(study), series)


def _top(services: Services, visitor: Visitor, patient: dict[str, Any], study: dict[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        looks.heading(_words(patient["name"]), _study_line(patient, study), "viewer")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            back = {"patient": str(study["patient"]), "study": str(study["id"])}
            st.page_link("patients.py", label="Back to patient", icon=":material/arrow_back:", query_params=back)
            viewer_open_in.show(services, visitor, study)


def _study_line(patient: dict[str, Any], study: dict[str, Any]) -> str:
    whose = f"Id {_words(patient['patient_id'])} · born {_words(patient['birth_date'])} · sex {_words(patient['sex'])}"
    said = {"date": "no date", "description": "no description", "modalities": "no modality"}
    return " · ".join([whose, *(_words(study[what], empty) for what, empty in said.items())])


def _words(value: object, empty: str = EMPTY) -> str:
    if isinstance(value, pd.Timestamp) and not pd.isna(value):
        return iso_date(f"{value:%Y%m%d}")
    return shortened(value, MOST_LETTERS) if isinstance(value, str) and value else empty


def _opened(services: Services, visitor: Visitor, all_series: pd.DataFrame, series: pd.Series) -> None:
    """Only the tab that is in front asks the archive."""
    view, tags = st.tabs([VIEW, TAGS], key=f"viewer-{series['study']}", on_change="rerun")
    if view.open:
        with view, problems_shown():
            viewer_view.show(services, visitor, all_series, series)
    if tags.open:
        with tags, problems_shown():
            viewer_tags.show(services, visitor, all_series, series)
