"""A batch that is over: the sentence that adds up, every number with its files, the reasons, the CSV."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dicomcore import history, reports
from dicomcore.backups import is_trouble
from dicomcore.model import Job, Outcome, Status
from dicomcore.remedies import CAUSES, Help
from dicomcore.services import Services
from pages.widgets import adds_up, backups, causes, certificate, conflicts, download
from pages.widgets.bar import LOOKS, coloured, outcome_bar
from pages.widgets.problems import problem
from pages.widgets.tables import FILE_COLUMNS, show_paged, show_table
from pages.widgets.words import counted, duration, plain, size, speed

#: The import is over: the next thing is to look at what came of it.
DONE = (Status.FINISHED, Status.CANCELLED)

#: A browser is given a whole file at once; longer lists are written by the command line.
MOST_FILES_IN_A_BROWSER = 200_000
REASON_COLUMNS = {"outcome": "Outcome", "reason": "Why", "files": "Files", "example": "For example"}
SKIPPED_COLUMNS = {"path": "Path", "reason": "Why"}
SHOWN_OF_A_FILE = ["path", "outcome", "reason", "size", "modality", "patient_name", "patient_id", "study_date", "md5"]


def show(services: Services, batch: Job) -> None:
    """From the verdict to the list of files."""
    summary = reports.import_summary(services, batch.job_id)
    _verdict(batch, summary)
    if not summary["outcomes"]:
        return
    outcome_bar(batch.counts, summary["found"])
    adds_up.sentence(batch.job_id, summary["outcomes"], summary["found"])
    st.caption(_speed(services, batch))
    _buttons(services, batch, summary)
    causes.show(services, batch)
    conflicts.show(services, batch)
    backups.show(services, batch)
    st.subheader("Files", anchor=adds_up.FILES)
    _left_out(services, batch, summary)
    _files(services, batch)


def _verdict(batch: Job, summary: dict[str, Any]) -> None:
    left = history.to_look_at(batch, summary["decided"])
    if batch.status is Status.FAILED:
        problem(f"The import failed. {batch.message}")
    elif batch.status is Status.CANCELLED:
        st.warning(plain(batch.message or "Cancelled. What was stored stays stored."), icon=":material/stop_circle:")
    elif batch.status is Status.FINISHED and left:
        st.warning(f"Finished. {counted(left, 'file needs', 'files need')} a look.", icon=":material/rule:")
    elif batch.status is Status.FINISHED and is_trouble(summary["backup"]):
        st.warning("Finished. The backup needs a look.", icon=":material/cloud_off:")
    elif batch.status is Status.FINISHED and not reports.is_trouble(summary):
        st.success("Finished. Everything is accounted for.", icon=":material/check_circle:")
    if unread := reports.unread_sentence(summary["unread_places"]):
        st.error(unread, icon=":material/folder_off:")


def _speed(services: Services, batch: Job) -> str:
    proven, there = history.proven(services, batch.job_id)
    parts = []
    if there and not proven and batch.status is not Status.FINISHED:
        parts.append("not read back yet")
    elif there:
        of = "" if proven == there else f" of {there:,}"
        parts.append(f"{proven:,}{of} {'file' if there == 1 else 'files'} verified by reading back")
    if batch.total_bytes:
        parts.append(size(batch.total_bytes))
    if batch.seconds:
        parts.append(f"took {duration(batch.seconds)}")
    if batch.status.over and (reached := history.speed(batch)):
        parts.append(speed(reached))
    return " · ".join(parts)


def _buttons(services: Services, batch: Job, summary: dict[str, Any]) -> None:
    with st.container(horizontal=True):
        if batch.status.over and batch.counts.get(Outcome.PENDING):
            look: causes.Look = "secondary" if batch.status in DONE else "primary"
            causes.resume(services, batch, batch.job_id, look)
        if st.button("Patients", type="primary" if batch.status in DONE else "secondary", icon=":material/groups:"):
            st.switch_page("patients.py")
        if st.button(
            "Scan report", icon=":material/search:", help="What was found, and the button to import it again."
        ):
            st.switch_page("hospital_config.py", query_params={"scan": batch.scan_id})
        if summary["found"] <= MOST_FILES_IN_A_BROWSER:
            _csv_button(services, batch)
        if batch.status.over and _retrying_helps(services, batch):
            causes.retry(services, batch, batch.job_id)
        certificate.verify_button(services, batch.job_id)
    if summary["found"] > MOST_FILES_IN_A_BROWSER:
        st.caption("The list of files is too long for a browser. On the command line:")
        st.code(f"python3 run.py export {batch.job_id}.csv --batch {batch.job_id}", language=None)


def _retrying_helps(services: Services, batch: Job) -> bool:
    """What has no UIDs or is damaged fails again."""
    helped = any(group.cause.help is Help.RETRY for group in causes.failures(services, batch))
    return helped and bool(history.may_be_retried(services, batch.job_id))


def _csv_button(services: Services, batch: Job) -> None:
    download.button(
        "Download CSV",
        lambda _: "".join(reports.outcome_csv(services, batch.job_id)).encode("utf-8-sig"),
        f"{batch.job_id}.csv",
        "text/csv",
        help="A line for every file with what became of it.",
    )


def _left_out(services: Services, batch: Job, summary: dict[str, Any]) -> None:
    """What needs no look: files that are no DICOM or that the archive has already, links, closed folders."""
    reasons = reports.outcome_reasons(services, batch.job_id)
    if not reasons.empty:
        with st.expander(f"Left out, and why ({reasons['files'].sum():,})"):
            show_table(reasons, REASON_COLUMNS, key=f"reasons-{batch.job_id}")
    if summary["skipped"]:
        with st.expander(f"Skipped ({summary['skipped']:,})", expanded=bool(summary["unread_places"])):
            show_table(reports.skipped_table(services, batch.scan_id), SKIPPED_COLUMNS, key=f"skipped-{batch.job_id}")


def _files(services: Services, batch: Job) -> None:
    """The counts lead to their files; which ones is in the URL."""
    if (cause := CAUSES.get(st.query_params.get("cause", ""))) is not None:
        total = sum(group.files for group in causes.failures(services, batch) if group.cause == cause)
        if st.button(f"Only: {cause.name}", icon=":material/close:", help="Show all files."):
            st.query_params.pop("cause")
            st.rerun()
        _table(services, batch, total, cause=cause.key)
    elif (outcome := _chosen_outcome(batch)) is not None:
        _table(services, batch, batch.counts[outcome], outcome=outcome)
    else:
        _table(services, batch, sum(batch.counts.values()))


def _chosen_outcome(batch: Job) -> Outcome | None:
    there = [word for word in LOOKS if batch.counts.get(word)]
    labels = {word.value: coloured(word, batch.counts[word]) for word in there}
    asked = st.query_params.get("outcome")
    chosen = st.pills(
        "Show only",
        list(labels),
        format_func=labels.__getitem__,
        default=asked if asked in labels else None,
        key=f"outcome-{batch.job_id}",
        label_visibility="collapsed",
    )
    _into_url(chosen)
    return Outcome(chosen) if chosen else None


def _table(services: Services, batch: Job, total: int, *, outcome: str = "", cause: str = "") -> None:
    show_paged(
        total,
        lambda page: reports.outcome_table(services, batch.job_id, outcome, page, cause=cause),
        {name: FILE_COLUMNS[name] for name in SHOWN_OF_A_FILE},
        key=f"outcomes-{batch.job_id}-{outcome}-{cause}",
    )


def _into_url(outcome: str | None) -> None:
    if outcome:
        st.query_params["outcome"] = outcome
    else:
        st.query_params.pop("outcome", None)
