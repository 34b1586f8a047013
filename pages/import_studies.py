"""Import: the running and past batches, and what became of every file."""

from __future__ import annotations

import streamlit as st

from dicomcore.model import Status
from pages.widgets import batch_result, batches, paused
from pages.widgets.at_work import services
from pages.widgets.job_progress import follow
from pages.widgets.problems import problems_shown

engine = services()
st.title("Import")
with problems_shown():
    if batch := batches.chosen(engine):
        batches.headline(batch)
        if batch.status is Status.PAUSED:
            paused.show(engine, batch)
        if batch.status.at_rest:
            batch_result.show(engine, batch)
        else:
            follow(engine, batch.job_id, batch.status)
    batches.show(engine)
