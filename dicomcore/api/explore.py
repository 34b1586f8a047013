"""What the archive holds as a whole, and the studies of a cohort, as the caller may see them."""

from __future__ import annotations

from datetime import date as Date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field

from dicomcore.api import known
from dicomcore.api.asking import Exporting, Looking
from dicomcore.api.known import OF_THE_CACHE
from dicomcore.api.paging import Page, PerPage, next_page
from dicomcore.api.rows import Row
from dicomcore.exploring import cohort, members, overview
from dicomcore.exploring.cohort import Cohort
from dicomcore.exploring.overview import Count, Tally

router = APIRouter(tags=["Explore"])


def _cohort(
    where: Annotated[
        list[str] | None,
        Query(
            max_length=cohort.MOST_CONDITIONS,
            description="Conditions that all hold: `field:comparison:value`, as in the address of the page Explore.",
            examples=[["series.modality:is:CT", "study.study_date:from:2020-01-01"]],
        ),
    ] = None,
) -> Cohort:
    return cohort.read(where or ())


Wanted = Annotated[Cohort, Depends(_cohort)]


class Sizes(BaseModel):
    """How much there is."""

    patients: int
    studies: int
    series: int
    images: int
    bytes: int


class OneCount(BaseModel):
    """How often one value occurs."""

    label: str = Field(description="The value; empty where there is none.", examples=["CT"])
    count: int
    studies: int = Field(description="How many studies these belong to.")
    where: list[str] = Field(description="What finds these studies.", examples=[["series.modality:is:CT"]])

    @classmethod
    def of(cls, one: Count) -> OneCount:
        """As the engine has it."""
        where = [condition.written() for condition in one.cohort]
        return cls(label=one.label, count=one.count, studies=one.studies, where=where)


class OneTally(BaseModel):
    """All studies, or series, counted by one field."""

    key: str = Field(examples=["modalities"])
    title: str = Field(examples=["Modalities"])
    counted: str = Field(description="What is counted: studies or series.", examples=["studies"])
    counts: list[OneCount]

    @classmethod
    def of(cls, tally: Tally) -> OneTally:
        """As the engine has it."""
        counts = [OneCount.of(one) for one in tally.counts]
        return cls(key=tally.key, title=tally.title, counted=tally.counted, counts=counts)


class Overview(BaseModel):
    """The whole archive in numbers."""

    success: Literal[True] = True
    sizes: Sizes
    tallies: list[OneTally]


class CohortStudy(Row):
    """A study of a cohort, with its patient."""

    id: str = Field(description="To ask for this study.")
    patient: str = Field(description="The patient's id.")
    study_instance_uid: str
    date: Date | None
    name: str = Field(description="Of the patient, as people write it.")
    patient_id: str = Field(description="PatientID (0010,0020).")
    sex: str
    age: Annotated[int | None, BeforeValidator(lambda years: None if years is None else int(years))] = Field(
        description="Full years of the patient at the study."
    )
    description: str
    modalities: str = Field(examples=["CT, SR"])
    accession: str
    series: int
    images: int
    bytes: int


class CohortStudies(BaseModel):
    """A page of the studies of a cohort, newest first."""

    success: Literal[True] = True
    sizes: Sizes
    studies: list[CohortStudy]
    page: int
    pages: int
    next: str | None = Field(description="Where the next page is; null on the last.")


@router.get("/explore/overview", responses=OF_THE_CACHE)
def overview_of_all(asking: Looking) -> Overview:
    """Studies by year, modality, body part, scanner and age, and series by size; each count with what finds it."""
    known.expect_an_answer(asking)
    found = overview.overview(asking.services, asking.visitor)
    sizes = Sizes.model_validate(found.sizes, from_attributes=True)
    return Overview(sizes=sizes, tallies=[OneTally.of(tally) for tally in found.tallies])


@router.get("/explore/studies", responses=OF_THE_CACHE)
def studies(
    request: Request, asking: Looking, wanted: Wanted, page: Page = 1, per_page: PerPage = 100
) -> CohortStudies:
    """The studies that fulfil all conditions, and how much is in them."""
    known.expect_an_answer(asking)
    sizes = members.sizes(asking.services, asking.visitor, wanted)
    found = members.members(asking.services, asking.visitor, wanted, page, per_page)
    return CohortStudies(
        sizes=Sizes.model_validate(sizes, from_attributes=True),
        studies=CohortStudy.all_of(found.rows),
        page=found.page,
        pages=found.pages,
        next=next_page(request, found.page, found.pages),
    )


@router.get(
    "/explore/studies.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}, **OF_THE_CACHE}
)
def studies_csv(asking: Exporting, wanted: Wanted) -> Response:
    """The same on all pages together, as CSV. Cells that a spreadsheet would run are made text."""
    known.expect_an_answer(asking)
    table = members.members_csv(asking.services, asking.visitor, wanted)
    headers = {"Content-Disposition": 'attachment; filename="studies.csv"', "Cache-Control": "no-store"}
    return Response(table, media_type="text/csv", headers=headers)
