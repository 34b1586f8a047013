"""Users and tokens as admins keep them, on the pages and on the command line. Each change is noted in the audit."""

from __future__ import annotations

from collections.abc import Sequence

from dicomcore.access import tokens, users
from dicomcore.access.tokens import Scope as Scope
from dicomcore.access.tokens import Token as Token
from dicomcore.access.users import User as User
from dicomcore.journal import audit
from dicomcore.services import Services, this_user
from dicomcore.visitor import Role


def all_users(services: Services) -> Sequence[User]:
    """Everybody by name."""
    return users.all_users(services.journal)


def user(services: Services, name: str) -> User:
    """One user. Raises ``UsageError``."""
    return users.user(services.journal, name)


def add_user(
    services: Services, name: str, role: Role, password: str, *, project: str = "", may_export: bool = True
) -> None:
    """A new user. Raises ``UsageError`` for a name that is taken or cannot be, or a password that is too short."""
    by = this_user()
    users.add(services.journal, name, role, password, project=project, may_export=may_export, by=by)
    audit.note(services.journal, by, "user added", name.strip(), role=role.value, project=project)


def set_password(services: Services, name: str, password: str) -> None:
    """A new password for somebody; they are signed out everywhere. Raises ``UsageError``."""
    users.set_password(services.journal, name, password)
    audit.note(services.journal, this_user(), "password", user(services, name).name)


def set_disabled(services: Services, name: str, disabled: bool) -> None:
    """Shut somebody out at once, or let them in again. Raises ``UsageError`` for the last admin."""
    users.set_disabled(services.journal, name, disabled)
    audit.note(
        services.journal, this_user(), "user disabled" if disabled else "user enabled", user(services, name).name
    )


def change_user(services: Services, name: str, *, role: Role, project: str, may_export: bool) -> None:
    """What somebody may do and see. Raises ``UsageError`` for the last admin."""
    users.change(services.journal, name, role=role, project=project, may_export=may_export)
    detail = {"role": role.value, "project": project, "export": int(may_export)}
    audit.note(services.journal, this_user(), "user changed", user(services, name).name, **detail)


def create_token(services: Services, user_name: str, name: str, scope: Scope, days: int) -> str:
    """A new token of a user; the secret is returned here and never again. Raises ``UsageError``."""
    owner, by = user(services, user_name), this_user()
    secret = tokens.create(services.journal, owner, name, scope, days, by=by)
    audit.note(services.journal, by, "token created", owner.name, token=name, scope=scope.value, days=days)
    return secret


def all_tokens(services: Services, user_name: str = "") -> Sequence[Token]:
    """All tokens, or those of one user, newest first."""
    return tokens.all_tokens(services.journal, user_name)


def revoke_token(services: Services, token_id: int) -> Token:
    """It opens nothing any more. Raises ``UsageError`` where there is none of that number."""
    token = tokens.token(services.journal, token_id)
    tokens.revoke(services.journal, token_id)
    audit.note(services.journal, this_user(), "token revoked", token.user, token=token.name)
    return token
