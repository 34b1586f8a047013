"""Cohorts that users keep under a name: conditions as the page writes them into its address."""

from __future__ import annotations

import json
from dataclasses import dataclass

from dicomcore.journal.database import Journal


@dataclass(frozen=True, slots=True)
class SavedCohort:
    """A cohort of one user; ``studies`` is how many it had at ``saved_at``, seconds since 1970, UTC.

    ``members``: what it held at ``looked_at``, as ``exploring.saved`` writes it; None where that is not known.
    """

    name: str
    conditions: tuple[str, ...]
    studies: int
    saved_at: float
    members: bytes | None = None
    looked_at: float | None = None


def save(journal: Journal, user: str, one: SavedCohort) -> None:
    """Keep it, in place of the user's cohort of the same name."""
    values = (one.name, json.dumps(one.conditions), one.studies, one.saved_at, one.members, one.looked_at)
    with journal.transaction() as writing:
        writing.execute(
            "INSERT OR REPLACE INTO saved_cohorts "
            "(user_name, name, conditions, studies, saved_at, members, looked_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (user, *values),
        )


def forget(journal: Journal, user: str, name: str) -> None:
    """Keep it no more."""
    with journal.transaction() as writing:
        writing.execute("DELETE FROM saved_cohorts WHERE user_name = ? AND name = ?", (user, name))


def of_user(journal: Journal, user: str) -> list[SavedCohort]:
    """All of a user, by name."""
    rows = journal.rows("SELECT * FROM saved_cohorts WHERE user_name = ? ORDER BY name COLLATE NOCASE, name", user)
    return [
        SavedCohort(
            row["name"],
            tuple(json.loads(row["conditions"])),
            row["studies"],
            row["saved_at"],
            row["members"],
            row["looked_at"],
        )
        for row in rows
    ]
