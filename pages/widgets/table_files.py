"""A table to take away: as CSV, Parquet or Excel."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dicomcore import reports
from dicomcore.export import tables
from dicomcore.export.tables import MIMES, Format
from dicomcore.visitor import Visitor
from pages.widgets import at_work, download

LABELS: dict[Format, str] = {"csv": "CSV", "parquet": "Parquet", "xlsx": "Excel"}


def offer(rows: Callable[[Visitor], pd.DataFrame], *, name: str, noted: str, help: str) -> None:
    """A button for each format; ``rows`` are made when one is clicked, and noted in the audit as ``noted``."""
    if not download.allowed():
        return
    with st.popover("Download", icon=":material/download:", help=help):
        st.caption(help)
        with st.container(horizontal=True):
            for format, label in LABELS.items():
                make = _maker(rows, format, noted)
                download.button(label, make, f"{name}.{format}", MIMES[format], key=f"{name}-{format}")


def _maker(rows: Callable[[Visitor], pd.DataFrame], format: Format, noted: str) -> download.Maker:
    def made(visitor: Visitor) -> bytes:
        table = rows(visitor)
        reports.note_export(at_work.engine(), noted, rows=len(table))
        return for_spreadsheets(tables.written(table, format), format)

    return made


def for_spreadsheets(written: bytes, format: Format) -> bytes:
    """A CSV file with the mark by which they know that it is UTF-8."""
    return b"\xef\xbb\xbf" + written if format == "csv" else written
