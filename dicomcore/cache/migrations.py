"""The schema of the cache: numbered files that never change, each applied once."""

from __future__ import annotations

from pathlib import Path

from duckdb import DuckDBPyConnection

from dicomcore.errors import NewerSchema

SCHEMA = Path(__file__).parent / "schema"


def migrate(connection: DuckDBPyConnection, folder: Path = SCHEMA) -> None:
    """Apply the files that this database does not have yet, each with its record in one transaction.

    Raises ``NewerSchema`` when the database has one that we do not know.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER, name VARCHAR, applied TIMESTAMP)"
    )
    files = {_version(file): file for file in sorted(folder.glob("*.sql"))}
    applied = {row[0] for row in connection.execute("SELECT version FROM schema_migrations").fetchall()}
    if unknown := applied - set(files):
        raise NewerSchema(
            f"The cache was made by a newer version of this program (schema {max(unknown)}, known up to "
            f"{max(files, default=0)}). Update the program, or delete the cache and press Refresh."
        )
    for version in sorted(set(files) - applied):
        _apply(connection, version, files[version])


def _version(file: Path) -> int:
    return int(file.name.split("_")[0])


def _apply(connection: DuckDBPyConnection, version: int, file: Path) -> None:
    connection.execute("BEGIN")
    try:
        connection.execute(file.read_text("utf-8"))
        connection.execute(
            "INSERT INTO schema_migrations VALUES (?, ?, now() AT TIME ZONE 'UTC')", [version, file.name]
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
