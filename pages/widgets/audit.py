"""The audit: the state of its chain, and its lines a page at a time. Everything that is asked stands in the URL."""

from __future__ import annotations

from datetime import date

import streamlit as st

from dicomcore import audit_log
from dicomcore.audit_log import Finding, Page, Wanted
from dicomcore.services import Services
from pages.widgets import download, paging
from pages.widgets.tables import show_table
from pages.widgets.words import counted

ANY = "any"
FIRST_DAY = date(2000, 1, 1)
COLUMNS = {
    "line": "Line",
    "at": "When (UTC)",
    "who": "Who",
    "action": "Action",
    "about": "About",
    "detail": "Detail",
}
#: A browser is given a whole file at once; longer ones are written by the command line.
MOST_IN_A_BROWSER = 200_000

FOUND = "audit-finding"
NOTED = "audit-noted"

HOW = (
    "Every line carries a hash of itself and of all lines before it. Whoever can write into the journal could write "
    "the whole audit anew, hashes and all: note the newest hash elsewhere from time to time, and ask here later "
    "whether it is still there."
)


def show_chain(services: Services) -> None:
    """Whether the lines are as they were noted: asked on demand, for all of them are read."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            noted = st.text_input(
                "A hash that was noted earlier (optional)", key=NOTED, placeholder="64 digits, from an earlier check"
            )
            pressed = st.button("Check the chain", icon=":material/link:", help=HOW)
        if pressed:
            st.session_state[FOUND] = _checked(services, noted or "")
        if found := st.session_state.get(FOUND):
            _finding(found)
        else:
            st.caption(f"{counted(audit_log.how_many(services), 'line')}, not checked since you came to this page.")


def _checked(services: Services, noted: str) -> Finding:
    bar = st.progress(0.0, "Reading …")
    found = audit_log.check(
        services, noted, lambda done, total: bar.progress(done / max(1, total), f"{done:,} of {total:,} lines")
    )
    bar.empty()
    return found


def _finding(found: Finding) -> None:
    if found.good:
        st.success(found.sentence, icon=":material/verified:")
    else:
        st.error(found.sentence, icon=":material/gpp_bad:")
    if found.head:
        st.caption("The newest hash that fits, to note elsewhere:")
        st.code(found.head, language=None, wrap_lines=True)


def show(services: Services) -> None:
    """Filters, table, and which page of it."""
    wanted = _wanted(services)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        told = st.empty()
        asked = paging.asked_page()
        found = audit_log.search(services, wanted, asked)
        if found.pages > 1:
            paging.pages(found, "audit")
    told.caption(_told(found))
    if found.lines:
        show_table(audit_log.table(found.lines), COLUMNS, key=f"audit-{found.lines[0]['audit_id']}-{len(found.lines)}")
        _download(services, wanted)
    else:
        st.info("No line fits. Try fewer words or other days.", icon=":material/search_off:")


def _wanted(services: Services) -> Wanted:
    search, kind, begin, end = st.columns([4, 2, 2, 2], vertical_alignment="bottom")
    words = search.text_input(
        "Search",
        key="words",
        type="search",
        live="400ms",
        bind="query-params",
        on_change=paging.first_page,
        placeholder="User, action, id of a batch or a study",
        icon=":material/search:",
    )
    actions = [ANY, *audit_log.actions(services)]
    action = kind.selectbox("Action", actions, key="action", bind="query-params", on_change=paging.first_page)
    first, last = paging.days(begin, end, ("since", "until"), FIRST_DAY)
    return Wanted(words or "", "" if action == ANY else action, first, last)


def _told(found: Page) -> str:
    reach = " · narrow the search to reach the rest" if found.many else ""
    return f"{audit_log.total_words(found)}{reach}"


def _download(services: Services, wanted: Wanted) -> None:
    download.button(
        "Download CSV",
        lambda _: "".join(audit_log.csv_lines(services, wanted, MOST_IN_A_BROWSER)).encode("utf-8-sig"),
        "audit.csv",
        "text/csv",
        help=f"All lines that fit, the newest {MOST_IN_A_BROWSER:,} of them at most; `audit list --csv` has no limit.",
    )
