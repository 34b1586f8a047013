"""The conditions of a cohort: what there is, each with a click to take it out, and one more to add."""

from __future__ import annotations

import streamlit as st

from dicomcore import people
from dicomcore.errors import UsageError
from dicomcore.exploring import cohort as cohorts
from dicomcore.exploring import fields, keywords
from dicomcore.exploring.cohort import (
    COMPARISONS,
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
FIELD, VALUE, REFUSED = "cohort-field", "cohort-value", "cohort-refused"
ANY, KEYWORD = "keyword", "cohort-keyword"

HOW = (
    "All conditions hold for a study. Those on series hold for one and the same series, those on images for one image "
    "of it. Small and capital letters and accents do not matter."
)

KEYWORDS = (
    "Type a part of it. What no table has is fetched from the archive, one image of each series, for the series that "
    "the other conditions leave: put those first."
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
    which.selectbox("Field", [*told, ANY], index=told.index(FIRST), format_func=_label, key=FIELD, help=HOW)
    if st.session_state[FIELD] == ANY:
        offered = keywords.offered(visitor)
        which.selectbox("Keyword", offered, index=offered.index("KVP"), format_func=_named, key=KEYWORD, help=KEYWORDS)
    words = COMPARISONS[_kind()]
    how.selectbox("Comparison", list(words), format_func=words.__getitem__, key=_comparison_key())
    if st.session_state[_comparison_key()] not in WITHOUT_VALUE:
        what.text_input("Value", key=VALUE, max_chars=MOST_LETTERS, placeholder=PLACEHOLDERS[_kind()])
    button.button("Add", icon=":material/add:", type="primary", width="stretch", on_click=_added, args=(wanted,))
    if refused := st.session_state.pop(REFUSED, ""):
        problem(refused)


def _label(name: str) -> str:
    return "Any DICOM keyword …" if name == ANY else FIELDS[name].label


def _named(keyword: str) -> str:
    """``KVP · KVP (0018,0060)``: found by either as it is typed."""
    return f"{keyword} · {keywords.known()[keyword][1]}"


def _field() -> str:
    """The name of the field at hand."""
    chosen = st.session_state[FIELD]
    return f"{fields.KEYWORD}{st.session_state[KEYWORD]}" if chosen == ANY else str(chosen)


def _kind() -> Kind:
    return fields.field(_field()).kind


def _comparison_key() -> str:
    """What a date is compared by is no choice for a text."""
    return f"cohort-comparison-{_kind()}"


def _added(wanted: Cohort) -> None:
    """Reads what stands in the fields at the click, which may be newer than what the page was drawn with."""
    comparison = st.session_state[_comparison_key()]
    value = "" if comparison in WITHOUT_VALUE else (st.session_state.get(VALUE) or "").strip()
    try:
        one = Condition(_field(), comparison, value)
        cohorts.read(each.written() for each in (*wanted, one))
    except UsageError as error:
        st.session_state[REFUSED] = str(error)
        return
    change((*(each for each in wanted if each != one), one))
    st.session_state[VALUE] = ""
