"""The cache file: one owner process, one writer thread with a queue, a cursor for each reader."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import uuid4

import duckdb
import pandas
from duckdb import DuckDBPyConnection

from dicomcore.cache.migrations import migrate
from dicomcore.errors import CacheHeld, StoreError

P = ParamSpec("P")
T = TypeVar("T")

BROKEN = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.OutOfMemoryException)
"""What DuckDB raises when the disk or the file fails it, not the caller."""

MEMORY_LIMIT = "1GB"
"""What DuckDB may keep in memory; beyond it goes to a folder beside the file."""


class Cache:
    """The local copy of what the archive holds. May be used from any thread.

    A DuckDB connection must not be shared by threads (rows get mixed up): so the first connection is only
    there to make cursors, the writer thread has one, and each read gets its own.
    """

    def __init__(self, path: Path, connection: DuckDBPyConnection) -> None:
        """Use ``Cache.open``."""
        self.path = path
        self.syncing = threading.Lock()
        """Held by whoever brings the cache up to date: two of them would fetch the same twice."""
        self._connection = connection
        self._writing = connection.cursor()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cache-writer")

    @classmethod
    def open(cls, path: Path) -> Cache:
        """Open the cache, or make it, readable by its owner only.

        Raises ``CacheHeld`` when another process has it open, ``NewerSchema`` when a newer version of this
        program made it, ``StoreError`` when the file is damaged or closed to us.
        """
        connection = _connect(path)
        try:
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return cls(path, connection)

    def write(self, function: Callable[Concatenate[DuckDBPyConnection, P], T], *args: P.args, **options: P.kwargs) -> T:
        """Call ``function(connection, …)`` in the writer thread, in one transaction, and wait for its result.

        All of it is kept, or, when the function raises, nothing. Raises ``StoreError``.
        """
        try:
            written = self._writer.submit(self._transaction, lambda to: function(to, *args, **options))
        except RuntimeError as error:
            raise StoreError("The cache is closed.") from error
        return written.result()

    @contextmanager
    def snapshot(self) -> Iterator[DuckDBPyConnection]:
        """A cursor that sees one state of the cache, whatever the writer does meanwhile."""
        with _spoken_plainly(self.path):
            cursor = self._connection.cursor()
            try:
                cursor.execute("BEGIN")
                yield cursor
            finally:
                cursor.close()

    def ask(self, function: Callable[Concatenate[DuckDBPyConnection, P], T], *args: P.args, **options: P.kwargs) -> T:
        """Call ``function(connection, …)`` on one state of the cache. Raises ``StoreError``."""
        with self.snapshot() as cursor:
            return function(cursor, *args, **options)

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> pandas.DataFrame:
        """The rows of one SELECT as a DataFrame."""
        with self.snapshot() as cursor:
            return cursor.execute(sql, parameters).df()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of one SELECT as tuples."""
        with self.snapshot() as cursor:
            return cursor.execute(sql, parameters).fetchall()

    def save_as(self, file: Path, table: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        """The rows of one SELECT as a table in a new database file. Raises ``StoreError``."""
        name, place = f"copy_{uuid4().hex}", str(file).replace("'", "''")
        with _spoken_plainly(self.path):
            cursor = self._connection.cursor()
            try:
                cursor.execute(f"ATTACH '{place}' AS {name}")
                try:
                    cursor.execute(f"CREATE TABLE {name}.{table} AS {sql}", parameters)
                finally:
                    cursor.execute(f"DETACH {name}")
            finally:
                cursor.close()

    def close(self) -> None:
        """Let waiting writes finish and set the file free for other processes."""
        self._writer.shutdown(wait=True)
        self._writing.close()
        self._connection.close()

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _transaction(self, function: Callable[[DuckDBPyConnection], T]) -> T:
        with _spoken_plainly(self.path):
            self._writing.execute("BEGIN")
            try:
                result = function(self._writing)
                self._writing.execute("COMMIT")
            except BaseException:
                _roll_back(self._writing)
                raise
            return result


def _roll_back(connection: DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):  # a failed COMMIT has rolled back already
        connection.execute("ROLLBACK")


def _connect(path: Path) -> DuckDBPyConnection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        connection = duckdb.connect(path, config={"memory_limit": MEMORY_LIMIT})
        if new:
            path.chmod(0o600)
        return connection
    except OSError as error:
        raise StoreError(f"The cache {path} cannot be made: {error.strerror or error}.") from error
    except duckdb.Error as error:
        raise _why_not_open(path, str(error)) from error


def _why_not_open(path: Path, message: str) -> StoreError:
    """DuckDB has one error class for all of this: only the message tells the cases apart."""
    if re.search("lock|already open|used by another process", message):
        pid = re.search(r"PID (\d+)", message)
        owner = f"process {pid[1]}" if pid else "another process"
        return CacheHeld(f"The cache {path} is in use by {owner}. Stop it, or use the running app's pages.")
    if re.search("Permission denied|Access is denied|Cannot open", message):
        return StoreError(f"The cache {path} cannot be opened: check who may read and write it and its folder.")
    said = message.splitlines()[0]
    return StoreError(f"The cache {path} is damaged. Nothing is lost: delete it and press Refresh. ({said})")


@contextmanager
def _spoken_plainly(path: Path) -> Iterator[None]:
    """Failures of the file itself become ``StoreError``; mistakes in our SQL stay what they are."""
    try:
        yield
    except duckdb.ConnectionException as error:
        raise StoreError("The cache is closed.") from error
    except BROKEN as error:
        raise StoreError(
            f"The cache {path} cannot be used: {str(error).splitlines()[0]} "
            "Check the space on the disk. If it stays so, stop the app, delete the file and press Refresh."
        ) from error
