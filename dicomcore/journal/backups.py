"""The backup of a batch: each study of it, and why it failed where it did."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any

from dicomcore.journal.database import Journal

CHANGED = "The archive's version has changed since, by a person's decision. Back up again."


@dataclass(frozen=True, slots=True)
class StudyBackup:
    """One study of a batch. ``file`` lies below the backup folder; ``sha256`` is that of its manifest.

    ``problem`` is empty where the file was read back and compared.
    """

    study: str
    study_instance_uid: str
    file: str = ""
    instances: int = 0
    bytes: int = 0
    sha256: str = ""
    problem: str = ""


def is_wanted(journal: Journal, batch_id: str) -> bool:
    """Whether the studies of a batch are to be backed up, if there is a backup folder."""
    return bool(journal.rows("SELECT 1 FROM batches WHERE batch_id = ? AND auto_backup", batch_id))


def is_all_that_is_left(journal: Journal, batch_id: str) -> bool:
    """Whether everything of a batch is done but its backup."""
    return bool(
        journal.rows(
            "SELECT 1 FROM batches WHERE batch_id = ? AND only_backup_left AND NOT EXISTS "
            "(SELECT 1 FROM outcomes WHERE outcomes.batch_id = batches.batch_id AND outcome = 'pending')",
            batch_id,
        )
    )


def begin(journal: Journal, batch_id: str, problem: str) -> None:
    """All but the backup is done. ``problem`` holds until ``end``: a backup that is cut off never looks well."""
    _update_batch(journal, batch_id, only_backup_left=1, backup_problem=problem)


def end(journal: Journal, batch_id: str, problem: str) -> None:
    """The backup is over; ``problem`` says why it failed as a whole, empty where it did not."""
    _update_batch(journal, batch_id, only_backup_left=0, backup_problem=problem)


def ask_again(journal: Journal, batch_id: str, problem: str) -> None:
    """Queue a batch that is over once more, for its backup alone. ``problem`` holds until ``end``."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE batches SET only_backup_left = 1, auto_backup = 1, backup_problem = ?, "
            "seconds_before = seconds_before + "
            "(SELECT coalesce(finished_at - started_at, 0) FROM jobs WHERE job_id = batch_id) WHERE batch_id = ?",
            (problem, batch_id),
        )
        writing.execute(
            "UPDATE jobs SET status = 'queued', wanted = 'run', message = '', started_at = NULL, finished_at = NULL "
            "WHERE job_id = ?",
            (batch_id,),
        )


def doubt(writing: Connection, batch_id: str, file_id: int, archive_key: str) -> None:
    """A file of a batch has replaced the archive's version: what was backed up of its study is not what is there."""
    writing.execute(
        "UPDATE backups SET problem = ? "
        "WHERE study_instance_uid = (SELECT study_instance_uid FROM files WHERE file_id = ?) "
        "AND batch_id IN (SELECT batch_id FROM batches WHERE archive_key = ?)",
        (CHANGED, file_id, archive_key),
    )
    writing.execute(
        "UPDATE batches SET backup_problem = ?1 "
        "WHERE batch_id IN (SELECT batch_id FROM backups WHERE batch_id = ?2 OR problem = ?1)",
        (CHANGED, batch_id),
    )


def write(journal: Journal, batch_id: str, studies: Iterable[StudyBackup]) -> None:
    """What became of some studies, in one transaction; the last word on each counts."""
    now = time.time()
    with journal.transaction() as writing:
        writing.executemany(
            "INSERT OR REPLACE INTO backups (batch_id, study, study_instance_uid, file, instances, bytes, sha256, "
            "problem, finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    batch_id,
                    study.study,
                    study.study_instance_uid,
                    study.file,
                    study.instances,
                    study.bytes,
                    study.sha256,
                    study.problem,
                    now,
                )
                for study in studies
            ],
        )


def of_batch(journal: Journal, batch_id: str) -> list[Row]:
    """study, study_instance_uid, file, instances, bytes, sha256, finished_at, problem; what failed comes first."""
    return journal.rows(
        "SELECT * FROM backups WHERE batch_id = ? ORDER BY problem = '', study_instance_uid, study", batch_id
    )


def summary(journal: Journal, batch_id: str) -> dict[str, Any]:
    """studies, instances and bytes that are backed up, studies that failed, and why it failed as a whole."""
    found = journal.rows(
        "SELECT coalesce(sum(problem = ''), 0) AS studies, "
        "coalesce(sum(instances) FILTER (WHERE problem = ''), 0) AS instances, "
        "coalesce(sum(bytes) FILTER (WHERE problem = ''), 0) AS bytes, "
        "coalesce(sum(problem <> ''), 0) AS failed, "
        "(SELECT backup_problem FROM batches WHERE batch_id = ?1) AS problem FROM backups WHERE batch_id = ?1",
        batch_id,
    )[0]
    return {name: found[name] or ("" if name == "problem" else 0) for name in found.keys()}  # noqa: SIM118


def is_trouble(summary: Mapping[str, Any] | None) -> bool:
    """Whether the backup of a batch is not what it should be."""
    return bool(summary and (summary["failed"] or summary["problem"]))


def _update_batch(journal: Journal, batch_id: str, **columns: Any) -> None:
    names = ", ".join(f"{name} = ?" for name in columns)
    with journal.transaction() as writing:
        writing.execute(f"UPDATE batches SET {names} WHERE batch_id = ?", (*columns.values(), batch_id))
