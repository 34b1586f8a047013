"""The series of a study, each with a thumbnail and what it is: by acquisition time, then by number."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dicomcore import instances, people
from dicomcore.errors import DicomViewerError
from dicomcore.instances import Kind
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import looks
from pages.widgets.words import counted, plain, series_name

THUMBNAIL_PIXELS, SHOWN_PIXELS, NOTE_PIXELS = 128, 72, 118
A_PAGE = 12
IN_SIGHT, HEIGHT_PIXELS = 5, 860
"""More series than these are scrolled beside the open one, which stays in sight."""

MOST_LETTERS = 60


def chosen_of(series: pd.DataFrame) -> int:
    """The place of the series in the URL, else of the first."""
    ids = list(series["id"])
    wanted = st.query_params.get("series")
    return ids.index(wanted) if wanted in ids else 0


def show(services: Services, visitor: Visitor, series: pd.DataFrame, chosen: int) -> None:
    """Draw the list, in which the ``chosen`` one is open."""
    ids = list(series["id"])
    pages = max(1, math.ceil(len(ids) / A_PAGE))
    page = _page(pages, chosen) if pages > 1 else 1
    st.caption(f"{counted(len(ids), 'series', 'series')}, by acquisition time")
    shown = range((page - 1) * A_PAGE, min(len(ids), page * A_PAGE))
    with st.container(height=HEIGHT_PIXELS if len(shown) > IN_SIGHT else "content", border=False, key="series-list"):
        for at in shown:
            _entry(services, visitor, series.iloc[at], chosen=at == chosen)


def _page(pages: int, chosen: int) -> int:
    return st.pagination(pages, default=chosen // A_PAGE + 1, key=f"viewer-series-{pages}")


def _entry(services: Services, visitor: Visitor, series: pd.Series, *, chosen: bool) -> None:
    """A box to press, the picture in the middle of the series, and what it is made of."""
    series_id = series["id"]
    name = series_name(series["number"], series["description"], MOST_LETTERS)
    with st.container(border=True, gap="small", key=f"strip-list-{series_id}"):
        st.button(
            plain(name),
            key=f"open-{series_id}",
            type="primary" if chosen else "secondary",
            icon=":material/visibility:" if chosen else None,
            help="The open series" if chosen else "Open this series",
            width="stretch",
            on_click=_open,
            args=(series_id,),
        )
        kind, what = instances.what(services, visitor, series_id, series["modality"])
        with st.container(horizontal=True, gap="small"):
            drawn = kind is Kind.PICTURE and _thumbnail(services, visitor, series_id, name)
            images = counted(int(series["images"]), "instance")
            told = [what, f"{series['modality']} · {images}"]
            if kind is Kind.PICTURE and not drawn:
                told.append("no picture")
            with st.container(width=NOTE_PIXELS if drawn else "stretch"):
                looks.note("\n".join(told), f"list-{series_id}")


def _open(series_id: str) -> None:
    st.query_params["series"] = series_id


def _thumbnail(services: Services, visitor: Visitor, series_id: str, name: str) -> bool:
    """False where there is none; the view of the series says why."""
    try:
        (middle,) = people.slices(services, visitor, series_id, 1, THUMBNAIL_PIXELS) or (None,)
    except DicomViewerError:
        return False
    if middle is None or middle.jpeg is None:
        return False
    st.image(middle.jpeg, width=SHOWN_PIXELS, alt=f"The middle of {name}")
    return True
