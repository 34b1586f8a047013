"""Files in conflict with what the archive has, and what a person has decided about each."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Literal

from dicomcore.journal import outcomes
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


@dataclass(frozen=True, slots=True)
class Reasons:
    """What is said of the files of an instance whose version in the archive was replaced."""

    replaced: str
    duplicate: str
    conflict: str


def count(journal: Journal, batch_id: str) -> int:
    """How many files of a batch are in conflict, or have been decided about."""
    return int(journal.rows(f"SELECT count(*) AS files FROM ({_OF_A_BATCH})", batch_id)[0]["files"])


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
        _write(writing, conflict, "keep", who)
        writing.execute(
            "UPDATE outcomes SET reason = ? WHERE batch_id = ? AND file_id = ?",
            (_and_decided(conflict.reason, who), conflict.batch_id, conflict.file_id),
        )


def begin_replacement(journal: Journal, conflict: Conflict, who: str, *, backup: str, old_md5: str) -> None:
    """The archive's version lies in the backup and is about to be removed."""
    with journal.transaction() as writing:
        _write(writing, conflict, "replace", who, backup=backup, old_md5=old_md5, done=False)


def give_up_replacement(journal: Journal, conflict: Conflict) -> None:
    """The archive holds its old version as before: what stood here before the attempt counts again."""
    with journal.transaction() as writing:
        writing.execute(
            "DELETE FROM decisions WHERE batch_id = ? AND file_id = ?", (conflict.batch_id, conflict.file_id)
        )
        if conflict.decision and conflict.decision.done:
            _write(writing, conflict, conflict.decision.decision, conflict.decision.by)


def end_replacement(journal: Journal, conflict: Conflict, root: bytes, archive_key: str, reasons: Reasons) -> None:
    """The archive holds the bytes of this file now, by its own MD5: all that was said before follows, at once.

    Equal files of the batch are duplicates of it, others in conflict with it; in other batches nothing is proven any
    more by the old bytes. Receipts for them are void, and the cache has to look again.
    """
    batch_id = conflict.batch_id
    with journal.transaction() as writing:
        stored_before = outcomes.counts(journal, batch_id).get("stored", 0)
        _settle_this_batch(writing, conflict, reasons)
        unfinished = _doubt_other_batches(writing, conflict, archive_key, reasons)
        _correct_receipts(writing, conflict, root, archive_key)
        _write_decision_done(writing, conflict)
        added = outcomes.counts(journal, batch_id).get("stored", 0) - stored_before
        writing.execute(
            # Nothing was added to the archive by it: its losses are counted from here.
            "UPDATE batches SET synced = 0, instances_before = instances_before - ? WHERE batch_id = ?",
            (added, batch_id),
        )
        for name in (batch_id, *unfinished):
            counts = json.dumps(outcomes.counts(journal, name))
            writing.execute("UPDATE jobs SET counts = ? WHERE job_id = ?", (counts, name))


def _settle_this_batch(writing: Connection, conflict: Conflict, reasons: Reasons) -> None:
    values = {
        "batch": conflict.batch_id,
        "file": conflict.file_id,
        "id": conflict.archive_id,
        "md5": conflict.md5,
        "path": conflict.fact.path,
        "replaced": reasons.replaced,
        "duplicate": reasons.duplicate,
        "conflict": reasons.conflict,
    }
    same = "batch_id = :batch AND archive_id = :id AND file_id <> :file"
    writing.execute(
        "UPDATE outcomes SET outcome = 'stored', reason = :replaced, other = NULL, proven = 1 "
        "WHERE batch_id = :batch AND file_id = :file",
        values,
    )
    writing.execute(
        "UPDATE outcomes SET outcome = 'duplicate', reason = :duplicate, other = :path, proven = 1 "
        f"WHERE {same} AND md5 = :md5 AND outcome = 'conflict'",
        values,
    )
    writing.execute(
        f"DELETE FROM decisions WHERE batch_id = :batch AND file_id IN (SELECT file_id FROM outcomes WHERE {same})",
        values,
    )
    writing.execute(
        "UPDATE outcomes SET outcome = 'conflict', reason = :conflict, other = :path, proven = 0 "
        f"WHERE {same} AND md5 IS NOT :md5 AND outcome IN ('stored', 'already stored', 'duplicate', 'conflict')",
        values,
    )


def _doubt_other_batches(writing: Connection, conflict: Conflict, archive_key: str, reasons: Reasons) -> list[str]:
    """What other batches have said of the old bytes proves nothing now. One that may go on is told of the new ones.

    Returns those.
    """
    rests = "archive_id = ? AND md5 IS NOT ? AND batch_id <> ?"
    values = (conflict.archive_id, conflict.md5, conflict.batch_id)
    found = writing.execute(
        "SELECT DISTINCT batch_id, finished_at IS NULL AS goes_on FROM outcomes JOIN batches USING (batch_id) "
        f"JOIN jobs ON job_id = batch_id WHERE {rests} AND kind = 'import' AND archive_key IN (?, '')",
        (*values, archive_key),
    ).fetchall()
    for row in found:
        writing.execute(f"UPDATE outcomes SET proven = 0 WHERE {rests} AND batch_id = ?", (*values, row["batch_id"]))
    going_on = [row["batch_id"] for row in found if row["goes_on"]]
    for batch_id in going_on:
        writing.execute(
            "UPDATE outcomes SET outcome = 'conflict', reason = ?, other = NULL "
            f"WHERE {rests} AND batch_id = ? AND outcome IN ('stored', 'already stored', 'duplicate')",
            (reasons.conflict, *values, batch_id),
        )
    writing.execute(
        "UPDATE files SET archive_md5 = ? WHERE archive_id = ? AND archive_md5 <> '' "
        "AND identity = (SELECT identity FROM files WHERE file_id = ?) AND scan_id IN "
        "(SELECT scan_id FROM batches JOIN jobs ON job_id = batch_id WHERE batch_id = ? OR finished_at IS NULL)",
        (conflict.md5, conflict.archive_id, conflict.file_id, conflict.batch_id),
    )
    return going_on


def _correct_receipts(writing: Connection, conflict: Conflict, root: bytes, archive_key: str) -> None:
    """As ``files.write_receipts`` does for a whole batch."""
    values = {
        "key": archive_key,
        "batch": conflict.batch_id,
        "id": conflict.archive_id,
        "md5": conflict.md5,
        "root": root,
    }
    writing.create_function("whole_path", 2, os.path.join, deterministic=True)
    writing.execute("DELETE FROM receipts WHERE archive_key = :key AND archive_id = :id AND md5 <> :md5", values)
    writing.execute(
        """
        INSERT OR REPLACE INTO receipts
        SELECT :key, whole_path(:root, path), size, mtime_ns, inode, outcomes.md5, outcomes.archive_id
        FROM outcomes JOIN files USING (file_id)
        WHERE batch_id = :batch AND outcomes.archive_id = :id AND outcomes.md5 = :md5 AND proven = 1
        """,
        values,
    )


def _write_decision_done(writing: Connection, conflict: Conflict) -> None:
    writing.execute(
        "UPDATE decisions SET done = 1, decided_at = ? WHERE batch_id = ? AND file_id = ?",
        (time.time(), conflict.batch_id, conflict.file_id),
    )


def _write(
    writing: Connection,
    conflict: Conflict,
    decision: str,
    who: str,
    *,
    backup: str = "",
    old_md5: str = "",
    done: bool = True,
) -> None:
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
