"""Studies of a cohort as a table whose rows lead to their patients."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dicomcore import people
from dicomcore.visitor import Visitor
from pages.widgets.tables import ONE_ROW, chosen_row, filled, show_table

COLUMNS = {
    "date": "Date",
    "name": "Name",
    "patient_id": "Patient id",
    "sex": "Sex",
    "age": "Age",
    "description": "Description",
    "modalities": "Modalities",
    "accession": "Accession",
    "series": "Series",
    "images": "Images",
    "bytes": "Size",
}


def table(rows: pd.DataFrame, visitor: Visitor, key: str) -> None:
    """Studies of a cohort; a click opens the patient."""
    show_table(
        filled(rows.assign(age=["" if pd.isna(age) else f"{age:.0f}" for age in rows["age"]])),
        people.columns(visitor, COLUMNS),
        key=key,
        on_select="rerun",
        selection_mode=ONE_ROW,
    )
    if (row := chosen_row(key)) is not None:
        one = rows.iloc[row]
        st.switch_page("patients.py", query_params={"patient": one["patient"], "study": one["id"]})
