"""What pages and the command line ask the cache. Only SELECTs; every value a person typed is a parameter.

With a lens all ids, those that are asked for and those in the answer, are the lens's own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import pandas
from duckdb import DuckDBPyConnection

from dicomcore.cache import contents
from dicomcore.cache.database import Cache
from dicomcore.cache.folding import search_terms
from dicomcore.cache.lens import Lens, seen_through
from dicomcore.errors import UsageError
from dicomcore.model import ArchiveCounts, StoredInstance

MOST_LETTERS, MOST_TERMS = 1_000, 30
"""What a search may hold."""

SORTS = {
    "name": "patients.search_text",  # the folded name comes first in it
    "patient_id": "lower(patients.patient_id)",
    "birth_date": "patients.patient_birth_date",
    "sex": "patients.patient_sex",
    "studies": "patients.studies",
    "last_study": "patients.last_study_date",
    "added": "patients.last_update",
}
"""What patients may be sorted by."""

PATIENT_COLUMNS = """
       patients.patient_name AS name, patients.patient_id, patients.patient_birth_date AS birth_date,
       patients.patient_sex AS sex, patients.studies, patients.last_study_date AS last_study,
       patients.last_update AS added, patients.id
"""

PATIENTS = f"SELECT {PATIENT_COLUMNS} FROM cached_patients AS patients"

STUDIES = """
SELECT study_date AS date, study_time AS time, study_description AS description, modalities,
       accession_number AS accession, series, instances AS images, bytes, last_update AS added,
       study_instance_uid, patient, id
FROM cached_studies
"""

SERIES = """
SELECT series_number AS number, series_description AS description, modality, bytes AS size,
       instances AS images, body_part_examined AS body_part, last_update AS added,
       series_instance_uid, study, id
FROM cached_series
"""

INSTANCES = f"SELECT {', '.join(field.name for field in fields(StoredInstance))} FROM cached_instances"


@dataclass(frozen=True, slots=True)
class PatientFilter:
    """Which patients to show: those with at least one study that fits everything. Empty means any.

    ``text``: words in any order, each a part of the name, the patient id, the study's description, accession
    number or modalities; ``"in quotes"`` whole words in that order. Case and accents do not matter. The dates
    are inclusive.
    """

    text: str = ""
    study_date_from: date | None = None
    study_date_to: date | None = None
    modality: str = ""


@dataclass(frozen=True, slots=True)
class PatientPage:
    """One page of patients; ``total`` is how many there are on all pages, which count from 1.

    Columns of ``rows``: name, patient_id, birth_date, sex, studies, last_study, added (UTC), id.
    """

    rows: pandas.DataFrame
    total: int
    page: int
    pages: int


def search_patients(
    cache: Cache,
    wanted: PatientFilter | None = None,
    page: int = 1,
    per_page: int = 25,
    sort: str = "last_study",
    descending: bool = True,
    lens: Lens | None = None,
) -> PatientPage:
    """The patients that fit, newest study first unless told otherwise; a page beyond the last is the last.

    Raises ``UsageError`` for a ``sort`` that is not in ``SORTS``.
    """
    where, values = _condition(wanted or PatientFilter())
    columns = f"{PATIENT_COLUMNS}, count(*) OVER () AS total"  # counted on the way: to look twice takes twice as long
    order = _order(sort, descending)
    listed = f"SELECT {columns} FROM cached_patients AS patients {where} {order} LIMIT ? OFFSET ?"

    def rows_of(page: int, cursor: DuckDBPyConnection) -> pandas.DataFrame:
        limits = [per_page, (page - 1) * per_page]
        return cursor.execute(*seen_through(lens, listed, [*values, *limits])).df()

    page = max(page, 1)
    with cache.snapshot() as cursor:
        rows = rows_of(page, cursor)
        if rows.empty and page > 1:
            rows = rows_of(page := _last_page(cursor, where, values, per_page, lens), cursor)
    total = 0 if rows.empty else int(rows["total"][0])
    return PatientPage(rows.drop(columns="total"), total, page, max(1, -(-total // per_page)))


def studies_of(cache: Cache, patient: str, lens: Lens | None = None) -> pandas.DataFrame:
    """The studies of a patient (the archive's id), newest first.

    Columns: date, time, description, modalities, accession, series, images, bytes, added, study_instance_uid,
    patient, id.
    """
    newest = "ORDER BY study_date DESC NULLS LAST, study_time DESC NULLS LAST, last_update DESC, id"
    return cache.read(*seen_through(lens, f"{STUDIES} WHERE patient = ? {newest}", [patient]))


def series_of(cache: Cache, study: str, lens: Lens | None = None) -> pandas.DataFrame:
    """The series of a study (the archive's id) by number.

    Columns: number, description, modality, size (bytes), images, body_part, added, series_instance_uid,
    study, id.
    """
    by_number = "ORDER BY try_cast(series_number AS INTEGER) NULLS LAST, series_number, id"
    return cache.read(*seen_through(lens, f"{SERIES} WHERE study = ? {by_number}", [study]))


def instances_of(cache: Cache, series: str, lens: Lens | None = None) -> list[StoredInstance]:
    """The instances of a series (the archive's id) by number. The order of slices needs their positions."""
    by_number = "ORDER BY try_cast(instance_number AS INTEGER) NULLS LAST, instance_number, id"
    rows = cache.rows(*seen_through(lens, f"{INSTANCES} WHERE series = ? {by_number}", [series]))
    return [StoredInstance(*row) for row in rows]


def find_patient(cache: Cache, patient: str, lens: Lens | None = None) -> dict[str, Any] | None:
    """One patient by the archive's id, as in ``PatientPage.rows``; None when it is not (or no more) there."""
    return _first(cache.read(*seen_through(lens, f"{PATIENTS} WHERE patients.id = ?", [patient])))


def find_study(cache: Cache, study: str, lens: Lens | None = None) -> dict[str, Any] | None:
    """One study by the archive's id or its StudyInstanceUID, as in ``studies_of``; None when not there."""
    by_id = cache.read(*seen_through(lens, f"{STUDIES} WHERE id = ?", [study]))
    by_uid = f"{STUDIES} WHERE study_instance_uid = ? ORDER BY id LIMIT 1"
    return _first(by_id) or _first(cache.read(*seen_through(lens, by_uid, [study])))


def find_series(cache: Cache, series: str, lens: Lens | None = None) -> dict[str, Any] | None:
    """One series by the archive's id, as in ``series_of``; None when not there."""
    return _first(cache.read(*seen_through(lens, f"{SERIES} WHERE id = ?", [series])))


def find_instance(cache: Cache, instance: str, lens: Lens | None = None) -> StoredInstance | None:
    """One instance by the archive's id; None when not there."""
    rows = cache.rows(*seen_through(lens, f"{INSTANCES} WHERE id = ?", [instance]))
    return StoredInstance(*rows[0]) if rows else None


def modalities(cache: Cache, lens: Lens | None = None) -> list[str]:
    """The modalities that occur, in alphabetical order."""
    occurring = "SELECT DISTINCT modality FROM cached_series WHERE modality <> '' ORDER BY modality"
    found = cache.rows(*seen_through(lens, occurring))
    return [modality for (modality,) in found]


def behind_patients(cache: Cache, code: str, lens: Lens) -> pandas.DataFrame:
    """Who is behind the pseudonym with this code, as in ``PatientPage.rows``: nobody, or one in all likelihood."""
    real = f"{PATIENTS.replace('cached_patients', 'main.cached_patients')} JOIN subjects USING (id) WHERE code = ?"
    return cache.read(*seen_through(lens, real, [code]))


def behind_study(cache: Cache, study: str, lens: Lens) -> str | None:
    """The archive's id of a study that was seen through a lens."""
    return _real(cache, "SELECT real_study FROM study_keys WHERE opaque_study = ?", study, lens)


def behind_series(cache: Cache, series: str, lens: Lens) -> str | None:
    """The archive's id of a series that was seen through a lens."""
    return _real(cache, "SELECT real_series FROM series_keys WHERE opaque_series = ?", series, lens)


def behind_instance(cache: Cache, instance: str, lens: Lens) -> str | None:
    """The archive's id of an instance that was seen through a lens."""
    return _real(cache, "SELECT real_instance FROM instance_keys WHERE opaque_instance = ?", instance, lens)


def counts(cache: Cache) -> ArchiveCounts:
    """How much the cache holds."""
    return cache.ask(contents.counts)


def last_sync(cache: Cache) -> datetime | None:
    """When the cache was last brought up to date (UTC, without a zone); None when it never was."""
    state = cache.ask(contents.sync_state)
    return state.synced if state else None


def _last_page(cursor: DuckDBPyConnection, where: str, values: list[Any], per_page: int, lens: Lens | None) -> int:
    counted = f"SELECT count(*) FROM cached_patients AS patients {where}"
    total = cursor.execute(*seen_through(lens, counted, values)).fetchall()[0][0]
    return max(1, -(-int(total) // per_page))


def _order(sort: str, descending: bool) -> str:
    if sort not in SORTS:
        raise UsageError(f"Patients cannot be sorted by “{sort}”. Choose one of: {', '.join(SORTS)}.")
    direction = "DESC" if descending else "ASC"
    return f"ORDER BY {SORTS[sort]} {direction} NULLS LAST, patients.last_update DESC, patients.id"


def _condition(wanted: PatientFilter) -> tuple[str, list[Any]]:
    """The WHERE clause and its parameters; all conditions hold for one and the same study."""
    terms = _text(wanted.text) + _study(wanted)
    if not terms:
        return "", []
    conditions = " AND ".join(condition for condition, _ in terms)
    return (
        f"WHERE EXISTS (FROM cached_studies AS studies WHERE studies.patient = patients.id AND {conditions})",
        [value for _, values in terms for value in values],
    )


def _text(typed: str) -> list[tuple[str, list[Any]]]:
    """``contains`` and not LIKE: nothing that a person types is a wildcard."""
    places = (
        "patients.search_text",
        "studies.search_text",
        "' ' || replace(lower(studies.modalities), ',', ' ') || ' '",
    )
    anywhere = " OR ".join(f"contains({place}, ?)" for place in places)
    return [(f"({anywhere})", [term] * len(places)) for term in _terms(typed)]


def _terms(typed: str) -> list[str]:
    """Each word once. Raises ``UsageError`` for more than a person would type: they would cost minutes."""
    terms = list(dict.fromkeys(search_terms(typed[: MOST_LETTERS + 1])))
    if len(typed) > MOST_LETTERS or len(terms) > MOST_TERMS:
        raise UsageError(f"Search for at most {MOST_TERMS} words at once.")
    return terms


def _study(wanted: PatientFilter) -> list[tuple[str, list[Any]]]:
    asked = {
        "studies.study_date >= ?": wanted.study_date_from,
        "studies.study_date <= ?": wanted.study_date_to,
        "list_contains(string_split(studies.modalities, ', '), ?)": wanted.modality or None,
    }
    return [(condition, [value]) for condition, value in asked.items() if value is not None]


def _real(cache: Cache, question: str, opaque: str, lens: Lens) -> str | None:
    found = cache.rows(*seen_through(lens, question, [opaque]))
    return str(found[0][0]) if found else None


def _first(rows: pandas.DataFrame) -> dict[str, Any] | None:
    found: list[dict[Any, Any]] = rows.head(1).to_dict("records")
    return found[0] if found else None


def whole_table(cache: Cache, name: str, lens: Lens | None = None) -> pandas.DataFrame:
    """All of ``patients``, ``studies``, ``series`` or ``instances``, as in SQL. Raises ``UsageError``."""
    if name not in ("patients", "studies", "series", "instances"):
        raise UsageError(f"There is no table “{name}”: patients, studies, series or instances.")
    return cache.read(*seen_through(lens, f"SELECT * FROM cached_{name} ORDER BY id"))
