"""Other people's SQL: one SELECT over copies of the cached tables, in a child process that can do no harm.

A read-only connection is not enough: ``COPY … TO`` can overwrite even the attached file. So the tables that
the text names are written as Parquet into a private folder; the child reads them into memory, gives up all
access to the outside, and only then looks at the text. It is watched for time and memory. What a lens hides is
never written there.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas
from duckdb import DuckDBPyConnection

from dicomcore.cache.database import Cache
from dicomcore.cache.lens import Lens, seen_through
from dicomcore.cache.rows import TABLES
from dicomcore.errors import ChildDied, SqlRefused
from dicomcore.watched import WatchedChild

SECONDS = 30.0
MEMORY_BYTES = 2_000_000_000
ANSWER_BYTES = 100_000_000
"""How large an answer may be in memory: a few cells can hold gigabytes."""

LOCKDOWN = """
SET python_enable_replacements = false;
SET temp_directory = '';
SET secret_directory = 'nowhere';
SET extension_directory = 'nowhere';
SET autoinstall_known_extensions = false;
SET autoload_known_extensions = false;
SET enable_external_access = false;
SET lock_configuration = true;
BEGIN TRANSACTION READ ONLY;
"""
"""After this nothing reaches a file, the network, a Python variable or a setting, and no setting or message tells
where the program lives. DuckDB takes ``WITH … AS
(INSERT …)`` for a SELECT: the read-only transaction refuses it, though it would only change a copy."""


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    rows: int
    folder: Path
    memory_bytes: int


def run_sql(
    cache: Cache,
    text: str,
    *,
    lens: Lens | None = None,
    rows: int = 10_000,
    seconds: float = SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> pandas.DataFrame:
    """The first ``rows`` rows of one SELECT over ``cached_patients``, ``cached_studies``, … as a DataFrame.

    The short names, ``patients`` and so on, will do. With a ``lens`` the tables are what it shows, in the order of
    their ids, since the order in which the archive got its patients tells something too. ``frame.attrs["more"]`` tells
    whether there were more. Raises ``SqlRefused`` with the reason when the text is anything but one SELECT, is wrong,
    or needs more than ``seconds`` or ``memory_bytes``.
    """
    with tempfile.TemporaryDirectory(dir=cache.path.parent, prefix="sql-") as folder:
        cache.ask(_export, text, Path(folder), lens)
        question = _Question(text, rows, Path(folder), memory_bytes)
        try:
            with WatchedChild(_answer, seconds=seconds, memory_bytes=memory_bytes, recycle_after=1) as child:
                return child(question)
        except ChildDied as error:
            raise SqlRefused(f"The query did not get to its end. {error} Ask for less at once.") from error


def schema(cache: Cache) -> pandas.DataFrame:
    """What can be asked for: table (by its short name), column, type; in the order of the tables."""
    told = {table: cache.read(f"DESCRIBE SELECT {_columns(table)} FROM {table}") for table in TABLES}
    columns = [one.assign(table=_short(table)) for table, one in told.items()]
    names = {"column_name": "column", "column_type": "type"}
    return pandas.concat(columns, ignore_index=True).rename(columns=names)[["table", "column", "type"]]


def _export(connection: DuckDBPyConnection, text: str, folder: Path, lens: Lens | None) -> None:
    """Tables that the text names with their rows, the others empty: a copy of a million rows takes its time.

    The short name will do. ``query`` and ``query_table`` can name a table in pieces: then all come with their rows.
    """
    lowered = text.lower()
    for table in TABLES:
        order = "ORDER BY id" if lens else ""
        rows = order if _short(table) in lowered or "query" in lowered else "LIMIT 0"
        select, values = seen_through(lens, f"SELECT {_columns(table)} FROM {table} {rows}")
        connection.execute(f"COPY ({select}) TO '{_file(folder, table)}'", values)


def _short(table: str) -> str:
    """``patients`` for ``cached_patients``: both names are understood."""
    return table.removeprefix("cached_")


def _columns(table: str) -> str:
    """The text of the search is no pleasure to read."""
    return "* EXCLUDE (search_text)" if table in ("cached_patients", "cached_studies") else "*"


def _file(folder: Path, table: str) -> str:
    """As it stands in an SQL string."""
    return str(folder / f"{table}.parquet").replace("'", "''")


def _answer(question: _Question) -> pandas.DataFrame:
    """Runs in the child."""
    with duckdb.connect(":memory:", config={"memory_limit": f"{question.memory_bytes // 2}B"}) as connection:
        for table in TABLES:
            connection.execute(f"CREATE TABLE {table} AS FROM '{_file(question.folder, table)}'")
            connection.execute(f"CREATE VIEW {_short(table)} AS FROM {table}")
        connection.execute(LOCKDOWN)
        try:
            return _selected(connection, question)
        except duckdb.Error as error:
            raise SqlRefused(f"The query cannot be answered: {error}") from error


def _selected(connection: DuckDBPyConnection, question: _Question) -> pandas.DataFrame:
    statements = connection.extract_statements(question.text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SqlRefused("Only one SELECT at a time is answered here, and nothing that changes anything.")
    frame: pandas.DataFrame = connection.sql(statements[0].query).limit(question.rows + 1).df()
    if frame.memory_usage(deep=True).sum() > ANSWER_BYTES:
        raise SqlRefused(f"The answer is larger than {ANSWER_BYTES / 1e6:.0f} MB. Ask for fewer columns or rows.")
    answer = frame.head(question.rows)
    answer.attrs["more"] = len(frame) > question.rows
    return answer
