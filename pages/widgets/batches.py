"""The imports there are, and which one is on show."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dicomcore.errors import UnknownBatch
from dicomcore.model import Job
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from pages.widgets import looks
from pages.widgets.problems import problem
from pages.widgets.tables import ONE_ROW, chosen_row, show_table
from pages.widgets.words import duration, moment

MOST = 100
COLUMNS = {
    "begun": "Begun (UTC)",
    "folder": "Folder",
    "status": "Status",
    "files": "Files",
    "stored": "Stored",
    "took": "Took",
    "batch": "Batch",
}


def chosen(services: Services) -> Job | None:
    """The batch in the URL, else the newest."""
    if batch_id := st.query_params.get("batch"):
        try:
            return services.job(batch_id)
        except UnknownBatch as error:
            problem(error)
            return None
    return next(iter(services.batches(1)), None)


def headline(batch: Job) -> None:
    """Which one this is."""
    by = f" by {batch.created_by}" if batch.created_by else ""
    looks.heading(printable(batch.root), f"{batch.job_id} · begun {moment(batch.created_at)} UTC{by}", "batch")


def show(services: Services) -> None:
    """All imports; a click shows one."""
    found = services.batches(MOST)
    if not found:
        _none_yet()
        return
    st.subheader("All imports")
    table = pd.DataFrame([_row(batch) for batch in found])
    key = f"batches-{found[0].job_id}"

    def open_selected() -> None:
        row = chosen_row(key)
        if row is not None:
            st.query_params["batch"] = found[row].job_id
            st.query_params.pop("outcome", None)

    show_table(table, COLUMNS, key=key, on_select=open_selected, selection_mode=ONE_ROW)


def _row(batch: Job) -> dict[str, object]:
    return {
        "begun": moment(batch.created_at),
        "folder": printable(batch.root),
        "status": batch.status.value,
        "files": batch.done if batch.total is None else batch.total,
        "stored": batch.counts.get("stored", 0),
        "took": duration(batch.seconds) if batch.seconds is not None else "",
        "batch": batch.job_id,
    }


def _none_yet() -> None:
    st.info("Nothing was imported yet. Scan a folder first; the import starts from what the scan found.")
    if st.button("Hospital Config", icon=":material/local_hospital:", type="primary"):
        st.switch_page("hospital_config.py")
