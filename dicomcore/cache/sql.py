"""Other people's SQL: one SELECT over copies of the cached tables, in a child process that can do no harm.

A read-only connection to the cache is not enough: ``COPY … TO`` can overwrite even the attached file. So the child
gets copies of the tables that the text names (``cache/copies.py``), attaches them read-only, gives up all access to
the outside, and only then looks at the text. It is watched for time and memory. What a lens hides is in no copy.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas
from duckdb import DuckDBPyConnection

from dicomcore.cache.copies import ALL as TABLES
from dicomcore.cache.copies import columns, hand_out
from dicomcore.cache.database import Cache
from dicomcore.cache.lens import Lens
from dicomcore.errors import ChildDied, SqlRefused
from dicomcore.watched import WatchedChild

SECONDS = 30.0
MEMORY_BYTES = 2_000_000_000
ANSWER_BYTES = 100_000_000
"""How large an answer may be in memory: a few cells can hold gigabytes."""

LOCKDOWN = """
SET python_enable_replacements = false;
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
class _Naming:
    """Which tables does this text name?"""

    text: str


@dataclass(frozen=True, slots=True)
class _Question:
    """``empty``: the columns and types of the tables that are not named, so not in ``folder``."""

    text: str
    rows: int
    folder: Path
    empty: Mapping[str, str]
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

    The short names, ``patients`` and so on, will do. With a ``lens`` the tables are what it shows.
    ``frame.attrs["more"]`` tells whether there were more rows, ``frame.attrs["copied"]`` which tables had to be copied
    first. Raises ``SqlRefused`` with the reason when the text is anything but one SELECT, is wrong, or needs more than
    ``seconds`` or ``memory_bytes``.
    """
    with tempfile.TemporaryDirectory(dir=cache.path.parent, prefix="sql-") as place:
        folder = Path(place)
        try:
            with WatchedChild(_answer, seconds=seconds, memory_bytes=memory_bytes, recycle_after=2) as child:
                named = child(_Naming(text))
                copied = hand_out(cache, named, lens, folder)
                empty = {table: _types(cache, table) for table in TABLES if table not in named}
                answer: pandas.DataFrame = child(_Question(text, rows, folder, empty, memory_bytes))
        except ChildDied as error:
            raise SqlRefused(f"The query did not get to its end. {error} Ask for less at once.") from error
    answer.attrs["copied"] = copied
    return answer


def schema(cache: Cache) -> pandas.DataFrame:
    """What can be asked for: table (by its short name), column, type; in the order of the tables."""
    told = {table: _described(cache, table) for table in TABLES}
    frames = [one.assign(table=_short(table)) for table, one in told.items()]
    names = {"column_name": "column", "column_type": "type"}
    return pandas.concat(frames, ignore_index=True).rename(columns=names)[["table", "column", "type"]]


def _described(cache: Cache, table: str) -> pandas.DataFrame:
    return cache.read(f"DESCRIBE SELECT {columns(table)} FROM {table}")


def _types(cache: Cache, table: str) -> str:
    told = _described(cache, table)
    return ", ".join(f"{name} {kind}" for name, kind in zip(told["column_name"], told["column_type"], strict=True))


def _short(table: str) -> str:
    """``patients`` for ``cached_patients``: both names are understood."""
    return table.removeprefix("cached_")


def _answer(question: _Naming | _Question) -> Any:
    """Runs in the child: the names of tables, or the rows."""
    if isinstance(question, _Naming):
        return _named(question.text)
    os.chdir(question.folder)  # so that no path tells where the program lives
    try:
        with duckdb.connect(":memory:", config={"memory_limit": f"{question.memory_bytes // 2}B"}) as connection:
            _open(connection, question)
            return _selected(connection, question)
    finally:
        os.chdir("/")


def _named(text: str) -> list[str]:
    """``query`` and ``pragma_…`` name tables in pieces or as text: then all may be meant."""
    if any(word in text.lower() for word in ("query", "pragma")):
        return list(TABLES)
    try:
        with duckdb.connect(":memory:", config={"temp_directory": ""}) as connection:
            connection.execute(LOCKDOWN)  # a look at EXPORT DATABASE alone makes a folder
            found = {name.lower() for name in connection.get_table_names(text)}
    except Exception:  # what is wrong with it is said when it is asked
        return []
    return [table for table in TABLES if found & {table, _short(table)}]


def _open(connection: DuckDBPyConnection, question: _Question) -> None:
    """The named tables from their copies, the others empty; then the doors are shut."""
    connection.execute("SET temp_directory = ''")
    for table in TABLES:
        if table in question.empty:
            connection.execute(f"CREATE TABLE {table} ({question.empty[table]})")
        else:
            connection.execute(f"ATTACH '{table}.duckdb' AS {_short(table)}_copy (READ_ONLY)")
            connection.execute(f"CREATE VIEW {table} AS FROM {_short(table)}_copy.{table}")
        connection.execute(f"CREATE VIEW {_short(table)} AS FROM {table}")
    connection.execute(LOCKDOWN)


def _selected(connection: DuckDBPyConnection, question: _Question) -> pandas.DataFrame:
    try:
        return _first_rows(connection, question)
    except duckdb.Error as error:
        raise SqlRefused(in_plain_words(error)) from error


def _first_rows(connection: DuckDBPyConnection, question: _Question) -> pandas.DataFrame:
    statements = connection.extract_statements(question.text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SqlRefused("Only one SELECT at a time is answered here, and nothing that changes anything.")
    frame: pandas.DataFrame = connection.sql(statements[0].query).limit(question.rows + 1).df()
    if frame.memory_usage(deep=True).sum() > ANSWER_BYTES:
        raise SqlRefused(f"The answer is larger than {ANSWER_BYTES / 1e6:.0f} MB. Ask for fewer columns or rows.")
    answer = _without_the_place(frame.head(question.rows), str(question.folder))
    answer.attrs["more"] = len(frame) > question.rows
    return answer


def _without_the_place(rows: pandas.DataFrame, folder: str) -> pandas.DataFrame:
    """Where the copies lie is nobody's business; DuckDB lists the paths of what is attached."""
    told = [at for at in range(rows.shape[1]) if not pandas.api.types.is_numeric_dtype(rows.iloc[:, at].dtype)]
    for at in told:
        column = rows.iloc[:, at]
        if any(isinstance(cell, str) and folder in cell for cell in column):
            rows.isetitem(at, [cell.replace(folder, "") if isinstance(cell, str) else cell for cell in column])
    return rows


REMEDIES = (
    (duckdb.ParserException, "Check the spelling near the place that it names; the examples show how a query looks."),
    (duckdb.CatalogException, "The tables stand beside the query: patients, studies, series, instances, keywords."),
    (duckdb.BinderException, "The columns of each table stand beside the query."),
    (duckdb.ConversionException, "Use try_cast instead of cast: it gives no value where one does not fit."),
    (duckdb.OutOfMemoryException, "It needs too much memory: ask for less at once, or count instead of listing."),
    (duckdb.PermissionException, "Here a query reads the tables beside it, and no files, addresses or settings."),
)
"""What to do, by what DuckDB says."""


def in_plain_words(error: duckdb.Error) -> str:
    """What is wrong with a query, and what helps."""
    remedy = next((words for kind, words in REMEDIES if isinstance(error, kind)), "")
    return f"The query cannot be answered: {error} {remedy}".rstrip()
