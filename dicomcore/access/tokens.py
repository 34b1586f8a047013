"""Tokens of the REST API: for one user, shown once, with a scope and an end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

from dicomcore.access.secret import digest, new_secret
from dicomcore.access.users import User
from dicomcore.errors import UsageError
from dicomcore.journal.database import Journal
from dicomcore.visitor import Role, Visitor

PREFIX = "dvp_"
"""So that people, and programs that look for leaked secrets, know one when they see it."""

USED_AT_MOST_EVERY = 60.0
DAY = 24 * 3600.0
MOST_DAYS = 3_650

FIND = """
SELECT users.*, token_id, scope, used_at FROM tokens JOIN users USING (user_id)
WHERE digest = ? AND NOT disabled AND revoked_at IS NULL AND expires_at > ?
"""


class Scope(StrEnum):
    """``read`` changes nothing; ``full`` may what its user may."""

    READ = "read"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Token:
    """One token without its secret; times are seconds since 1970, UTC."""

    token_id: int
    user: str
    name: str
    scope: Scope
    created_by: str
    created_at: float
    expires_at: float
    used_at: float | None
    revoked_at: float | None


def create(journal: Journal, user: User, name: str, scope: Scope, days: int, *, by: str = "") -> str:
    """A new token of a user; returns its secret, which nobody can see again. Raises ``UsageError``."""
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"A token is good for 1 to {MOST_DAYS:,} days.")
    if not name.strip() or len(name) > 100:
        raise UsageError("Give the token a name of at most 100 characters: what it is for.")
    secret, now = PREFIX + new_secret(), time.time()
    row = (digest(secret), user.user_id, name.strip(), scope.value, by, now, now + days * DAY)
    with journal.transaction() as writing:
        writing.execute(
            "INSERT INTO tokens (digest, user_id, name, scope, created_by, created_at, expires_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )
    return secret


def visitor(journal: Journal, secret: str, now: float | None = None) -> Visitor | None:
    """Who comes with this token; None where it is unknown, over or revoked, or its user shut out."""
    at = now or time.time()
    rows = journal.rows(FIND, digest(secret), at)
    if not rows:
        return None
    row = rows[0]
    if at - (row["used_at"] or 0) > USED_AT_MOST_EVERY:
        with journal.transaction() as writing:
            writing.execute("UPDATE tokens SET used_at = ? WHERE token_id = ?", (at, row["token_id"]))
    return Visitor(row["name"], Role(row["role"]), row["project"], bool(row["may_export"]), row["scope"] == Scope.READ)


def all_tokens(journal: Journal, user: str = "") -> list[Token]:
    """All tokens, or those of one user, newest first; revoked ones too."""
    rows = journal.rows(
        "SELECT tokens.*, users.name AS user FROM tokens JOIN users USING (user_id) "
        "WHERE ? IN ('', users.name) ORDER BY token_id DESC",
        user,
    )
    return [
        Token(
            row["token_id"],
            row["user"],
            row["name"],
            Scope(row["scope"]),
            row["created_by"],
            row["created_at"],
            row["expires_at"],
            row["used_at"],
            row["revoked_at"],
        )
        for row in rows
    ]


def token(journal: Journal, token_id: int) -> Token:
    """One token. Raises ``UsageError``."""
    found = [one for one in all_tokens(journal) if one.token_id == token_id]
    if not found:
        raise UsageError("There is no token of that number.")
    return found[0]


def revoke(journal: Journal, token_id: int) -> None:
    """It opens nothing any more."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE tokens SET revoked_at = ? WHERE token_id = ? AND revoked_at IS NULL", (time.time(), token_id)
        )
