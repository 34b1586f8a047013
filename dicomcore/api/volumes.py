"""The volumes of a series, as NIfTI for a viewer."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from dicomcore import volumes as making
from dicomcore.api import known
from dicomcore.api.asking import Looking
from dicomcore.api.frames import Corners, Version, Window, corners, window
from dicomcore.api.headers import AS_THEY_ARE
from dicomcore.api.known import OF_ONE, SeriesId
from dicomcore.api.openapi import errors

router = APIRouter(tags=["Pictures"])

Number = Annotated[int, Path(ge=0, le=100_000, description="Which volume, from 0.")]
Coarser = Annotated[
    int, Query(ge=0, le=making.MOST_COARSER, description="How often its finest axes are halved; see `sizes`.")
]

NIFTI = "application/octet-stream"


class SizeOfVolume(BaseModel):
    """One of the sizes that a volume can be had in."""

    coarser: int = Field(description="To ask for it.")
    columns: int
    rows: int
    slices: int
    spacing: tuple[float, float, float] = Field(description="Between columns, rows and slices, in mm.")
    bytes: int = Field(description="Of the .nii file.")
    browser_bytes: int = Field(description="What a browser needs for it, about.")


class VolumeOfSeries(BaseModel):
    """Slices that make one volume."""

    number: int
    name: str = Field(examples=["b = 1000", "phase 3 of 20"])
    unit: str = Field(examples=["HU"])
    inverted: bool = Field(description="Low values are bright (MONOCHROME1).")
    windows: list[Window]
    sizes: list[SizeOfVolume] = Field(description="From the finest on.")
    suggested: int = Field(description="The `coarser` of the finest that a usual browser takes well.")
    sentence: str = Field(description="What was done to the slices (tilt, uneven distances); or empty.")


class VolumeList(BaseModel):
    """The volumes of a series, or why there are none."""

    success: Literal[True] = True
    series: str
    version: str = Field(description="Changes when the numbers mean other images: send it along as `stack`.")
    modality: str
    overlay: Corners
    volumes: list[VolumeOfSeries]
    left_out: list[str] = Field(description="Sentences about images that are in no volume.")
    why_none: str = Field(description="Why there is no volume; empty where there is one.")
    no_3d: str = Field(description="Why the caller is shown no 3D; or empty.")


@router.get("/series/{id}/volumes", response_model=VolumeList, responses=OF_ONE)
def volumes(asking: Looking, series_id: SeriesId) -> Response:
    """The volumes that the slices of a series make: by plane, echo, diffusion weight and time."""
    of = known.series(asking, series_id)["id"]
    found = making.of_series(asking.services, asking.visitor, of)
    answer = VolumeList(
        series=found.series,
        version=found.version,
        modality=found.modality,
        overlay=corners(found.overlay),
        volumes=[_told(one) for one in found.volumes],
        left_out=list(found.left_out),
        why_none=found.why_none,
        no_3d=found.no_3d,
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _told(volume: making.Volume) -> VolumeOfSeries:
    return VolumeOfSeries(
        number=volume.number,
        name=volume.name,
        unit=volume.unit,
        inverted=volume.inverted,
        windows=[window(one) for one in volume.windows],
        sizes=[_size(one) for one in volume.sizes],
        suggested=volume.suggested,
        sentence=volume.sentence,
    )


def _size(size: making.Size) -> SizeOfVolume:
    return SizeOfVolume(
        coarser=size.coarser,
        columns=size.columns,
        rows=size.rows,
        slices=size.slices,
        spacing=size.spacing,
        bytes=size.bytes,
        browser_bytes=size.browser_bytes,
    )


@router.get(
    "/series/{id}/volumes/{number}.nii",
    response_class=Response,
    responses={200: {"content": {NIFTI: {}}}, **errors(400), **OF_ONE},
)
def nifti(
    asking: Looking, series_id: SeriesId, number: Number, coarser: Coarser = 0, version: Version = ""
) -> Response:
    """A volume as NIfTI-1, sent as it is decoded; 400 where it is too large, with the coarser size to ask for.

    It ends before an image that cannot be decoded: `bytes` tells whether it is whole.
    """
    of = known.series(asking, series_id)["id"]
    pieces = making.nifti(asking.services, asking.visitor, of, number, half=coarser, version=version)
    return StreamingResponse(pieces, media_type=NIFTI, headers=AS_THEY_ARE)
