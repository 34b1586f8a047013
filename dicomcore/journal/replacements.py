"""A file put in the place of the archive's version: its beginning, its end, and what follows for all that was said."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection

from dicomcore.journal import backups, decisions, outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.decisions import Conflict


@dataclass(frozen=True, slots=True)
class Reasons:
    """What is said of the files of an instance whose version in the archive was replaced."""

    replaced: str
    duplicate: str
    conflict: str


def begin_replacement(
    journal: Journal, conflict: Conflict, who: str, archive_key: str, *, backup: str, old_md5: str
) -> None:
    """The archive's version lies in the backup and is about to be removed: from now on no receipt vouches for it.

    Until the end is seen, that is an alarm of the batch (``alarms``).
    """
    with journal.transaction() as writing:
        decisions.write(writing, conflict, "replace", who, backup=backup, old_md5=old_md5, done=False)
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
            decisions.write(writing, conflict, conflict.decision.decision, conflict.decision.by)


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
        decisions.write_kept(writing, conflict, who)
        _count_anew(journal, writing, {conflict.batch_id, *told})
        writing.execute("UPDATE batches SET synced = 0 WHERE batch_id = ?", (conflict.batch_id,))


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
