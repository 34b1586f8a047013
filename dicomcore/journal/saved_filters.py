"""Searches for patients that users keep under a name: parameters as the page's address has them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from dicomcore.journal.database import Journal


def save(journal: Journal, user: str, name: str, query: Mapping[str, str]) -> None:
    """Keep it, in place of the user's search of the same name."""
    with journal.transaction() as writing:
        writing.execute("INSERT OR REPLACE INTO saved_filters VALUES (?, ?, ?)", (user, name, json.dumps(dict(query))))


def rename(journal: Journal, user: str, name: str, to: str) -> None:
    """Another name for it, in place of the user's search that has it."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE OR REPLACE saved_filters SET name = ? WHERE user_name = ? AND name = ?", (to, user, name)
        )


def forget(journal: Journal, user: str, name: str) -> None:
    """Keep it no more."""
    with journal.transaction() as writing:
        writing.execute("DELETE FROM saved_filters WHERE user_name = ? AND name = ?", (user, name))


def of_user(journal: Journal, user: str) -> dict[str, dict[str, str]]:
    """All of a user, by name."""
    found = journal.rows(
        "SELECT name, query FROM saved_filters WHERE user_name = ? ORDER BY name COLLATE NOCASE, name", user
    )
    return {row["name"]: json.loads(row["query"]) for row in found}
