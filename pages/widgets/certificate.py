"""A verification: the button that starts it, what it has shown, and the certificate to keep."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dicomcore import certificate, reports, verification
from dicomcore.model import Job, Status
from dicomcore.services import Services
from pages.widgets import download
from pages.widgets.bar import outcome_bar
from pages.widgets.problems import problem, problems_shown
from pages.widgets.tables import FILE_COLUMNS, show_paged, show_table
from pages.widgets.words import counted, duration, moment, plain, size

#: A browser is given a whole file at once; longer lists are written by the command line.
MOST_FILES_IN_A_BROWSER = 200_000

HELP = "Read every file of this folder again and compare it with what the archive has now. Nothing is sent."
MISSING_COLUMNS = {name: FILE_COLUMNS[name] for name in ("path", "outcome", "reason", "size", "md5")} | {
    "other": "See",
    "archive_md5": "MD5 in the archive",
    "sha256": "SHA-256",
}
EXTRA_COLUMNS = {
    "sop_instance_uid": "SOP Instance UID",
    "series_instance_uid": "Series Instance UID",
    "study_instance_uid": "Study Instance UID",
    "md5": "MD5",
    "archive_id": "Id in the archive",
}
SHOWN_OF_A_FILE = ("path", "outcome", "reason", "size", "modality", "patient_name", "patient_id", "study_date", "md5")


def verify_button(services: Services, job_id: str, label: str = "Verify") -> None:
    """Compare the folder of a scan, an import or a verification with the archive as it is now."""
    if st.button(label, key=f"verify-{job_id}", icon=":material/fact_check:", help=HELP):
        with problems_shown():
            batch_id = verification.verify_again(services, job_id)
            st.switch_page("import_studies.py", query_params={"batch": batch_id})


def offer(services: Services, scan: Job) -> None:
    """Below a scan: the button, and what earlier verifications of its folder have shown."""
    st.subheader("Verify")
    with st.container(border=True):
        st.write(
            "Was this folder imported before, here or elsewhere? This reads every file again, asks the archive what it "
            "has now, and gives a certificate. Nothing is sent."
        )
        verify_button(services, scan.job_id)
        with problems_shown():
            _earlier(services, scan.root)


def show(services: Services, job: Job) -> None:
    """A verification that is over: from the verdict to the list of files. One that rests has nothing to show yet."""
    if job.status is not Status.FINISHED:
        _not_finished(services, job)
        return
    summary = verification.verify_summary(services, job.job_id)
    _verdict(summary)
    outcome_bar(job.counts, summary["found"])
    st.markdown(f"**{certificate.sentence(summary)}**")
    st.caption(_how(summary))
    _buttons(services, job, summary)
    _tables(services, job, summary)


def _not_finished(services: Services, job: Job) -> None:
    if job.status is Status.FAILED:
        problem(f"The verification failed. {job.message}")
    elif job.status is Status.CANCELLED:
        st.warning("Cancelled. It has proven nothing.", icon=":material/stop_circle:")
    if job.status.over:
        verify_button(services, job.job_id, "Verify again")


def _verdict(summary: dict[str, Any]) -> None:
    words = verification.verdict(summary)
    if verification.is_proven(summary):
        st.success(words, icon=":material/verified:")
    elif summary["missing"]:
        st.error(words, icon=":material/report:")
    else:
        st.warning(words, icon=":material/rule:")
    if summary["extra"]:
        extra = counted(summary["extra"], "instance that", "instances that")
        st.info(f"In the studies of this folder the archive has {extra} no file here names.", icon=":material/info:")


def _how(summary: dict[str, Any]) -> str:
    read = f"{size(summary['bytes'])} read from the first byte to the last"
    return f"Compared with: {plain(summary['archive'])} · {read} · took {duration(summary['seconds'])}"


def _buttons(services: Services, job: Job, summary: dict[str, Any]) -> None:
    with st.container(horizontal=True):
        if summary["found"] <= MOST_FILES_IN_A_BROWSER:
            download.button(
                "Certificate",
                lambda _: b"".join(certificate.html_blocks(services, job.job_id)),
                f"{job.job_id}.html",
                "text/html",
                type="primary",
                icon=":material/workspace_premium:",
                help="An HTML page with a line for every file, made to be printed.",
            )
            download.button(
                "Download CSV",
                lambda _: b"".join(certificate.csv_blocks(services, job.job_id)),
                f"{job.job_id}.csv",
                "text/csv",
                help="A line for every file with SHA-256 and MD5; the certificate names the SHA-256 of this file.",
            )
        verify_button(services, job.job_id, "Verify again")
    if summary["found"] > MOST_FILES_IN_A_BROWSER:
        st.caption("The certificate is too long for a browser. On the command line:")
        name = job.job_id
        st.code(f"python3 run.py certificate {name} --html {name}.html --csv {name}.csv", language=None)


def _tables(services: Services, job: Job, summary: dict[str, Any]) -> None:
    if summary["missing"]:
        st.subheader("Missing")
        table = verification.missing_table(services, job.job_id)
        _first_of(table, summary["missing"])
        show_table(table, MISSING_COLUMNS, key=f"missing-{job.job_id}")
    if summary["extra"]:
        st.subheader("Extra")
        table = verification.extra_table(services, job.job_id)
        _first_of(table, summary["extra"])
        show_table(table, EXTRA_COLUMNS, key=f"extra-{job.job_id}")
    if summary["unread_places"]:
        st.subheader("Folders that could not be read")
        show_table(reports.skipped_table(services, job.scan_id), {"path": "Path", "reason": "Why"})
    st.subheader("Files")
    show_paged(
        summary["found"],
        lambda page: reports.outcome_table(services, job.job_id, "", page),
        {name: FILE_COLUMNS[name] for name in SHOWN_OF_A_FILE},
        key=f"verified-{job.job_id}",
    )


def _first_of(table: pd.DataFrame, count: int) -> None:
    if len(table) < count:
        st.caption(f"The first {len(table):,} of {count:,}; the certificate and the CSV have all.")


def _earlier(services: Services, root: bytes) -> None:
    for job in verification.of_folder(services, root, 3):
        st.page_link(
            "import_studies.py",
            label=f"{moment(job.created_at)} UTC: {plain(_in_short(services, job))}",
            query_params={"batch": job.job_id},
            icon=":material/history:",
        )


def _in_short(services: Services, job: Job) -> str:
    if job.status is not Status.FINISHED:
        return job.status.value
    summary = verification.verify_summary(services, job.job_id)
    return f"{summary['missing']:,} missing, {summary['extra']:,} extra"
