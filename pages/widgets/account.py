"""One's own account: role, password, sessions."""

from __future__ import annotations

import streamlit as st

from dicomcore import accounts, signing_in
from dicomcore.accounts import User
from dicomcore.errors import DicomViewerError
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import looks, visit
from pages.widgets.problems import problem
from pages.widgets.users_add import PASSWORD_HINT, expect_the_same


def show(services: Services, visitor: Visitor) -> None:
    """Who this is, and what they may change about themselves."""
    user = accounts.user(services, visitor.name)
    with st.container(border=True, key="account"):
        _who(services, user)
        if st.button("Sign Out Everywhere", icon=":material/logout:", help="In this browser and in all others."):
            accounts.sign_out_everywhere(services, user.name)
            visit.leave("signed-out-everywhere")
    st.header("Password")
    if user.issuer:
        looks.note(f"You sign in at {user.issuer}: change your password there.", "issuer")
    else:
        _password(services, visitor)


def _who(services: Services, user: User) -> None:
    row, lasts = accounts.user_row(user), signing_in.lifetime(services)
    export = "may export" if row["may_export"] else "may not export"
    looks.heading(user.name, f"{user.role.value} · sees {row['sees']} · {export}", "account")
    looks.note(
        f"Signed in {row['last_sign_in']} UTC. A session ends after {lasts.idle / 60:g} minutes without a click, "
        f"and after {lasts.absolute / 3600:g} hours in any case.",
        "session",
    )


def _password(services: Services, visitor: Visitor) -> None:
    with st.form("own-password", clear_on_submit=True):
        old_place, new_place, again_place = st.columns(3)
        old = old_place.text_input("Old password", type="password", autocomplete="current-password", key="old")
        new = new_place.text_input("New password", type="password", autocomplete="new-password", key="new")
        again = again_place.text_input("Once more", type="password", autocomplete="new-password", key="again")
        st.caption(
            f"{PASSWORD_HINT} You are signed out everywhere, and sign in again with the new one. Tokens stay good."
        )
        if st.form_submit_button("Change Password", icon=":material/key:"):
            _change(services, visitor, old or "", new or "", again or "")


def _change(services: Services, visitor: Visitor, old: str, new: str, again: str) -> None:
    try:
        expect_the_same(new, again)
        signing_in.change_own_password(services, visitor, old, new)
    except DicomViewerError as error:
        problem(error)
    else:
        visit.leave("new-password")
