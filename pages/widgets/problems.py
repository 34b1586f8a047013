"""Errors as people see them: what happened and what to do, and the rest of the page lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dicomcore.errors import DicomViewerError
from pages.widgets.words import plain


@contextmanager
def problems_shown() -> Iterator[None]:
    """Show an error of ours where it happens; what follows in the block is left out."""
    try:
        yield
    except DicomViewerError as error:
        problem(error)


def problem(error: DicomViewerError | str) -> None:
    """One message in a red box; it may hold paths and names."""
    st.error(plain(str(error)), icon=":material/error:")
