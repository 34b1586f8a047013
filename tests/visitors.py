"""People who have signed in, for tests of pages and routes: real users, real sessions, real tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dicomcore import accounts, signing_in
from dicomcore.access import sessions, users
from dicomcore.services import Services
from dicomcore.visitor import Role
from pages.widgets import visit

PASSWORD = "correct horse battery"


def session_of(services: Services, role: Role = Role.ADMIN, name: str = "", **more: Any) -> str:
    """The secret of a new session of a user, who is made if there is none of that name."""
    name = name or f"an {role.value}"
    if name not in [user.name for user in accounts.all_users(services)]:
        accounts.add_user(services, name, role, PASSWORD, **more)
    return sessions.begin(services.journal, users.user(services.journal, name).user_id)


@contextmanager
def signed_in(services: Services, role: Role = Role.ADMIN, name: str = "", **more: Any) -> Iterator[str]:
    """The pages take whoever looks for this user; gives the secret of the session."""
    secret = session_of(services, role, name, **more)
    visit.come_with(lambda: secret)
    try:
        yield secret
    finally:
        visit.come_with(None)
        signing_in.sign_out(services, secret)


def token_of(services: Services, role: Role = Role.ADMIN, name: str = "", scope: str = "full", **more: Any) -> str:
    """The secret of a new token of such a user."""
    session_of(services, role, name, **more)
    return accounts.create_token(services, name or f"an {role.value}", "test", accounts.Scope(scope), 1)
