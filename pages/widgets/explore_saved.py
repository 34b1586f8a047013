"""Cohorts under a name: each user has their own."""

from __future__ import annotations

import streamlit as st

from dicomcore import kept_name
from dicomcore.exploring import members, saved
from dicomcore.exploring.cohort import Cohort
from dicomcore.exploring.saved import Growth, Saved
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import explore_studies
from pages.widgets.explore_address import change
from pages.widgets.problems import problems_shown
from pages.widgets.words import counted, moment, plain

MOST_LISTED = 100


def choose(services: Services, visitor: Visitor) -> None:
    """The user's cohorts with how they have grown; nothing where there are none."""
    kept = saved.saved(services, visitor)
    if not kept:
        return
    grown = {one.name: saved.growth(services, visitor, one) for one in kept}
    fresh = sum(bool(one.new) for one in grown.values())
    more = f", {fresh} with new studies" if fresh else ""
    with st.expander(f"Saved cohorts ({len(kept)}{more})", icon=":material/bookmarks:", expanded=bool(fresh)):
        for one in kept:
            _row(services, visitor, one, grown[one.name])


def _row(services: Services, visitor: Visitor, one: Saved, grown: Growth) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(plain(one.name), key=f"open-{one.name}", type="tertiary", on_click=change, args=(one.cohort,))
        st.caption(_grown(grown, one))
        shown = bool(grown.new) and st.toggle("Show what is new", key=f"new-{one.name}")
        if grown.new or grown.gone:
            st.button(
                "Seen",
                key=f"seen-{one.name}",
                icon=":material/done_all:",
                type="tertiary",
                help="From now on only what comes later is new.",
                on_click=lambda: saved.looked(services, visitor, one),
            )
        st.button(
            "Forget",
            key=f"forget-{one.name}",
            icon=":material/delete:",
            type="tertiary",
            on_click=lambda: saved.forget(services, visitor, one.name),
        )
    if shown:
        _new(services, visitor, grown, one.name)


def _new(services: Services, visitor: Visitor, grown: Growth, name: str) -> None:
    rows = members.these(services, visitor, grown.new, MOST_LISTED)
    if len(grown.new) > len(rows):
        st.caption(f"The newest {len(rows):,} of {len(grown.new):,}.")
    explore_studies.table(rows, visitor, f"new-studies-{name}")


def _grown(grown: Growth, one: Saved) -> str:
    """``12 studies, 3 new since 2026-11-24 10:11``."""
    told, since = counted(grown.studies, "study", "studies"), moment(one.at)[:16]
    changes = [f"{len(grown.new):,} new"] if grown.new else []
    changes += [f"{grown.gone:,} fewer"] if grown.gone else []
    return f"{told}, {' and '.join(changes)} since {since}" if changes else f"{told}, as on {since}"


def keep(services: Services, visitor: Visitor, wanted: Cohort) -> None:
    """A name, and a button."""
    if not wanted:
        return
    with st.popover("Save", icon=":material/bookmark_add:"), st.form("save-cohort", border=False):
        name = st.text_input("Name", max_chars=kept_name.MOST_LETTERS, placeholder="Chest CT since 2020")
        st.caption("Only you see it here. To share it, send the address of this page.")
        pressed = st.form_submit_button("Save", type="primary")
    if pressed:
        with problems_shown():
            saved.save(services, visitor, name or "", wanted)
            st.rerun()
