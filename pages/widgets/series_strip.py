"""A series with a strip of its slices in slice order, or what it is when it has none."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import pandas as pd
import streamlit as st

from dicomcore import people
from dicomcore.pictures import Slice
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor
from pages.widgets import download, looks, origin
from pages.widgets.problems import problems_shown
from pages.widgets.words import counted, plain, series_name, size

WIDTH_PIXELS = 128
FORMATS: dict[Literal["png", "pdf"], str] = {"png": "image/png", "pdf": "application/pdf"}
MOST_LETTERS = 200


def show(services: Services, visitor: Visitor, series: pd.Series, title: str) -> None:
    """One bordered box; ``title`` is whose and which study, for the contact sheet."""
    series_id = series["id"]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(gap=None):
                name = series_name(series["number"], series["description"], MOST_LETTERS)
                looks.name(name, f"series-{series_id}")
                images = counted(int(series["images"]), "instance")
                looks.note(f"{series['modality']} · {images} · {size(int(series['size']))}", f"series-{series_id}")
            sheet = st.container(width="content")
        with problems_shown(), st.spinner("Drawing …"):
            slices = people.slices(services, visitor, series_id)
            _strip(slices, series_id)
            _reasons(slices, series_id)
            if visitor.may(Right.EXPORT) and any(one.jpeg for one in slices):
                with sheet:
                    _contact_sheet(services, series_id, f"{title} · {name}")
        if people.shows_identities(visitor):
            origin.show(services, series_id)


def _strip(slices: list[Slice], series_id: str) -> None:
    drawn = [one for one in slices if one.jpeg]
    if drawn:
        with st.container(key=f"strip-{series_id}"):
            st.image([one.jpeg for one in drawn], [plain(one.label) for one in drawn], WIDTH_PIXELS)


def _reasons(slices: list[Slice], series_id: str) -> None:
    """Why slices have no picture, each reason once."""
    reasons = Counter(one.reason for one in slices if not one.jpeg)
    for number, (reason, times) in enumerate(reasons.items()):
        told = reason if len(slices) == 1 else f"{counted(times, 'image')}: {reason}"
        looks.note(told, f"reason-{series_id}-{number}")


def _contact_sheet(services: Services, series_id: str, title: str) -> None:
    """Drawn when it is asked for."""
    with st.popover("Contact sheet", icon=":material/grid_view:"):
        for format, mime in FORMATS.items():
            download.button(
                format.upper(),
                lambda who, format=format: people.sheet(services, who, series_id, title=title, format=format),
                f"contact-sheet.{format}",
                mime,
                key=f"sheet-{format}-{series_id}",
            )
