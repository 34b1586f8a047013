"""The studies of a cohort: how many, a page of them, and all of them as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dicomcore import people, reports
from dicomcore.cache.lens import Lens, seen_through
from dicomcore.exploring import terms
from dicomcore.exploring.cohort import Cohort
from dicomcore.exploring.fields import AGE
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

MOST_ROWS = 200_000
"""So many studies are written as CSV at once."""

NOTED = "studies of a cohort"
"""What an export of them is called in the audit."""

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
    where, values = terms.where(cohort)
    summed = "coalesce(sum(studies.series), 0), coalesce(sum(studies.instances), 0), coalesce(sum(studies.bytes), 0)"
    question = f"SELECT count(DISTINCT studies.patient), count(*), {summed} {FROM} {where}"
    found = services.cache.rows(*seen_through(_lens(services, visitor), question, values))
    return Sizes(*map(int, found[0]))


def members(services: Services, visitor: Visitor, cohort: Cohort, page: int = 1, per_page: int = 100) -> Members:
    """The studies of a cohort, newest first; a page beyond the last is the last."""
    total = sizes(services, visitor, cohort).studies
    pages = max(1, -(-total // per_page))
    page = min(max(page, 1), pages)
    return Members(_page(services, visitor, cohort, per_page, (page - 1) * per_page), total, page, pages)


def _page(services: Services, visitor: Visitor, cohort: Cohort, limit: int, skip: int) -> pd.DataFrame:
    """First which studies, then all of each: under pseudonyms the rest costs far more than the ids."""
    return these(services, visitor, _ids(services, visitor, cohort, limit, skip), limit)


def ids(services: Services, visitor: Visitor, cohort: Cohort) -> list[str]:
    """The ids of all studies of a cohort as the visitor is given them, newest first."""
    return _ids(services, visitor, cohort, None, 0)


def _ids(services: Services, visitor: Visitor, cohort: Cohort, limit: int | None, skip: int) -> list[str]:
    where, values = terms.where(cohort)
    question = f"SELECT studies.id {FROM} {where} {NEWEST_FIRST} LIMIT ? OFFSET ?"
    values = [*values, limit, skip]
    return [str(one) for (one,) in services.cache.rows(*seen_through(_lens(services, visitor), question, values))]


def these(services: Services, visitor: Visitor, studies: Sequence[str], most: int = 100) -> pd.DataFrame:
    """The first of these studies, by the ids that the visitor was given; columns as of ``Members.rows``."""
    question = f"SELECT {COLUMNS} {FROM} WHERE list_contains(?::VARCHAR[], studies.id) {NEWEST_FIRST}"
    return services.cache.read(*seen_through(_lens(services, visitor), question, [list(studies[:most])]))


def members_csv(services: Services, visitor: Visitor, cohort: Cohort) -> str:
    """All studies of a cohort, at most ``MOST_ROWS``, as CSV. Noted as an export. Raises ``AccessRefused``."""
    visitor.expect(Right.EXPORT)
    return reports.noted_csv(services, all_rows(services, visitor, cohort), NOTED)


def all_rows(services: Services, visitor: Visitor, cohort: Cohort) -> pd.DataFrame:
    """The studies of a cohort, at most ``MOST_ROWS``; columns as of ``Members.rows``."""
    where, values = terms.where(cohort)
    question = f"SELECT {COLUMNS} {FROM} {where} {NEWEST_FIRST} LIMIT ?"
    return services.cache.read(*seen_through(_lens(services, visitor), question, [*values, MOST_ROWS]))


def _lens(services: Services, visitor: Visitor) -> Lens | None:
    return people.lens_of(services, visitor)
