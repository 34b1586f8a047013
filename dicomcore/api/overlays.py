"""What lies over a series: segmentations, structure sets and doses, frame by frame."""

from __future__ import annotations

import base64
import zlib
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from dicomcore import overlays
from dicomcore.api import known
from dicomcore.api.asking import Looking
from dicomcore.api.frames import Number, Version
from dicomcore.api.known import OF_ONE, SeriesId
from dicomcore.imaging.dose import Wash
from dicomcore.imaging.overlay import Dose, Line, OverlayKind

router = APIRouter(tags=["Pictures"])

OverlayId = Annotated[str, Path(alias="overlay", max_length=500, description="The overlay's id, from the list.")]


class PartOfOverlay(BaseModel):
    """A segment, or a structure."""

    number: int = Field(description="From 1, in the order of the file.")
    name: str = Field(examples=["Liver"])
    colour: str = Field(examples=["#e69f00"])


class OverlayOfSeries(BaseModel):
    """A segmentation, a structure set, or a dose."""

    id: str
    series: str = Field(description="The series that it is of itself.")
    kind: OverlayKind
    name: str
    parts: list[PartOfOverlay]
    note: str = Field(description="What has to be known of it, in a sentence; or empty.")
    reason: str = Field(description="Why it cannot be drawn; empty where it can.")


class OverlayList(BaseModel):
    """What lies over a series."""

    success: Literal[True] = True
    overlays: list[OverlayOfSeries]
    note: str = Field(description="What may be missing in the list, in a sentence; or empty.")


class MaskOfPart(BaseModel):
    """Where a segment lies: lengths of runs, row by row from the upper left, outside and inside in turn."""

    part: int
    runs: list[int]


class LineOfPart(BaseModel):
    """A contour: column and row of each point in turn, where the upper left corner of the picture is 0, 0."""

    part: int
    closed: bool
    points: list[float]


class DoseOnFrame(BaseModel):
    """The dose on a rectangle of the frame's pixels: dose = step · value. 0 is also where the grid does not reach."""

    top: int
    left: int
    rows: int
    columns: int
    step: float
    unit: str = Field(description="Gy, relative, or empty.")
    most: float = Field(description="The largest dose of the whole grid.")
    values: str = Field(
        description="16 bits each, little endian; along each row the differences, modulo 65,536; zlib, then base64."
    )


class OverlayOnFrame(BaseModel):
    """What an overlay shows on one frame."""

    success: Literal[True] = True
    number: int
    masks: list[MaskOfPart]
    lines: list[LineOfPart]
    dose: DoseOnFrame | None
    note: str = Field(description="What of the overlay lies on no frame at all, in a sentence; or empty.")


@router.get("/series/{id}/overlays", responses=OF_ONE)
def overlays_of(asking: Looking, series_id: SeriesId) -> OverlayList:
    """Segmentations, structure sets and doses of the same study that lie over a series."""
    of = known.series(asking, series_id)["id"]
    found = overlays.over(asking.services, asking.visitor, of)
    return OverlayList(overlays=[_told(one) for one in found.overlays], note=found.note)


@router.get("/series/{id}/overlays/{overlay}/frames/{number}", response_model=OverlayOnFrame, responses=OF_ONE)
def overlay_on_frame(
    asking: Looking, series_id: SeriesId, overlay: OverlayId, number: Number, version: Version = ""
) -> Response:
    """What an overlay shows on one frame of the series, in the pixels of that frame; 422 where it cannot be drawn."""
    of = known.series(asking, series_id)["id"]
    found = overlays.frame(asking.services, asking.visitor, of, overlay, number, version)
    answer = OverlayOnFrame(
        number=number,
        masks=[MaskOfPart(part=one.part + 1, runs=one.runs.tolist()) for one in found.masks],
        lines=[_line(one) for one in found.lines],
        dose=_dose(found.dose, found.wash) if found.dose else None,
        note=found.note,
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _told(one: overlays.Overlay) -> OverlayOfSeries:
    parts = [PartOfOverlay(number=part.number, name=part.name, colour=part.colour) for part in one.parts]
    return OverlayOfSeries(
        id=one.id, series=one.series, kind=one.kind, name=one.name, parts=parts, note=one.note, reason=one.reason
    )


def _line(line: Line) -> LineOfPart:
    points = np.round(line.points.astype(float), 2).ravel().tolist()
    return LineOfPart(part=line.part + 1, closed=line.closed, points=points)


def _dose(dose: Dose, wash: Wash | None) -> DoseOnFrame:
    """Differences of neighbours are small and deflate well."""
    values = wash.values if wash else np.zeros((0, 0), np.uint16)
    differences = np.diff(values, axis=1, prepend=np.zeros((len(values), 1), np.uint16)).astype("<u2")
    return DoseOnFrame(
        top=wash.top if wash else 0,
        left=wash.left if wash else 0,
        rows=values.shape[0],
        columns=values.shape[1],
        step=dose.step,
        unit=dose.unit,
        most=dose.most,
        values=base64.b64encode(zlib.compress(differences.tobytes(), 4)).decode(),
    )
