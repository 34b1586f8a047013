"""What became of every file of a batch."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass

from dicomcore.journal.database import Journal
from dicomcore.journal.selection import condition
from dicomcore.model import Outcome, Selection, Verdict

IDS_A_QUESTION = 500


@dataclass(frozen=True, slots=True)
class Unproven:
    """A file said to be in the archive whose MD5 has not been read back yet."""

    file_id: int
    archive_id: str
    md5: str


@dataclass(frozen=True, slots=True)
class Held:
    """A file that the archive holds under this id, with these bytes or with others, and how the file is encoded."""

    file_id: int
    archive_id: str
    md5: str | None
    transfer_syntax_uid: str
    reason: str


def begin(journal: Journal, batch_id: str, scan_id: str, selection: Selection) -> tuple[int, int]:
    """An outcome row for every selected file: what the scan settled, the others ``pending``.

    Outcomes that a former run of this batch has reached stay. Returns the number of files and their bytes.
    """
    where, values = condition(scan_id, selection)
    with journal.transaction() as writing:
        writing.execute(
            f"""
            INSERT OR IGNORE INTO outcomes (batch_id, file_id, outcome, reason)
            SELECT ?, file_id, CASE kind WHEN 'DICOM' THEN 'pending' ELSE kind END,
                   CASE kind WHEN 'DICOM' THEN '' ELSE reason END
            FROM files WHERE {where}
            """,
            (batch_id, *values),
        )
    total = journal.rows(
        "SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM outcomes JOIN files USING (file_id) "
        "WHERE batch_id = ?",
        batch_id,
    )[0]
    return total["files"], total["bytes"]


def write(journal: Journal, batch_id: str, verdicts: Iterable[Verdict], *, asked_just_now: bool = True) -> None:
    """The outcomes of some files, in one transaction.

    ``already stored`` rests on the archive's MD5: proven if this run has asked for it, ``asked_just_now``.
    """
    with journal.transaction() as writing:
        writing.executemany(
            "UPDATE outcomes SET outcome = ?, reason = ?, md5 = ?, archive_id = ?, other = ?, proven = ? "
            "WHERE batch_id = ? AND file_id = ?",
            [
                (
                    verdict.outcome,
                    verdict.reason,
                    verdict.md5,
                    verdict.archive_id,
                    verdict.other,
                    asked_just_now and verdict.outcome is Outcome.ALREADY_STORED,
                    batch_id,
                    verdict.file_id,
                )
                for verdict in verdicts
            ],
        )


def unproven(journal: Journal, batch_id: str) -> Generator[Unproven, None, None]:
    """Files whose bytes should be in the archive, but whose MD5 this run has not read back."""
    found = journal.stream(
        "SELECT file_id, archive_id, md5 FROM outcomes WHERE batch_id = ? AND proven = 0 "
        "AND outcome IN ('stored', 'duplicate', 'already stored')",
        batch_id,
    )
    return (Unproven(row["file_id"], row["archive_id"], row["md5"]) for row in found)


def held(journal: Journal, batch_id: str) -> Generator[Held, None, None]:
    """Files of a batch that are in the archive by what it said."""
    return _held(journal, batch_id, "outcome IN ('stored', 'already stored', 'duplicate')")


def stored_by_others(journal: Journal, batch_id: str, archive_ids: Collection[str]) -> set[str]:
    """Those of the ids that another batch has stored since this one was made."""
    some = list(archive_ids)
    found: set[str] = set()
    for start in range(0, len(some), IDS_A_QUESTION):
        part = some[start : start + IDS_A_QUESTION]
        rows = journal.rows(
            "SELECT archive_id FROM outcomes JOIN jobs AS theirs ON theirs.job_id = batch_id "
            "JOIN jobs AS ours ON ours.job_id = ? WHERE outcome = 'stored' AND batch_id <> ours.job_id "
            "AND coalesce(theirs.finished_at, ours.created_at) >= ours.created_at "
            f"AND archive_id IN ({', '.join('?' * len(part))})",
            batch_id,
            *part,
        )
        found.update(row["archive_id"] for row in rows)
    return found


def conflicts_with_the_archive(journal: Journal, batch_id: str) -> Generator[Held, None, None]:
    """Files in conflict with what is in the archive and in no other file of the folder, and not decided about."""
    undecided = "(batch_id, file_id) NOT IN (SELECT batch_id, file_id FROM decisions)"
    return _held(journal, batch_id, f"outcome = 'conflict' AND other IS NULL AND {undecided}")


def _held(journal: Journal, batch_id: str, condition: str) -> Generator[Held, None, None]:
    found = journal.stream(
        "SELECT file_id, outcomes.archive_id AS archive_id, outcomes.md5 AS md5, transfer_syntax_uid, "
        "outcomes.reason AS reason "
        f"FROM outcomes JOIN files USING (file_id) WHERE batch_id = ? AND {condition} "
        "AND outcomes.archive_id IS NOT NULL ORDER BY outcomes.archive_id",
        batch_id,
    )
    return (
        Held(row["file_id"], row["archive_id"], row["md5"], row["transfer_syntax_uid"] or "", row["reason"])
        for row in found
    )


def doubt(journal: Journal, batch_id: str) -> None:
    """What a former run has proven may have changed since: this run reads it back again."""
    with journal.transaction() as writing:
        writing.execute("UPDATE outcomes SET proven = 0 WHERE batch_id = ? AND proven = 1", (batch_id,))


def forget_the_archive(journal: Journal, batch_id: str) -> None:
    """Everything that an archive has said of the files of a batch is pending again: it goes to another one."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE outcomes SET outcome = 'pending', reason = '', archive_id = NULL, other = NULL, proven = 0 "
            "WHERE batch_id = ? AND outcome IN "
            "('stored', 'already stored', 'duplicate', 'conflict', 'rejected', 'quarantined')",
            (batch_id,),
        )
        writing.execute("DELETE FROM decisions WHERE batch_id = ?", (batch_id,))


def reconsider_conflicts(journal: Journal, batch_id: str) -> None:
    """Conflicts that nobody has decided about are pending again: the archive may hold something else by now."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE outcomes SET outcome = 'pending', reason = '', other = NULL WHERE batch_id = ? "
            "AND outcome = 'conflict' AND file_id NOT IN (SELECT file_id FROM decisions WHERE batch_id = ?)",
            (batch_id, batch_id),
        )


def reconsider_lost(journal: Journal, batch_id: str) -> None:
    """Files that were gone or closed are pending again: they may be back."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE outcomes SET outcome = 'pending', reason = '' WHERE batch_id = ? "
            "AND outcome IN ('vanished', 'unreadable') AND file_id IN (SELECT file_id FROM files WHERE kind = 'DICOM')",
            (batch_id,),
        )


def lose(journal: Journal, batch_id: str, file_ids: Iterable[int], reason: str) -> int:
    """These files are not in the archive any more: pending. Returns how many of the batch that is true of by now."""
    with journal.transaction() as writing:
        writing.executemany(
            "UPDATE outcomes SET outcome = 'pending', reason = ?, archive_id = NULL, proven = 0 "
            "WHERE batch_id = ? AND file_id = ?",
            [(reason, batch_id, file_id) for file_id in file_ids],
        )
        lost = writing.execute(
            "SELECT count(*) FROM outcomes WHERE batch_id = ? AND outcome = 'pending' AND reason = ?",
            (batch_id, reason),
        )
        return int(lost.fetchone()[0])


def mark_proven(journal: Journal, batch_id: str, file_ids: Iterable[int]) -> None:
    """The archive's MD5 of these files was read back and is the file's."""
    with journal.transaction() as writing:
        writing.executemany(
            "UPDATE outcomes SET proven = 1 WHERE batch_id = ? AND file_id = ?",
            [(batch_id, file_id) for file_id in file_ids],
        )


def name_duplicates(journal: Journal, batch_id: str, reason: str) -> None:
    """What was "already stored" only because this batch had stored the same bytes before is a duplicate."""
    with journal.transaction() as writing:
        writing.execute(
            """
            UPDATE outcomes SET outcome = 'duplicate', reason = :reason
            WHERE batch_id = :batch AND outcome = 'already stored' AND (archive_id, md5) IN
                (SELECT archive_id, md5 FROM outcomes WHERE batch_id = :batch AND outcome = 'stored')
            """,
            {"batch": batch_id, "reason": reason},
        )


def reopen_failed(journal: Journal, batch_id: str) -> int:
    """Make what was refused, unreadable or vanished pending again; returns how many files."""
    with journal.transaction() as writing:
        reopened = writing.execute(
            "UPDATE outcomes SET outcome = 'pending', reason = '', md5 = NULL WHERE batch_id = ? "
            "AND outcome IN ('rejected', 'quarantined', 'unreadable', 'vanished') "
            "AND file_id IN (SELECT file_id FROM files WHERE kind = 'DICOM')",
            (batch_id,),
        )
        return reopened.rowcount


def settled(journal: Journal, batch_id: str) -> tuple[int, int]:
    """Files of a batch that are no longer pending, and their bytes."""
    found = journal.rows(
        "SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM outcomes JOIN files USING (file_id) "
        "WHERE batch_id = ? AND outcome <> 'pending'",
        batch_id,
    )[0]
    return found["files"], found["bytes"]


def counts(journal: Journal, batch_id: str) -> dict[str, int]:
    """Files by outcome, in the order in which a report names them; their sum is the files found."""
    found = journal.rows(
        "SELECT outcome, count(*) AS files FROM outcomes WHERE batch_id = ? GROUP BY outcome", batch_id
    )
    by_word = {row["outcome"]: row["files"] for row in found}
    return {word.value: by_word[word] for word in Outcome if word in by_word}
