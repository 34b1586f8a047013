"""A button that gives a file to somebody who may export, in whose name it is noted when the file is fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dicomcore import signing_in
from dicomcore.errors import NotSignedIn
from dicomcore.visitor import Right, Visitor, asked_by
from pages.widgets import at_work, visit

Maker = Callable[[Visitor], bytes]
"""Makes the file for the visitor as they are when they ask for it."""


def allowed() -> bool:
    """Whether the visitor may take files away."""
    return visit.visitor(by_hand=False).may(Right.EXPORT)


def button(label: str, make: Maker, file_name: str, mime: str, **how: Any) -> None:
    """A download that ``make`` makes when it is clicked; nothing for who may not. ``how`` goes to Streamlit."""
    if allowed():
        st.download_button(
            label,
            in_the_name_of(visit.session(), make),
            file_name,
            mime,
            on_click="ignore",
            **{"icon": ":material/download:"} | how,
        )


def in_the_name_of(session: str, make: Maker) -> Callable[[], bytes]:
    """Streamlit makes the file later and apart from the page: the session is asked again, for it may be over then."""

    def made() -> bytes:
        visitor = signing_in.visitor_of(at_work.engine(), session)
        if visitor is None:
            raise NotSignedIn("Your session is over. Sign in again.")
        visitor.expect(Right.EXPORT)
        with asked_by(visitor):
            return make(visitor)

    return made
