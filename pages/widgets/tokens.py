"""Tokens of the REST API: made, listed, revoked. A secret is shown once, right where it was made."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dicomcore import accounts
from dicomcore.accounts import Scope, Token
from dicomcore.errors import DicomViewerError
from dicomcore.services import Services
from pages.widgets.problems import problem
from pages.widgets.tables import filled, show_table
from pages.widgets.words import NEVER, plain

COLUMNS = {
    "number": "Number",
    "name": "For",
    "user": "User",
    "scope": "Scope",
    "state": "State",
    "expires": "Good until (UTC)",
    "last_used": "Last used (UTC)",
    "created_by": "Made by",
}
SCOPES = {Scope.READ: "read: changes nothing", Scope.FULL: "full: may what its user may"}
USUAL_DAYS = 90


def show(services: Services, owner: str = "") -> None:
    """The tokens of one user, to be looked at and revoked; or those of everybody, for an admin, who makes them."""
    whose = "act as you. An admin makes them" if owner else "act as their user"
    st.text(
        f"Programs send a token instead of a password, and {whose}. Nobody can see a token again. The API tells "
        "of itself, and can be tried, at /api/docs."
    )
    if not owner:
        _create(services)
    tokens = list(accounts.all_tokens(services, owner))
    if not tokens:
        st.caption("No tokens yet.")
        return
    table = pd.DataFrame([accounts.token_row(token) for token in tokens])
    table["last_used"] = table["last_used"].replace("", NEVER)
    show_table(filled(table.drop(columns="user") if owner else table), COLUMNS, key=f"tokens-of-{bool(owner)}")
    _revoke(services, [token for token in tokens if token.state() in ("good", "user disabled")], owner)


def _create(services: Services) -> None:
    with st.expander("Create a token", icon=":material/key:", key="create-token"):
        with st.form("token-form", border=False):
            user = _ask_for_the_user(services)
            what, scope_place, days_place = st.columns([3, 2, 1])
            name = what.text_input("What it is for", autocomplete="off", key="token-name")
            scope = scope_place.selectbox("Scope", [*Scope], format_func=lambda one: SCOPES[one], key="token-scope")
            days = days_place.number_input("Days", 1, 3_650, USUAL_DAYS, key="token-days")
            pressed = st.form_submit_button("Create Token", type="primary", icon=":material/key:")
        if pressed:
            _made(services, user, name or "", scope or Scope.READ, int(days or USUAL_DAYS))


def _ask_for_the_user(services: Services) -> str:
    names = [user.name for user in accounts.all_users(services) if not user.disabled]
    return str(st.selectbox("User", names, key="token-user"))


def _made(services: Services, user: str, name: str, scope: Scope, days: int) -> None:
    try:
        secret = accounts.create_token(services, user, name, scope, days)
    except DicomViewerError as error:
        problem(error)
        return
    st.success("Copy it now: it is shown this once, and only a hash of it is kept.", icon=":material/key:")
    st.code(secret, language=None)


def _revoke(services: Services, living: list[Token], owner: str) -> None:
    if not living:
        return
    labels = {token.token_id: f"{token.token_id} · {token.name} · {token.user}" for token in living}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Token to revoke", list(labels), format_func=lambda number: labels.get(number, ""), key="revoke", width=360
        )
        with st.popover("Revoke", icon=":material/delete:"):
            st.write("It opens nothing from then on, for good. What uses it must be given another one.")
            pressed = st.button("Revoke Token", type="primary", key=f"revoke-{chosen}")
    if pressed and chosen is not None:
        try:
            revoked = accounts.revoke_token(services, chosen, owner=owner)
        except DicomViewerError as error:
            problem(error)
        else:
            st.toast(plain(f"Token {revoked.token_id} opens nothing any more."), icon=":material/check_circle:")
            st.rerun()
