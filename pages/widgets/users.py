"""The users, and what an admin may change about one of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dicomcore import accounts
from dicomcore.accounts import User
from dicomcore.errors import DicomViewerError
from dicomcore.services import Services
from dicomcore.visitor import Role, Visitor
from pages.widgets import looks
from pages.widgets.problems import problem
from pages.widgets.tables import ONE_ROW, chosen_row, filled, marked_row, show_table
from pages.widgets.users_add import PASSWORD_HINT, expect_the_same
from pages.widgets.words import NEVER, counted, plain

COLUMNS = {
    "name": "Name",
    "role": "Role",
    "sees": "Sees",
    "export": "May export",
    "last_sign_in": "Last sign-in (UTC)",
    "signs_in": "Signs in",
    "state": "State",
}
PROJECT_HELP = "A researcher sees pseudonyms of this project instead of identities. Empty: identities."


def show(services: Services, visitor: Visitor) -> None:
    """The table, and below it the one who was chosen."""
    everybody = accounts.all_users(services)
    chosen = _choose(everybody)
    if chosen is None:
        st.caption("Select a user to change what they may do, to give them another password, or to shut them out.")
        return
    with st.container(border=True, key=f"user-{chosen.user_id}"):
        _who(chosen)
        left, right = st.columns(2, gap="large")
        with left:
            _rights(services, chosen)
        with right:
            if chosen.name == visitor.name:
                st.info(
                    "This is you: your password and your sessions are on the page Account.", icon=":material/person:"
                )
            else:
                _password(services, chosen)
                _at_the_door(services, chosen)


def _choose(everybody: list[User]) -> User | None:
    """The user in the URL; a click on a row brings another one there."""
    names = [user.name for user in everybody]
    key = f"users-{hash(tuple(names))}"

    def open_selected() -> None:
        row = chosen_row(key)
        if row is not None:
            st.query_params["user"] = names[row]
        else:
            st.query_params.pop("user", None)

    wanted = st.query_params.get("user")
    show_table(
        _table(everybody),
        COLUMNS,
        key=key,
        on_select=open_selected,
        selection_mode=ONE_ROW,
        selection_default=marked_row(names, wanted),
    )
    return next((user for user in everybody if user.name == wanted), None)


def _table(everybody: list[User]) -> pd.DataFrame:
    table = pd.DataFrame([accounts.user_row(user) for user in everybody])
    table["last_sign_in"] = table["last_sign_in"].replace("", NEVER)
    table["export"] = ["yes" if may else "no" for may in table["may_export"]]
    all_the_same = not any(user.issuer for user in everybody)
    return filled(table.drop(columns="signs_in") if all_the_same else table)


def _who(user: User) -> None:
    row = accounts.user_row(user)
    made = f"added {row['created'][:10]}" + (f" by {user.created_by}" if user.created_by else "")
    elsewhere = f" · signs in at {user.issuer}, which tells the role at every sign-in" if user.issuer else ""
    looks.heading(user.name, f"{row['state']} · {user.role.value} · {made}{elsewhere}", "user")


def _rights(services: Services, user: User) -> None:
    key = f"{user.user_id}-{user.role}-{user.project}-{user.may_export}"
    with st.form(f"rights-{key}", border=False):
        st.subheader("What they may do")
        role = st.selectbox("Role", [*Role], index=[*Role].index(user.role), key=f"role-{key}")
        project = st.text_input(
            "Project of the pseudonyms", user.visitor.project, key=f"project-{key}", help=PROJECT_HELP
        )
        export = st.toggle("May export", user.may_export, key=f"export-{key}", help="An admin may in any case.")
        if st.form_submit_button("Save", type="primary", icon=":material/check:"):
            _change(services, user, role or user.role, project or "", may_export=export)


def _change(services: Services, user: User, role: Role, project: str, *, may_export: bool) -> None:
    try:
        accounts.change_user(services, user.name, role=role, project=project.strip(), may_export=may_export)
    except DicomViewerError as error:
        problem(error)
    else:
        _done(f"{user.name}: saved.")


def _password(services: Services, user: User) -> None:
    if user.issuer:
        return
    with st.form(f"password-{user.user_id}", border=False, clear_on_submit=True):
        st.subheader("Another password")
        new = st.text_input("New password", type="password", autocomplete="new-password", key="new-password")
        again = st.text_input("Once more", type="password", autocomplete="new-password", key="new-password-again")
        st.caption(PASSWORD_HINT)
        if st.form_submit_button("Set Password", icon=":material/key:"):
            try:
                expect_the_same(new or "", again or "")
                accounts.set_password(services, user.name, new or "")
            except DicomViewerError as error:
                problem(error)
            else:
                st.success("It holds from now on. The user is signed out everywhere; tokens stay good.")


def _at_the_door(services: Services, user: User) -> None:
    """Signed out at once, shut out, let in again."""
    try:
        with st.container(horizontal=True):
            if st.button("Sign Out Everywhere", icon=":material/logout:", key=f"out-{user.user_id}"):
                ended = accounts.sign_out_everywhere(services, user.name)
                _done(f"{user.name}: {counted(ended, 'session')} ended.")
            if not user.disabled and st.button(
                "Disable", icon=":material/block:", key=f"disable-{user.user_id}", help="Shuts out at once, tokens too."
            ):
                accounts.set_disabled(services, user.name, True)
                _done(f"{user.name} is shut out.")
            if user.disabled and st.button("Enable", icon=":material/lock_open:", key=f"enable-{user.user_id}"):
                accounts.set_disabled(services, user.name, False)
                _done(f"{user.name} may sign in again.")
    except DicomViewerError as error:
        problem(error)


def _done(said: str) -> None:
    st.toast(plain(said), icon=":material/check_circle:")
    st.rerun()
