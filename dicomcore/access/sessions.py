"""Who is signed in: sessions on this side, so that signing out ends them in every open tab."""

from __future__ import annotations

import time
from dataclasses import dataclass

from dicomcore.access.secret import digest, new_secret
from dicomcore.journal.database import Journal
from dicomcore.visitor import Role, Visitor

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


def begin(journal: Journal, user_id: int, now: float | None = None) -> str:
    """A new session; returns the secret for the cookie."""
    secret, at = new_secret(), now or time.time()
    with journal.transaction() as writing:
        writing.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (digest(secret), user_id, at, at))
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
        with journal.transaction() as writing:
            writing.execute("UPDATE sessions SET seen_at = ? WHERE digest = ?", (at, digest(secret)))
    return Visitor(row["name"], Role(row["role"]), row["project"], bool(row["may_export"]))


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
