"""Take a study or one of its series away: the size first, then links to ZIPs that are made while they are sent."""

from __future__ import annotations

from urllib.parse import quote

import pandas as pd
import streamlit as st

from dicomcore import people
from dicomcore.visitor import Right, Visitor
from pages.widgets.words import counted, shortened, size

WHATS = {
    "dicom": ("DICOM", "The files as they are in the archive, the patient's name in them."),
    "deidentified": ("De-identified DICOM", "By the basic profile of DICOM PS3.15, checked after."),
    "png": ("PNG", "Every slice as a picture."),
    "nifti": ("NIfTI", "Volumes with names as in BIDS, made by dcm2niix."),
}
WHOLE = ""
MOST_LETTERS = 60


def show(visitor: Visitor, study: pd.Series, series: pd.DataFrame) -> None:
    """The panel; nothing for who may not export."""
    if not visitor.may(Right.EXPORT) or series.empty:
        return
    with st.expander("Export", icon=":material/download:"):
        names = {WHOLE: f"The whole study · {_extent(study['images'], study['bytes'])}"}
        names |= {row["id"]: _name(row) for _, row in series.iterrows()}
        chosen = st.selectbox("What", list(names), format_func=names.__getitem__, key=f"export-{study['id']}")
        place = f"series/{quote(chosen, safe='')}" if chosen else f"studies/{quote(study['id'], safe='')}"
        _links(visitor, place)
        st.caption(
            "The download begins at once and can be cancelled in the browser. In each ZIP report.csv names what was "
            "left out. De-identified pixels can still show a name or a face: look at them before you pass them on."
        )


def _links(visitor: Visitor, place: str) -> None:
    with st.container(horizontal=True):
        for what, (label, help) in WHATS.items():
            if what != "dicom" or people.shows_identities(visitor):
                st.link_button(label, f"/api/{place}/{what}.zip", help=help, icon=":material/download:")
    if not people.shows_identities(visitor):
        st.caption("Under pseudonyms only what names nobody leaves, with the pseudonyms of your project.")


def _name(series: pd.Series) -> str:
    told = f"{series['number']} · {shortened(series['description'], MOST_LETTERS)} · {series['modality']}"
    return f"{told} · {_extent(series['images'], series['size'])}"


def _extent(images: int, amount: int) -> str:
    return f"{counted(int(images), 'instance')}, {size(int(amount))}"
