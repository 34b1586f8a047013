"""Changing the cache: each function is one step inside a transaction of the writer (``Cache.write``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas
from duckdb import DuckDBPyConnection

from dicomcore.cache.rows import TABLES, rows_of
from dicomcore.model import ArchiveCounts, Described


@dataclass(frozen=True, slots=True)
class SyncState:
    """Which archive the cache is a copy of and up to which of its changes.

    ``complete``: the first listing was seen to its end. ``synced``: when the last sync ended, UTC.
    """

    archive_key: str
    cursor: int
    complete: bool
    synced: datetime | None = None


def sync_state(connection: DuckDBPyConnection) -> SyncState | None:
    """Where the last sync got to; None for a new cache."""
    row = connection.execute("SELECT archive_key, cursor, complete, synced FROM sync_state").fetchone()
    return SyncState(*row) if row else None


def begin(connection: DuckDBPyConnection, archive_key: str, cursor: int) -> None:
    """Empty the cache and note which archive it is about to be filled from."""
    for table in (*TABLES, "cached_keywords", "sync_state"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("INSERT INTO sync_state VALUES (?, ?, false, NULL)", [archive_key, cursor])


def in_step(connection: DuckDBPyConnection) -> None:
    """A sync ended just now."""
    connection.execute("UPDATE sync_state SET synced = ?", [datetime.now(UTC).replace(tzinfo=None)])


def counts(connection: DuckDBPyConnection) -> ArchiveCounts:
    """How much the cache holds."""
    sql = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
    patients, studies, series, instances = connection.execute(sql).fetchall()[0]
    return ArchiveCounts(patients=patients, studies=studies, series=series, instances=instances)


def put(connection: DuckDBPyConnection, described: Described, cursor: int | None = None) -> int:
    """Add the instances and what they belong to, in place of what stood under the same ids.

    ``cursor``: with them, all changes up to there are in. Returns how many instances are new.
    """
    added = 0
    if described.instances:
        for table, rows in rows_of(described).items():
            added = _replace(connection, table, rows)  # the instances come last
        _recount(connection, _ids([series.id for series in described.series]))
    if cursor is not None:
        connection.execute("UPDATE sync_state SET cursor = ?", [cursor])
    return added


def start_listing(connection: DuckDBPyConnection) -> None:
    """Begin to note what the archive lists, in a table of the writer's connection only."""
    connection.execute("CREATE OR REPLACE TEMP TABLE listed (id VARCHAR)")


def note_listed(connection: DuckDBPyConnection, ids: Sequence[str]) -> None:
    """The archive has these instances."""
    _append(connection, "listed", _ids(ids))


def drop_unlisted(connection: DuckDBPyConnection) -> int:
    """Take out the instances that the archive did not list, and parents left empty. Returns how many."""
    unlisted = "id NOT IN (SELECT id FROM listed)"
    touched = connection.execute(f"SELECT DISTINCT series AS id FROM cached_instances WHERE {unlisted}").df()
    dropped = _changed(connection, f"DELETE FROM cached_instances WHERE {unlisted}")
    if dropped:
        _recount(connection, touched)
    return dropped


def number_missing(connection: DuckDBPyConnection) -> int:
    """Number the listed instances that the cache lacks, for ``missing``. Returns how many they are."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE missing AS SELECT row_number() OVER () - 1 AS number, id "
        "FROM (SELECT DISTINCT id FROM listed ANTI JOIN cached_instances USING (id))"
    )
    return int(connection.execute("SELECT count(*) FROM missing").fetchall()[0][0])


def missing(connection: DuckDBPyConnection, start: int, limit: int) -> list[str]:
    """The ids numbered ``start`` up to ``start + limit``."""
    rows = connection.execute(
        "SELECT id FROM missing WHERE number >= ? AND number < ? ORDER BY number", [start, start + limit]
    )
    return [instance for (instance,) in rows.fetchall()]


def end_listing(connection: DuckDBPyConnection) -> None:
    """All that the archive listed is in: forget the list."""
    connection.execute("UPDATE sync_state SET complete = true; DROP TABLE listed; DROP TABLE missing")


def _replace(connection: DuckDBPyConnection, table: str, rows: pandas.DataFrame) -> int:
    """Put rows in place of those with the same ids. Returns how many rows the table gained."""
    with _incoming(connection, rows):
        gone = _changed(connection, f"DELETE FROM {table} WHERE id IN (SELECT id FROM incoming)")
        come = _changed(connection, f"INSERT INTO {table} BY NAME SELECT DISTINCT ON (id) * FROM incoming")
    return come - gone


def _append(connection: DuckDBPyConnection, table: str, rows: pandas.DataFrame) -> None:
    with _incoming(connection, rows):
        connection.execute(f"INSERT INTO {table} SELECT * FROM incoming")


@contextmanager
def _incoming(connection: DuckDBPyConnection, rows: pandas.DataFrame) -> Iterator[None]:
    """The frame as a table ``incoming``: the fast way into DuckDB, where ``executemany`` takes seconds."""
    connection.register("incoming", rows)
    try:
        yield
    finally:
        connection.unregister("incoming")


def _ids(ids: Sequence[str]) -> pandas.DataFrame:
    return pandas.DataFrame({"id": ids}, dtype="str")


def _changed(connection: DuckDBPyConnection, sql: str) -> int:
    """Run a change and return the number of its rows."""
    return int(connection.execute(sql).fetchall()[0][0])


def _recount(connection: DuckDBPyConnection, series: pandas.DataFrame) -> None:
    """Count anew what these series and their parents hold, and remove what holds nothing."""
    connection.execute("CREATE OR REPLACE TEMP TABLE touched_series (id VARCHAR)")
    _append(connection, "touched_series", series)
    connection.execute(RECOUNT)


ALL_WORDS = """
    concat_ws(chr(10), string_split(study.search_text, chr(10))[1], string_split(study.search_text, chr(10))[2],
              ' ' || replace(lower(study.modalities), ',', ' ') || ' ', patient.search_text)
"""
"""A search looks at studies alone: a study's own two lines, then its modalities and the words of its patient."""

RECOUNT = f"""
CREATE OR REPLACE TEMP TABLE touched_studies AS
    SELECT DISTINCT study AS id FROM cached_series WHERE id IN (SELECT id FROM touched_series);
CREATE OR REPLACE TEMP TABLE touched_patients AS
    SELECT DISTINCT patient AS id FROM cached_studies WHERE id IN (SELECT id FROM touched_studies);

UPDATE cached_series SET instances = held.instances, bytes = held.bytes
FROM (SELECT touched.id, count(child.id) AS instances, coalesce(sum(child.size), 0) AS bytes
      FROM touched_series AS touched LEFT JOIN cached_instances AS child ON child.series = touched.id
      GROUP BY touched.id) AS held
WHERE cached_series.id = held.id;
DELETE FROM cached_series WHERE instances = 0;
DELETE FROM cached_keywords WHERE series IN (SELECT id FROM touched_series);

UPDATE cached_studies
SET series = held.series, instances = held.instances, bytes = held.bytes, modalities = held.modalities
FROM (SELECT touched.id, count(child.id) AS series, coalesce(sum(child.instances), 0) AS instances,
             coalesce(sum(child.bytes), 0) AS bytes,
             coalesce(string_agg(DISTINCT child.modality, ', ' ORDER BY child.modality)
                      FILTER (child.modality <> ''), '') AS modalities
      FROM touched_studies AS touched LEFT JOIN cached_series AS child ON child.study = touched.id
      GROUP BY touched.id) AS held
WHERE cached_studies.id = held.id;
DELETE FROM cached_studies WHERE series = 0;

UPDATE cached_patients SET studies = held.studies, last_study_date = held.last_study_date
FROM (SELECT touched.id, count(child.id) AS studies, max(child.study_date) AS last_study_date
      FROM touched_patients AS touched LEFT JOIN cached_studies AS child ON child.patient = touched.id
      GROUP BY touched.id) AS held
WHERE cached_patients.id = held.id;
DELETE FROM cached_patients WHERE studies = 0;

UPDATE cached_studies AS study
SET patient_name = patient.patient_name, patient_id = patient.patient_id, search_text = {ALL_WORDS}
FROM cached_patients AS patient
WHERE study.patient = patient.id AND patient.id IN (SELECT id FROM touched_patients)
  AND (study.patient_name, study.patient_id, study.search_text) IS DISTINCT FROM
      (patient.patient_name, patient.patient_id, {ALL_WORDS});
"""
