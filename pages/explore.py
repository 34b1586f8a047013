"""Explore: what the archive holds in pictures and numbers, cohorts, and SQL."""

from __future__ import annotations

import streamlit as st

from dicomcore import people
from dicomcore.visitor import Right
from pages.widgets import begin, explore_cohort, explore_overview, explore_sql
from pages.widgets.at_work import services
from pages.widgets.explore_address import VIEW, VIEWS
from pages.widgets.problems import problems_shown
from pages.widgets.visit import admitted

SHOWN = {"Overview": explore_overview.show, "Cohort": explore_cohort.show, "SQL": explore_sql.show}

visitor = admitted(Right.LOOK)
engine = services()
st.title("Explore")
if not people.shows_identities(visitor):
    begin.tell_of_pseudonyms(visitor)
with problems_shown():
    if begin.nothing_here(engine):
        begin.show(engine, visitor)
    else:
        view = st.segmented_control(
            "View", VIEWS, key=VIEW, default=VIEWS[0], required=True, bind="query-params", label_visibility="collapsed"
        )
        SHOWN[view or VIEWS[0]](engine, visitor)
    begin.follow_cache(engine, visitor)
