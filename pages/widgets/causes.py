"""Why files did not arrive: a box for each cause with how many, the remedy, one of them, and the button that helps."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dicomcore import history
from dicomcore.history import Failures
from dicomcore.model import Job
from dicomcore.remedies import NOT_SENT, Help
from dicomcore.services import Services
from pages.widgets import adds_up, looks
from pages.widgets.problems import problems_shown

Look = Literal["secondary", "tertiary"]

FRESH_SECONDS = 5


def show(services: Services, batch: Job) -> None:
    """Nothing where every file arrived. What a paused batch has not sent yet needs no other word."""
    groups = [group for group in failures(services, batch) if batch.status.over or group.cause != NOT_SENT]
    if not groups:
        return
    st.subheader("What needs a look", anchor="causes")
    for group in groups:
        _box(services, batch, group)


def failures(services: Services, batch: Job) -> list[Failures]:
    """The files of a batch that need a look, grouped by cause."""
    return _failures(services, batch.job_id, (batch.finished_at, *batch.counts.items()))


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
        looks.note(f"For example {group.example}{': ' if group.reason else ''}{group.reason}", f"example-{key}")


def _help(services: Services, batch: Job, helps: Help, key: str) -> None:
    """The one thing that a person can do at once."""
    match helps:
        case Help.CONFLICTS:
            st.html('<div class="adds-up"><a href="#conflicts">See conflicts</a></div>', width="content")
        case Help.SCAN:
            scan_again(services, batch, key)
        case Help.RETRY:
            retry(services, batch, key, "tertiary")
        case Help.RESUME:
            resume(services, batch, key, "tertiary")


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


def scan_again(services: Services, batch: Job, key: str) -> None:
    """Look through the folder anew; the import starts from there."""
    what = "The import starts from there."
    if st.button("Scan again", key=f"scan-{key}", type="tertiary", icon=":material/search:", help=what):
        with problems_shown():
            scan_id = history.scan_again(services, batch.job_id)
            st.switch_page("hospital_config.py", query_params={"scan": scan_id})
