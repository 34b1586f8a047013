"""Tokens of the REST API: for one user, shown once, with a scope and an end."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from sqlite3 import Row

from dicomcore.access.secret import digest, new_secret
from dicomcore.access.users import User, checked_label, folded, visitor_in
from dicomcore.errors import StoreError, UsageError
from dicomcore.journal.database import Journal
from dicomcore.visitor import Visitor

PREFIX = "dvp_"
"""So that people, and programs that look for leaked secrets, know one when they see it."""

USED_AT_MOST_EVERY = 60.0
DAY = 24 * 3600.0
MOST_DAYS = 3_650

FIND = """
SELECT users.*, token_id, scope, used_at FROM tokens JOIN users USING (user_id)
WHERE digest = ? AND NOT disabled AND revoked_at IS NULL AND expires_at > ?
"""


ALL = "SELECT tokens.*, users.name AS user, disabled FROM tokens JOIN users USING (user_id)"


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
    user_disabled: bool

    def state(self, now: float | None = None) -> str:
        """``good``, or why it opens nothing: ``revoked``, ``over``, ``user disabled``."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at <= (now or time.time()):
            return "over"
        return "user disabled" if self.user_disabled else "good"


def create(journal: Journal, user: User, name: str, scope: Scope, days: int, *, by: str = "") -> str:
    """A new token of a user; returns its secret, which nobody can see again. Raises ``UsageError``."""
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"A token is good for 1 to {MOST_DAYS:,} days.")
    if user.disabled:
        raise UsageError("This user is disabled: a token would open nothing.")
    known = checked_label(name, "token's name, what it is for,")
    secret, now = PREFIX + new_secret(), time.time()
    row = (digest(secret), user.user_id, known, scope.value, by, now, now + days * DAY)
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
        with suppress(StoreError), journal.transaction() as writing:  # a full disk shuts nobody out
            writing.execute("UPDATE tokens SET used_at = ? WHERE token_id = ?", (at, row["token_id"]))
    return visitor_in(row, read_only=row["scope"] == Scope.READ)


def all_tokens(journal: Journal, user: str = "") -> list[Token]:
    """All tokens, or those of one user, newest first; revoked ones too."""
    return [_token(row) for row in journal.rows(f"{ALL} WHERE ? IN ('', folded) ORDER BY token_id DESC", folded(user))]


def token(journal: Journal, token_id: int) -> Token:
    """One token. Raises ``UsageError``."""
    # SQLite's numbers end there; a longer one is no token's.
    found = journal.rows(f"{ALL} WHERE token_id = ?", token_id) if abs(token_id) < 2**63 else []
    if not found:
        raise UsageError("There is no token of that number.")
    return _token(found[0])


def token_of(journal: Journal, secret: str) -> Token:
    """The token of a secret that was just given out. Raises ``UsageError``."""
    found = journal.rows(f"{ALL} WHERE digest = ?", digest(secret))
    if not found:
        raise UsageError("This is the secret of no token.")
    return _token(found[0])


def revoke(journal: Journal, token_id: int) -> bool:
    """It opens nothing any more; False where it was revoked before."""
    with journal.transaction() as writing:
        return bool(
            writing.execute(
                "UPDATE tokens SET revoked_at = ? WHERE token_id = ? AND revoked_at IS NULL", (time.time(), token_id)
            ).rowcount
        )


def _token(row: Row) -> Token:
    return Token(
        row["token_id"],
        row["user"],
        row["name"],
        Scope(row["scope"]),
        row["created_by"],
        row["created_at"],
        row["expires_at"],
        row["used_at"],
        row["revoked_at"],
        bool(row["disabled"]),
    )
