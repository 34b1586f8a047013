"""An encapsulated PDF, page by page as pictures: the file itself is only for who may export."""

from __future__ import annotations

import streamlit as st

from dicomcore import instances
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import download, paging


def show(services: Services, visitor: Visitor, instance_id: str) -> None:
    """One page, the means to turn it, and the document to save."""
    key = f"page-{instance_id}"
    with st.spinner("Drawing …"):
        page = instances.page(services, visitor, instance_id, int(st.session_state.get(key) or 1))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if page.pages > 1:
            st.pagination(page.pages, key=key, width=paging.room(page.pages))
        download.button(
            "PDF",
            lambda who: instances.document(services, who, instance_id),
            "document.pdf",
            "application/pdf",
            key=f"pdf-{instance_id}",
        )
    st.image(page.png, alt="A page of the document")
