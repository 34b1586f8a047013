"""A cohort: its conditions, how many studies fulfil them, the list, and ways to keep and to take it."""

from __future__ import annotations

import streamlit as st

from dicomcore.errors import UsageError
from dicomcore.exploring import members
from dicomcore.exploring.cohort import Cohort
from dicomcore.export.selection import MOST_IDS
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import (
    at_work,
    explore_conditions,
    explore_keywords,
    explore_saved,
    explore_snippet,
    explore_studies,
    export,
    paging,
    table_files,
)
from pages.widgets.explore_address import change, cohort
from pages.widgets.explore_sizes import show_sizes
from pages.widgets.export_asked import Asked
from pages.widgets.problems import problem
from pages.widgets.words import counted

PER_PAGE = 100


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
    explore_keywords.of_cohort(services, visitor, wanted)
    sizes = members.sizes(services, visitor, wanted)
    show_sizes(sizes)
    if sizes.studies:
        _list(services, visitor, wanted)
    else:
        fetch = " Or fetch its keywords first: what is not known fulfils no condition." if _by_keyword(wanted) else ""
        st.info(f"No study fulfils all conditions. Take one out.{fetch}", icon=":material/search_off:")
    with st.container(horizontal=True, vertical_alignment="center"):
        explore_saved.keep(services, visitor, wanted)
        if sizes.studies:
            _download(wanted, sizes.studies)
        _in_patients(wanted)
    if sizes.studies:
        _export(visitor, wanted, sizes.studies)
    explore_snippet.show(services, wanted)


def _by_keyword(wanted: Cohort) -> bool:
    return any(one.of.keyword for one in wanted)


def _list(services: Services, visitor: Visitor, wanted: Cohort) -> None:
    asked = paging.asked_page()
    found = members.members(services, visitor, wanted, asked, PER_PAGE)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        reach = f" · page {found.page} of {found.pages}" if found.pages > 1 else ""
        st.caption(f"{counted(found.total, 'study', 'studies')}{reach} · click one to open its patient")
        if found.pages > 1:
            paging.pages(found, "cohort")
    explore_studies.table(found.rows, visitor, f"cohort-{hash(tuple(found.rows['id']))}")


def _download(wanted: Cohort, total: int) -> None:
    cut = f"the newest {members.MOST_ROWS:,} studies" if total > members.MOST_ROWS else "all studies"
    table_files.offer(
        lambda who: members.all_rows(at_work.engine(), who, wanted),
        name="studies",
        noted=members.NOTED,
        help=f"The list of {cut} of this cohort.",
    )


def _export(visitor: Visitor, wanted: Cohort, total: int) -> None:
    """The ids of the studies are looked up when something is prepared, not whenever the page is drawn."""
    if total > MOST_IDS:
        st.caption(f"Up to {MOST_IDS:,} studies are exported at once. Add a condition to export these in parts.")
        return
    asked = Asked.studies(wanted, lambda who: members.ids(at_work.engine(), who, wanted))
    export.selection(visitor, asked, key="cohort-export", label=f"Export {counted(total, 'study', 'studies')}")


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
