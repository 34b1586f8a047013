"""One patient: the studies, and the series of the one that is chosen."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dicomcore import people
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import export, looks, series_strip, timeline
from pages.widgets.problems import problem
from pages.widgets.tables import ONE_ROW, chosen_row, filled, marked_row, show_table
from pages.widgets.words import EMPTY, shortened

STUDY_COLUMNS = {
    "date": "Date",
    "description": "Description",
    "modalities": "Modalities",
    "accession": "Accession",
    "series": "Series",
    "images": "Images",
    "bytes": "Size",
    "added": "Added (UTC)",
}
SERIES_COLUMNS = {
    "number": "Number",
    "description": "Description",
    "modality": "Modality",
    "size": "Size",
    "images": "Images",
    "body_part": "Body part",
    "added": "Added (UTC)",
}
STRIPS_PER_PAGE = 6
MOST_LETTERS = 300


def show(services: Services, visitor: Visitor, patient_id: str) -> None:
    """What the archive has of a patient, by the id that the visitor was given."""
    patient = people.patient(services, visitor, patient_id)
    if patient is None:
        problem("This patient is not, or no more, in the archive. Press Refresh, or search for another one.")
        return
    st.divider()
    _who(patient)
    studies = people.studies_of(services, visitor, patient_id)
    chosen = _study(visitor, studies, patient_id)
    if chosen is not None:
        _series(services, visitor, patient, chosen, studies)


def _who(patient: dict[str, object]) -> None:
    told = {key: _words(patient[key]) for key in ("name", "patient_id", "birth_date", "sex")}
    shown_id = shortened(told["patient_id"], MOST_LETTERS)
    below = f"Id {shown_id} · born {told['birth_date']} · sex {told['sex']}"
    looks.heading(shortened(told["name"], MOST_LETTERS), below, "patient")


def _words(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return str(value) if isinstance(value, str) and value else EMPTY


def _study(visitor: Visitor, studies: pd.DataFrame, patient_id: str) -> pd.Series | None:
    """The study in the URL, else the newest."""
    ids = list(studies["id"])
    wanted = st.query_params.get("study") or (ids[0] if ids else None)
    key = f"studies-{patient_id}"

    def open_selected() -> None:
        row = chosen_row(key)
        if row is not None:
            st.query_params["study"] = ids[row]
        else:
            st.query_params.pop("study", None)

    st.subheader("Studies")
    timeline.show(studies, wanted)
    show_table(
        filled(studies),
        people.columns(visitor, STUDY_COLUMNS),
        key=key,
        on_select=open_selected,
        selection_mode=ONE_ROW,
        selection_default=marked_row(ids, wanted),
    )
    if wanted not in ids:
        st.caption("Select a study to see its series.")
        return None
    return studies.iloc[ids.index(wanted)]


def _series(
    services: Services, visitor: Visitor, patient: dict[str, object], study: pd.Series, studies: pd.DataFrame
) -> None:
    st.subheader("Series")
    series = people.series_of(services, visitor, study["id"])
    shown = filled(series)
    show_table(shown, people.columns(visitor, SERIES_COLUMNS), key=f"series-{study['id']}")
    with st.container(key="next-viewer"):
        st.page_link(
            "viewer.py", label="Open in viewer", icon=":material/radiology:", query_params={"study": str(study["id"])}
        )
    _identifiers(patient, study, series)
    pages = max(1, math.ceil(len(series) / STRIPS_PER_PAGE))
    page = st.pagination(pages, key=f"strips-{study['id']}") if pages > 1 else 1
    title = " · ".join(_words(value) for value in (patient["name"], patient["patient_id"], study["date"]))
    for _, row in shown.iloc[(page - 1) * STRIPS_PER_PAGE : page * STRIPS_PER_PAGE].iterrows():
        series_strip.show(services, visitor, row, title)
    export.show(visitor, study, shown, filled(studies))


def _identifiers(patient: dict[str, object], study: pd.Series, series: pd.DataFrame) -> None:
    with st.expander("Identifiers to copy", icon=":material/content_copy:"):
        labelled = {"Patient id": str(patient["patient_id"]), "Study Instance UID": str(study["study_instance_uid"])}
        for label, value in labelled.items():
            st.caption(label)
            st.code(value or EMPTY, language=None)
        st.caption("Series Instance UIDs, in the order of the table")
        st.code("\n".join(uid or EMPTY for uid in series["series_instance_uid"]), language=None)
