"""All imports and verifications, searched, a page at a time. Everything that is asked stands in the URL."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from dicomcore import history
from dicomcore.history import Page, Wanted
from dicomcore.services import Services
from pages.widgets import paging
from pages.widgets.tables import ONE_ROW, chosen_row, show_table
from pages.widgets.words import counted, duration

FIRST_DAY = date(2000, 1, 1)
COLUMNS = {
    "begun": "Begun (UTC)",
    "folder": "Folder",
    "status": "Status",
    "to_look_at": "To look at",
    "files": "Files",
    "held": "In archive",
    "kind": "What",
    "by": "By",
    "bytes": "Size",
    "speed": "Files/s",
    "took": "Took",
    "batch": "Id",
}


def is_asked_for() -> bool:
    """Whether the URL names the history rather than one batch."""
    return st.query_params.get("view") == "history"


def button() -> None:
    """The way there."""
    st.button("History", icon=":material/history:", help="All imports and verifications.", on_click=_open)


def _open() -> None:
    st.query_params.from_dict({"view": "history"})


def show(services: Services) -> None:
    """Filters, table, and which page of it."""
    wanted = _wanted()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        told = st.empty()
        asked = paging.asked_page()
        found = history.search(services, wanted, asked)
        if found.pages > 1:
            paging.pages(found, "history")
    told.caption(counted(found.total, "import or verification", "imports and verifications"))
    if found.entries:
        _table(found)
    elif wanted == Wanted():
        st.info("Nothing was imported yet. Scan a folder first; the import starts from what the scan found.")
    else:
        st.info("None fits. Try fewer words or other days.", icon=":material/search_off:")


def _wanted() -> Wanted:
    search, begin, end, only = st.columns([4, 2, 2, 2], vertical_alignment="bottom")
    words = search.text_input(
        "Search",
        key="words",
        type="search",
        live="400ms",
        bind="query-params",
        on_change=paging.first_page,
        placeholder="Folder, id, user, status, import or verification",
        icon=":material/search:",
    )
    first, last = paging.days(begin, end, ("since", "until"), FIRST_DAY)
    trouble = only.toggle("Only with trouble", key="trouble", bind="query-params", on_change=paging.first_page)
    return Wanted(words or "", first, last, trouble)


def _table(found: Page) -> None:
    ids = [entry.job.job_id for entry in found.entries]
    key = f"history-{ids[0]}-{ids[-1]}-{len(ids)}"

    def open_selected() -> None:
        row = chosen_row(key)
        if row is not None:
            st.query_params.from_dict({"batch": ids[row]})

    show_table(
        _in_words(history.table(found.entries)), COLUMNS, key=key, on_select=open_selected, selection_mode=ONE_ROW
    )


def _in_words(table: pd.DataFrame) -> pd.DataFrame:
    table["took"] = ["" if pd.isna(seconds) else duration(seconds) for seconds in table["seconds"]]
    table["speed"] = table["speed"].astype(float).round()
    return table
