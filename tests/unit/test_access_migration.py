"""A journal from before there were users: it keeps all that it holds, and its audit stays as it is from then on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dicomcore.errors import StoreError
from dicomcore.journal import audit, database
from dicomcore.journal.database import Journal

SCHEMA = Path(database.__file__).parent / "schema"
BEFORE = [file for file in sorted(SCHEMA.glob("*.sql")) if file.name < "003"]
HELD = """
INSERT INTO jobs (job_id, kind, status, created_at, total) VALUES ('S1', 'scan', 'finished', 1.5, 2);
INSERT INTO audit (at, who, action, about, detail) VALUES
    (1.5, 'root', 'replace', 'B1', '{"archive_id": "id1"}'), (2.5, 'root', 'restore', 'B1', '{}');
"""


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """One of the second version, opened with this one."""
    file = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(file)) as old:
        old.executescript("CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT);")
        for number, schema in enumerate(BEFORE, 1):
            old.executescript(schema.read_text("utf-8"))
            old.execute("INSERT INTO schema_migrations VALUES (?, ?)", (number, schema.name))
        old.executescript(HELD)
        old.commit()
    return Journal(file)


def test_jobs_and_audit_are_kept_and_there_is_no_user_yet(journal: Journal) -> None:
    kept = [tuple(row)[:6] for row in reversed(audit.newest(journal))]
    assert kept == [
        (1, 1.5, "root", "replace", "B1", '{"archive_id": "id1"}'),
        (2, 2.5, "root", "restore", "B1", "{}"),
    ]
    assert [row["job_id"] for row in journal.rows("SELECT * FROM jobs")] == ["S1"]
    for table in ("users", "sessions", "tokens", "failed_sign_ins", "first_links", "projects"):
        assert journal.rows(f"SELECT * FROM {table}") == []
    assert journal.rows("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'somebody else' WHERE audit_id = 1",
        "UPDATE audit SET hash = 'another'",
        "DELETE FROM audit WHERE audit_id = 2",
        "DELETE FROM audit",
    ],
)
def test_the_audit_is_added_to_and_never_changed(journal: Journal, statement: str) -> None:
    before = [tuple(row) for row in audit.newest(journal)]
    with pytest.raises(StoreError, match="the audit is not"), journal.transaction() as writing:
        writing.execute(statement)
    audit.note(journal, "anna", "sign in", "anna")
    assert [tuple(row) for row in audit.newest(journal)][1:] == before


def test_sessions_and_tokens_go_with_their_user(journal: Journal) -> None:
    with journal.transaction() as writing:
        writing.execute("INSERT INTO users (name, folded, role, created_at) VALUES ('Anna', 'anna', 'admin', 0)")
        writing.execute("INSERT INTO sessions VALUES ('digest', 1, 0, 0)")
        writing.execute("DELETE FROM users")
    assert journal.rows("SELECT * FROM sessions") == []
