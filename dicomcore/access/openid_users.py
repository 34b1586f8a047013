"""Users who come through OpenID Connect: found by issuer and subject, with the role that they have there today."""

from __future__ import annotations

import time
from sqlite3 import Connection, Row

from dicomcore.access import openid, users
from dicomcore.access.openid import Claims, Identity
from dicomcore.journal.database import Journal
from dicomcore.visitor import Role

KEPT_SECONDS = openid.FRESH_SECONDS + 2 * openid.CLOCKS_DIFFER


def is_first_use(journal: Journal, claims: Claims, now: float | None = None) -> bool:
    """Whether this identity has opened no session yet; from now on it has. What was copied comes too late."""
    at = now or time.time()
    with journal.transaction() as writing:
        writing.execute("DELETE FROM used_identities WHERE used_at < ?", (at - KEPT_SECONDS,))
        used = "INSERT OR IGNORE INTO used_identities VALUES (?, ?)"
        return bool(writing.execute(used, (openid.fingerprint(claims), at)).rowcount)


def welcome(journal: Journal, known: Identity, role: Role | None, project: str) -> Row | None:
    """The user behind an identity, made at the first time; None for one without a role and one disabled here.

    ``project``: researchers see pseudonyms of it. Who has lost every role is signed out everywhere, and their tokens
    are revoked.
    """
    with journal.transaction() as writing:
        user = _find(writing, known)
        if role is None:
            _put_out(writing, user)
            return None
        if user is None:
            _make(writing, known, role, project)
        elif user["disabled"]:
            return None
        else:
            _change(writing, user, role, project)
        return _find(writing, known)


def _find(writing: Connection, known: Identity) -> Row | None:
    by = "SELECT * FROM users WHERE issuer = ? AND subject = ?"
    found: Row | None = writing.execute(by, (known.issuer, known.subject)).fetchone()
    return found


def _make(writing: Connection, known: Identity, role: Role, project: str) -> None:
    where = {"issuer": known.issuer, "subject": known.subject, "created_by": known.issuer}
    kept = project if role is Role.RESEARCHER else ""
    users.insert_with(writing, _free_name(writing, known), role, "", project=kept, **where)


def _change(writing: Connection, user: Row, role: Role, project: str) -> None:
    """Where the settings name no project, the one stays that an admin may have chosen for this researcher.

    It stays while the role is another, so that it is there again with the role that it is for.
    """
    new = (role.value, project or user["project"], user["user_id"])
    writing.execute("UPDATE users SET role = ?, project = ? WHERE user_id = ?", new)


def _free_name(writing: Connection, known: Identity) -> str:
    names = openid.names(known)
    return next((name for name in names if not users.is_taken(writing, name)), names[-1])


def _put_out(writing: Connection, user: Row | None) -> None:
    if user is None:
        return
    writing.execute("DELETE FROM sessions WHERE user_id = ?", (user["user_id"],))
    revoke = "UPDATE tokens SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL"
    writing.execute(revoke, (time.time(), user["user_id"]))
