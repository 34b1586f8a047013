"""A series in its fitting view: pictures, a report, a waveform or a document."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dicomcore import instances, overlays, people
from dicomcore.instances import Kind
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import looks, origin, viewer_document, viewer_pictures, viewer_report, viewer_volume, viewer_waveform
from pages.widgets.problems import problems_shown
from pages.widgets.words import series_name

View = Callable[[Services, Visitor, str], None]

VIEWS: dict[Kind, View] = {
    Kind.REPORT: viewer_report.show,
    Kind.WAVEFORM: viewer_waveform.show,
    Kind.DOCUMENT: viewer_document.show,
}
"""What shows one instance of each kind that is no picture."""

MOST_LETTERS = 200


def show(services: Services, visitor: Visitor, all_series: pd.DataFrame, series: pd.Series) -> None:
    """The view, and where the series came from."""
    kind, what = instances.what(services, visitor, series["id"], series["modality"])
    if kind is Kind.PICTURE:
        _pictures(services, visitor, all_series, series)
    else:
        _no_picture(services, visitor, series, kind, what)
    if people.shows_identities(visitor):
        origin.show(services, series["id"])


def _pictures(services: Services, visitor: Visitor, all_series: pd.DataFrame, series: pd.Series) -> None:
    layout = viewer_volume.choose(series["study"]) if overlays.is_picture(series["modality"]) else viewer_volume.SLICES
    if layout == viewer_volume.SLICES:
        viewer_pictures.show(services, visitor, all_series, series)
    else:
        viewer_volume.show(series, layout)


def _no_picture(services: Services, visitor: Visitor, series: pd.Series, kind: Kind, what: str) -> None:
    with st.container(gap=None):
        looks.name(series_name(series["number"], series["description"], MOST_LETTERS), f"view-{series['id']}")
        looks.note(f"{what} · {series['modality']}", f"view-{series['id']}")
    if not people.shows_identities(visitor):
        st.info(instances.NOT_UNDER_PSEUDONYMS, icon=":material/visibility_off:")
        return
    with problems_shown():
        VIEWS[kind](services, visitor, which(services, visitor, series["id"], f"view-{series['id']}"))


def which(services: Services, visitor: Visitor, series_id: str, key: str, *, first: int = 1) -> str:
    """The id of one instance of a series; where it has several, a person says which.

    ``first``: which of them is there before anybody has said so.
    """
    found = people.instances_of(services, visitor, series_id)
    if len(found) < 2:
        return found[0].id if found else ""
    told = f"Instance, 1 to {len(found):,} as the slices lie"
    number = st.number_input(told, 1, len(found), min(first, len(found)), key=f"which-{key}", width=240)
    return found[int(number) - 1].id
