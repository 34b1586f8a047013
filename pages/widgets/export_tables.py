"""The rows of one table that belong to what was chosen, as a file, and the same for Jupyter."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from dicomcore.export import tables
from dicomcore.export.snippet import jupyter
from dicomcore.export.tables import MIMES, Format, Table
from dicomcore.visitor import Visitor
from pages.widgets import at_work, download
from pages.widgets.api_address import api_address
from pages.widgets.export_asked import Asked
from pages.widgets.table_files import LABELS, for_spreadsheets


def show(key: str, asked: Asked) -> None:
    """Which table, a button for each format, and a cell that reads it."""
    table = st.segmented_control(
        "Table", get_args(Table), default="studies", required=True, format_func=str.capitalize, key=f"{key}-table"
    )
    with st.container(horizontal=True):
        for format, label in LABELS.items():
            name = f"{table}.{format}"
            download.button(label, _maker(asked, table, format), name, MIMES[format], key=f"{key}-{name}")
    if st.toggle("The same in Jupyter", key=f"{key}-jupyter", help="For pandas and DuckDB, with the Parquet file."):
        st.code(jupyter(table, asked.known, api_address(at_work.services())), language="python")


def _maker(asked: Asked, table: Table, format: Format) -> download.Maker:
    def made(visitor: Visitor) -> bytes:
        rows = tables.selection_file(at_work.engine(), visitor, asked.choice(visitor), table, format)
        return for_spreadsheets(rows, format)

    return made
