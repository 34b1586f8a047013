"""Users and tokens as admins keep them, on the pages and on the command line. Each change is noted in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dicomcore.access import tokens, users
from dicomcore.access.tokens import Scope as Scope
from dicomcore.access.tokens import Token as Token
from dicomcore.access.users import User as User
from dicomcore.errors import UsageError
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.visitor import Right, Role, this_user
from dicomcore.wording import RUN, to_the_second


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
    with services.journal.transaction():
        users.add(services.journal, name, role, password, project=project, may_export=may_export, by=by)
        made = user(services, name)
        audit.note(services.journal, by, "user added", made.name, **_rights(made))


def set_password(services: Services, name: str, password: str) -> None:
    """A new password for somebody; they are signed out everywhere. Raises ``UsageError``."""
    with services.journal.transaction():
        users.set_password(services.journal, name, password)
        audit.note(services.journal, this_user(), "password", user(services, name).name)


def set_disabled(services: Services, name: str, disabled: bool) -> None:
    """Shut somebody out at once, or let them in again. Raises ``UsageError`` for the last admin."""
    with services.journal.transaction():
        users.set_disabled(services.journal, name, disabled)
        audit.note(
            services.journal, this_user(), "user disabled" if disabled else "user enabled", user(services, name).name
        )


def change_user(
    services: Services,
    name: str,
    *,
    role: Role | None = None,
    project: str | None = None,
    may_export: bool | None = None,
) -> None:
    """What somebody may do and see; None stays as it is. Raises ``UsageError`` for the last admin."""
    with services.journal.transaction():
        users.change(services.journal, name, role=role, project=project, may_export=may_export)
        now = user(services, name)
        audit.note(services.journal, this_user(), "user changed", now.name, **_rights(now))


def _rights(user: User) -> dict[str, str]:
    """What somebody may do and see, for the audit."""
    may = user.visitor
    return {"role": may.role.value, "project": may.project, "export": "yes" if may.may(Right.EXPORT) else "no"}


def sign_out_everywhere(services: Services, name: str) -> int:
    """All sessions of somebody end, in every browser; returns how many. Tokens stay. Raises ``UsageError``."""
    with services.journal.transaction():
        ended = users.end_sessions(services.journal, name)
        audit.note(services.journal, this_user(), "signed out everywhere", user(services, name).name, sessions=ended)
    return ended


def only_admin(services: Services) -> User:
    """The one enabled admin, where there is one and no more. Raises ``UsageError``."""
    everybody = users.all_users(services.journal)
    admins = [one for one in everybody if one.role is Role.ADMIN and not one.disabled]
    if not everybody:
        raise UsageError(f"There is no user yet. Make one: {RUN} users add NAME --role admin")
    if len(admins) != 1:
        raise UsageError("Say whose token it is to be: --user NAME")
    return admins[0]


def user_row(user: User) -> dict[str, Any]:
    """A user as people and programs read them; times in UTC."""
    return {
        "name": user.name,
        "role": user.role.value,
        "sees": f"pseudonyms of {user.visitor.project}" if user.visitor.project else "identities",
        "project": user.visitor.project,
        "may_export": user.visitor.may(Right.EXPORT),
        "signs_in": user.issuer or ("with a password" if user.has_password else "not at all"),
        "last_sign_in": to_the_second(user.signed_in_at),
        "state": "disabled" if user.disabled else "enabled",
        "created_by": user.created_by,
        "created": to_the_second(user.created_at),
    }


def create_token(services: Services, user_name: str, name: str, scope: Scope, days: int) -> str:
    """A new token of a user; the secret is returned here and never again. Raises ``UsageError``."""
    owner, by = user(services, user_name), this_user()
    with services.journal.transaction():
        secret = tokens.create(services.journal, owner, name, scope, days, by=by)
        audit.note(services.journal, by, "token created", owner.name, token=name, scope=scope.value, days=days)
    return secret


def all_tokens(services: Services, user_name: str = "") -> Sequence[Token]:
    """All tokens, or those of one user, newest first."""
    return tokens.all_tokens(services.journal, user_name)


def token(services: Services, token_id: int) -> Token:
    """One token. Raises ``UsageError``."""
    return tokens.token(services.journal, token_id)


def known_token(services: Services, secret: str) -> Token:
    """The token that was just made. Raises ``UsageError``."""
    return tokens.token_of(services.journal, secret)


def revoke_token(services: Services, token_id: int, *, owner: str = "") -> Token:
    """It opens nothing any more. Raises ``UsageError`` where there is none of that number, or ``owner`` has none."""
    token = tokens.token(services.journal, token_id)
    if owner and owner != token.user:
        raise UsageError("There is no token of that number.")
    with services.journal.transaction():
        if tokens.revoke(services.journal, token_id):
            audit.note(services.journal, this_user(), "token revoked", token.user, token=token.name)
    return token


def token_row(token: Token) -> dict[str, Any]:
    """A token as people and programs read it, without its secret; times in UTC."""
    return {
        "number": token.token_id,
        "name": token.name,
        "user": token.user,
        "scope": token.scope.value,
        "state": token.state(),
        "expires": to_the_second(token.expires_at),
        "last_used": to_the_second(token.used_at),
        "created_by": token.created_by,
        "created": to_the_second(token.created_at),
    }
