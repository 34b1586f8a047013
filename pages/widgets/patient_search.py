"""The patients that fit, a page at a time. Everything that is asked stands in the URL."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from functools import partial

import streamlit as st

from dicomcore import people, reports
from dicomcore.cache.queries import END, MOST_LETTERS, PatientFilter, PatientPage
from dicomcore.errors import UsageError
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor
from pages.widgets import download, paging, patient_picks, saved_filters
from pages.widgets.tables import ONE_ROW, chosen_row, filled, marked_row, show_table
from pages.widgets.words import counted

ANY = "any"
FIRST_DAY = date(1850, 1, 1)
PER_PAGE = 25
SEVERAL = "several-patients"
SHORTEST_WORD = 3
"""So many letters are typed before the search begins; in scripts of syllables one is a word."""

MOST_NUMBERED = 40
"""Of more pages than so many one goes to the next, not to one by its number."""

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
    sort, descending = SORTS[st.session_state.get("sort") or "newest study"]
    found = _found(services, visitor, wanted, sort, descending)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(_told(found), width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            saved_filters.show(services, visitor)
            if found.pages > MOST_NUMBERED:
                paging.beside(found, END)
            elif found.pages > 1:
                paging.pages(found, "pages")
    if found.total:
        if st.session_state.get(SEVERAL) and visitor.may(Right.EXPORT):
            _boxes(found, visitor)
        else:
            _table(found, visitor)
        if visitor.may(Right.EXPORT):
            _take(services, visitor, wanted, (sort, descending), found.total)
    else:
        st.info("No patient fits. Try fewer words, another modality or any date.", icon=":material/search_off:")


def _found(services: Services, visitor: Visitor, wanted: PatientFilter, sort: str, descending: bool) -> PatientPage:
    """The page that the address asks for; the first where what it was beside is gone."""
    keys = {key: st.query_params.get(key, "") for key in ("before", "after")}
    ask = partial(people.search_patients, services, visitor, wanted, paging.asked_page(), PER_PAGE, sort, descending)
    if not any(keys.values()):
        return ask()
    try:
        return ask(**keys)
    except UsageError as error:
        paging.first_page()
        st.toast(f"{error} This is it.")
        return ask()


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
    return PatientFilter(_searched(text or ""), first, last, "" if chosen == ANY else chosen)


def _searched(typed: str) -> str:
    return "" if typed.isascii() and len(typed.strip()) < SHORTEST_WORD else typed


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
    """``26 to 50 of 48,637 patients``."""
    many = counted(found.total, "patient")
    first, last = found.skipped + 1, found.skipped + len(found.rows)
    return f"{first:,} to {last:,} of {many}" if found.pages > 1 else many


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


def _boxes(found: PatientPage, visitor: Visitor) -> None:
    patient_picks.table(found, visitor, COLUMNS, f"picks-{_short_hash(list(found.rows['id']))}")


def _take(services: Services, visitor: Visitor, wanted: PatientFilter, order: tuple[str, bool], total: int) -> None:
    """The list as a file, and several patients with all that they have."""
    with st.container(horizontal=True, vertical_alignment="center"):
        _download(services, wanted, *order, total)
        several = st.toggle(
            "Select several", key=SEVERAL, help="Boxes to tick patients for an export.", width="content"
        )
    if several:
        patient_picks.panel(visitor)


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
