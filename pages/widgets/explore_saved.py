"""Cohorts under a name: each user has their own."""

from __future__ import annotations

import streamlit as st

from dicomcore.exploring import members, saved
from dicomcore.exploring.cohort import Cohort
from dicomcore.exploring.saved import Saved
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets.explore_address import change
from pages.widgets.problems import problems_shown
from pages.widgets.words import counted, moment, plain


def choose(services: Services, visitor: Visitor) -> None:
    """The user's cohorts with how they have grown; nothing where there are none."""
    kept = saved.saved(services, visitor)
    if not kept:
        return
    with st.expander(f"Saved cohorts ({len(kept)})", icon=":material/bookmarks:"):
        for one in kept:
            with st.container(horizontal=True, vertical_alignment="center"):
                _row(services, visitor, one)


def _row(services: Services, visitor: Visitor, one: Saved) -> None:
    st.button(plain(one.name), key=f"open-{one.name}", type="tertiary", on_click=change, args=(one.cohort,))
    st.caption(_grown(members.sizes(services, visitor, one.cohort).studies, one))
    st.button(
        "Forget",
        key=f"forget-{one.name}",
        icon=":material/delete:",
        type="tertiary",
        on_click=lambda: saved.forget(services, visitor, one.name),
    )


def _grown(now: int, one: Saved) -> str:
    """``12 studies, 3 more than on 2026-11-24``."""
    told = counted(now, "study", "studies")
    if now == one.studies:
        return f"{told}, as on {moment(one.at)[:10]}"
    more = "more" if now > one.studies else "fewer"
    return f"{told}, {abs(now - one.studies):,} {more} than on {moment(one.at)[:10]}"


def keep(services: Services, visitor: Visitor, wanted: Cohort) -> None:
    """A name, and a button."""
    if not wanted:
        return
    with st.popover("Save", icon=":material/bookmark_add:"), st.form("save-cohort", border=False):
        name = st.text_input("Name", max_chars=saved.MOST_LETTERS, placeholder="Chest CT since 2020")
        st.caption("Only you see it here. To share it, send the address of this page.")
        pressed = st.form_submit_button("Save", type="primary")
    if pressed:
        with problems_shown():
            saved.save(services, visitor, name or "", wanted)
            st.rerun()
