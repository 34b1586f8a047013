"""Patients, studies or series to take away: the size first, then a ZIP that is made while it is sent."""

from __future__ import annotations

from urllib.parse import quote

import pandas as pd
import streamlit as st

from dicomcore import people
from dicomcore.export import under_way
from dicomcore.export.making import What
from dicomcore.export.package import Package, State, extent
from dicomcore.visitor import Right, Visitor
from pages.widgets import at_work, export_tables, visit
from pages.widgets.bar import share_bar
from pages.widgets.export_asked import Asked
from pages.widgets.problems import problems_shown
from pages.widgets.words import counted, plain, series_name, shortened, size, time_left

WHATS: dict[What, tuple[str, str]] = {
    "dicom": ("DICOM", "The files as they are in the archive, the patient's name in them."),
    "deidentified": ("De-identified DICOM", "By the basic profile of DICOM PS3.15, checked after."),
    "png": ("PNG", "Every slice as a picture."),
    "nifti": ("NIfTI", "Volumes with names as in BIDS, made by dcm2niix."),
}
MOST_LETTERS = 60
MOST_SHOWN = 5
BELOW = (
    "In each ZIP manifest.csv names every file, and what was left out and why. A ZIP that was stopped or broke off "
    "does not open. De-identified pixels can still show a name or a face: look at them before you pass them on."
)
TABLES = "tables"
PATIENT, STUDIES, STUDY, SERIES = "All studies of the patient", "Some studies", "This study", "Some series"


def show(visitor: Visitor, study: pd.Series, series: pd.DataFrame, studies: pd.DataFrame | None = None) -> None:
    """The panel of a study, with the other ``studies`` of its patient; nothing for who may not export."""
    if not visitor.may(Right.EXPORT) or series.empty:
        return
    with st.expander("Export", icon=":material/download:"):
        key = f"export-{study['id']}"
        several = studies is not None and len(studies) > 1
        scopes = [PATIENT, *([STUDIES] if several else []), STUDY, SERIES]
        scope = st.segmented_control("What", scopes, default=STUDY, required=True, key=f"{key}-what")
        if scope == STUDY:
            st.caption(_extent(study["images"], study["bytes"]))
            with st.container(horizontal=True):
                _links(visitor, f"studies/{quote(study['id'], safe='')}")
                with st.popover("Tables", icon=":material/table:"):
                    export_tables.show(f"{key}-one", Asked.of(studies=[study["id"]]))
            _below(visitor)
        else:
            _prepared(visitor, f"{key}-{scope}", _scoped(key, scope, study, series, studies))
        _under_way(visitor)


def _scoped(key: str, scope: str, study: pd.Series, series: pd.DataFrame, studies: pd.DataFrame | None) -> Asked | None:
    """What was chosen; None where that is nothing yet."""
    if scope == PATIENT:
        return Asked.of(patients=[study["patient"]])
    several, name = (series, _name) if scope == SERIES or studies is None else (studies, _study_name)
    names = {row["id"]: name(row) for _, row in several.iterrows()}
    chosen = st.multiselect("Which", list(names), format_func=names.__getitem__, key=f"{key}-{scope}")
    if not chosen:
        return None
    return Asked.of(series=chosen) if scope == SERIES else Asked.of(studies=chosen)


def selection(visitor: Visitor, asked: Asked, *, key: str, label: str = "Export") -> None:
    """The same for a cohort or whatever was selected; nothing for who may not export."""
    if not visitor.may(Right.EXPORT):
        return
    with st.expander(label, icon=":material/download:"):
        _prepared(visitor, key, asked)
        _under_way(visitor)


def _prepared(visitor: Visitor, key: str, asked: Asked | None) -> None:
    """First how much it is; the download is a second click."""
    if asked is None:
        st.caption("Choose at least one.")
        return
    kinds = [what for what in WHATS if what != "dicom" or people.shows_identities(visitor)]
    what = st.segmented_control(
        "As",
        [*kinds, TABLES],
        default=kinds[0],
        required=True,
        format_func=lambda one: "Tables" if one == TABLES else WHATS[one][0],
        key=f"{key}-as",
    )
    if what == TABLES:
        export_tables.show(key, asked)
    else:
        _zip(visitor, key, asked, what)


def _zip(visitor: Visitor, key: str, asked: Asked, what: What) -> None:
    wanted = (what, asked.mark)
    if st.button("Prepare", icon=":material/package_2:", key=f"{key}-prepare", help=WHATS[what][1]):
        with problems_shown():
            made = under_way.prepare(at_work.services(), visitor, what, asked.choice(visitor))
            st.session_state[f"{key}-prepared"] = (wanted, made.id)
    known, export_id = st.session_state.get(f"{key}-prepared", (None, ""))
    if known == wanted:
        with problems_shown():
            _download(under_way.find(visitor, export_id))
    _below(visitor)


def _download(made: Package) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.link_button("Download ZIP", f"/api/exports/{made.id}.zip", icon=":material/download:", type="primary")
        if made.state is State.READY:
            st.caption(f"{extent(made)}, {size(made.size)}, {time_left(made.seconds_left).removesuffix(' left')}")


def _below(visitor: Visitor) -> None:
    if not people.shows_identities(visitor):
        st.caption("Under pseudonyms only what names nobody leaves, with the pseudonyms of your project.")
    st.caption(BELOW)


def _links(visitor: Visitor, place: str) -> None:
    for what, (label, help) in WHATS.items():
        if what != "dicom" or people.shows_identities(visitor):
            st.link_button(label, f"/api/{place}/{what}.zip", help=help, icon=":material/download:")


@visit.live(2.0, Right.EXPORT)
def _under_way(visitor: Visitor) -> None:
    """What is being sent, and how the last ones ended; nothing depends on anybody looking."""
    begun = [one for one in under_way.exports_of(visitor) if one.state is not State.READY][:MOST_SHOWN]
    for made in begun:
        running = made.state is State.RUNNING
        with st.container(border=True, key=f"export-{made.id}-{'runs' if running else 'ended'}"):
            if running:
                _running(made)
            else:
                st.markdown(f"**{WHATS[made.what][0]}** · {made.state.value} · {plain(made.message)}")


def _running(made: Package) -> None:
    course = made.course
    share_bar(course.bytes, made.size)
    speed = f" · {size(course.speed)} a second" if course.speed else ""
    done = f"{course.instances:,} of {counted(made.instances, 'instance')}"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{WHATS[made.what][0]}** · {done}{speed} · {time_left(made.seconds_left)}")
        st.button("Stop", icon=":material/stop_circle:", key=f"stop-{made.id}", on_click=made.stop)


def _name(series: pd.Series) -> str:
    told = series_name(series["number"], series["description"], MOST_LETTERS)
    return f"{told} · {series['modality']} · {_extent(series['images'], series['size'])}"


def _study_name(study: pd.Series) -> str:
    told = f"{study['date']} · {shortened(study['description'], MOST_LETTERS)} · {study['modalities']}"
    return f"{told} · {_extent(study['images'], study['bytes'])}"


def _extent(images: int, amount: int) -> str:
    return f"{counted(int(images), 'instance')}, {size(int(amount))}"
