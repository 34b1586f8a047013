"""Audit: who did what, searched and exported, and whether anybody has changed it."""

from __future__ import annotations

import streamlit as st

from dicomcore.visitor import Right
from pages.widgets import audit
from pages.widgets.at_work import services
from pages.widgets.problems import problems_shown
from pages.widgets.visit import admitted

admitted(Right.ADMINISTER)
engine = services()
st.title("Audit")
with problems_shown():
    audit.show_chain(engine)
with problems_shown():
    audit.show(engine)
