"""Links to the same study in the archive's own pages and viewers, for admins."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dicomcore import open_in
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor
from pages.widgets.problems import problems_shown


def show(services: Services, visitor: Visitor, study: dict[str, Any]) -> None:
    """A closed box; only an opened one asks the archive."""
    if not visitor.may(Right.ADMINISTER):
        return
    box = st.popover("Open in", icon=":material/open_in_new:", key="open-in", on_change="rerun")
    if box.open:
        with box, problems_shown():
            _links(open_in.ways(services, str(study["id"]), str(study["study_instance_uid"])))


def _links(found: open_in.Ways) -> None:
    if found.why_none:
        st.caption(found.why_none)
        return
    for way in found.ways:
        st.link_button(way.name, way.url, icon=":material/open_in_new:", width="stretch")
    st.caption("At the archive's address as this program knows it; it asks for its own password.")
