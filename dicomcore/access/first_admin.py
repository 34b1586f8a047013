"""The very first user: whoever reads the terminal is the one who may make it."""

from __future__ import annotations

import time

from dicomcore.access import passwords, users
from dicomcore.access.secret import digest, new_secret
from dicomcore.errors import AccessRefused
from dicomcore.journal.database import Journal
from dicomcore.visitor import Role

NOT_GOOD = "This link is not good any more. Start the app again: it prints a new one, as long as there is no user."


def new_link(journal: Journal) -> str:
    """The secret of a link that makes the first admin; an earlier one is void. Only while there is no user."""
    secret = new_secret()
    with journal.transaction() as writing:
        writing.execute("DELETE FROM first_links")
        writing.execute("INSERT INTO first_links VALUES (?, ?)", (digest(secret), time.time()))
    return secret


def may_be_made(journal: Journal, secret: str) -> bool:
    """Whether this is the secret of the link, and there is no user yet."""
    known = journal.rows("SELECT 1 FROM first_links WHERE digest = ?", digest(secret))
    return bool(known) and not users.exist(journal)


def make(journal: Journal, secret: str, name: str, password: str) -> int:
    """Make the first admin; returns the user's id, and the link opens nothing any more.

    Raises ``UsageError`` for a name or password that cannot be (the link stays good), ``AccessRefused`` for a link
    that was used or never was.
    """
    if not may_be_made(journal, secret):
        raise AccessRefused(NOT_GOOD)
    kept = passwords.hashed(password)
    with journal.transaction() as writing:
        used = writing.execute("DELETE FROM first_links WHERE digest = ?", (digest(secret),)).rowcount
        if not used or writing.execute("SELECT 1 FROM users").fetchone():
            raise AccessRefused(NOT_GOOD)
        return users.insert_with(writing, name, Role.ADMIN, kept)
