"""Searches under a name: open, rename, delete; each user has their own."""

from __future__ import annotations

from datetime import date

import streamlit as st

from dicomcore import kept_name, saved_filters
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import paging
from pages.widgets.problems import problems_shown
from pages.widgets.words import plain

RENAMED = "filter-renamed"


def show(services: Services, visitor: Visitor) -> None:
    """Behind one button: keep the search at hand, and those that are kept."""
    kept = saved_filters.saved(services, visitor)
    many = f" ({len(kept)})" if kept else ""
    with st.popover(f"Saved filters{many}", icon=":material/bookmarks:"):
        _keep(services, visitor)
        for name, query in kept.items():
            _row(services, visitor, name, query)
        st.caption("Only you see them. To share a search, send the address of this page.")


def _keep(services: Services, visitor: Visitor) -> None:
    asked = saved_filters.of_address(st.query_params)
    if not asked:
        return
    with st.form("save-filter", border=False):
        name = st.text_input("Name", max_chars=kept_name.MOST_LETTERS, placeholder="Chest CT of last month")
        pressed = st.form_submit_button("Save this search", type="primary", icon=":material/bookmark_add:")
    if pressed:
        with problems_shown():
            saved_filters.save(services, visitor, name or "", asked)
            st.rerun()


def _row(services: Services, visitor: Visitor, name: str, query: dict[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if st.session_state.get(RENAMED) == name:
            _rename(services, visitor, name)
            return
        st.button(plain(name), key=f"open-filter-{name}", type="tertiary", on_click=open_filter, args=(query,))
        with st.container(horizontal=True, width="content"):
            for icon, what, act in (
                (":material/edit:", "Rename", lambda: st.session_state.update({RENAMED: name})),
                (":material/delete:", "Delete", lambda: saved_filters.forget(services, visitor, name)),
            ):
                st.button(what, icon=icon, key=f"{what}-filter-{name}", type="tertiary", on_click=act)


def _rename(services: Services, visitor: Visitor, name: str) -> None:
    with st.form("rename-filter", border=False):
        to = st.text_input("New name", name, max_chars=kept_name.MOST_LETTERS)
        pressed = st.form_submit_button("Rename", icon=":material/check:")
    if pressed:
        with problems_shown():
            saved_filters.rename(services, visitor, name, to or "")
            st.session_state.pop(RENAMED)
            st.rerun()


def open_filter(query: dict[str, str]) -> None:
    """The page asks for this search from the next run on, from its first page: for callbacks."""
    paging.first_page()
    for key in saved_filters.KEYS:
        st.session_state[key] = _value(key, query.get(key))


def _value(key: str, text: str | None) -> str | date | None:
    """As the widget of this key holds it; what it is at first where nothing is asked."""
    if key in ("from", "to"):
        return _day(text) if text else None
    return text or {"q": "", "sort": "newest study"}.get(key, "any")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
