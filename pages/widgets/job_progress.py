"""A job at work, looked at once a second. Nothing depends on anybody looking."""

from __future__ import annotations

import streamlit as st

from dicomcore.model import Job, Status
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.visitor import Right
from pages.widgets import looks
from pages.widgets.bar import busy_bar, outcome_bar, outcome_words, share_bar
from pages.widgets.problems import problems_shown
from pages.widgets.visit import live
from pages.widgets.words import counted, plain, size, speed, time_left

STAGES = {
    Status.QUEUED: "Start",
    Status.SCANNING: "Scan",
    Status.COMPARING: "Compare with the archive",
    Status.IMPORTING: "Send",
    Status.CHECKING: "Read back and check",
    Status.BACKING_UP: "Back up",
}
"""What a job goes through."""

OF_A_SCAN = (Status.QUEUED, Status.SCANNING, Status.COMPARING)
OF_A_VERIFICATION = {
    Status.QUEUED: "Start",
    Status.SCANNING: "Scan",
    Status.COMPARING: "Read every file",
    Status.CHECKING: "Compare with the archive",
}


@live(1.0, Right.ADMINISTER)
def follow(services: Services, job_id: str, seen: Status) -> None:
    """Draw the job now and every second; when it is no more as ``seen`` the whole page is drawn anew."""
    with problems_shown():
        services.tend(job_id)
        job = services.job(job_id)
        if job.status is not seen:
            st.rerun()
        _draw(job, backs_up=bool(services.settings.backup_dir))
        with st.container(horizontal=True):
            if st.button("Pause", key=f"pause-{job_id}", icon=":material/pause_circle:"):
                services.pause(job_id)
                st.toast("It pauses after the files in hand. What is stored stays stored.")
            if st.button("Cancel", key=f"cancel-{job_id}", icon=":material/stop_circle:"):
                services.cancel(job_id)
                st.toast("It stops after the files in hand. What is stored stays stored.")


def _draw(job: Job, *, backs_up: bool) -> None:
    st.markdown(_stages(job, backs_up))
    if job.total and job.status in (Status.IMPORTING, Status.CHECKING, Status.BACKING_UP):
        outcome_bar(job.counts, job.total)
    elif job.total and _is_reading(job):
        share_bar(job.done, job.total)
    else:
        busy_bar()
    st.markdown(f"**{_how_far(job)}**")
    if job.message:
        st.warning(plain(job.message), icon=":material/hourglass_top:")
    if job.kind == "import":
        outcome_words(job.counts)
    looks.path(printable(job.current) if job.current else " ", f"current-{job.job_id}")


def _stages(job: Job, backs_up: bool) -> str:
    of_this = [stage for stage in STAGES if backs_up or stage is not Status.BACKING_UP]
    named = OF_A_VERIFICATION if job.kind == "verify" else STAGES
    stages = {"scan": list(OF_A_SCAN), "verify": list(OF_A_VERIFICATION)}.get(job.kind, of_this)
    now = stages.index(job.status)
    words = [
        f":green[✓ {named[stage]}]" if at < now else f"**{named[stage]} …**" if at == now else f":gray[{named[stage]}]"
        for at, stage in enumerate(stages)
    ]
    return "  ›  ".join(words)


def _how_far(job: Job) -> str:
    if job.status is Status.CHECKING:
        return f"{counted(job.checked, 'file')} {'compared' if job.kind == 'verify' else 'read back and checked'}"
    if job.total is None:
        parts = [f"{counted(job.done, 'file')} found so far"]
    else:
        parts = [f"{job.done:,} of {counted(job.total, 'file')}"]
    if job.files_per_second:
        parts.append(speed(job.files_per_second))
    if job.bytes_per_second and job.kind != "scan":
        parts.append(f"{size(job.bytes_per_second)}/s")
    if job.seconds_left is not None and (job.status is Status.IMPORTING or _is_reading(job)):
        parts.append(time_left(job.seconds_left))
    return " · ".join(parts)


def _is_reading(job: Job) -> bool:
    return job.kind == "verify" and job.status is Status.COMPARING
