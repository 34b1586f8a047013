"""How much there is, in one row."""

from __future__ import annotations

import streamlit as st

from dicomcore.exploring.members import Sizes
from pages.widgets.words import size


def show_sizes(sizes: Sizes) -> None:
    """Patients, studies, series, images, bytes."""
    told = {
        "Patients": f"{sizes.patients:,}",
        "Studies": f"{sizes.studies:,}",
        "Series": f"{sizes.series:,}",
        "Images": f"{sizes.images:,}",
        "Size": size(sizes.bytes),
    }
    with st.container(horizontal=True, gap="large"):
        for label, value in told.items():
            st.metric(label, value, width="content")
