"""Pictures of a series: its thumbnails, and all of them on one sheet."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal
from urllib.parse import quote

import pandas as pd
from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from dicomcore import people
from dicomcore.api import known
from dicomcore.api.asking import Asking, Exporting, Looking
from dicomcore.api.known import OF_ONE, SeriesId
from dicomcore.api.paging import under_api
from dicomcore.errors import Undecodable, UnknownId

router = APIRouter(tags=["Pictures"])

MOST_PICTURES = 120
Count = Annotated[int, Query(ge=1, le=MOST_PICTURES, description="How many, evenly spaced over the series, at most.")]
Size = Annotated[int, Query(ge=16, le=1024, description="Height and width in pixels, at most.")]
Number = Annotated[int, Path(ge=1, le=MOST_PICTURES, description="Which of the `count` pictures, from 1.")]

KINDS = {"png": "image/png", "pdf": "application/pdf"}

ASKED_EACH_TIME = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
"""A browser may keep a picture, but shows it only after we have seen again who asks."""


class Thumbnail(BaseModel):
    """One picture, or why there is none."""

    label: str = Field(description="Which image or frame of the series.", examples=["image 12"])
    url: str | None = Field(description="Where the JPEG is; null where it cannot be drawn.")
    reason: str = Field(description="Why it cannot be drawn; empty where it can.")


class ThumbnailList(BaseModel):
    """Pictures of a series, in the order of its slices."""

    success: Literal[True] = True
    thumbnails: list[Thumbnail]


@router.get("/series/{id}/thumbnails", responses=OF_ONE)
def thumbnails(
    request: Request, asking: Looking, series_id: SeriesId, count: Count = 12, size: Size = 256
) -> ThumbnailList:
    """Evenly spaced slices of a series, each with the address of its picture."""
    of = known.series(asking, series_id)["id"]
    slices = people.slices(asking.services, asking.visitor, of, count, size)
    place = under_api(request, f"/series/{quote(of, safe='')}/thumbnails")
    return ThumbnailList(
        thumbnails=[
            Thumbnail(
                label=one.label,
                url=f"{place}/{number}?count={count}&size={size}" if one.jpeg else None,
                reason=one.reason,
            )
            for number, one in enumerate(slices, 1)
        ]
    )


@router.get(
    "/series/{id}/thumbnails/{number}",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {}}},
        304: {"description": "As you have it: the ETag still fits."},
        **OF_ONE,
    },
)
def thumbnail(
    asking: Looking,
    series_id: SeriesId,
    number: Number,
    count: Count = 12,
    size: Size = 256,
    if_none_match: Annotated[str, Header(description="The ETag of what you have.")] = "",
) -> Response:
    """One picture as JPEG; 422 with the reason where it cannot be drawn."""
    of = known.series(asking, series_id)["id"]
    for one in people.slices(asking.services, asking.visitor, of, count, size, only=number):
        if one.jpeg is None:
            raise Undecodable(one.reason)
        return _jpeg(one.jpeg, if_none_match)
    raise UnknownId(f"The series has no picture {number}.")


@router.get(
    "/series/{id}/contact-sheet",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in KINDS.values()}}, **OF_ONE},
)
def contact_sheet(asking: Exporting, series_id: SeriesId, format: Literal["png", "pdf"] = "png") -> Response:
    """At most 120 evenly spaced slices of a series on one PNG, or on the A4 pages of a PDF."""
    one = known.series(asking, series_id)
    sheet = people.sheet(asking.services, asking.visitor, one["id"], title=_title(asking, one), format=format)
    headers = {"Content-Disposition": f'attachment; filename="contact-sheet.{format}"', "Cache-Control": "no-store"}
    return Response(sheet, media_type=KINDS[format], headers=headers)


def _jpeg(jpeg: bytes, known_tag: str) -> Response:
    tag = f'"{hashlib.sha256(jpeg).hexdigest()[:32]}"'
    headers = {"ETag": tag, **ASKED_EACH_TIME}
    if tag in known_tag:
        return Response(status_code=304, headers=headers)
    return Response(jpeg, media_type="image/jpeg", headers=headers)


def _title(asking: Asking, series: dict[str, Any]) -> str:
    """Whose and which, in the caller's words for them."""
    study = known.study(asking, series["study"])
    patient = known.patient(asking, study["patient"])
    day = "" if pd.isna(study["date"]) else f"{study['date']:%Y-%m-%d}"
    told = (patient["name"], patient["patient_id"], day, series["number"], series["description"])
    return " · ".join(word for word in told if word)
