"""A waveform on millimetre paper, ten seconds at a time."""

from __future__ import annotations

import streamlit as st

from dicomcore import instances
from dicomcore.documents.ecg import SECONDS_A_SHEET, Sheet
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets.words import plain


def show(services: Services, visitor: Visitor, instance_id: str) -> None:
    """Which group of channels, from which second, and the paper."""
    group, start = (st.session_state.get(f"{what}-{instance_id}", 0) for what in ("group", "start"))
    with st.spinner("Drawing …"):
        sheet = instances.ecg(services, visitor, instance_id, group or 0, float(start))
    _choices(sheet, instance_id)
    st.image(sheet.png, alt=f"Waveform: {sheet.told}")
    st.caption(plain(sheet.told, 2_000))
    st.caption("Drawn from the values in the file, unfiltered. Not for diagnosis.")


def _choices(sheet: Sheet, instance_id: str) -> None:
    if len(sheet.labels) > 1:
        st.segmented_control(
            "Channels",
            range(len(sheet.labels)),
            format_func=lambda at: plain(sheet.labels[at], 60),
            default=0,
            key=f"group-{instance_id}",
            on_change=lambda: st.session_state.pop(f"start-{instance_id}", None),
        )
    if sheet.seconds > SECONDS_A_SHEET:
        st.slider("From second", 0.0, sheet.seconds - SECONDS_A_SHEET, step=1.0, key=f"start-{instance_id}")
