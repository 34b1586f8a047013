"""The cohort at hand: it stands in the page's address, one ``where`` for each condition, so that a link shares it."""

from __future__ import annotations

import streamlit as st

from dicomcore.exploring import cohort as cohorts
from dicomcore.exploring.cohort import Cohort

VIEW, WHERE = "view", "where"
VIEWS = ["Overview", "Cohort", "SQL"]


def cohort() -> Cohort:
    """What the address asks for. Raises ``UsageError`` for what makes no sense."""
    return cohorts.read(st.query_params.get_all(WHERE))


def change(to: Cohort) -> None:
    """The page shows this one from the next run on, from its first page."""
    st.query_params.pop("page", None)
    if to:
        st.query_params[WHERE] = [one.written() for one in to]
    else:
        st.query_params.pop(WHERE, None)


def open_cohort(to: Cohort) -> None:
    """From another view of the page: for callbacks."""
    st.session_state[VIEW] = "Cohort"
    change(to)
