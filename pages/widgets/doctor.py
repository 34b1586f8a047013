"""The diagnosis on Hospital Config: one line a check, with what to do about it."""

from __future__ import annotations

import streamlit as st

from dicomcore.doctor import report
from dicomcore.doctor.check import Check, State
from dicomcore.doctor.report import Diagnosis
from dicomcore.services import Services
from pages.widgets import looks

FOUND = "diagnosis"

BADGES = {
    State.OK: (":material/check_circle:", "green"),
    State.NOTICE: (":material/info:", "blue"),
    State.UNKNOWN: (":material/help:", "gray"),
    State.WARNING: (":material/warning:", "orange"),
    State.BAD: (":material/error:", "red"),
}
"""How each state looks; the word stands beside the icon."""

BADGE_PIXELS = 110


def show(services: Services) -> None:
    """A button; what it finds stays until it is pressed again."""
    with st.expander("Diagnosis", icon=":material/stethoscope:", expanded=FOUND in st.session_state, key="diagnosis"):
        st.write("Looks at folders, disks, journal, archive, cache, codecs and more, and changes nothing.")
        if st.button("Check now", key="check_now", icon=":material/play_arrow:"):
            with st.spinner("Checking …", show_time=True):
                st.session_state[FOUND] = report.diagnosis(services)
        if found := st.session_state.get(FOUND):
            _told(found)


def _told(found: Diagnosis) -> None:
    """What needs a look comes first."""
    looks.name(found.sentence, "diagnosis")
    order = list(State)
    for place, check in enumerate(sorted(found.checks, key=lambda one: -order.index(one.state))):
        _line(check, place)


def _line(check: Check, place: int) -> None:
    icon, colour = BADGES[check.state]
    what, told = st.columns([1, 2], gap="small")  # one below the other where the room is narrow
    with what.container(horizontal=True, gap="small"):
        with st.container(width=BADGE_PIXELS):
            st.badge(check.state.value, icon=icon, color=colour)
        looks.name(check.name, f"check-{place}")
    with told.container(gap=None):
        st.text(check.said)
        if check.remedy:
            looks.note(f"→ {check.remedy}", f"check-{place}")
