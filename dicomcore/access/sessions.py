"""Who is signed in: sessions on this side, so that signing out ends them in every open tab."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from dicomcore.access.secret import digest, new_secret
from dicomcore.access.users import visitor_in
from dicomcore.errors import NotSignedIn, StoreError
from dicomcore.journal.database import Journal
from dicomcore.visitor import Visitor

SEEN_AT_MOST_EVERY = 30.0
"""Seconds: being seen is not written down at every click."""

FIND = """
SELECT users.*, sessions.created_at AS began, seen_at FROM sessions JOIN users USING (user_id)
WHERE digest = ? AND NOT disabled AND sessions.created_at > ? AND seen_at > ?
"""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lasts, in seconds: without a click, and at all."""

    idle: float
    absolute: float


BEGIN = """
INSERT INTO sessions SELECT ?, user_id, ?, ? FROM users
WHERE user_id = ? AND NOT disabled AND password_hash = coalesce(?, password_hash)
"""


def begin(journal: Journal, user_id: int, now: float | None = None, *, kept: str | None = None) -> str:
    """A new session; returns the secret for the cookie, which is never one that the browser came with.

    ``kept``: the hash of the password that was checked. Raises ``NotSignedIn`` where the user was shut out or got
    another password meanwhile.
    """
    secret, at = new_secret(), now or time.time()
    with journal.transaction() as writing:
        if not writing.execute(BEGIN, (digest(secret), at, at, user_id, kept)).rowcount:
            raise NotSignedIn("This account was changed just now. Sign in again.")
        writing.execute("UPDATE users SET signed_in_at = ? WHERE user_id = ?", (at, user_id))
    return secret


def visitor(
    journal: Journal, secret: str, lifetime: Lifetime, *, by_hand: bool = True, now: float | None = None
) -> Visitor | None:
    """Who comes with this secret; None where the session is over, was ended, or never was.

    ``by_hand``: a person did something. A page that draws itself again every second keeps nobody signed in.
    """
    at = now or time.time()
    rows = journal.rows(FIND, digest(secret), at - lifetime.absolute, at - lifetime.idle) if secret else []
    if not rows:
        return None
    row = rows[0]
    if by_hand and at - row["seen_at"] > SEEN_AT_MOST_EVERY:
        with suppress(StoreError), journal.transaction() as writing:  # a full disk shuts nobody out
            writing.execute("UPDATE sessions SET seen_at = ? WHERE digest = ?", (at, digest(secret)))
    return visitor_in(row)


def end(journal: Journal, secret: str) -> None:
    """Sign out: the secret opens nothing any more."""
    with journal.transaction() as writing:
        writing.execute("DELETE FROM sessions WHERE digest = ?", (digest(secret),))


def forget_old(journal: Journal, lifetime: Lifetime, now: float | None = None) -> None:
    """Sessions that are over are no more than rows."""
    at = now or time.time()
    with journal.transaction() as writing:
        writing.execute(
            "DELETE FROM sessions WHERE created_at <= ? OR seen_at <= ?", (at - lifetime.absolute, at - lifetime.idle)
        )
