"""The whole header of an instance: searched, compared with another one, copied."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dicomcore import header_tree, instances
from dicomcore.header_tree import ComparedRow, Header, HeaderRow
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import download
from pages.widgets.tables import ONE_ROW, chosen_row, show_table
from pages.widgets.viewer_view import which
from pages.widgets.words import counted, series_name, shortened

COLUMNS = {"tag": "Tag", "name": "Name", "vr": "VR", "value": "Value", "keyword": "Keyword", "creator": "Private of"}
SIDES = {"tag": "Tag", "name": "Name", "vr": "VR", "here": "This one", "there": "The other", "state": "Is"}
DEEPER = "\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}› "
MOST_LETTERS = 60


def show(services: Services, visitor: Visitor, all_series: pd.DataFrame, series: pd.Series) -> None:
    """The header of one instance of a series, or of two side by side."""
    key = f"tags-{series['id']}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Search", key=f"{key}-words", placeholder="tag, name or value", width=240)
        instance = which(services, visitor, series["id"], key)
        compared = st.toggle("Compare with another instance", key=f"{key}-compare")
    header = instances.header(services, visitor, instance)
    if header.note:
        st.caption(header.note)
    if compared:
        _two(header, _other(services, visitor, all_series, series, key), words, key)
    else:
        _one(services, header, instance, words, key)


def _one(services: Services, header: Header, instance: str, words: str, key: str) -> None:
    rows = header_tree.search(header.rows, words)
    _told(len(rows), len(header.rows))
    names = {
        column: name for column, name in COLUMNS.items() if column != "creator" or any(row.creator for row in rows)
    }
    show_table(_table(rows), names, key=f"{key}-{instance}", on_select="rerun", selection_mode=ONE_ROW)
    with st.container(horizontal=True, vertical_alignment="center"):
        _copy(rows, f"{key}-{instance}")
        download.button(
            "Header as CSV",
            lambda who: instances.header_csv(services, who, instance),
            "header.csv",
            "text/csv",
            key=f"csv-{instance}",
        )


def _told(shown: int, total: int) -> None:
    st.caption(f"{counted(total, 'element')}" if shown == total else f"{shown:,} of {counted(total, 'element')}")


def _table(rows: Sequence[HeaderRow]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "tag": DEEPER * row.depth + row.tag,
                "name": row.name,
                "vr": row.vr,
                "value": row.value,
                "keyword": row.keyword,
                "creator": row.creator,
            }
            for row in rows
        ],
        columns=list(COLUMNS),
    )


def _copy(rows: Sequence[HeaderRow], key: str) -> None:
    """The row that was clicked, whole and ready to copy."""
    at = chosen_row(key)
    if at is None or at >= len(rows):
        st.caption("Select a row to copy it.")
        return
    row = rows[at]
    st.code(f"{row.path} {row.keyword or row.name} {row.vr}: {row.value}", language=None, wrap_lines=True)


def _other(services: Services, visitor: Visitor, all_series: pd.DataFrame, series: pd.Series, key: str) -> Header:
    """The header to compare with, of any series of the study."""
    ids = list(all_series["id"])
    names = [series_name(row["number"], row["description"], MOST_LETTERS) for _, row in all_series.iterrows()]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        at = st.selectbox(
            "The other's series",
            range(len(ids)),
            format_func=names.__getitem__,
            index=ids.index(series["id"]),
            key=f"{key}-other",
            width=240,
        )
        other = which(services, visitor, ids[at or 0], f"{key}-other-{ids[at or 0]}", first=2)
    return instances.header(services, visitor, other)


def _two(header: Header, other: Header, words: str, key: str) -> None:
    everything = rows = header_tree.compare(header.rows, other.rows)
    names = dict(SIDES)
    if st.toggle("Only what differs", value=True, key=f"{key}-differs"):
        names.pop("state")
        rows = [row for row in rows if row.differs]
    found = {row.path for row in header_tree.search([row.row for row in rows], words)}
    found |= {row.path for row in header_tree.search([*other.rows], words)} if words else set()
    shown = [row for row in rows if row.row.path in found]
    if not shown:
        st.caption("Nothing differs." if not words else "Nothing that differs holds these words.")
        return
    _told(len(shown), len(everything))
    show_table(_sides(shown), names, key=f"{key}-two")


def _sides(rows: Sequence[ComparedRow]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "tag": DEEPER * one.row.depth + one.row.tag,
                "name": shortened(one.row.name, MOST_LETTERS),
                "vr": one.row.vr,
                "here": one.here,
                "there": one.there,
                "state": "differs" if one.differs else "same",
            }
            for one in rows
        ]
    )
