"""From a picture back to where it came from: the file, the import, who and when."""

from __future__ import annotations

import os
from collections.abc import Iterable
from sqlite3 import Row

import pandas as pd

from dicomcore.cache import queries
from dicomcore.journal import origins
from dicomcore.model import HELD
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.wording import to_the_second

COLUMNS = ["path", "outcome", "batch", "by", "when", "md5", "archive_id"]


def of_instance(services: Services, name: str) -> pd.DataFrame:
    """Every import that had a file of an instance, newest first; empty where none had.

    ``name`` is the archive's id or the SOP Instance UID (PS3.3 C.12.1). Columns: path (whole), outcome, batch, by,
    when (UTC), md5 (of the file), archive_id.
    """
    key = services.archive.key
    ids = origins.ids_of(services.journal, key, name) if _is_uid(name) else [name]
    return _table(origins.of_instances(services.journal, key, ids))


def of_series(services: Services, series: str) -> pd.DataFrame:
    """The same for all instances of a series (the archive's id)."""
    ids = [instance.id for instance in queries.instances_of(services.cache, series)]
    return _table(origins.of_instances(services.journal, services.archive.key, ids))


def came_from(table: pd.DataFrame) -> pd.DataFrame:
    """Of such files those whose bytes the archive was given, or was found to hold."""
    return table[table["outcome"].isin(HELD)]


def others(table: pd.DataFrame) -> pd.DataFrame:
    """Of such files those that only have the same ids: in conflict, or refused."""
    return table[~table["outcome"].isin(HELD)]


def folders(table: pd.DataFrame) -> pd.DataFrame:
    """By folder and import: folder, files, batch, by, when; the newest import first."""
    if table.empty:
        return pd.DataFrame(columns=["folder", "files", "batch", "by", "when"])
    placed = table.assign(folder=[os.path.dirname(path) for path in table["path"]])
    counted = placed.groupby(["folder", "batch", "by", "when"], as_index=False).agg(files=("path", "size"))
    return counted.sort_values(["when", "folder"], ascending=[False, True])[["folder", "files", "batch", "by", "when"]]


def _table(rows: Iterable[Row]) -> pd.DataFrame:
    return pd.DataFrame([_origin(row) for row in rows], columns=COLUMNS)


def _origin(row: Row) -> dict[str, str]:
    return {
        "path": printable(os.path.join(row["root"], row["path"])),
        "outcome": row["outcome"],
        "batch": row["batch_id"],
        "by": row["created_by"],
        "when": to_the_second(row["created_at"]),
        "md5": row["md5"] or "",
        "archive_id": row["archive_id"],
    }


def _is_uid(name: str) -> bool:
    """A UID has dots and no hyphens (PS3.5 9.1); an archive's id has it the other way round."""
    return "." in name and "-" not in name
