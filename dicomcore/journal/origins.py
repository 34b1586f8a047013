"""Where an instance in the archive came from: every file that an import brought or found there."""

from __future__ import annotations

from collections.abc import Collection
from sqlite3 import Row

from dicomcore.journal.database import Journal

IDS_A_QUERY = 500

_FROM = """
    FROM outcomes
    JOIN files USING (file_id)
    JOIN batches USING (batch_id)
    JOIN scans ON scans.scan_id = batches.scan_id
    JOIN jobs ON jobs.job_id = batches.batch_id
    WHERE jobs.kind = 'import' AND batches.archive_key = ?
"""


def of_instances(journal: Journal, archive_key: str, archive_ids: Collection[str]) -> list[Row]:
    """root, path, batch_id, created_by, created_at, outcome, md5, archive_id; the newest import first."""
    wanted, rows = list(archive_ids), list[Row]()
    for start in range(0, len(wanted), IDS_A_QUERY):
        some = wanted[start : start + IDS_A_QUERY]
        rows += journal.rows(
            "SELECT scans.root AS root, files.path AS path, batches.batch_id AS batch_id, created_by, created_at, "
            f"outcome, outcomes.md5 AS md5, outcomes.archive_id AS archive_id {_FROM} "
            f"AND outcomes.archive_id IN ({', '.join('?' * len(some))}) ORDER BY created_at DESC, files.path",
            archive_key,
            *some,
        )
    return rows


def ids_of(journal: Journal, archive_key: str, sop_instance_uid: str) -> list[str]:
    """The archive's ids of the instances with this SOP Instance UID, as imports were told them."""
    found = journal.rows(
        f"SELECT DISTINCT outcomes.archive_id AS id {_FROM} AND outcomes.archive_id IS NOT NULL "
        "AND files.sop_instance_uid = ?",
        archive_key,
        sop_instance_uid,
    )
    return [row["id"] for row in found]
