"""The conditions of a cohort: what there is, each with a click to take it out, and one more to add."""

from __future__ import annotations

import streamlit as st

from dicomcore import people
from dicomcore.errors import UsageError
from dicomcore.exploring.cohort import (
    COMPARISONS,
    MOST_CONDITIONS,
    MOST_LETTERS,
    WITHOUT_VALUE,
    Cohort,
    Condition,
)
from dicomcore.exploring.fields import FIELDS, Kind
from dicomcore.visitor import Visitor
from pages.widgets.explore_address import change
from pages.widgets.problems import problem
from pages.widgets.words import plain

FIRST = "series.modality"
PLACEHOLDERS = {Kind.TEXT: "CT", Kind.DATE: "2024-03-18", Kind.NUMBER: "12"}
VALUE, REFUSED = "cohort-value", "cohort-refused"

HOW = (
    "All conditions hold for a study. Those on series hold for one and the same series, those on images for one image "
    "of it. Small and capital letters and accents do not matter."
)


def show(visitor: Visitor, wanted: Cohort) -> None:
    """What holds now, and one more."""
    if wanted:
        with st.container(horizontal=True, gap="small"):
            for at, one in enumerate(wanted):
                _chip(at, one, wanted)
            if len(wanted) > 1:
                st.button("Clear all", type="tertiary", on_click=change, args=((),))
    else:
        st.caption("No condition yet: every study belongs to it.")
    _add(visitor, wanted)


def _chip(at: int, one: Condition, wanted: Cohort) -> None:
    rest = wanted[:at] + wanted[at + 1 :]
    st.button(
        plain(one.words(), 80),
        key=f"chip-{at}-{one.written()}",
        icon=":material/close:",
        help="Take this condition out.",
        on_click=change,
        args=(rest,),
    )


def _add(visitor: Visitor, wanted: Cohort) -> None:
    told = [name for name, field in FIELDS.items() if field.told or people.shows_identities(visitor)]
    which, how, what, button = st.columns([3, 2, 3, 1], vertical_alignment="bottom")
    name = which.selectbox(
        "Field", told, index=told.index(FIRST), format_func=lambda one: FIELDS[one].label, key="cohort-field", help=HOW
    )
    field = FIELDS[name]
    words = COMPARISONS[field.kind]
    comparison = how.selectbox(
        "Comparison", list(words), format_func=words.__getitem__, key=f"cohort-comparison-{field.kind}"
    )
    value = ""
    if comparison not in WITHOUT_VALUE:
        value = what.text_input("Value", key=VALUE, max_chars=MOST_LETTERS, placeholder=PLACEHOLDERS[field.kind])
    button.button(
        "Add",
        icon=":material/add:",
        type="primary",
        width="stretch",
        on_click=_added,
        args=(wanted, name, comparison, (value or "").strip()),
    )
    if refused := st.session_state.pop(REFUSED, ""):
        problem(refused)


def _added(wanted: Cohort, name: str, comparison: str, value: str) -> None:
    try:
        one = Condition(name, comparison, value)
    except UsageError as error:
        st.session_state[REFUSED] = str(error)
        return
    if len(wanted) >= MOST_CONDITIONS:
        st.session_state[REFUSED] = f"A cohort may have at most {MOST_CONDITIONS} conditions."
        return
    change((*(each for each in wanted if each != one), one))
    st.session_state[VALUE] = ""
