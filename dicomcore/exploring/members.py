"""The studies of a cohort: how many, a page of them, and all of them as CSV."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dicomcore import people, reports
from dicomcore.cache.lens import seen_through
from dicomcore.exploring.cohort import Cohort, Condition
from dicomcore.exploring.fields import AGE, Kind, Level
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

MOST_ROWS = 200_000
"""So many studies are written as CSV at once."""

COLUMNS = f"""
    study_date AS date, patients.patient_name AS name, patients.patient_id, patients.patient_sex AS sex,
    {AGE.sql} AS age, study_description AS description, modalities, accession_number AS accession, studies.series,
    studies.instances AS images, studies.bytes, studies.study_instance_uid, studies.patient, studies.id
"""

FROM = "FROM cached_studies AS studies JOIN cached_patients AS patients ON studies.patient = patients.id"
NEWEST_FIRST = "ORDER BY study_date DESC NULLS LAST, studies.id"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a cohort holds."""

    patients: int
    studies: int
    series: int
    images: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Members:
    """One page of a cohort's studies; ``total`` is how many there are on all pages, which count from 1.

    Columns of ``rows``: date, name, patient_id, sex, age, description, modalities, accession, series, images, bytes,
    study_instance_uid, patient, id.
    """

    rows: pd.DataFrame
    total: int
    page: int
    pages: int


def sizes(services: Services, visitor: Visitor, cohort: Cohort) -> Sizes:
    """How many patients and studies belong to a cohort, with all that is in these studies."""
    where, values = _where(cohort)
    summed = "coalesce(sum(studies.series), 0), coalesce(sum(studies.instances), 0), coalesce(sum(studies.bytes), 0)"
    question = f"SELECT count(DISTINCT studies.patient), count(*), {summed} {FROM} {where}"
    found = services.cache.rows(*seen_through(people.lens_of(services, visitor), question, values))
    return Sizes(*map(int, found[0]))


def members(services: Services, visitor: Visitor, cohort: Cohort, page: int = 1, per_page: int = 100) -> Members:
    """The studies of a cohort, newest first; a page beyond the last is the last."""
    total = sizes(services, visitor, cohort).studies
    pages = max(1, -(-total // per_page))
    page = min(max(page, 1), pages)
    return Members(_rows(services, visitor, cohort, per_page, (page - 1) * per_page), total, page, pages)


def members_csv(services: Services, visitor: Visitor, cohort: Cohort) -> str:
    """All studies of a cohort, at most ``MOST_ROWS``, as CSV. Noted as an export. Raises ``AccessRefused``."""
    visitor.expect(Right.EXPORT)
    return reports.noted_csv(services, _rows(services, visitor, cohort, MOST_ROWS, 0), "studies of a cohort")


def _rows(services: Services, visitor: Visitor, cohort: Cohort, limit: int, skip: int) -> pd.DataFrame:
    where, values = _where(cohort)
    question = f"SELECT {COLUMNS} {FROM} {where} {NEWEST_FIRST} LIMIT ? OFFSET ?"
    return services.cache.read(*seen_through(people.lens_of(services, visitor), question, [*values, limit, skip]))


def _where(cohort: Cohort) -> tuple[str, list[object]]:
    """Conditions on an image stand within those on its series, these within the study's."""
    outer = [one for one in cohort if one.of.level in (Level.PATIENT, Level.STUDY)]
    terms = [_term(one) for one in outer]
    values: list[object] = [value for one in outer for value in one.parameters()]
    inner, more = _of_a_series(cohort)
    terms += inner
    return (f"WHERE {' AND '.join(terms)}" if terms else ""), [*values, *more]


def _of_a_series(cohort: Cohort) -> tuple[list[str], list[object]]:
    series = [one for one in cohort if one.of.level is Level.SERIES]
    images = [one for one in cohort if one.of.level is Level.IMAGE]
    terms = [_term(one) for one in series]
    if images:
        held = " AND ".join(map(_term, images))
        terms.append(f"EXISTS (FROM cached_instances AS one_image WHERE one_image.series = one_series.id AND {held})")
    if not terms:
        return [], []
    exists = f"EXISTS (FROM cached_series AS one_series WHERE one_series.study = studies.id AND {' AND '.join(terms)})"
    return [exists], [value for one in (*series, *images) for value in one.parameters()]


def _term(one: Condition) -> str:
    text = one.of.kind is Kind.TEXT
    nothing = f"{one.of.sql} = ''" if text else f"({one.of.sql}) IS NULL"
    value, typed = (_folded(one.of.sql), _folded("?::VARCHAR")) if text else (f"({one.of.sql})", "?")
    return _SQL[one.comparison].format(value=value, typed=typed, nothing=nothing)


def _folded(value: str) -> str:
    return f"lower(strip_accents({value}))"


_SQL = {
    "is": "{value} = {typed}",
    "not": "{value} <> {typed}",
    "contains": "contains({value}, {typed})",
    "begins": "starts_with({value}, {typed})",
    "from": "{value} >= {typed}",
    "until": "{value} <= {typed}",
    "empty": "{nothing}",
    "filled": "NOT ({nothing})",
}
