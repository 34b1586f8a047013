"""Account: who I am here, my password, my tokens."""

from __future__ import annotations

import streamlit as st

from dicomcore.visitor import Right
from pages.widgets import account, tokens
from pages.widgets.at_work import services
from pages.widgets.problems import problems_shown
from pages.widgets.visit import admitted

visitor = admitted(Right.LOOK)
engine = services()
st.title("Account")
with problems_shown():
    account.show(engine, visitor)

st.header("My API tokens")
with problems_shown():
    tokens.show(engine, owner=visitor.name)
