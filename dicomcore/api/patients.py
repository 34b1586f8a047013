"""Patients, their studies and series, as the caller may see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from dicomcore import people
from dicomcore.api import known
from dicomcore.api.asked import Day
from dicomcore.api.asking import Asking, Exporting, Looking
from dicomcore.api.known import OF_ONE, OF_THE_CACHE, PatientId, SeriesId, StudyId
from dicomcore.api.paging import After, Page, PerPage, page_after
from dicomcore.api.rows import Moment, Patient, Series, Study
from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter

router = APIRouter(tags=["Patients"])

Sort = Literal["name", "patient_id", "birth_date", "sex", "studies", "last_study", "added"]
Order = Literal["asc", "desc"]


def _wanted(
    q: Annotated[
        str,
        Query(max_length=1000, description='Words of a name, id, accession number or description; "in quotes" exact.'),
    ] = "",
    modality: Annotated[str, Query(max_length=64, description="Only with a study of this modality.")] = "",
    date_from: Annotated[Day | None, Query(description="Study date from, inclusive.")] = None,
    date_to: Annotated[Day | None, Query(description="Study date to, inclusive.")] = None,
) -> PatientFilter:
    return PatientFilter(q, date_from, date_to, modality)


Wanted = Annotated[PatientFilter, Depends(_wanted)]
Sorting = Annotated[Sort, Query(description="What to sort by.")]
Ordering = Annotated[Order, Query(description="Which end comes first.")]


class PatientList(BaseModel):
    """A page of patients."""

    success: Literal[True] = True
    patients: list[Patient]
    total: int = Field(description="How many fit, on all pages.")
    page: int
    pages: int
    next: str | None = Field(description="Where the next page is; null on the last. Stays right when patients arrive.")
    as_of: Moment = Field(description="When the archive was last asked; null: never, or under pseudonyms.")


class OnePatient(BaseModel):
    """One patient."""

    success: Literal[True] = True
    patient: Patient


class StudyList(BaseModel):
    """All studies of a patient, newest first."""

    success: Literal[True] = True
    studies: list[Study]


class OneStudy(BaseModel):
    """One study."""

    success: Literal[True] = True
    study: Study


class SeriesList(BaseModel):
    """All series of a study, by number."""

    success: Literal[True] = True
    series: list[Series]


class OneSeries(BaseModel):
    """One series."""

    success: Literal[True] = True
    series: Series


@router.get("/patients", responses=OF_THE_CACHE)
def patients(
    request: Request,
    asking: Looking,
    wanted: Wanted,
    sort: Sorting = "last_study",
    order: Ordering = "desc",
    page: Page = 1,
    per_page: PerPage = 25,
    after: After = "",
) -> PatientList:
    """The patients with at least one study that fits everything."""
    known.expect_an_answer(asking)
    found = people.search_patients(
        asking.services, asking.visitor, wanted, page, per_page, sort, descending=order == "desc", after=after
    )
    return PatientList(
        patients=Patient.all_of(found.rows),
        total=found.total,
        page=found.page,
        pages=found.pages,
        next=page_after(request, found.after),
        as_of=_as_of(asking),
    )


@router.get("/patients.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}, **OF_THE_CACHE})
def patients_csv(asking: Exporting, wanted: Wanted, sort: Sorting = "last_study", order: Ordering = "desc") -> Response:
    """The patients that fit, on all pages together, as CSV. Cells that a spreadsheet would run are made text."""
    known.expect_an_answer(asking)
    table = people.patients_csv(asking.services, asking.visitor, wanted, sort, descending=order == "desc")
    return Response(table, media_type="text/csv", headers=_to_keep("patients.csv"))


@router.get("/patients/{id}", responses=OF_ONE)
def patient(asking: Looking, patient_id: PatientId) -> OnePatient:
    """One patient."""
    return OnePatient(patient=Patient.of(known.patient(asking, patient_id)))


@router.get("/patients/{id}/studies", responses=OF_ONE)
def studies(asking: Looking, patient_id: PatientId) -> StudyList:
    """The studies of a patient."""
    of = known.patient(asking, patient_id)["id"]
    return StudyList(studies=Study.all_of(people.studies_of(asking.services, asking.visitor, of)))


@router.get("/studies/{id}", responses=OF_ONE)
def study(asking: Looking, study_id: StudyId) -> OneStudy:
    """One study."""
    return OneStudy(study=Study.of(known.study(asking, study_id)))


@router.get("/studies/{id}/series", responses=OF_ONE)
def series_of_study(asking: Looking, study_id: StudyId) -> SeriesList:
    """The series of a study."""
    of = known.study(asking, study_id)["id"]
    return SeriesList(series=Series.all_of(people.series_of(asking.services, asking.visitor, of)))


@router.get("/series/{id}", responses=OF_ONE)
def series(asking: Looking, series_id: SeriesId) -> OneSeries:
    """One series."""
    return OneSeries(series=Series.of(known.series(asking, series_id)))


def _to_keep(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def _as_of(asking: Asking) -> datetime | None:
    """Who sees pseudonyms could tell by the moment what arrived when, and with that how far its dates are shifted."""
    return queries.last_sync(asking.services.cache) if people.shows_identities(asking.visitor) else None
