"""Values of DICOM keywords that were fetched from the archive, one for each series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pandas
from duckdb import DuckDBPyConnection

TABLE = "cached_keywords"


def put(connection: DuckDBPyConnection, keyword: str, values: Mapping[str, str], source: Mapping[str, str]) -> None:
    """Keep a value for each series (by the archive's id) in place of an older one; a step of ``Cache.write``.

    ``source`` names the image that it was read from: where that is gone meanwhile, the value is of the past.
    """
    frame = pandas.DataFrame(
        {"series": list(values), "value": list(values.values()), "instance": [source[one] for one in values]}
    ).astype("str")
    connection.register("fetched_values", frame)
    try:
        connection.execute(
            f"DELETE FROM {TABLE} WHERE keyword = ? AND series IN (SELECT series FROM fetched_values)", [keyword]
        )
        connection.execute(
            f"INSERT INTO {TABLE} SELECT ?, value, ?, series FROM fetched_values "
            "WHERE instance IN (SELECT id FROM cached_instances)",
            [keyword, datetime.now(UTC).replace(tzinfo=None)],
        )
    finally:
        connection.unregister("fetched_values")
