"""Studies, series and tables as files to take away."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from dicomcore.api import known
from dicomcore.api.asking import Asking, Exporting
from dicomcore.api.known import OF_ONE, OF_THE_CACHE, SeriesId, StudyId
from dicomcore.export import package, tables
from dicomcore.export.package import What
from dicomcore.export.selection import Level
from dicomcore.export.tables import MIMES, Format, Table

router = APIRouter(tags=["Export"])

Kind = Annotated[What, Path(description="As it is, de-identified (PS3.15), as PNG, or as NIfTI with names as in BIDS.")]
Name = Annotated[Table, Path(description="Which table.")]
Suffix = Annotated[Format, Path(description="Which format.")]

ZIP = "application/zip"
A_ZIP = {200: {"content": {ZIP: {}}}, **OF_ONE}


class ExportSize(BaseModel):
    """How much an export begins with."""

    success: Literal[True] = True
    instances: int
    bytes: int = Field(description="As they lie in the archive, together.")


@router.get("/studies/{id}/export", responses=OF_ONE)
def study_size(asking: Exporting, study_id: StudyId) -> ExportSize:
    """How large a study is, before it is taken away."""
    return _size(asking, "studies", known.study(asking, study_id)["id"])


@router.get("/series/{id}/export", responses=OF_ONE)
def series_size(asking: Exporting, series_id: SeriesId) -> ExportSize:
    """How large a series is, before it is taken away."""
    return _size(asking, "series", known.series(asking, series_id)["id"])


@router.get("/studies/{id}/{what}.zip", response_class=Response, responses=A_ZIP)
def study_zip(asking: Exporting, study_id: StudyId, what: Kind) -> StreamingResponse:
    """A study as a ZIP, sent while it is made. Its `report.csv` names what was left out, and why."""
    return _zip(asking, "studies", known.study(asking, study_id)["id"], what)


@router.get("/series/{id}/{what}.zip", response_class=Response, responses=A_ZIP)
def series_zip(asking: Exporting, series_id: SeriesId, what: Kind) -> StreamingResponse:
    """A series, as above."""
    return _zip(asking, "series", known.series(asking, series_id)["id"], what)


@router.get(
    "/tables/{name}.{suffix}",
    response_class=Response,
    responses={200: {"content": {mime: {} for mime in MIMES.values()}}, **OF_THE_CACHE},
)
def table(asking: Exporting, name: Name, suffix: Suffix) -> Response:
    """A whole table as the caller may see it. Cells that a spreadsheet would run are made text."""
    known.expect_an_answer(asking)
    made = tables.table_file(asking.services, asking.visitor, name, suffix)
    return Response(made, media_type=MIMES[suffix], headers=_to_keep(f"{name}.{suffix}"))


def _size(asking: Asking, level: Level, of: str) -> ExportSize:
    instances, size = package.size_of(asking.services, asking.visitor, level, of)
    return ExportSize(instances=instances, bytes=size)


def _zip(asking: Asking, level: Level, of: str, what: What) -> StreamingResponse:
    made = package.package(asking.services, asking.visitor, level, of, what)
    return StreamingResponse(made.blocks, media_type=ZIP, headers=_to_keep(made.name))


def _to_keep(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
