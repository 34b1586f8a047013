"""Files in conflict with what the archive has, and what a person has decided about each."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Literal

from dicomcore.journal import backups, outcomes
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
        _keep(writing, conflict, who)


def keep_what_was_put_back(
    journal: Journal, conflict: Conflict, who: str, root: bytes, archive_key: str, *, old_md5: str, reason: str
) -> None:
    """The archive holds its old version again, by its own MD5, and keeps it.

    Imports meanwhile may have found the bytes of a replacement that broke off: nothing is proven by those any more.
    ``reason`` is for files of a batch that goes on and that hold other bytes.
    """
    with journal.transaction() as writing:
        told = _doubt_batches(writing, conflict, old_md5, archive_key, reason)
        _correct_receipts(writing, conflict, old_md5, root, archive_key)
        _keep(writing, conflict, who)
        _count_anew(journal, writing, {conflict.batch_id, *told})
        writing.execute("UPDATE batches SET synced = 0 WHERE batch_id = ?", (conflict.batch_id,))


def _keep(writing: Connection, conflict: Conflict, who: str) -> None:
    _write(writing, conflict, "keep", who)
    writing.execute(
        "UPDATE outcomes SET reason = ? WHERE batch_id = ? AND file_id = ?",
        (_and_decided(conflict.reason, who), conflict.batch_id, conflict.file_id),
    )


def begin_replacement(
    journal: Journal, conflict: Conflict, who: str, archive_key: str, *, backup: str, old_md5: str
) -> None:
    """The archive's version lies in the backup and is about to be removed: from now on no receipt vouches for it.

    Until the end is seen, that is an alarm of the batch (``alarms``).
    """
    with journal.transaction() as writing:
        _write(writing, conflict, "replace", who, backup=backup, old_md5=old_md5, done=False)
        _void_receipts(writing, conflict, "", archive_key)


def void_receipts(journal: Journal, conflict: Conflict, archive_key: str) -> None:
    """What the archive holds under these ids is about to be removed."""
    with journal.transaction() as writing:
        _void_receipts(writing, conflict, "", archive_key)


def give_up_replacement(journal: Journal, conflict: Conflict, root: bytes, archive_key: str, *, old_md5: str) -> None:
    """The archive holds its old version as before: what stood here before the attempt counts again."""
    with journal.transaction() as writing:
        _correct_receipts(writing, conflict, old_md5, root, archive_key)
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
        told = _doubt_batches(writing, conflict, conflict.md5, archive_key, reasons.conflict)
        _correct_receipts(writing, conflict, conflict.md5, root, archive_key)
        _write_decision_done(writing, conflict)
        backups.doubt(writing, batch_id, conflict.file_id, archive_key)
        added = outcomes.counts(journal, batch_id).get("stored", 0) - stored_before
        writing.execute(
            # Nothing was added to the archive by it: its losses are counted from here.
            "UPDATE batches SET synced = 0, instances_before = instances_before - ? WHERE batch_id = ?",
            (added, batch_id),
        )
        _count_anew(journal, writing, {batch_id, *told})


def _count_anew(journal: Journal, writing: Connection, batch_ids: Iterable[str]) -> None:
    for name in batch_ids:
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


def _doubt_batches(writing: Connection, conflict: Conflict, held: str, archive_key: str, reason: str) -> list[str]:
    """What batches have said of other bytes than are ``held`` (MD5) proves nothing now.

    The batch of the decision, and any that may go on, is told of those that are held; returns these batches.
    """
    rests = "archive_id = ? AND md5 IS NOT ?"
    values = (conflict.archive_id, held)
    found = writing.execute(
        "SELECT DISTINCT batch_id, finished_at IS NULL OR batch_id = ? AS is_told "
        "FROM outcomes JOIN batches USING (batch_id) JOIN jobs ON job_id = batch_id "
        f"WHERE {rests} AND kind = 'import' AND archive_key IN (?, '')",
        (conflict.batch_id, *values, archive_key),
    ).fetchall()
    for row in found:
        writing.execute(f"UPDATE outcomes SET proven = 0 WHERE {rests} AND batch_id = ?", (*values, row["batch_id"]))
    told = [row["batch_id"] for row in found if row["is_told"]]
    for batch_id in told:
        writing.execute(
            "UPDATE outcomes SET outcome = 'conflict', reason = ?, other = NULL "
            f"WHERE {rests} AND batch_id = ? AND outcome IN ('stored', 'already stored', 'duplicate')",
            (reason, *values, batch_id),
        )
    writing.execute(
        "UPDATE files SET archive_md5 = ? WHERE archive_id = ? AND archive_md5 <> '' "
        "AND identity = (SELECT identity FROM files WHERE file_id = ?) AND scan_id IN "
        "(SELECT scan_id FROM batches JOIN jobs ON job_id = batch_id WHERE batch_id = ? OR finished_at IS NULL)",
        (held, conflict.archive_id, conflict.file_id, conflict.batch_id),
    )
    return told


def _void_receipts(writing: Connection, conflict: Conflict, held: str, archive_key: str) -> None:
    """Those for other bytes than the archive holds."""
    writing.execute(
        "DELETE FROM receipts INDEXED BY receipts_by_id WHERE archive_key = ? AND archive_id = ? AND md5 <> ?",
        (archive_key, conflict.archive_id, held),
    )


def _correct_receipts(writing: Connection, conflict: Conflict, held: str, root: bytes, archive_key: str) -> None:
    """As ``files.write_receipts`` does for a whole batch; ``held`` is the MD5 of what the archive holds."""
    _void_receipts(writing, conflict, held, archive_key)
    values = {
        "key": archive_key,
        "batch": conflict.batch_id,
        "id": conflict.archive_id,
        "md5": held,
        "root": root,
    }
    writing.create_function("whole_path", 2, os.path.join, deterministic=True)
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
