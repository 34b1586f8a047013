"""The patients that fit, a page at a time. Everything that is asked stands in the URL."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import streamlit as st

from dicomcore import people, reports
from dicomcore.cache.queries import MOST_LETTERS, PatientFilter, PatientPage
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor
from pages.widgets import download, paging
from pages.widgets.tables import ONE_ROW, chosen_row, filled, marked_row, show_table
from pages.widgets.words import counted

ANY = "any"
FIRST_DAY = date(1850, 1, 1)
PER_PAGE = 25
IDENTITIES, PSEUDONYMS = "Name, id, accession, description", "Subject, description"

COLUMNS = {
    "name": "Name",
    "patient_id": "Patient id",
    "birth_date": "Birth date",
    "sex": "Sex",
    "studies": "Studies",
    "last_study": "Last study",
    "added": "Added (UTC)",
}
SORTS = {
    "newest study": ("last_study", True),
    "oldest study": ("last_study", False),
    "name": ("name", False),
    "patient id": ("patient_id", False),
    "birth date": ("birth_date", False),
    "newest added": ("added", True),
    "most studies": ("studies", True),
}
DATES = [ANY, "today", "yesterday", "last week", "last month", "last year", "custom"]
PERIODS = {"last week": 7, "last month": 31, "last year": 366}
"""Days back from today, today included."""


def show(services: Services, visitor: Visitor) -> None:
    """Filters, table, and which page of it."""
    wanted = _filter(services, visitor)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        told = st.empty()
        sort, descending = SORTS[st.session_state.get("sort") or "newest study"]
        asked = paging.asked_page()
        found = people.search_patients(services, visitor, wanted, asked, PER_PAGE, sort, descending)
        if found.pages > 1:
            paging.pages(found, "pages")
    told.caption(_told(found))
    if found.total:
        _table(found, visitor)
        if visitor.may(Right.EXPORT):
            _download(services, wanted, sort, descending, found.total)
    else:
        st.info("No patient fits. Try fewer words, another modality or any date.", icon=":material/search_off:")


def _filter(services: Services, visitor: Visitor) -> PatientFilter:
    search, modality, dates, sort = st.columns([3, 1, 1, 1])
    text = search.text_input(
        "Search",
        key="q",
        type="search",
        max_chars=MOST_LETTERS,
        live="400ms",
        bind="query-params",
        on_change=paging.first_page,
        placeholder=f'{IDENTITIES if people.shows_identities(visitor) else PSEUDONYMS}; "in quotes" exact',
        icon=":material/search:",
    )
    kinds = [ANY, *people.modalities(services, visitor)]
    chosen = modality.selectbox("Modality", kinds, key="modality", bind="query-params", on_change=paging.first_page)
    period = dates.selectbox("Study date", DATES, key="date", bind="query-params", on_change=paging.first_page)
    sorts = [name for name, (by, _) in SORTS.items() if people.may_sort_by(visitor, by)]
    sort.selectbox("Sort by", sorts, key="sort", bind="query-params", on_change=paging.first_page)
    first, last = _custom() if period == "custom" else days(period, date.today())
    return PatientFilter(text or "", first, last, "" if chosen == ANY else chosen)


def _custom() -> tuple[date | None, date | None]:
    begin, end, _ = st.columns([2, 2, 3])
    return paging.days(begin, end, ("from", "to"), FIRST_DAY)


def days(period: str, today: date) -> tuple[date | None, date | None]:
    """First and last day of a period; None is open."""
    if period == "today":
        return today, today
    if period == "yesterday":
        return today - timedelta(1), today - timedelta(1)
    if period in PERIODS:
        return today - timedelta(PERIODS[period] - 1), today
    return None, None


def _told(found: PatientPage) -> str:
    return f"{counted(found.total, 'patient')}" + (f" · page {found.page} of {found.pages}" if found.pages > 1 else "")


def _table(found: PatientPage, visitor: Visitor) -> None:
    ids = list(found.rows["id"])
    key = f"patients-{_short_hash(ids)}"

    def open_selected() -> None:
        row = chosen_row(key)
        st.query_params.pop("study", None)
        if row is not None:
            st.query_params["patient"] = ids[row]
        else:
            st.query_params.pop("patient", None)

    show_table(
        filled(found.rows),
        people.columns(visitor, COLUMNS),
        key=key,
        on_select=open_selected,
        selection_mode=ONE_ROW,
        selection_default=marked_row(ids, st.query_params.get("patient")),
    )


def _download(services: Services, wanted: PatientFilter, sort: str, descending: bool, total: int) -> None:
    first = f"The first {reports.MOST_PATIENTS:,} patients" if total > reports.MOST_PATIENTS else "All patients"
    download.button(
        "Download CSV",
        lambda who: people.patients_csv(services, who, wanted, sort, descending).encode("utf-8-sig"),
        "patients.csv",
        "text/csv",
        help=f"{first} of this list, all pages of it.",
    )


def _short_hash(ids: list[str]) -> str:
    return hashlib.sha1("\n".join(ids).encode(), usedforsecurity=False).hexdigest()[:12]
