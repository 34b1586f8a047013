"""From the pictures of a series back to where they came from."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dicomcore import provenance
from dicomcore.services import Services
from pages.widgets.problems import problems_shown
from pages.widgets.tables import show_table
from pages.widgets.words import counted

MOST_FILES, MOST_IMPORTS = 100, 5
FOLDER_COLUMNS = {"folder": "Folder", "files": "Files", "batch": "Import", "by": "By", "when": "When (UTC)"}
FILE_COLUMNS = {"path": "File", "outcome": "Outcome", "md5": "MD5", "archive_id": "Archive id", "batch": "Import"}


def show(services: Services, series_id: str) -> None:
    """A closed box; only an opened one asks the journal."""
    box = st.expander(
        "Where it came from", icon=":material/location_searching:", key=f"origin-{series_id}", on_change="rerun"
    )
    if box.open:
        with box, problems_shown():
            _origins(services, series_id)


def _origins(services: Services, series_id: str) -> None:
    found = provenance.of_series(services, series_id)
    files, others = provenance.came_from(found), provenance.others(found)
    if files.empty:
        st.caption("No import here brought these instances: they were in the archive already, or came another way.")
    else:
        _brought(files, series_id)
    if not others.empty:
        st.caption("Other files with the same ids, which the archive does not hold")
        show_table(others.head(MOST_FILES), FILE_COLUMNS, key=f"origin-others-{series_id}")


def _brought(files: pd.DataFrame, series_id: str) -> None:
    folders = provenance.folders(files)
    show_table(folders, FOLDER_COLUMNS, key=f"origin-folders-{series_id}")
    with st.container(horizontal=True):
        for batch in folders["batch"].unique()[:MOST_IMPORTS]:
            st.page_link(
                "import_studies.py", label=batch, query_params={"batch": batch}, icon=":material/move_to_inbox:"
            )
    if len(files) > MOST_FILES:
        st.caption(f"The first {MOST_FILES} of {counted(len(files), 'file')}")
    show_table(files.head(MOST_FILES), FILE_COLUMNS, key=f"origin-files-{series_id}")
