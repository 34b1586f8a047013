"""Which import or verification is on show."""

from __future__ import annotations

import streamlit as st

from dicomcore import history
from dicomcore.errors import UnknownBatch
from dicomcore.model import Job
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from pages.widgets import looks
from pages.widgets.problems import problem
from pages.widgets.words import moment, plain

MOST_LETTERS = 1_000


def chosen(services: Services) -> Job | None:
    """The batch in the URL, else the newest import; without any the page says how to begin."""
    if batch_id := st.query_params.get("batch"):
        try:
            return services.job(batch_id)
        except UnknownBatch as error:
            problem(error)
            return None
    newest = next(iter(services.batches(1)), None)
    if newest is None:
        none_yet()
    return newest


def headline(services: Services, batch: Job) -> None:
    """Which one this is, and in red what the archive has lost meanwhile."""
    by = f" by {batch.created_by}" if batch.created_by else ""
    what = history.KINDS.get(batch.kind, batch.kind)
    looks.heading(printable(batch.root), f"{what} · begun {moment(batch.created_at)} UTC{by} · {batch.job_id}", "batch")
    if alarm := history.alarm(services, batch.job_id):
        st.error(f"**Alarm.** {plain(alarm, MOST_LETTERS)}", icon=":material/emergency_home:")


def none_yet() -> None:
    """How to begin."""
    st.info("Nothing was imported yet. Scan a folder first; the import starts from what the scan found.")
    if st.button("Hospital Config", icon=":material/local_hospital:", type="primary"):
        st.switch_page("hospital_config.py")
