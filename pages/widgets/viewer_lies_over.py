"""A segmentation, structure set or dose: what is in it, and the way to the series that it lies over."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dicomcore import overlays
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import looks
from pages.widgets.tables import filled
from pages.widgets.words import plain, series_name

MOST_LETTERS = 60
OVER = "over"
"""In the address: the series that is shown over the one that is open."""


def show(services: Services, visitor: Visitor, all_series: pd.DataFrame, series: pd.Series) -> None:
    """Nothing for a series of images."""
    if series["modality"] not in overlays.MODALITIES:
        return
    below = overlays.lies_over(services, visitor, series["id"])
    found = [row for _, row in all_series.iterrows() if row["id"] in below]
    looks.note(_sentence(len(found)), f"lies-over-{series['id']}")
    with st.container(horizontal=True):
        for row in found:
            st.button(
                plain(f"Show over {series_name(row['number'], row['description'], MOST_LETTERS)}"),
                key=f"over-{series['id']}-{row['id']}",
                icon=":material/layers:",
                on_click=_open,
                args=(row["id"], series["id"]),
            )
    if not overlays.is_picture(series["modality"]):
        _parts(services, visitor, series)


def _sentence(count: int) -> str:
    if count:
        return "It lies over other images of this study, and is drawn there:"
    return "It lies over images that are not in this study here: nothing to draw it on."


def _open(series_id: str, over: str) -> None:
    st.query_params["series"] = series_id
    st.query_params[OVER] = over


def _parts(services: Services, visitor: Visitor, series: pd.Series) -> None:
    rows = [
        {"Object": one.name, "Number": part.number, "Name": part.name}
        for one in overlays.inside(services, visitor, series["id"])
        for part in one.parts
    ]
    if rows:
        st.dataframe(filled(pd.DataFrame(rows)), hide_index=True, width="stretch")
