"""Patients that are picked on one page of the list and on the next, to be taken away together."""

from __future__ import annotations

import streamlit as st

from dicomcore import people
from dicomcore.cache.queries import PatientPage
from dicomcore.visitor import Visitor
from pages.widgets import export
from pages.widgets.export_asked import Asked
from pages.widgets.tables import filled, show_table
from pages.widgets.words import counted

PICKED, CLEARED = "picked-patients", "picked-cleared"
MOST = 10_000


def table(found: PatientPage, visitor: Visitor, names: dict[str, str], key: str) -> None:
    """The page with a box for each patient; those of other pages stay picked."""
    key = f"{key}-{st.session_state.get(CLEARED, 0)}"
    ids = [str(one) for one in found.rows["id"]]
    picked: dict[str, None] = st.session_state.setdefault(PICKED, {})

    def pick() -> None:
        rows = st.session_state[key].selection.rows
        for at, one in enumerate(ids):
            if at in rows and len(picked) < MOST:
                picked[one] = None
            else:
                picked.pop(one, None)

    rows = [at for at, one in enumerate(ids) if one in picked]
    show_table(
        filled(found.rows),
        people.columns(visitor, names),
        key=key,
        on_select=pick,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
    )


def panel(visitor: Visitor) -> None:
    """How many are picked, and how to take them away."""
    picked: dict[str, None] = st.session_state.setdefault(PICKED, {})
    if not picked:
        st.caption("Tick patients, on this page and on others, to export them together.")
        return
    st.button("Untick all", icon=":material/remove_done:", type="tertiary", on_click=_clear)
    label = f"Export {counted(len(picked), 'picked patient')}"
    export.selection(visitor, Asked.of(patients=list(picked)), key="picked-export", label=label)


def _clear() -> None:
    """The table begins anew, too: it would remember its ticks."""
    st.session_state[PICKED] = {}
    st.session_state[CLEARED] = st.session_state.get(CLEARED, 0) + 1
