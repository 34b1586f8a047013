"""SQL that users have asked, the newest first."""

from __future__ import annotations

import time

from dicomcore.journal.database import Journal

KEPT = 200
"""So many texts of one user."""


def remember(journal: Journal, user: str, query: str) -> None:
    """Put it before all others of this user; the oldest ones make room."""
    query = query.encode("utf-8", "replace").decode("utf-8")
    with journal.transaction() as writing:
        writing.execute("INSERT OR REPLACE INTO asked_sql VALUES (?, ?, ?)", (user, query, time.time()))
        writing.execute(
            "DELETE FROM asked_sql WHERE user_name = ? AND query NOT IN "
            "(SELECT query FROM asked_sql WHERE user_name = ? ORDER BY asked_at DESC LIMIT ?)",
            (user, user, KEPT),
        )


def of_user(journal: Journal, user: str) -> list[str]:
    """The texts of one user."""
    rows = journal.rows("SELECT query FROM asked_sql WHERE user_name = ? ORDER BY asked_at DESC, query", user)
    return [row["query"] for row in rows]


def forget(journal: Journal, user: str) -> None:
    """Empty the history of one user."""
    with journal.transaction() as writing:
        writing.execute("DELETE FROM asked_sql WHERE user_name = ?", (user,))
