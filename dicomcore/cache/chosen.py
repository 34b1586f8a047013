"""The series behind a choice of patients, studies or series, and how much they are. Only SELECTs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas

from dicomcore.cache.database import Cache
from dicomcore.cache.lens import Lens, seen_through

Kind = Literal["patients", "studies", "series"]

BEHIND = {
    "patients": "SELECT id FROM subjects WHERE opaque IN (SELECT unnest(?::VARCHAR[]))",
    "studies": "SELECT real_study FROM study_keys WHERE opaque_study IN (SELECT unnest(?::VARCHAR[]))",
    "series": "SELECT real_series FROM series_keys WHERE opaque_series IN (SELECT unnest(?::VARCHAR[]))",
}
"""The archive's ids of what was seen through a lens."""

OF = {"patients": "study.patient", "studies": "study.id", "series": "series.id"}

SERIES = """
SELECT study.patient, study.id, series.id, series.instances, series.bytes
FROM main.cached_series AS series JOIN main.cached_studies AS study ON series.study = study.id
WHERE {of} IN (SELECT unnest(?::VARCHAR[]))
ORDER BY study.patient, study.study_date NULLS LAST, study.study_time NULLS LAST, study.id,
         try_cast(series.series_number AS INTEGER) NULLS LAST, series.series_number, series.id
"""

SEEN = "SELECT opaque_series FROM series_keys WHERE real_series IN (SELECT unnest(?::VARCHAR[]))"
"""The ids that the same series have when they are seen through a lens."""

CHOSEN = "SELECT id, study FROM cached_series WHERE id IN (SELECT unnest(?::VARCHAR[]))"
ROWS_OF = {
    "patients": f"id IN (SELECT patient FROM cached_studies WHERE id IN (SELECT study FROM ({CHOSEN})))",
    "studies": f"id IN (SELECT study FROM ({CHOSEN}))",
    "series": f"id IN (SELECT id FROM ({CHOSEN}))",
    "instances": f"series IN (SELECT id FROM ({CHOSEN}))",
}
"""The rows of a cached table that belong to some series."""

SEARCHED = frozenset({"patients", "studies"})
"""What has a text to search in, which is no field of DICOM."""

STUDY_OF_UID = "SELECT id FROM main.cached_studies WHERE study_instance_uid IN (SELECT unnest(?::VARCHAR[]))"


@dataclass(frozen=True, slots=True)
class ChosenSeries:
    """One series by the archive's ids; ``bytes`` as it lies in the archive."""

    patient: str
    study: str
    series: str
    instances: int
    bytes: int


def behind(cache: Cache, kind: Kind, ids: Sequence[str], lens: Lens | None) -> list[str]:
    """The archive's ids of these that were seen through a lens; what is not there is left out."""
    if lens is None or not ids:
        return list(ids)
    return [real for (real,) in cache.rows(*seen_through(lens, BEHIND[kind], [list(ids)]))]


def series(cache: Cache, kind: Kind, ids: Sequence[str]) -> list[ChosenSeries]:
    """The series of these patients, studies or series, one patient and one study after the other."""
    rows = cache.rows(SERIES.format(of=OF[kind]), [list(ids)]) if ids else []
    return [ChosenSeries(*row) for row in rows]


def studies_of_uids(cache: Cache, uids: Sequence[str]) -> list[str]:
    """The archive's ids of the studies with these Study Instance UIDs."""
    return [found for (found,) in cache.rows(STUDY_OF_UID, [list(uids)])] if uids else []


def table(cache: Cache, name: str, series: Sequence[str], lens: Lens | None) -> pandas.DataFrame:
    """The rows of ``patients``, ``studies``, ``series`` or ``instances`` that belong to these series (archive's ids).

    Columns as in SQL, through a lens where there is one.
    """
    seen = list(series) if lens is None else [one for (one,) in cache.rows(*seen_through(lens, SEEN, [list(series)]))]
    question = (
        f"SELECT * EXCLUDE (search_text) FROM cached_{name}" if name in SEARCHED else f"SELECT * FROM cached_{name}"
    )
    return cache.read(*seen_through(lens, f"{question} WHERE {ROWS_OF[name]} ORDER BY id", [seen]))
