"""A page with nothing but the slice view, for its tests."""

from __future__ import annotations

import streamlit as st

from pages.widgets.slice_view import slice_view


def _open(series: str) -> None:
    st.query_params["series"] = series


st.set_page_config(layout="wide")
others = ["head", "chest", "colour", "broken"]
shown = slice_view(st.query_params.get("series", "head"), others=others, key="view")
st.text_input("A word")
st.text(f"Python knows of {shown}")
for name in others:
    st.button(f"Open {name}", on_click=_open, args=(name,))
