"""A batch that is over: the sentence that adds up, every number with its files, the reasons, the CSV."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dicomcore import reports
from dicomcore.model import TROUBLE, Job, Outcome, Status
from dicomcore.services import Services
from pages.widgets.bar import LOOKS, coloured, outcome_bar
from pages.widgets.problems import problem, problems_shown
from pages.widgets.tables import FILE_COLUMNS, show_paged, show_table
from pages.widgets.words import counted, duration, plain, size

FAILED = (Outcome.REJECTED, Outcome.QUARANTINED, Outcome.UNREADABLE, Outcome.VANISHED)
REASON_COLUMNS = {"outcome": "Outcome", "reason": "Why", "files": "Files", "example": "For example"}
SHOWN_OF_A_FILE = ["path", "outcome", "reason", "size", "modality", "patient_name", "patient_id", "study_date", "md5"]


def show(services: Services, batch: Job) -> None:
    """From the verdict to the list of files."""
    summary = reports.import_summary(services, batch.job_id)
    _verdict(batch, summary)
    if not summary["outcomes"]:
        return
    outcome_bar(batch.counts, summary["found"])
    st.markdown(f"**{reports.sentence(summary['outcomes'], summary['found'])}**")
    st.caption(_speed(batch))
    _buttons(services, batch)
    _reasons(services, batch)
    _files(services, batch)


def _verdict(batch: Job, summary: dict[str, Any]) -> None:
    if batch.status is Status.FAILED:
        problem(f"The import failed. {batch.message}")
    elif batch.status is Status.CANCELLED:
        st.warning(plain(batch.message or "Cancelled. What was stored stays stored."), icon=":material/stop_circle:")
    elif any(batch.counts.get(word.value) for word in TROUBLE):
        left = sum(batch.counts.get(word.value, 0) for word in TROUBLE)
        st.warning(f"Finished. {counted(left, 'file needs', 'files need')} a look.", icon=":material/rule:")
    elif not summary["unread_places"]:
        st.success("Finished. Everything is accounted for.", icon=":material/check_circle:")
    if unread := reports.unread_sentence(summary["unread_places"]):
        st.error(unread, icon=":material/folder_off:")


def _speed(batch: Job) -> str:
    parts = [f"{counted(batch.checked, 'file')} verified by reading back"] if batch.checked else []
    if batch.total_bytes:
        parts.append(size(batch.total_bytes))
    if batch.seconds:
        parts.append(f"took {duration(batch.seconds)}")
    return " · ".join(parts)


def _buttons(services: Services, batch: Job) -> None:
    with st.container(horizontal=True):
        if st.button("Patients", type="primary", icon=":material/groups:"):
            st.switch_page("patients.py")
        if st.button(
            "See its scan", icon=":material/search:", help="What was found, and the button to import it again."
        ):
            st.switch_page("hospital_config.py", query_params={"scan": batch.scan_id})
        st.download_button(
            "Download CSV",
            lambda: "".join(reports.outcome_csv(services, batch.job_id)).encode("utf-8-sig"),
            f"{batch.job_id}.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        _again(services, batch)


def _again(services: Services, batch: Job) -> None:
    """Buttons for what is left to do."""
    left = batch.counts.get(Outcome.PENDING, 0)
    if left and st.button("Resume", icon=":material/play_arrow:", help=f"Go on with {counted(left, 'file')}."):
        with problems_shown():
            services.resume(batch.job_id)
            st.rerun()
    failed = sum(batch.counts.get(word, 0) for word in FAILED)
    if failed and st.button("Retry failed files", icon=":material/replay:", help="Only those that failed."):
        with problems_shown():
            services.retry(batch.job_id)
            st.rerun()


def _reasons(services: Services, batch: Job) -> None:
    reasons = reports.outcome_reasons(services, batch.job_id)
    if not reasons.empty:
        st.subheader("Reasons")
        first = reasons["outcome"].map(lambda word: word not in TROUBLE)
        show_table(reasons.loc[first.sort_values(kind="stable").index], REASON_COLUMNS, key=f"reasons-{batch.job_id}")


def _files(services: Services, batch: Job) -> None:
    """The counts lead to their files; which one is in the URL."""
    st.subheader("Files")
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
    show_paged(
        batch.counts[Outcome(chosen)] if chosen else sum(batch.counts.values()),
        lambda page: reports.outcome_table(services, batch.job_id, chosen or "", page),
        {name: FILE_COLUMNS[name] for name in SHOWN_OF_A_FILE},
        key=f"outcomes-{batch.job_id}-{chosen}",
    )


def _into_url(outcome: str | None) -> None:
    if outcome:
        st.query_params["outcome"] = outcome
    else:
        st.query_params.pop("outcome", None)
