"""The form that adds a user."""

from __future__ import annotations

import streamlit as st

from dicomcore import accounts
from dicomcore.errors import DicomViewerError, UsageError
from dicomcore.services import Services
from dicomcore.visitor import Role
from pages.widgets.problems import problem
from pages.widgets.words import plain

FORM = "add-user-form"
"""How many users this visitor has added: each gets a form of its own, so that no password stays in one."""

PASSWORD_HINT = "A password has at least 10 characters; a few words make a good one."


def ask(services: Services) -> None:
    """Closed, but for somebody who is alone here."""
    alone = len(accounts.all_users(services)) == 1
    with st.expander("Add a user", icon=":material/person_add:", expanded=alone, key="add-user"):
        count = st.session_state.setdefault(FORM, 0)
        with st.form(f"{FORM}-{count}", border=False):
            pressed = _fields(services, count)
        if pressed:
            st.session_state[FORM] = count + 1
            st.rerun()


def _fields(services: Services, count: int) -> bool:
    """The fields and the button; whether somebody was added."""
    left, right = st.columns(2, gap="large")
    name = left.text_input("User name", autocomplete="off", key=f"add-name-{count}")
    role = left.selectbox("Role", [*Role], index=[*Role].index(Role.RESEARCHER), key=f"add-role-{count}")
    password = right.text_input("Password", type="password", autocomplete="new-password", key=f"add-password-{count}")
    again = right.text_input("Once more", type="password", autocomplete="new-password", key=f"add-again-{count}")
    project = left.text_input(
        "Project of the pseudonyms",
        autocomplete="off",
        key=f"add-project-{count}",
        help="For researchers: they see pseudonyms of this project instead of identities. Empty: identities.",
    )
    export = right.toggle("May export", value=True, key=f"add-export-{count}", help="An admin may in any case.")
    st.caption(PASSWORD_HINT)
    trouble = st.container()
    if not st.form_submit_button("Add User", type="primary", icon=":material/person_add:"):
        return False
    try:
        expect_the_same(password or "", again or "")
        wanted = {"project": (project or "").strip(), "may_export": export}
        accounts.add_user(services, name or "", role or Role.RESEARCHER, password or "", **wanted)
    except DicomViewerError as error:
        with trouble:
            problem(error)
        return False
    st.toast(plain(f"{name} may sign in from now on."), icon=":material/check_circle:")
    return True


def expect_the_same(password: str, again: str) -> None:
    """Raises ``UsageError`` where the two differ: what is typed unseen is typed twice."""
    if password != again:
        raise UsageError("The two passwords differ.")
