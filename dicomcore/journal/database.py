"""The journal's SQLite file: opening it, bringing its schema up to date, transactions.

Several processes use it at once (the app, workers, the command line): WAL, one connection per thread, short
transactions that wait for each other.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from dicomcore.errors import NewerSchema, StoreError
from dicomcore.remedies import cause_of

WAIT_SECONDS = 60.0


class Journal:
    """An open journal. Raises ``NewerSchema``, or ``StoreError`` where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._here = threading.local()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # patient names: for its owner only, and what SQLite puts beside it too
            _migrate(self._connection())
        except (OSError, sqlite3.Error) as error:
            raise _unusable(path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: all of it is kept, or nothing. Within another one it is a part of that."""
        connection = self._connection()
        if connection.in_transaction:
            yield connection
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    def rows(self, question: str, *values: Any) -> list[sqlite3.Row]:
        """All rows that answer a SELECT."""
        try:
            return self._connection().execute(question, values).fetchall()
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    def stream(self, question: str, *values: Any) -> Iterator[sqlite3.Row]:
        """The rows one by one, over a connection of its own: writes meanwhile neither disturb nor show."""
        try:
            # Whoever gives up reading half-way may leave it to another thread to close this.
            with closing(self._connect(one_thread=False)) as connection:
                yield from connection.execute(question, values)
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    def close(self) -> None:
        """Close this thread's connection."""
        if hasattr(self._here, "connection"):
            self._here.connection.close()
            del self._here.connection

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._here, "connection"):
            self._here.connection = self._connect()
        connection = self._here.connection
        assert isinstance(connection, sqlite3.Connection)
        return connection

    def _connect(self, *, one_thread: bool = True) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=one_thread
        )
        connection.row_factory = sqlite3.Row
        connection.create_function("cause_of", 2, _cause, deterministic=True)
        connection.create_function("whole_path", 2, os.path.join, deterministic=True)
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection


def _cause(outcome: str, reason: str) -> str:
    """``cause_of`` in SQL: files are grouped by the cause of their trouble where they lie."""
    return cause_of(outcome, reason).key


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing, each file in one transaction with its record; safe when two processes start at once."""
    connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, name TEXT)")
    schema = sorted((Path(__file__).parent / "schema").glob("*.sql"))
    newest = int(schema[-1].name[:3])
    if connection.execute("SELECT max(number) > ? FROM schema_migrations", (newest,)).fetchone()[0]:
        raise NewerSchema(
            "This journal was written by a newer version of DICOM Viewer Pro. Start that version, "
            "or point DVP_DATA_DIR at another folder."
        )
    connection.execute("PRAGMA foreign_keys = OFF")  # else a table that is made anew would take others with it
    for file in schema:
        number = int(file.name[:3])
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT 1 FROM schema_migrations WHERE number = ?", (number,)).fetchone():
            for statement in _statements(file.read_text("utf-8")):
                connection.execute(statement)
            connection.execute("INSERT INTO schema_migrations VALUES (?, ?)", (number, file.name))
        connection.execute("COMMIT")
    connection.execute("PRAGMA foreign_keys = ON")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one; that of a trigger holds others."""
    statement = ""
    for line in re.sub(r"--.*", "", script).splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _unusable(path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"The journal {path} cannot be used: {error}. Check that the disk has room and that the folder is ours to "
        "write. Never delete the journal: it holds what became of every file."
    )
