"""The whole archive: each field as a picture, and beside it a table whose rows open the studies behind a number."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dicomcore.exploring import drawing
from dicomcore.exploring.overview import THICKNESS, THICKNESS_KEY, YEARS, Tally, overview
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import explore_keywords
from pages.widgets.explore_address import open_cohort
from pages.widgets.explore_sizes import show_sizes
from pages.widgets.tables import ONE_ROW, chosen_row, filled, show_table

TABLE_PIXELS = 282


def show(services: Services, visitor: Visitor) -> None:
    """Sums, then a card for each field."""
    found = overview(services, visitor)
    show_sizes(found.sizes)
    st.caption("Click a row to see the studies behind it.")
    for tally in found.tallies:
        with st.container(border=True):
            _card(services, visitor, tally)


def _card(services: Services, visitor: Visitor, tally: Tally) -> None:
    st.subheader(tally.title)
    if tally.key == THICKNESS_KEY:
        explore_keywords.show(services, visitor, THICKNESS)
    if not tally.counts:
        st.caption("Nothing yet.")
        return
    picture, table = st.columns([3, 2], gap="medium")
    with picture:
        dark = st.context.theme.type == "dark"
        st.image(drawing.drawn(tally, dark=dark), width="stretch", alt=drawing.in_words(tally))
        if more := drawing.left_out(tally):
            st.caption(more)
    with table:
        _table(tally)


def _table(tally: Tally) -> None:
    counts = list(reversed(tally.counts)) if tally.key == YEARS else list(tally.counts)
    counts = [one for one in counts if one.count]
    key = f"tally-{tally.key}-{hash(tally.counts)}"

    def open_selected() -> None:
        row = chosen_row(key)
        if row is not None:
            open_cohort(counts[row].cohort)

    rows = [{"label": one.label, "count": one.count, "studies": one.studies} for one in counts]
    columns = {"label": "Value", "count": tally.counted.capitalize()}
    if tally.counted != "studies":
        columns["studies"] = "In studies"
    show_table(
        filled(pd.DataFrame(rows)),
        columns,
        key=key,
        on_select=open_selected,
        selection_mode=ONE_ROW,
        height=TABLE_PIXELS if len(rows) > 7 else None,
    )
