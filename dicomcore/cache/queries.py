"""What pages and the command line ask the cache. Only SELECTs; every value a person typed is a parameter.

With a lens all ids, those that are asked for and those in the answer, are the lens's own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

import pandas
from duckdb import DuckDBPyConnection

from dicomcore.cache import contents, paging, whereabouts
from dicomcore.cache.database import Cache
from dicomcore.cache.folding import search_terms
from dicomcore.cache.lens import PREFIX, Lens, digits_of, seen_through
from dicomcore.cache.paging import END as END
from dicomcore.cache.paging import Key
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

KINDS = {"studies": "number", "last_study": "date", "added": "moment"}
"""What changes while somebody turns the pages; it names nobody, and stands in the key of a page."""

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

    Columns of ``rows``: name, patient_id, birth_date, sex, studies, last_study, added (UTC), id. ``skipped`` is how
    many come before them; ``before`` and ``after`` are the keys of the neighbouring pages, empty where there is none.
    """

    rows: pandas.DataFrame
    total: int
    page: int
    pages: int
    skipped: int = 0
    before: str = ""
    after: str = ""


def search_patients(
    cache: Cache,
    wanted: PatientFilter | None = None,
    page: int = 1,
    per_page: int = 25,
    sort: str = "last_study",
    descending: bool = True,
    lens: Lens | None = None,
    *,
    before: str = "",
    after: str = "",
) -> PatientPage:
    """The patients that fit, newest study first unless told otherwise; a page beyond the last is the last.

    ``before`` and ``after``: the page beside this key of another page, and not the one of this number. Before
    ``END`` is the last one. Raises ``UsageError`` for a ``sort`` that is not in ``SORTS`` and a key that is none.
    """
    _expect_sort(sort)
    asked = _Asked(*_condition(wanted or PatientFilter()), max(page, 1), per_page, sort, descending, before, after)
    with cache.snapshot() as cursor:
        return _page(cursor, asked, lens)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page of patients as it is asked for."""

    where: str
    values: list[Any]
    page: int
    per_page: int
    sort: str
    descending: bool
    before: str
    after: str

    @property
    def backwards(self) -> bool:
        """Counted from the end of the list."""
        return bool(self.before)

    @property
    def kind(self) -> str:
        return KINDS.get(self.sort, "")


def _page(cursor: DuckDBPyConnection, asked: _Asked, lens: Lens | None) -> PatientPage:
    side, more = _side(cursor, asked, lens)
    skip = 0 if asked.before or asked.after else (asked.page - 1) * asked.per_page
    values = [*asked.values, *more, *more, asked.per_page, skip]
    found = cursor.execute(*seen_through(lens, _listed(asked, side), values)).df()
    total, beside = int(found["total"][0]), int(found["beside"][0])
    rows = found[found["id"].notna()]
    skipped = min(total, beside - len(rows) if asked.backwards else total - beside + skip)
    if asked.backwards and not skipped:
        return _page(cursor, replace(asked, page=1, before=""), lens)  # all of the first page, however far it was
    if rows.empty and total:  # beyond the last page
        return _page(cursor, replace(asked, page=-(-total // asked.per_page), after=""), lens)
    return _told(rows, total, skipped, asked)


def _listed(asked: _Asked, side: str) -> str:
    """The search is made once: for the rows of the page, and for how many there are on which side of it.

    Within brackets, for a lens stands before it.
    """
    ordered = paging.order(asked.descending, backwards=asked.backwards)
    return f"""
        FROM (
            WITH fitting AS MATERIALIZED (
                SELECT patients.id, {SORTS[asked.sort]} AS value FROM cached_patients AS patients {asked.where}
            ),
            counted AS (SELECT count(*) AS total, count(*) FILTER ({side}) AS beside FROM fitting),
            chosen AS (SELECT id, value FROM fitting WHERE {side} {ordered} LIMIT ? OFFSET ?)
            SELECT {PATIENT_COLUMNS}, value, value::VARCHAR AS told, total, beside
            FROM counted LEFT JOIN chosen ON true LEFT JOIN cached_patients AS patients ON patients.id = chosen.id
        ) {paging.order(asked.descending)}
    """


def _side(cursor: DuckDBPyConnection, asked: _Asked, lens: Lens | None) -> paging.Part:
    """Which part of the list the page is cut from."""
    if asked.before and asked.before != END:
        return _key(cursor, asked, asked.before, lens).before(asked.descending)
    if asked.after:
        return _key(cursor, asked, asked.after, lens).after(asked.descending)
    return "true", []


def _key(cursor: DuckDBPyConnection, asked: _Asked, text: str, lens: Lens | None) -> Key:
    one = f"SELECT {SORTS[asked.sort]} FROM cached_patients AS patients WHERE patients.id = ?"
    return paging.read(text, asked.kind, lambda row: cursor.execute(*seen_through(lens, one, [row])).fetchall())


def _told(rows: pandas.DataFrame, total: int, skipped: int, asked: _Asked) -> PatientPage:
    keys = [paging.written(rows["told"].iloc[at], rows["id"].iloc[at], asked.kind) for at in (0, -1) if len(rows)]
    return PatientPage(
        rows.drop(columns=["value", "told", "total", "beside"]).reset_index(drop=True),
        total,
        skipped // asked.per_page + 1,
        max(1, -(-total // asked.per_page)),
        skipped,
        before=keys[0] if skipped else "",
        after=keys[-1] if skipped + len(rows) < total else "",
    )


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
    found = [StoredInstance(*row) for row in rows]
    if lens is None:
        whereabouts.remember(cache, ((one.id, one.series) for one in found))
    return found


def find_patient(cache: Cache, patient: str, lens: Lens | None = None) -> dict[str, Any] | None:
    """One patient by the archive's id, as in ``PatientPage.rows``; None when it is not (or no more) there."""
    return _first(cache.read(*seen_through(lens, f"{PATIENTS} WHERE patients.id = ?", [patient])))


def find_study(cache: Cache, study: str, lens: Lens | None = None) -> dict[str, Any] | None:
    """One study by the archive's id or its StudyInstanceUID, as in ``studies_of``; None when not there."""
    by_id = cache.read(*seen_through(lens, f"{STUDIES} WHERE id = ?", [study]))
    by_uid = f"{STUDIES} WHERE {_OF_UID if lens else 'study_instance_uid = ?'} ORDER BY id LIMIT 1"
    uid = digits_of(study) if lens else study
    return _first(by_id) or _first(cache.read(*seen_through(lens, by_uid, [uid])))


_OF_UID = "id IN (SELECT opaque_study FROM study_keys WHERE uid_digits = ? AND study_instance_uid <> '')"


def find_series(cache: Cache, series: str, lens: Lens | None = None) -> dict[str, Any] | None:
    """One series by the archive's id, as in ``series_of``; None when not there."""
    return _first(cache.read(*seen_through(lens, f"{SERIES} WHERE id = ?", [series])))


def find_instance(cache: Cache, instance: str, lens: Lens | None = None) -> StoredInstance | None:
    """One instance by the archive's id; None when not there.

    Quickest where ``instances_of`` has told of it: else it is looked for among all of them.
    """
    series = None if lens else whereabouts.series_of(cache, instance)
    within = cache.rows(f"{INSTANCES} WHERE series = ? AND id = ?", [series, instance]) if series else []
    rows = within or cache.rows(*seen_through(lens, f"{INSTANCES} WHERE id = ?", [instance]))
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
    """The archive's id of an instance that was seen through a lens. It is looked for in the series that it names."""
    within = "SELECT real_series FROM series_keys WHERE starts_with(opaque_series, ?)"
    for (series,) in cache.rows(*seen_through(lens, within, [instance[:PREFIX]])):
        one = "SELECT real_instance FROM instance_keys WHERE real_series = ? AND opaque_instance = ?"
        if found := cache.rows(*seen_through(lens, one, [series, instance])):
            whereabouts.remember(cache, [(found[0][0], series)])
            return str(found[0][0])
    return None


def counts(cache: Cache) -> ArchiveCounts:
    """How much the cache holds."""
    return cache.ask(contents.counts)


def last_sync(cache: Cache) -> datetime | None:
    """When the cache was last brought up to date (UTC, without a zone); None when it never was."""
    state = cache.ask(contents.sync_state)
    return state.synced if state else None


def _expect_sort(sort: str) -> None:
    if sort not in SORTS:
        raise UsageError(f"Patients cannot be sorted by “{sort}”. Choose one of: {', '.join(SORTS)}.")


def _condition(wanted: PatientFilter) -> tuple[str, list[Any]]:
    """The WHERE clause and its parameters; all conditions hold for one and the same study."""
    terms = _text(wanted.text) + _study(wanted)
    if not terms:
        return "", []
    conditions = " AND ".join(condition for condition, _ in terms)
    return (
        f"WHERE patients.id IN (SELECT patient FROM cached_studies AS studies WHERE {conditions})",
        [value for _, values in terms for value in values],
    )


def _text(typed: str) -> list[tuple[str, list[Any]]]:
    """``contains`` and not LIKE: nothing that a person types is a wildcard. The patient's own words are in it too."""
    return [("contains(studies.search_text, ?)", [term]) for term in _terms(typed)]


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
