"""A cohort: its conditions, how many studies fulfil them, the list, and ways to keep and to take it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dicomcore import people
from dicomcore.errors import UsageError
from dicomcore.exploring import members
from dicomcore.exploring.cohort import Cohort
from dicomcore.exploring.members import Members
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import at_work, download, explore_conditions, explore_saved, explore_snippet, paging
from pages.widgets.explore_address import change, cohort
from pages.widgets.explore_sizes import show_sizes
from pages.widgets.problems import problem
from pages.widgets.tables import ONE_ROW, chosen_row, filled, show_table
from pages.widgets.words import counted

PER_PAGE = 100
COLUMNS = {
    "date": "Date",
    "name": "Name",
    "patient_id": "Patient id",
    "sex": "Sex",
    "age": "Age",
    "description": "Description",
    "modalities": "Modalities",
    "accession": "Accession",
    "series": "Series",
    "images": "Images",
    "bytes": "Size",
}


def show(services: Services, visitor: Visitor) -> None:
    """Conditions, then what they find."""
    try:
        wanted = cohort()
    except UsageError as error:
        problem(f"The address does not name a cohort. {error}")
        st.button("Begin anew", on_click=lambda: change(()))
        return
    explore_saved.choose(services, visitor)
    explore_conditions.show(visitor, wanted)
    sizes = members.sizes(services, visitor, wanted)
    show_sizes(sizes)
    if sizes.studies:
        _list(services, visitor, wanted)
    else:
        st.info("No study fulfils all conditions. Take one out.", icon=":material/search_off:")
    with st.container(horizontal=True, vertical_alignment="center"):
        explore_saved.keep(services, visitor, wanted)
        if sizes.studies:
            _download(wanted, sizes.studies)
        _in_patients(wanted)
    explore_snippet.show(services, wanted)


def _list(services: Services, visitor: Visitor, wanted: Cohort) -> None:
    asked = paging.asked_page()
    found = members.members(services, visitor, wanted, asked, PER_PAGE)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        reach = f" · page {found.page} of {found.pages}" if found.pages > 1 else ""
        st.caption(f"{counted(found.total, 'study', 'studies')}{reach} · click one to open its patient")
        if found.pages > 1:
            paging.pages(found, "cohort")
    _table(found, visitor)


def _table(found: Members, visitor: Visitor) -> None:
    key = f"cohort-{hash(tuple(found.rows['id']))}"
    show_table(
        filled(found.rows.assign(age=["" if pd.isna(age) else f"{age:.0f}" for age in found.rows["age"]])),
        people.columns(visitor, COLUMNS),
        key=key,
        on_select="rerun",
        selection_mode=ONE_ROW,
    )
    if (row := chosen_row(key)) is not None:
        one = found.rows.iloc[row]
        st.switch_page("patients.py", query_params={"patient": one["patient"], "study": one["id"]})


def _download(wanted: Cohort, total: int) -> None:
    cut = f"the newest {members.MOST_ROWS:,} studies" if total > members.MOST_ROWS else "all studies"
    download.button(
        "Download CSV",
        lambda who: members.members_csv(at_work.engine(), who, wanted).encode("utf-8-sig"),
        "studies.csv",
        "text/csv",
        help=f"{cut.capitalize()} of this cohort.",
    )


def _in_patients(wanted: Cohort) -> None:
    """The page Patients knows some of the conditions too; where it knows all, it can show the same."""
    known = {("series.modality", "is"): "modality", ("study.study_date", "from"): "from"}
    known[("study.study_date", "until")] = "to"
    query = {known.get((one.field, one.comparison), ""): one.value for one in wanted}
    if not query or "" in query or len(query) < len(wanted):
        return
    if {"from", "to"} & set(query):
        query["date"] = "custom"
    st.page_link("patients.py", label="Show in Patients", icon=":material/groups:", query_params=query)
