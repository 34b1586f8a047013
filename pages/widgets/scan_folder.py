"""Which folder to scan, and which scan is on show."""

from __future__ import annotations

import streamlit as st

from dicomcore import verification
from dicomcore.errors import UnknownBatch, UsageError
from dicomcore.model import Job
from dicomcore.services import Services
from pages.widgets.problems import problem


def ask(services: Services) -> None:
    """The form: a path as people paste it, three switches, one button."""
    with st.form("scan-form"):
        typed = st.text_input(
            "Folder", key="folder", placeholder="/mnt/archive/2019, \\\\server\\share\\ct or Z:\\CT", autocomplete="off"
        )
        trouble = st.container()
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            recursive = st.toggle("Include sub-folders", value=True, key="recursive")
            follow_links = st.toggle("Follow links", key="follow_links", help="Off: links are listed as skipped.")
            containers = st.toggle(
                "Look into ZIP, tar and gzip files",
                key="containers",
                help="Off: each of them counts as one file that is not DICOM.",
            )
            pressed = st.form_submit_button("Scan Directory", type="primary", icon=":material/search:")
        if pressed:
            with trouble:
                _start(services, typed or "", recursive, follow_links, containers)


def chosen(services: Services) -> Job | None:
    """The scan in the URL, else the newest: a reload or another browser shows the same one."""
    if scan_id := st.query_params.get("scan"):
        try:
            return services.job(scan_id)
        except UnknownBatch as error:
            problem(error)
            return None
    at_import = {batch.scan_id for batch in services.batches() if not batch.status.over}  # shown on the Import page
    verified = {job.scan_id for job in verification.newest(services)}  # they were not compared for an import
    return next((scan for scan in services.scans() if scan.job_id not in at_import | verified), None)


def _start(services: Services, typed: str, recursive: bool, follow_links: bool, containers: bool) -> None:
    try:
        st.query_params["scan"] = services.start_scan(
            typed, recursive=recursive, follow_links=follow_links, containers=containers
        )
    except UsageError as error:
        problem(error)
    else:
        st.rerun()
