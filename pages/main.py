"""The router: what every page shares, and which pages there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import streamlit as st

from dicomcore.visitor import Right, Visitor
from pages.widgets import looks, visit
from pages.widgets.words import plain

PICTURES = Path(__file__).parent / "widgets"

# A picture of our own: Streamlit's named icons are fetched from the internet for a browser's tab.
st.set_page_config(page_title="DICOM Viewer Pro", page_icon=PICTURES / "icon.svg", layout="wide")


def pages_for(visitor: Visitor) -> dict[str, list[Any]]:
    """The navigation shows what the role may open; each page guards itself all the same."""
    return {"": _work(visitor), plain(f"{visitor.name} · {visitor.role}"): [_account(), _out()]}


def _account() -> Any:
    return st.Page("account.py", title="Account", icon=":material/account_circle:")


def _out() -> Any:
    return st.Page(visit.sign_out, title="Sign out", icon=":material/logout:", url_path="sign_out")


def _viewer() -> Any:
    """Reached from a study, and by its link: without a study there is nothing to show."""
    return st.Page("viewer.py", title="Viewer", icon=":material/radiology:", visibility="hidden")


def _work(visitor: Visitor) -> list[Any]:
    pages = [st.Page("patients.py", title="Patients", icon=":material/groups:", default=True), _viewer()]
    pages.append(st.Page("explore.py", title="Explore", icon=":material/query_stats:"))
    return [*pages, *_for_admins("visible" if visitor.may(Right.ADMINISTER) else "hidden")]


def _for_admins(visibility: Literal["visible", "hidden"]) -> list[Any]:
    """Hidden ones are there by their address alone, and say to whom they are closed."""
    return [
        st.Page("import_studies.py", title="Import", icon=":material/move_to_inbox:", visibility=visibility),
        st.Page("hospital_config.py", title="Hospital Config", icon=":material/local_hospital:", visibility=visibility),
        st.Page("users.py", title="Users", icon=":material/manage_accounts:", visibility=visibility),
        st.Page("audit.py", title="Audit", icon=":material/policy:", visibility=visibility),
    ]


st.logo(PICTURES / "logo.svg", size="large")
looks.apply()
with visit.visiting() as visitor:
    page = st.navigation(pages_for(visitor), position="top")
    visit.stay_signed_in_or_leave()
    page.run()
st.space("medium")
st.caption("DICOM Viewer Pro · not a medical device, not for diagnosis")
