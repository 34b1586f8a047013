"""The pictures of a series in the slice view, from which a person may go on to the neighbouring series."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dicomcore import instances, overlays
from dicomcore.instances import Kind
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import viewer_lies_over
from pages.widgets.slice_view import slice_view
from pages.widgets.words import series_name

MOST_LETTERS = 100
REPORTED = "slice view reported"
"""What the slice view said last: it says so at every run, and only news is followed."""


def show(services: Services, visitor: Visitor, all_series: pd.DataFrame, series: pd.Series) -> None:
    """The slice view; where it was left for another series, the address and the list follow."""
    viewer_lies_over.show(services, visitor, all_series, series)
    if not overlays.is_picture(series["modality"]):
        return
    names = _pictures(services, visitor, all_series)
    over = st.query_params.get(viewer_lies_over.OVER, "")
    on_show = slice_view(series["id"], others=list(names), names=names, over=over, key=f"slices-{series['study']}")
    if on_show != st.session_state.get(REPORTED):
        st.session_state[REPORTED] = on_show
        if on_show != series["id"] and on_show in names:
            st.query_params["series"] = on_show
            st.rerun()


def _pictures(services: Services, visitor: Visitor, all_series: pd.DataFrame) -> dict[str, str]:
    """The series that are pictures, in the order of the list, with their names."""
    return {
        row["id"]: series_name(row["number"], row["description"], MOST_LETTERS)
        for _, row in all_series.iterrows()
        if instances.what(services, visitor, row["id"], row["modality"])[0] is Kind.PICTURE
        and overlays.is_picture(row["modality"])
    }
