"""A table of a selection as a cell for Jupyter: the Parquet file, then pandas and DuckDB (pure)."""

from __future__ import annotations

from dicomcore.export.selection import Choice
from dicomcore.export.tables import Table

MOST_IDS = 200
"""So many ids stand in a cell that fetches its file by itself; with more it waits for the download."""

QUESTIONS: dict[Table, str] = {
    "patients": "SELECT patient_sex, count(*) AS patients FROM patients GROUP BY ALL",
    "studies": "SELECT modalities, count(*) AS studies, sum(instances) AS images FROM studies GROUP BY ALL",
    "series": "SELECT modality, count(*) AS series, sum(instances) AS images FROM series GROUP BY ALL",
    "instances": "SELECT sop_class_uid, count(*) AS images, sum(size) AS bytes FROM instances GROUP BY ALL",
}
"""Something to begin with."""


def jupyter(table: Table, choice: Choice | None, api: str) -> str:
    """Python that reads the Parquet file of a table; ``api`` is the address of the REST API.

    With at most ``MOST_IDS`` ids it can fetch the file, too; they stand in it as Python literals. The token comes
    from the environment, never into a notebook.
    """
    ids = {"patients": choice.patients, "studies": choice.studies, "series": choice.series} if choice else {}
    few = 0 < sum(map(len, ids.values())) <= MOST_IDS
    fetched = _fetched({kind: list(some) for kind, some in ids.items() if some}, f"{api}/tables/{table}.parquet")
    return f"""\
# pip install pandas pyarrow duckdb{" requests" if few else ""}
{"import os" + chr(10) if few else ""}from pathlib import Path

import duckdb
import pandas as pd
{"import requests" + chr(10) if few else ""}
file = Path('{table}.parquet')  # as it was downloaded
{fetched if few else ""}{table} = pd.read_parquet(file)
duckdb.sql({QUESTIONS[table]!a})
"""


def _fetched(ids: dict[str, list[str]], address: str) -> str:
    listed = "".join(f"        {kind!a}: {some!a},\n" for kind, some in ids.items())
    return f"""\
if not file.exists():  # the same rows over the REST API
    wanted = {{
{listed}    }}
    token = os.environ['DICOM_TOKEN']  # Account: a token of yours
    answer = requests.post(
        {address!a},
        json=wanted,
        headers={{'Authorization': f'Bearer {{token}}'}},
        timeout=600,
    )
    answer.raise_for_status()
    file.write_bytes(answer.content)
"""
