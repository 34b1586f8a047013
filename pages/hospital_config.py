"""Hospital Config: the archive in use, and what to bring into it."""

from __future__ import annotations

import streamlit as st

from dicomcore.model import Status
from dicomcore.visitor import Right
from pages.widgets import archive_card, doctor, paused, scan_folder, scan_result, watched_folders
from pages.widgets.at_work import services
from pages.widgets.job_progress import follow
from pages.widgets.problems import problems_shown
from pages.widgets.visit import admitted

admitted(Right.ADMINISTER)
engine = services()
st.title("Hospital Config")
archive_card.show(engine)
doctor.show(engine)

st.header("Import Existing Studies")
st.write(
    "Scan a folder first: nothing is changed and nothing is sent. Then look at what is in it, and start the import."
)
scan_folder.ask(engine)
with problems_shown():
    watched_folders.show(engine)
with problems_shown():
    if scan := scan_folder.chosen(engine):
        if scan.status is Status.PAUSED:
            paused.show(engine, scan)
        elif not scan.status.over:
            follow(engine, scan.job_id, scan.status)
        else:
            scan_result.show(engine, scan)
