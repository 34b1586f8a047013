"""Why files did not arrive: a box for each cause with how many, the remedy, one of them, and the button that helps."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dicomcore import history
from dicomcore.history import Failures
from dicomcore.model import Job
from dicomcore.remedies import CONFLICT, DECIDED, NOT_SENT, Help
from dicomcore.services import Services
from pages.widgets import adds_up, conflicts, looks
from pages.widgets.problems import problems_shown

Look = Literal["primary", "secondary", "tertiary"]

FRESH_SECONDS = 5


def show(services: Services, batch: Job) -> None:
    """Nothing where every file arrived. What a paused batch has not sent yet needs no other word.

    Conflicts come last: their files follow. What was decided stands there, too, but needs no look.
    """
    groups = [group for group in failures(services, batch) if batch.status.over or group.cause != NOT_SENT]
    if any(group.cause != DECIDED for group in groups):
        st.subheader("What needs a look", anchor="causes")
    for group in sorted(groups, key=lambda group: group.cause.help is Help.CONFLICTS):
        _box(services, batch, group)


def failures(services: Services, batch: Job) -> list[Failures]:
    """The files of a batch that need a look, grouped by cause."""
    decided = history.decided(services, batch.job_id)
    return _failures(services, batch.job_id, (batch.finished_at, decided, *batch.counts.items()))


@st.cache_data(ttl=FRESH_SECONDS, max_entries=20, show_spinner="Adding up …")
def _failures(_services: Services, batch_id: str, state: object) -> list[Failures]:  # noqa: ARG001
    """Of a million files this takes a second or two, and every page of a list asks for it."""
    return history.failures(_services, batch_id)


def _box(services: Services, batch: Job, group: Failures) -> None:
    key = f"{batch.job_id}-{group.cause.key}"
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            adds_up.cause(batch.job_id, group.cause, group.files)
            if batch.status.over:
                _help(services, batch, group.cause.help, key)
        st.write(group.cause.remedy)
        if group.cause != NOT_SENT:
            looks.note(_example(group), f"example-{key}")


def _example(group: Failures) -> str:
    """One of them and what was said of it, where that is more than the cause."""
    said = "" if group.cause in (CONFLICT, DECIDED) else group.reason
    return f"For example {group.example}{': ' if said else ''}{said}"


def _help(services: Services, batch: Job, helps: Help, key: str) -> None:
    """The one thing that a person can do at once; to resume is offered once, with the batch."""
    match helps:
        case Help.CONFLICTS:
            see_conflicts(batch, key)
        case Help.SCAN:
            scan_again(services, batch.job_id, key, "tertiary")
        case Help.RETRY:
            retry(services, batch, key, "tertiary")


def see_conflicts(batch: Job, key: str) -> None:
    """Open the list of them, which stands below."""
    st.button(
        "See conflicts",
        key=f"conflicts-{key}",
        type="tertiary",
        icon=":material/rule:",
        help="Both sides of each, and the buttons to decide.",
        on_click=conflicts.open_section,
        args=(batch,),
    )


def retry(services: Services, batch: Job, key: str, look: Look = "secondary") -> None:
    """Try again what failed, and only that."""
    only = "Only those that failed."
    if st.button("Retry failed files", key=f"retry-{key}", type=look, icon=":material/replay:", help=only):
        with problems_shown():
            services.retry(batch.job_id)
            st.rerun()


def resume(services: Services, batch: Job, key: str, look: Look = "secondary") -> None:
    """Go on with what is pending."""
    what = "Go on with what is pending."
    if st.button("Resume", key=f"resume-{key}", type=look, icon=":material/play_arrow:", help=what):
        with problems_shown():
            services.resume(batch.job_id)
            st.rerun()


def scan_again(services: Services, job_id: str, key: str, look: Look = "secondary") -> None:
    """Look through the folder of a scan or a batch anew; the import starts from there."""
    what = "Look through the folder as it is now. The import starts from there."
    if st.button("Scan again", key=f"scan-{key}", type=look, icon=":material/search:", help=what):
        with problems_shown():
            scan_id = history.scan_again(services, job_id)
            st.switch_page("hospital_config.py", query_params={"scan": scan_id})
