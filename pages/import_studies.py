"""Import: one import or verification and what became of every file, and the history of all."""

from __future__ import annotations

import streamlit as st

from dicomcore.model import Status
from dicomcore.visitor import Right
from pages.widgets import batch_result, batches, certificate, history, paused
from pages.widgets.at_work import services
from pages.widgets.job_progress import follow
from pages.widgets.problems import problems_shown
from pages.widgets.visit import admitted

admitted(Right.ADMINISTER)
engine = services()
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    title = st.empty()
    title.title("History" if history.is_asked_for() else "Import", width="content")
    if not history.is_asked_for():
        history.button()
with problems_shown():
    if history.is_asked_for():
        history.show(engine)
    elif batch := batches.chosen(engine):
        if batch.kind == "verify":
            title.title("Verification", width="content")
        batches.headline(engine, batch)
        if batch.status is Status.PAUSED:
            paused.show(engine, batch)
        if batch.status.at_rest:
            result = certificate if batch.kind == "verify" else batch_result
            result.show(engine, batch)
        else:
            follow(engine, batch.job_id, batch.status)
