"""Patients, studies, series and their pictures as one visitor may see them. The pages and the REST API ask here."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from dicomcore import pictures, reports
from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter, PatientPage
from dicomcore.pictures import Slice
from dicomcore.services import Services
from dicomcore.visitor import Visitor


def search_patients(
    services: Services,
    visitor: Visitor,
    wanted: PatientFilter | None = None,
    page: int = 1,
    per_page: int = 25,
    sort: str = "last_study",
    descending: bool = True,
) -> PatientPage:
    """The patients that fit, as ``queries.search_patients`` has them."""
    return queries.search_patients(services.cache, wanted, page, per_page, sort, descending)


def modalities(services: Services) -> list[str]:
    """The modalities that occur, in alphabetical order."""
    return queries.modalities(services.cache)


def patient(services: Services, visitor: Visitor, patient_id: str) -> dict[str, Any] | None:
    """One patient by the id that the visitor was given, as in ``PatientPage.rows``; None when not there."""
    return queries.find_patient(services.cache, patient_id)


def studies_of(services: Services, visitor: Visitor, patient_id: str) -> pd.DataFrame:
    """The studies of a patient, as ``queries.studies_of`` has them."""
    return queries.studies_of(services.cache, patient_id)


def study(services: Services, visitor: Visitor, study_id: str) -> dict[str, Any] | None:
    """One study by the id that the visitor was given, as in ``studies_of``; None when not there."""
    return queries.find_study(services.cache, study_id)


def series_of(services: Services, visitor: Visitor, study_id: str) -> pd.DataFrame:
    """The series of a study, as ``queries.series_of`` has them."""
    return queries.series_of(services.cache, study_id)


def series(services: Services, visitor: Visitor, series_id: str) -> dict[str, Any] | None:
    """One series by the id that the visitor was given, as in ``series_of``; None when not there."""
    return queries.find_series(services.cache, series_id)


def slices(services: Services, visitor: Visitor, series_id: str, count: int = 12, size: int = 256) -> list[Slice]:
    """At most ``count`` evenly spaced slices of a series. Raises as ``pictures.series_slices``."""
    return pictures.series_slices(services, series_id, count, size)


def sheet(services: Services, visitor: Visitor, series_id: str, *, title: str, format: Literal["png", "pdf"]) -> bytes:
    """A contact sheet of a series. Raises as ``slices``."""
    return pictures.series_sheet(services, series_id, title=title, format=format)


def patients_csv(services: Services, visitor: Visitor, wanted: PatientFilter, sort: str, descending: bool) -> str:
    """The patients that fit, on all pages together, as CSV."""
    return reports.patients_csv(services, wanted, sort, descending)
