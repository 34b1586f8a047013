"""Tables: st.dataframe, which shows what is in the data letter by letter and never as Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.widgets.words import EMPTY, iso_date

MOST_LETTERS_IN_A_CELL = 2_000
ROWS_IN_SIGHT, PIXELS_OF_THEM = 14, 500

FILE_COLUMNS = {
    "path": "File",
    "kind": "Is",
    "outcome": "Outcome",
    "reason": "Why",
    "size": "Size",
    "modality": "Modality",
    "patient_name": "Patient",
    "patient_id": "Patient id",
    "study_date": "Study date",
    "study_description": "Study",
    "series_number": "Series no.",
    "series_description": "Series",
    "instance_number": "Image no.",
    "accession_number": "Accession",
    "sop_instance_uid": "SOP Instance UID",
    "md5": "MD5",
}
"""What is shown of a file, and how it is called."""

WIDTHS = {
    "path": 330,
    "other": 330,
    "found": 430,
    "reason": 430,
    "example": 330,
    "difference": 300,
    "decision": 210,
    "here": 240,
    "there": 240,
    "patient_name": 150,
    "patient_id": 110,
    "at": 150,
    "action": 110,
    "about": 310,
    "who": 130,
}
"""In pixels, where the text alone would be too wide or too narrow."""

ONE_ROW = ["single-row", "single-cell"]
"""Selection mode of a table whose rows lead somewhere."""


def file_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Files of a scan or a batch, ready to show: ISO dates, and ``(empty)`` where a DICOM file says nothing."""
    if frame.empty:
        return frame
    shown = frame.fillna("")
    if "study_date" in shown:
        shown["study_date"] = [iso_date(str(raw)) for raw in shown["study_date"]]
    dicom = shown["kind"] == "DICOM" if "kind" in shown else shown["sop_instance_uid"] != ""
    for column in ("patient_name", "patient_id", "study_date", "modality"):
        shown.loc[dicom & (shown[column] == ""), column] = EMPTY
    return shown


def filled(frame: pd.DataFrame) -> pd.DataFrame:
    """``(empty)`` where there is no value; dates and times in ISO."""
    return pd.DataFrame({column: [_cell(value) for value in frame[column]] for column in frame.columns})


def show_table(frame: pd.DataFrame, names: Mapping[str, str], *, height: int | None = None, **how: Any) -> Any:
    """The columns of ``names`` under those names. ``how`` goes to ``st.dataframe``."""
    there = {column: label for column, label in names.items() if column in frame and not _idle(column, frame)}
    shown = frame[list(there)].map(_cut) if not frame.empty else frame[list(there)]
    return st.dataframe(
        shown,
        height=height or (PIXELS_OF_THEM if len(shown) > ROWS_IN_SIGHT else "content"),
        hide_index=True,
        column_config={column: _config(column, label, shown[column]) for column, label in there.items()},
        **how,
    )


def show_paged(
    total: int, page_of: Callable[[int], pd.DataFrame], names: Mapping[str, str], *, key: str, per_page: int = 100
) -> None:
    """One page of many rows with the means to turn it."""
    pages = max(1, math.ceil(total / per_page))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        told = st.empty()
        page = st.pagination(pages, key=f"{key}-{pages}", width=340) if pages > 1 else 1
        first = (page - 1) * per_page + 1
        told.caption(f"{first:,} to {min(total, page * per_page):,} of {total:,}" if total else "None")
    show_table(file_rows(page_of(page)), names, key=f"{key}-table")


def chosen_row(key: str) -> int | None:
    """The row that was clicked, at its box or on any of its cells; None when nothing is selected any more."""
    selection = st.session_state[key].selection
    rows = selection.rows or [row for row, _ in selection.cells]
    return rows[0] if rows else None


def marked_row(ids: list[str], chosen: str | None) -> dict[str, Any] | None:
    """The selection of a table in which the row of ``chosen`` is marked."""
    return {"selection": {"rows": [ids.index(chosen)], "columns": [], "cells": []}} if chosen in ids else None


def _idle(column: str, frame: pd.DataFrame) -> bool:
    """A column of reasons takes much room; without any it can go."""
    return column == "reason" and not frame.empty and not any(frame["reason"])


def _config(column: str, label: str, values: pd.Series) -> Any:
    if column in ("size", "other_size", "bytes"):
        return st.column_config.NumberColumn(label, format="bytes")
    if pd.api.types.is_numeric_dtype(values):
        return st.column_config.NumberColumn(label, format="localized", width="small")
    return st.column_config.TextColumn(label, width=WIDTHS.get(column))


def _cut(value: Any) -> Any:
    return value[:MOST_LETTERS_IN_A_CELL] if isinstance(value, str) else value


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value or EMPTY
    if value is None or pd.isna(value):
        return EMPTY
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}" if value == value.normalize() else f"{value:%Y-%m-%d %H:%M}"
    return value
