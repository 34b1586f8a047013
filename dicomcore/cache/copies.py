"""Copies of the cached tables, each a database file of its own that others may read: one for each lens and state.

Made when first asked for, kept until the cache has changed. They can be deleted at any time.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Collection
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from duckdb import DuckDBPyConnection

from dicomcore.cache.database import Cache
from dicomcore.cache.keywords import TABLE as KEYWORDS
from dicomcore.cache.lens import Lens, seen_through
from dicomcore.cache.rows import TABLES
from dicomcore.errors import SqlRefused

ALL = (*TABLES, KEYWORDS)

MOST_UNDER_PSEUDONYMS = 1_000_000
"""Rows of a table: pseudonyms of ten million images take minutes, and nobody waits so long."""

TRIES = 3
_making = threading.Lock()


def version(connection: DuckDBPyConnection) -> str:
    """Names what the cache holds: another state, another name. 16 hexadecimal digits."""
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in ALL)
    question = f"SELECT {counts}, (SELECT max(fetched) FROM {KEYWORDS}), (SELECT (archive_key, cursor) FROM sync_state)"
    return sha256(repr(connection.execute(question).fetchall()).encode()).hexdigest()[:16]


def hand_out(cache: Cache, tables: Collection[str], lens: Lens | None, folder: Path) -> list[str]:
    """Put a copy of each table into a folder, ``cached_studies.duckdb``; returns those that had to be made anew.

    All of one state of the cache, unless it changes without a pause. With a lens in the order of the ids, since the
    order in which the archive got its patients tells something. Raises ``SqlRefused``, ``StoreError``.
    """
    made: list[str] = []
    with _making:
        for _ in range(TRIES):
            state = cache.ask(version)
            made += [table for table in tables if _make(cache, table, lens, state)]
            if cache.ask(version) == state:
                break
        for table in tables:
            _link(_file(cache, table, lens, state), folder / f"{table}.duckdb")
    return list(dict.fromkeys(made))


def columns(table: str) -> str:
    """The text of the search is no pleasure to read."""
    return "* EXCLUDE (search_text)" if table in ("cached_patients", "cached_studies") else "*"


def _make(cache: Cache, table: str, lens: Lens | None, state: str) -> bool:
    file = _file(cache, table, lens, state)
    if file.exists():
        return False
    _expect_bounded(cache, table, lens)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    _forget_older(file.parent, state)
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    order = "ORDER BY ALL" if lens and table == KEYWORDS else "ORDER BY id" if lens else ""
    cache.save_as(draft, table, *seen_through(lens, f"SELECT {columns(table)} FROM {table} {order}"))
    draft.chmod(0o600)
    draft.replace(file)
    return True


def _expect_bounded(cache: Cache, table: str, lens: Lens | None) -> None:
    ((rows,),) = cache.rows(f"SELECT count(*) FROM {table}")
    if lens and rows > MOST_UNDER_PSEUDONYMS:
        raise SqlRefused(
            f"{table.removeprefix('cached_').capitalize()} has {rows:,} rows: too many for pseudonyms "
            f"({MOST_UNDER_PSEUDONYMS:,}). Ask the tables series and studies, which count their images."
        )


def _file(cache: Cache, table: str, lens: Lens | None, state: str) -> Path:
    whose = sha256(b"copies" + lens.key).hexdigest()[:16] if lens else "all"
    return cache.path.parent / "copies" / f"{table}-{whose}-{state}.duckdb"


def _forget_older(folder: Path, state: str) -> None:
    for file in folder.glob("*-*"):
        if not file.stem.endswith(state):
            with suppress(OSError):  # somebody reads it: the next time
                file.unlink()


def _link(file: Path, name: Path) -> None:
    """Whoever reads it keeps it, though it be forgotten meanwhile."""
    try:
        os.link(file, name)
    except OSError:  # a file system without links
        shutil.copyfile(file, name)
