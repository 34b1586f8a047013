"""Which page of a long list is on show, and from which day to which: in the address, so that a link leads there."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from pages.widgets.problems import problem

MOST_DIGITS = 8
MOST_PIXELS, PIXELS_A_PAGE = 340, 48
"""Room for the numbers of pages; with less some of them are left out."""

LAST_DAY = date(2150, 12, 31)


def asked_page() -> int:
    """The page that the address asks for; the first where it asks for none that can be."""
    page = st.query_params.get("page", "1")
    return int(page) if page.isdecimal() and len(page) <= MOST_DIGITS else 1


def first_page() -> None:
    """Another search begins at its first page: for ``on_change`` of a filter."""
    for key in ("page", "before", "after"):
        st.query_params.pop(key, None)


def beside(found: Any, last: str) -> None:
    """First, previous, next and last page, by the keys of ``found``: for lists of more pages than one leafs through."""
    steps = {
        "First": found.before and {},
        "Previous": found.before and {"before": found.before},
        "Next": found.after and {"after": found.after},
        "Last": found.after and {"before": last},
    }
    with st.container(horizontal=True, width="content", gap="xsmall"):
        for label, to in steps.items():
            st.button(label, key=f"turn-{label}", on_click=_turn, args=(to,), disabled=to == "")


def _turn(to: dict[str, str]) -> None:
    first_page()
    for key, value in to.items():
        st.query_params[key] = value


def room(pages: int) -> int:
    """Pixels for the numbers of so many pages and the two arrows."""
    return min(MOST_PIXELS, PIXELS_A_PAGE * (pages + 2))


def pages(found: Any, name: str) -> None:
    """The means to turn the pages of ``found`` (its ``page`` of ``pages``); ``name`` tells it from other lists."""
    key = f"{name}-{found.page}-of-{found.pages}"

    def go_to() -> None:
        first_page()
        st.query_params["page"] = str(st.session_state[key])

    st.pagination(found.pages, default=found.page, width=room(found.pages), key=key, on_change=go_to)


def days(begin: Any, end: Any, keys: tuple[str, str], earliest: date) -> tuple[date | None, date | None]:
    """From and To, inclusive, in two columns under these keys; says where the first day is after the last."""
    how = {"min_value": earliest, "max_value": LAST_DAY, "format": "YYYY-MM-DD", "bind": "query-params"}
    first = begin.date_input("From", None, key=keys[0], on_change=first_page, **how)
    last = end.date_input("To", None, key=keys[1], on_change=first_page, **how)
    if first and last and first > last:
        problem("The first day is after the last one. Swap them.")
    return first, last
