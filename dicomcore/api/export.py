"""Patients, studies, series and tables as files to take away."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from dicomcore.api import known
from dicomcore.api.asking import Asking, Exporting
from dicomcore.api.known import OF_ONE, OF_THE_CACHE, PatientId, SeriesId, StudyId
from dicomcore.api.leaving import Leaving, to_keep
from dicomcore.api.openapi import errors
from dicomcore.export import package, tables, under_way
from dicomcore.export.making import What
from dicomcore.export.package import Package, State
from dicomcore.export.selection import Choice
from dicomcore.export.tables import MIMES, Format, Table

router = APIRouter(tags=["Export"])

Kind = Annotated[What, Path(description="As it is, de-identified (PS3.15), as PNG, or as NIfTI with names as in BIDS.")]
Name = Annotated[Table, Path(description="Which table.")]
Suffix = Annotated[Format, Path(description="Which format.")]
ExportId = Annotated[str, Path(alias="id", max_length=100, description="The id of an export.")]
Ids = Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=20_000)]

ZIP = "application/zip"
A_ZIP = {200: {"content": {ZIP: {}}}, **OF_ONE}


class ExportSize(BaseModel):
    """How much an export begins with."""

    success: Literal[True] = True
    instances: int
    bytes: int = Field(description="As they lie in the archive, together.")


class Chosen(BaseModel):
    """Patients, studies and series by the ids of lists; together they are taken once."""

    patients: Ids = []
    studies: Ids = []
    series: Ids = []

    @property
    def choice(self) -> Choice:
        """For the engine."""
        return Choice.of(patients=self.patients, studies=self.studies, series=self.series)


class Wanted(Chosen):
    """What is to be taken away, and as what."""

    what: What = Field(description="As it is, de-identified (PS3.15), as PNG, or as NIfTI with names as in BIDS.")


class Export(BaseModel):
    """An export: prepared, being sent, or over. The caller alone knows it."""

    id: str
    what: What
    state: State
    patients: int
    studies: int
    instances: int = Field(description="Asked for.")
    bytes: int = Field(description="As they lie in the archive, together.")
    done_instances: int = Field(description="Of them dealt with so far.")
    done_bytes: int
    left_out: int = Field(description="Instances of which nothing is in the ZIP; manifest.csv in it says why.")
    bytes_per_second: float
    seconds_left: float = Field(description="About so long it will take, from now on.")
    message: str = Field(description="What its end has to say.")


class OneExport(BaseModel):
    """One export."""

    success: Literal[True] = True
    export: Export


class ExportList(BaseModel):
    """The caller's exports since the app was started, newest first."""

    success: Literal[True] = True
    exports: list[Export]


@router.get("/exports")
def exports(asking: Exporting) -> ExportList:
    """Your exports since the app was started, newest first."""
    return ExportList(exports=[_told(one) for one in under_way.exports_of(asking.visitor)])


@router.post("/exports", status_code=201, responses={**errors(400), **OF_ONE})
def prepare(asking: Exporting, wanted: Wanted) -> OneExport:
    """Prepare an export: its size first. Fetch it at `/api/exports/{id}.zip`."""
    return OneExport(export=_told(under_way.prepare(asking.services, asking.visitor, wanted.what, wanted.choice)))


@router.get("/exports/{id}.zip", response_class=Response, responses={**errors(400), **A_ZIP})
def fetch(asking: Exporting, export_id: ExportId) -> Leaving:
    """A prepared export, sent while it is made. One that is stopped or breaks off is no ZIP that opens."""
    return Leaving(under_way.begin(under_way.find(asking.visitor, export_id)))


@router.get("/exports/{id}", responses=OF_ONE)
def export(asking: Exporting, export_id: ExportId) -> OneExport:
    """How far an export is."""
    return OneExport(export=_told(under_way.find(asking.visitor, export_id)))


@router.post("/exports/{id}/stop", responses=OF_ONE)
def stop(asking: Exporting, export_id: ExportId) -> OneExport:
    """Stop an export that is being sent, at once."""
    found = under_way.find(asking.visitor, export_id)
    found.stop()
    return OneExport(export=_told(found))


@router.get("/studies/{id}/export", responses=OF_ONE)
def study_size(asking: Exporting, study_id: StudyId) -> ExportSize:
    """How large a study is, before it is taken away."""
    return _size(asking, Choice(studies=(known.study(asking, study_id)["id"],)))


@router.get("/series/{id}/export", responses=OF_ONE)
def series_size(asking: Exporting, series_id: SeriesId) -> ExportSize:
    """How large a series is, before it is taken away."""
    return _size(asking, Choice(series=(known.series(asking, series_id)["id"],)))


@router.get("/patients/{id}/{what}.zip", response_class=Response, responses=A_ZIP)
def patient_zip(asking: Exporting, patient_id: PatientId, what: Kind) -> Leaving:
    """All studies of a patient as a ZIP, sent while it is made. Its `manifest.csv` tells what is in it."""
    return _zip(asking, Choice(patients=(known.patient(asking, patient_id)["id"],)), what)


@router.get("/studies/{id}/{what}.zip", response_class=Response, responses=A_ZIP)
def study_zip(asking: Exporting, study_id: StudyId, what: Kind) -> Leaving:
    """A study, as above."""
    return _zip(asking, Choice(studies=(known.study(asking, study_id)["id"],)), what)


@router.get("/series/{id}/{what}.zip", response_class=Response, responses=A_ZIP)
def series_zip(asking: Exporting, series_id: SeriesId, what: Kind) -> Leaving:
    """A series, as above."""
    return _zip(asking, Choice(series=(known.series(asking, series_id)["id"],)), what)


@router.get(
    "/tables/{name}.{suffix}",
    response_class=Response,
    responses={200: {"content": {mime: {} for mime in MIMES.values()}}, **OF_THE_CACHE},
)
def table(asking: Exporting, name: Name, suffix: Suffix) -> Response:
    """A whole table as the caller may see it. Cells that a spreadsheet would run are made text."""
    known.expect_an_answer(asking)
    made = tables.table_file(asking.services, asking.visitor, name, suffix)
    return Response(made, media_type=MIMES[suffix], headers=to_keep(f"{name}.{suffix}"))


@router.post(
    "/tables/{name}.{suffix}",
    response_class=Response,
    responses={200: {"content": {mime: {} for mime in MIMES.values()}}, **errors(400), **OF_ONE},
)
def table_of(asking: Exporting, name: Name, suffix: Suffix, wanted: Chosen) -> Response:
    """The rows of a table that belong to these patients, studies and series, as above."""
    made = tables.selection_file(asking.services, asking.visitor, wanted.choice, name, suffix)
    return Response(made, media_type=MIMES[suffix], headers=to_keep(f"{name}.{suffix}"))


def _size(asking: Asking, choice: Choice) -> ExportSize:
    instances, size = package.size_of(asking.services, asking.visitor, choice)
    return ExportSize(instances=instances, bytes=size)


def _zip(asking: Asking, choice: Choice, what: What) -> Leaving:
    return Leaving(under_way.begin(under_way.prepare(asking.services, asking.visitor, what, choice)))


def _told(made: Package) -> Export:
    return Export(
        id=made.id,
        what=made.what,
        state=made.state,
        patients=len(made.selection.patients),
        studies=len(made.selection.studies),
        instances=made.instances,
        bytes=made.size,
        done_instances=made.course.instances,
        done_bytes=made.course.bytes,
        left_out=made.left_out,
        bytes_per_second=round(made.course.speed, 1),
        seconds_left=round(made.seconds_left, 1),
        message=made.message,
    )
