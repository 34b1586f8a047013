"""The DICOMDIRs of a scan: what each lists, and where it does not agree with its folder."""

from __future__ import annotations

import streamlit as st

from dicomcore import dicomdirs
from dicomcore.dicomdirs import there_are
from dicomcore.services import Services
from pages.widgets.tables import show_table
from pages.widgets.words import counted

__all__ = ["TITLE", "show", "there_are"]

TITLE = "DICOMDIR"
DIRECTORY_COLUMNS = {
    "path": "DICOMDIR",
    "listed": "Lists",
    "missing": "Missing",
    "unlisted": "Not listed",
    "problem": "Why it was not compared",
}
DIFFERENCE_COLUMNS = {"path": "File", "difference": "Is", "dicomdir": "DICOMDIR"}


def show(services: Services, scan_id: str) -> None:
    """One row for each DICOMDIR, then the files that are only listed or only there."""
    directories = dicomdirs.table(services, scan_id)
    st.caption(
        f"{counted(len(directories), 'DICOMDIR', 'DICOMDIRs')}, compared with the folder each stands in. "
        "What is missing was on the medium once, and did not get here."
    )
    show_table(directories, DIRECTORY_COLUMNS, key=f"dicomdirs-{scan_id}")
    differences = dicomdirs.differences(services, scan_id)
    if differences.empty:
        st.caption("Every file that is listed is there, and every DICOM file there is listed.")
    else:
        show_table(differences, DIFFERENCE_COLUMNS, key=f"dicomdir-differences-{scan_id}")
