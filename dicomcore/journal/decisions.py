"""Files in conflict with what the archive has, and what a person has decided about each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Literal

from dicomcore.journal.database import Journal
from dicomcore.model import FileFact

#: How the decision is told at the end of a reason.
DECIDED = " Decided by "

_OF_A_BATCH = """
    SELECT file_id, path, outcome, outcomes.reason AS reason, other, size, mtime_ns, inode, outcomes.md5 AS md5,
           outcomes.archive_id AS archive_id, transfer_syntax_uid, decision, decided_by, decided_at, backup, old_md5,
           done
    FROM outcomes JOIN files USING (file_id) LEFT JOIN decisions USING (batch_id, file_id)
    WHERE batch_id = ? AND (outcome = 'conflict' OR decision IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person has decided; ``at`` is seconds since 1970, UTC.

    ``backup`` is where the archive's old version lies, ``old_md5`` names it. ``done`` is false where a replacement
    was begun and nobody has seen its end.
    """

    decision: Literal["keep", "replace"]
    by: str
    at: float
    backup: str
    old_md5: str
    done: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """A file whose ids the archive holds with other bytes, or that was put in their place.

    ``other`` is the file of the same folder that the archive has, if it is one.
    """

    batch_id: str
    file_id: int
    fact: FileFact
    outcome: str
    reason: str
    md5: str
    archive_id: str
    other: bytes | None
    transfer_syntax_uid: str
    decision: Decision | None

    @property
    def begun(self) -> Decision | None:
        """A replacement that was begun and did not come to its end."""
        return self.decision if self.decision and not self.decision.done else None


def count(journal: Journal, batch_id: str) -> int:
    """How many files of a batch are in conflict, or have been decided about."""
    return int(journal.rows(f"SELECT count(*) AS files FROM ({_OF_A_BATCH})", batch_id)[0]["files"])


def is_any_broken_off(journal: Journal, batch_id: str) -> bool:
    """Whether a replacement of this batch was begun and has not been ended either way."""
    return bool(journal.rows("SELECT 1 FROM decisions WHERE batch_id = ? AND NOT done", batch_id))


def page(journal: Journal, batch_id: str, offset: int, limit: int) -> list[Conflict]:
    """Some of them, in the order of their paths."""
    found = journal.rows(f"{_OF_A_BATCH} ORDER BY folder, path LIMIT ? OFFSET ?", batch_id, limit, offset)
    return [_conflict(batch_id, row) for row in found]


def everyone(journal: Journal, batch_id: str) -> Iterator[Conflict]:
    """All of them, one by one."""
    return (_conflict(batch_id, row) for row in journal.stream(f"{_OF_A_BATCH} ORDER BY folder, path", batch_id))


def one(journal: Journal, batch_id: str, file_id: int) -> Conflict | None:
    """One of them; None where the file is neither in conflict nor decided about."""
    found = journal.rows(f"{_OF_A_BATCH} AND file_id = ?", batch_id, file_id)
    return _conflict(batch_id, found[0]) if found else None


def winner(journal: Journal, conflict: Conflict) -> tuple[FileFact, str] | None:
    """The file of the same folder that the archive was given, as the scan saw it, and its MD5."""
    found = journal.rows(
        "SELECT path, size, mtime_ns, inode, outcomes.md5 AS md5 FROM files "
        "JOIN outcomes ON outcomes.file_id = files.file_id AND batch_id = ? "
        "WHERE scan_id = (SELECT scan_id FROM batches WHERE batch_id = ?) AND folder = ? AND path = ?",
        conflict.batch_id,
        conflict.batch_id,
        os.path.dirname(conflict.other or b""),
        conflict.other,
    )
    return (FileFact(*found[0][:4]), found[0]["md5"] or "") if found else None


def keep(journal: Journal, conflict: Conflict, who: str) -> None:
    """The archive's version stays: noted, and told in the reason."""
    with journal.transaction() as writing:
        write_kept(writing, conflict, who)


def write_kept(writing: Connection, conflict: Conflict, who: str) -> None:
    """The same within a transaction that writes more."""
    write(writing, conflict, "keep", who)
    writing.execute(
        "UPDATE outcomes SET reason = ? WHERE batch_id = ? AND file_id = ?",
        (_and_decided(conflict.reason, who), conflict.batch_id, conflict.file_id),
    )


def write(
    writing: Connection,
    conflict: Conflict,
    decision: str,
    who: str,
    *,
    backup: str = "",
    old_md5: str = "",
    done: bool = True,
) -> None:
    """The decision alone, in place of any former one."""
    writing.execute(
        "INSERT OR REPLACE INTO decisions (batch_id, file_id, decision, decided_by, decided_at, backup, old_md5, done) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (conflict.batch_id, conflict.file_id, decision, who, time.time(), backup, old_md5, done),
    )


def _and_decided(reason: str, who: str) -> str:
    return f"{reason.partition(DECIDED)[0]}{DECIDED}{who or 'a person'}: the archive keeps its own."


def _conflict(batch_id: str, row: Row) -> Conflict:
    return Conflict(
        batch_id,
        row["file_id"],
        FileFact(row["path"], row["size"], row["mtime_ns"], row["inode"]),
        row["outcome"],
        row["reason"],
        row["md5"] or "",
        row["archive_id"] or "",
        row["other"],
        row["transfer_syntax_uid"] or "",
        _decision(row),
    )


def _decision(row: Row) -> Decision | None:
    if row["decision"] is None:
        return None
    return Decision(
        row["decision"], row["decided_by"], row["decided_at"], row["backup"], row["old_md5"], bool(row["done"])
    )
