"""The secret of each project, from which its pseudonyms are made. Whoever has it can tell who is who."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from dicomcore.access.users import clean
from dicomcore.errors import UsageError
from dicomcore.journal.database import Journal

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Project:
    """A project that works with pseudonyms; ``created_at`` is seconds since 1970, UTC."""

    name: str
    created_by: str
    created_at: float


def key_of(journal: Journal, project: str, *, by: str = "") -> bytes:
    """The secret of a project, made at its first use; case does not matter in its name."""
    name = clean(project)
    if (key := _found(journal, name)) is not None:
        return key
    new = (name, secrets.token_bytes(KEY_BYTES), by, time.time())
    with journal.transaction() as writing:
        writing.execute(
            "INSERT OR IGNORE INTO projects (project, key, created_by, created_at) VALUES (?, ?, ?, ?)", new
        )
    return known_key(journal, name)


def known_key(journal: Journal, project: str) -> bytes:
    """The secret of a project that has one. Raises ``UsageError``."""
    key = _found(journal, clean(project))
    if key is None:
        names = ", ".join(one.name for one in projects(journal)) or "none yet"
        raise UsageError(f"No pseudonyms were made for a project of that name. Those there are: {names}.")
    return key


def projects(journal: Journal) -> list[Project]:
    """All projects that ever showed a pseudonym, by name."""
    rows = journal.rows("SELECT project, created_by, created_at FROM projects ORDER BY project")
    return [Project(*row) for row in rows]


def _found(journal: Journal, name: str) -> bytes | None:
    rows = journal.rows("SELECT key FROM projects WHERE project = ?", name)
    return bytes(rows[0]["key"]) if rows else None
