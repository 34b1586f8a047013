"""A job that rests until somebody says so: why, and the buttons to go on or to give up."""

from __future__ import annotations

import streamlit as st

from dicomcore.model import Job
from dicomcore.services import Services
from pages.widgets.problems import problems_shown
from pages.widgets.words import plain


def show(services: Services, job: Job) -> None:
    """For a job whose status is ``paused``."""
    st.warning(plain(job.message or "Paused."), icon=":material/pause_circle:")
    with st.container(horizontal=True), problems_shown():
        if st.button("Resume", key=f"resume-{job.job_id}", type="primary", icon=":material/play_arrow:"):
            services.resume(job.job_id)
            st.rerun()
        if st.button("Cancel", key=f"give-up-{job.job_id}", icon=":material/stop_circle:"):
            services.cancel(job.job_id)
            st.rerun()
