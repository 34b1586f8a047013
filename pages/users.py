"""Users: who may sign in, what they may do and see, and the tokens of their programs."""

from __future__ import annotations

import streamlit as st

from dicomcore.visitor import Right
from pages.widgets import tokens, users, users_add, way_back
from pages.widgets.at_work import services
from pages.widgets.problems import problems_shown
from pages.widgets.visit import admitted

visitor = admitted(Right.ADMINISTER)
engine = services()
st.title("Users")
st.write("Who may sign in, and what they may do and see. A change holds from their next click on.")
with problems_shown():
    users.show(engine, visitor)
with problems_shown():
    users_add.ask(engine)
way_back.ask(engine)

st.header("API tokens")
with problems_shown():
    tokens.show(engine)
