"""The DICOMDIRs of a scan: what each lists, and where it does not agree with its folder."""

from __future__ import annotations

import streamlit as st

from dicomcore import dicomdirs
from dicomcore.dicomdirs import count
from dicomcore.services import Services
from pages.widgets.tables import show_table
from pages.widgets.words import counted

__all__ = ["TITLE", "count", "show"]

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
    """Each DICOMDIR that does not agree with its folder, then the files that are only listed or only there."""
    found = counted(count(services, scan_id), "DICOMDIR", "DICOMDIRs")
    directories = dicomdirs.table(services, scan_id)
    if directories.empty:
        st.caption(f"{found}: every file that is listed is there, and every DICOM file there is listed.")
        return
    st.caption(
        f"{found}, compared with the folder each stands in; {len(directories):,} with a difference. "
        "What is missing was on the medium once, and did not get here."
    )
    show_table(directories, DIRECTORY_COLUMNS, key=f"dicomdirs-{scan_id}")
    differences = dicomdirs.differences(services, scan_id)
    if not differences.empty:
        show_table(differences, DIFFERENCE_COLUMNS, key=f"dicomdir-differences-{scan_id}")
