"""The engine that serves this process: app.py hands it over at the start, the pages take it."""

from __future__ import annotations

import streamlit as st

from dicomcore.errors import NotRunning
from dicomcore.services import Services
from pages.widgets.problems import problem

NOT_STARTED = "The engine is not running. Start the app with python run.py or streamlit run app.py."

_services: Services | None = None
_why_none = NOT_STARTED


def hand_over(services: Services | None, why_none: str = NOT_STARTED) -> None:
    """From now on the pages work with this; None at the end, or where it cannot be made."""
    global _services, _why_none
    _services, _why_none = services, why_none


def engine() -> Services:
    """The engine, for whoever is no page. Raises ``NotRunning``."""
    if _services is None:
        raise NotRunning(_why_none)
    return _services


def services() -> Services:
    """The engine, for a page. Without one the page says what to do and ends."""
    if _services is None:
        problem(_why_none)
        st.stop()
    return _services
