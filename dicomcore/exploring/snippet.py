"""A cohort as a cell for Jupyter: fetched over the REST API, then pandas and DuckDB (pure)."""

from __future__ import annotations

from dicomcore.exploring.cohort import Cohort

LIKE_TEXT = ("patient_id", "accession", "description", "name", "sex", "study_instance_uid", "patient", "id")
"""Columns that pandas must not take for numbers: ``007`` is an id."""


def jupyter(cohort: Cohort, api: str) -> str:
    """Python that reads the cohort's studies; ``api`` is the address of the REST API: ``http://localhost:8501/api``.

    What was typed stands in it as Python literals. The token comes from the environment, never into a notebook.
    """
    where = "".join(f"    ('where', {one.written()!a}),\n" for one in cohort)
    return f"""\
# pip install pandas requests duckdb
import io
import os

import duckdb
import pandas as pd
import requests

answer = requests.get(
    {api + "/explore/studies.csv"!a},
    params=[
{_deeper(where)}    ],
    headers={{'Authorization': f"Bearer {{os.environ['DICOM_TOKEN']}}"}},  # Account: a token of yours
    timeout=60,
)
answer.raise_for_status()
studies = pd.read_csv(
    io.StringIO(answer.content.decode('utf-8')),
    dtype=dict.fromkeys({list(LIKE_TEXT)!r}, str),
    parse_dates=['date'],
)
duckdb.sql('SELECT modalities, count(*) AS studies, sum(images) AS images FROM studies GROUP BY ALL ORDER BY 2 DESC')
"""


def _deeper(lines: str) -> str:
    return "".join(f"    {line}\n" for line in lines.splitlines())
