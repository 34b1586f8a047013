"""A journal of an earlier version keeps all that it holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dicomcore.journal import asked_sql, database, jobs, outcomes, saved_cohorts, saved_filters
from dicomcore.journal.database import Journal
from dicomcore.model import Selection, Status

SCHEMA = Path(database.__file__).parent / "schema"
FIRST = (SCHEMA / "001_scans_and_batches.sql").read_text("utf-8")
HELD = """
INSERT INTO jobs (job_id, kind, status, created_at, total) VALUES ('S1', 'scan', 'finished', 1.5, 2);
INSERT INTO jobs (job_id, kind, status, created_at, counts) VALUES ('B1', 'import', 'failed', 2.5, '{"stored": 1}');
INSERT INTO scans (scan_id, root, recursive, follow_links, compare, scan_seconds) VALUES ('S1', X'2F64', 1, 0, 1, 0.5);
INSERT INTO files (file_id, scan_id, path, folder, size, mtime_ns, inode, kind)
    VALUES (1, 'S1', X'61', X'', 10, 20, 30, 'DICOM'), (2, 'S1', X'62', X'', 10, 20, 31, 'DICOM');
INSERT INTO batches (batch_id, scan_id, archive_key) VALUES ('B1', 'S1', 'folder:/a');
INSERT INTO outcomes (batch_id, file_id, outcome, md5, archive_id, proven)
    VALUES ('B1', 1, 'stored', 'abc', 'id1', 1), ('B1', 2, 'pending', NULL, NULL, 0);
INSERT INTO receipts VALUES ('folder:/a', X'2F642F61', 10, 20, 30, 'abc', 'id1');
"""


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    file = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(file)) as old:
        old.executescript("CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT);")
        old.executescript(f"{FIRST} INSERT INTO schema_migrations VALUES (1, '001_scans_and_batches.sql'); {HELD}")
    return file


def test_a_journal_of_the_first_version_keeps_its_jobs_files_outcomes_and_receipts(first_version: Path) -> None:
    journal = Journal(first_version)
    assert jobs.job(journal, "B1").status is Status.FAILED
    assert jobs.job(journal, "S1").total == 2
    assert outcomes.counts(journal, "B1") == {"stored": 1, "pending": 1}
    assert jobs.is_compared(journal, "B1", "folder:/a")
    assert len(journal.rows("SELECT * FROM receipts")) == 1
    assert journal.rows("PRAGMA foreign_key_check") == []


def test_what_belongs_to_a_job_still_goes_with_it(first_version: Path) -> None:
    journal = Journal(first_version)
    with journal.transaction() as writing:
        writing.execute("DELETE FROM jobs WHERE job_id = 'B1'")
    assert journal.rows("SELECT * FROM outcomes") == []
    assert len(journal.rows("SELECT * FROM files")) == 2


def test_an_old_journal_can_do_what_is_new(first_version: Path) -> None:
    journal = Journal(first_version)
    verification = jobs.create_batch(journal, "S1", Selection(), kind="verify")
    jobs.pause(journal, verification)
    assert jobs.wanted(journal, verification) == "pause"
    assert Journal(first_version).rows("SELECT count(*) AS n FROM schema_migrations")[0]["n"] == len(
        list(SCHEMA.glob("*.sql"))
    )


def test_a_cohort_saved_before_it_could_be_seen_to_grow_is_kept(tmp_path: Path) -> None:
    """One of the fourth version: what the cohort held then is not known."""
    file = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(file)) as old:
        old.executescript("CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT);")
        for number, schema in enumerate(sorted(SCHEMA.glob("00[1-4]_*.sql")), 1):
            old.executescript(schema.read_text("utf-8"))
            old.execute("INSERT INTO schema_migrations VALUES (?, ?)", (number, schema.name))
        old.execute("INSERT INTO saved_cohorts VALUES ('ada', 'CT', '[\"series.modality:is:CT\"]', 3, 1.5)")
        old.commit()
    journal = Journal(file)
    (kept,) = saved_cohorts.of_user(journal, "ada")
    assert (kept.name, kept.conditions, kept.studies, kept.saved_at) == ("CT", ("series.modality:is:CT",), 3, 1.5)
    assert (kept.members, kept.looked_at) == (None, None)
    assert saved_filters.of_user(journal, "ada") == {}
    assert asked_sql.of_user(journal, "ada") == []
