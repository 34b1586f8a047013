"""How the pictures of a series are laid out: slices, three planes, or the whole in 3D. The address remembers it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.widgets.volume_view import volume_view

SLICES, MPR, IN_3D = "Slices", "MPR", "3D"
ADDRESS = {"mpr": MPR, "3d": IN_3D}
"""What each is called in the URL; without it the slices are shown."""


def choose(study: str) -> str:
    """Draw the switch; the layout stays when another series of the study is opened."""
    key = f"layout-{study}"
    if key not in st.session_state:
        st.session_state[key] = ADDRESS.get(st.query_params.get("layout", ""), SLICES)
    chosen = st.segmented_control(
        "Slices, MPR or 3D",
        (SLICES, MPR, IN_3D),
        key=key,
        required=True,
        label_visibility="collapsed",
        on_change=_remember,
        args=(key,),
    )
    return chosen or SLICES


def _remember(key: str) -> None:
    name = next((name for name, layout in ADDRESS.items() if layout == st.session_state[key]), None)
    if name:
        st.query_params["layout"] = name
    else:
        st.query_params.pop("layout", None)


def show(series: pd.Series, layout: str) -> None:
    """The volumes of a series."""
    volume_view(series["id"], layout=layout, key=f"volume-{series['study']}")
