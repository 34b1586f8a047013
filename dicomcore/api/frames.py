"""A series for the viewer: what has to be known of its frames, and their values, undrawn."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from dicomcore import viewing
from dicomcore.api import known
from dicomcore.api.asking import Looking
from dicomcore.api.headers import AS_THEY_ARE
from dicomcore.api.known import OF_ONE, SeriesId
from dicomcore.api.pictures import ASKED_EACH_TIME
from dicomcore.imaging.stored_values import Kind
from dicomcore.imaging.windows import NamedWindow, VoiTable
from dicomcore.placing import Frame

router = APIRouter(tags=["Pictures"])

MOST_NUMBER = 10_000_000
Number = Annotated[int, Path(ge=0, le=MOST_NUMBER, description="Which frame, from 0, in slice order.")]
First = Annotated[int, Query(ge=0, le=MOST_NUMBER, description="The first frame, from 0.")]
Count = Annotated[int, Query(ge=0, le=MOST_NUMBER, description="How many; 0: all.")]

Version = Annotated[
    str, Query(alias="stack", max_length=64, description="The `version` of the stack that the numbers are of.")
]

VALUES = "application/octet-stream"


class Window(BaseModel):
    """In the frame's unit."""

    name: str = Field(examples=["Window 1"])
    centre: float
    width: float
    function: str = Field(description="VOI LUT Function: LINEAR, LINEAR_EXACT or SIGMOID.")
    table: int | None = Field(description="Which of the stack's `tables` takes its place, from 0.")


class Table(BaseModel):
    """A VOI LUT: grey levels for the whole values of a unit from `first` on; beyond its ends its ends hold."""

    first: int
    levels: str = Field(description="One byte each, 0 to 255, in Base64.")


class Region(BaseModel):
    """A calibrated part of an ultrasound picture, in pixels from 0, and what one pixel is there."""

    left: float
    top: float
    right: float
    bottom: float
    dx: float
    dy: float
    x_unit: str = Field(examples=["mm"])
    y_unit: str = Field(examples=["mm"])


class FrameOfSeries(BaseModel):
    """What has to be known of a frame before its values are read: unit = slope · value + intercept."""

    number: int = Field(description="From 0, in slice order.")
    label: str = Field(examples=["image 37"])
    rows: int
    columns: int
    kind: Kind = Field(description="Of its values, little endian; rgb8: three bytes for each pixel.")
    bytes: int = Field(description="How many; 0 where it cannot be shown.")
    slope: float
    intercept: float
    note: str = Field(description="What was done to the stored values; empty where they are sent as they are.")
    unit: str = Field(examples=["HU"])
    inverted: bool = Field(description="Low values are bright (MONOCHROME1).")
    windows: list[Window] = Field(description="The file's own, else one that was computed.")
    spacing: tuple[float, ...] | None = Field(description="Distance of the rows and of the columns in mm.")
    spacing_of: str = Field(description="The element that says so.", examples=["PixelSpacing"])
    position: tuple[float, ...] | None = Field(description="ImagePositionPatient, in mm.")
    orientation: tuple[float, ...] | None = Field(description="ImageOrientationPatient.")
    thickness: float | None = Field(description="In mm.")
    location: float | None = Field(description="In mm.")
    padding: tuple[int, int] | None = Field(description="Least and greatest value that mean: no pixel here.")
    letters: tuple[str, str] | None = Field(description="Where rows and columns lead, where that is all that is known.")
    regions: list[Region] = Field(description="Of ultrasound: where lengths and times can be measured.")
    reason: str = Field(description="Why it cannot be shown; empty where it can.")


class Corners(BaseModel):
    """Lines of text for the corners, as the caller may see them."""

    top_left: list[str]
    top_right: list[str]
    bottom_right: list[str]


class StackOfFrames(BaseModel):
    """A series, frame by frame."""

    success: Literal[True] = True
    series: str
    version: str = Field(description="Changes when the numbers of the frames mean other images: send it along.")
    modality: str
    number: str
    description: str
    unit: str = Field(description="HU, SUV, counts, another unit by its name, or empty.")
    frame_rate: float | None = Field(description="Frames a second, as the file says.")
    overlay: Corners
    uneven: str = Field(description="What a volume of these slices would get wrong, in a sentence; or empty.")
    first: int | None = Field(description="The frame to begin with; the middle one where it is null.")
    space: str = Field(description="Series with the same word lie in the same coordinates; may be empty.")
    tables: list[Table]
    frames: list[FrameOfSeries]


@router.get("/series/{id}/stack", response_model=StackOfFrames, responses=OF_ONE)
def stack(asking: Looking, series_id: SeriesId) -> Response:
    """What a viewer has to know of a series: its frames in slice order, where they lie and what their values mean."""
    of = known.series(asking, series_id)["id"]
    found = viewing.stack(asking.services, asking.visitor, of)
    viewing.make_ready(asking.services, asking.visitor, of, found.beginning)
    tables = list(dict.fromkeys(one.table for frame in found.frames for one in frame.facts.windows if one.table))
    answer = StackOfFrames(
        series=found.series,
        version=found.version,
        modality=found.modality,
        number=found.number,
        description=found.description,
        unit=found.unit,
        frame_rate=found.frame_rate,
        overlay=corners(found.overlay),
        uneven=found.uneven,
        first=found.first,
        space=found.space,
        tables=[Table(first=one.first, levels=b64encode(one.levels).decode()) for one in tables],
        frames=[_told(number, one, tables) for number, one in enumerate(found.frames)],
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _told(number: int, frame: Frame, tables: list[VoiTable]) -> FrameOfSeries:
    facts = frame.facts
    return FrameOfSeries(
        number=number,
        label=frame.label,
        rows=facts.rows,
        columns=facts.columns,
        kind=facts.kind,
        bytes=facts.bytes,
        slope=facts.scale.slope,
        intercept=facts.scale.intercept,
        note=facts.scale.note,
        unit=facts.unit,
        inverted=facts.inverted,
        windows=[window(one, tables) for one in facts.windows],
        spacing=facts.spacing,
        spacing_of=facts.spacing_of,
        position=facts.position,
        orientation=facts.orientation,
        thickness=facts.thickness,
        location=facts.location,
        padding=facts.padding,
        letters=facts.letters,
        regions=[Region(**one._asdict()) for one in facts.regions],
        reason=facts.reason,
    )


def window(one: NamedWindow, tables: Sequence[VoiTable] = ()) -> Window:
    """With the place of its table in ``tables``; where that is not sent along, the range that the table covers."""
    return Window(**(one._asdict() | {"table": tables.index(one.table) if one.table in tables else None}))


def corners(overlay: viewing.Overlay) -> Corners:
    """The words of the corners as JSON has them."""
    return Corners(
        top_left=list(overlay.top_left),
        top_right=list(overlay.top_right),
        bottom_right=list(overlay.bottom_right),
    )


@router.get(
    "/series/{id}/frames/{number}",
    response_class=Response,
    responses={
        200: {"content": {VALUES: {}}},
        304: {"description": "As you have it: the ETag still fits."},
        **OF_ONE,
    },
)
def frame(
    asking: Looking,
    series_id: SeriesId,
    number: Number,
    version: Version = "",
    if_none_match: Annotated[str, Header(description="The ETag of what you have.")] = "",
) -> Response:
    """The values of one frame, as `stack` describes them; 422 with the reason where it cannot be shown."""
    of = known.series(asking, series_id)["id"]
    ready = viewing.find_frame(asking.services, asking.visitor, of, number, version)
    headers = {"ETag": f'"{ready.tag}"', **ASKED_EACH_TIME, **AS_THEY_ARE}
    if headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    values = viewing.frame(asking.services, asking.visitor, ready)
    viewing.make_ready(asking.services, asking.visitor, of, number + 1)
    return Response(values, media_type=VALUES, headers=headers)


@router.get(
    "/series/{id}/frames",
    response_class=Response,
    responses={200: {"content": {VALUES: {}}}, **OF_ONE},
)
def frames(asking: Looking, series_id: SeriesId, first: First = 0, count: Count = 0, version: Version = "") -> Response:
    """The values of several frames one after the other, as they are decoded; their sizes are in `stack`.

    Frames of 0 bytes are left out. It ends before a frame that cannot be decoded: ask for that one alone to hear why.
    """
    of = known.series(asking, series_id)["id"]
    values = viewing.frames(asking.services, asking.visitor, of, first, count, version)
    return StreamingResponse(values, media_type=VALUES, headers=AS_THEY_ARE)
