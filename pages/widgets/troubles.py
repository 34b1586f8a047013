"""What a person should look at before an import: each kind of trouble with what comes of it, and a table."""

from __future__ import annotations

import streamlit as st

from dicomcore.services import Services
from dicomcore.troubles import report
from dicomcore.troubles.trouble import Trouble
from pages.widgets.tables import filled, show_table

TITLE = "Look at these first"
COLUMNS = {
    "found": "Found",
    "reads": "Reads now",
    "would_read": "Would read",
    "declared": "Declared as",
    "character_set": "Character set that fits",
    "sure": "Sure",
    "uid": "UID",
    "sop_instance_uid": "SOPInstanceUID",
    "images": "Images",
    "modality": "Modality",
    "series_number": "Series no.",
    "series_description": "Series",
    "names": "Names",
    "patient_name": "Patient",
    "patient_id": "Patient id",
    "patient_ids": "Patient ids",
    "birth_date": "Born",
    "birth_dates": "Born",
    "studies": "Studies",
    "study_date": "Study date",
    "files": "Files",
    "path": "File",
    "dicomdir": "DICOMDIR",
    "size": "Size",
    "other": "Other file",
    "other_size": "Other size",
    "folder": "Folder",
}


def of(services: Services, scan_id: str) -> list[Trouble]:
    """The trouble that a finished scan has: looked for once, then remembered."""
    return _found(services, scan_id)


def label(found: list[Trouble]) -> str:
    """The name of the tab, with the number of kinds."""
    return f"{TITLE} :orange-badge[{len(found)}]"


def show(found: list[Trouble], scan_id: str) -> None:
    """A box for each kind; the gravest, which is the first, stands open."""
    for place, trouble in enumerate(found):
        with st.expander(f"{trouble.what} :orange-badge[{trouble.count:,}]", expanded=place == 0):
            st.write(trouble.sentence)
            st.caption(trouble.remedy)
            names = {column: COLUMNS[column] for column in trouble.table}
            show_table(filled(trouble.table), names, key=f"trouble-{scan_id}-{trouble.what}")
            if trouble.count > len(trouble.table):
                st.caption(f"The first {len(trouble.table):,} of {trouble.count:,}.")


def none() -> None:
    """One quiet line for a scan without trouble."""
    st.caption(":material/check: Nothing stands out in ids, names, image numbers and slice positions.")


@st.cache_data(ttl=3600, max_entries=20, show_spinner="Looking for trouble …")
def _found(_services: Services, scan_id: str) -> list[Trouble]:
    return report.troubles(_services, scan_id)
