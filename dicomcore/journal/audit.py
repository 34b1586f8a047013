"""Who did what that cannot be undone."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from sqlite3 import Row

from dicomcore import logs
from dicomcore.journal.database import Journal

log = logs.logger(__name__)


def note(journal: Journal, who: str, action: str, about: str, **detail: str | int) -> None:
    """Write one line: ``note(journal, "anna", "replace", batch_id, archive_id=…)``. Never patient names."""
    with journal.transaction() as writing:
        writing.execute(
            "INSERT INTO audit (at, who, action, about, detail) VALUES (?, ?, ?, ?, ?)",
            (time.time(), who, action, about, _as_json(detail)),
        )
    log.info("audited", who=who, action=action, about=about, detail=detail)


def newest(journal: Journal, limit: int = 100) -> list[Row]:
    """at (seconds since 1970), who, action, about, detail (JSON); newest first."""
    return journal.rows("SELECT * FROM audit ORDER BY audit_id DESC LIMIT ?", limit)


def _as_json(detail: Mapping[str, str | int]) -> str:
    return json.dumps(detail, sort_keys=True)
