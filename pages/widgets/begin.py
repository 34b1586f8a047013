"""An empty app says how to begin, and the tables follow the archive."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from dicomcore import people
from dicomcore.cache import queries
from dicomcore.errors import DicomViewerError
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor
from pages.widgets.problems import problems_shown
from pages.widgets.visit import live
from pages.widgets.words import counted, plain


def refresh(services: Services) -> None:
    """Bring the cache up to date and say what came of it. Raises what ``Services.refresh`` raises."""
    with st.spinner("Asking the archive …", show_time=True):
        result = services.refresh()
    st.toast(f"{counted(result.patients, 'patient')}, {counted(result.studies, 'study', 'studies')}: up to date.")


def tell_of_pseudonyms(visitor: Visitor) -> None:
    """Nobody takes a shifted date for a real one."""
    st.caption(
        f":material/visibility_off: Pseudonyms of the project {plain(visitor.project)}. Dates are shifted, all of a "
        "patient alike; a birth date is a year; descriptions keep only common words."
    )


def nothing_here(services: Services) -> bool:
    """Whether the cache holds no patient at all."""
    return not queries.counts(services.cache).patients


def show(services: Services, visitor: Visitor) -> None:
    """What to do in an empty app."""
    if visitor.may(Right.ADMINISTER):
        _how_to_begin(services)
    else:
        st.info("No patients yet. An admin brings them in: they appear here.", icon=":material/hourglass_empty:")


def _how_to_begin(services: Services) -> None:
    if any(not batch.status.over for batch in services.batches(5)):
        st.info("An import is at work. Its patients appear here when it is done.", icon=":material/hourglass_top:")
        if st.button("See the import", type="primary", icon=":material/move_to_inbox:"):
            st.switch_page("import_studies.py")
        return
    with problems_shown():
        _expect_archive(services)
    with st.container(border=True):
        st.subheader("No patients yet")
        st.write(
            "**Bring in a folder:** a CD, a share or an old disk. Hospital Config scans it, shows what is in it, "
            "and imports what you choose. Nothing in the folder is changed."
        )
        st.write(
            "**Or look around first:** the demo holds a few made-up studies (CT, MR, ultrasound, a report) and takes "
            "less than a minute."
        )
        with st.container(horizontal=True):
            if st.button("Import Existing Studies", type="primary", icon=":material/folder_open:"):
                st.switch_page("hospital_config.py")
            if st.button("Load the demo", icon=":material/science:"):
                _load_demo(services)


def _expect_archive(services: Services) -> None:
    """No patients may only mean that the archive could not be asked. Raises ``ArchiveError``."""
    with st.spinner("Asking the archive …", show_time=True):
        services.archive.about()


def _load_demo(services: Services) -> None:
    with problems_shown():
        with st.spinner("Writing the demo studies …"):
            batch = services.start_demo()
        st.switch_page("import_studies.py", query_params={"batch": batch})


def follow_cache(services: Services, visitor: Visitor) -> None:
    """Draw the page anew when the cache has followed an import; small text says how fresh it is.

    Not under pseudonyms: by the moment one could tell what arrived when, and with that how far its dates are shifted.
    """
    if people.shows_identities(visitor):
        _watch(services, queries.last_sync(services.cache))


@live(3.0, Right.LOOK)
def _watch(services: Services, seen: datetime | None) -> None:
    try:
        now = queries.last_sync(services.cache)
    except DicomViewerError:  # the next full drawing says so
        return
    if now != seen:
        st.rerun()
    st.caption(
        f"As the archive was at {now:%Y-%m-%d %H:%M:%S} UTC" if now else "The archive was not asked yet: press Refresh."
    )
