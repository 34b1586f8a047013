"""What is inside one instance: its header, and the document in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from dicomcore import header_tree, instances, people
from dicomcore.api import known
from dicomcore.api.asking import Asking, Exporting, Looking
from dicomcore.api.known import OF_ONE, SeriesId
from dicomcore.errors import UnknownId
from dicomcore.model import StoredInstance

router = APIRouter(tags=["Instances"])

InstanceId = Annotated[
    str, Path(alias="id", max_length=500, description="The instance's id, from a list of instances.")
]
Words = Annotated[str, Query(max_length=200, description="Words that an element has to hold, in any order.")]


class InstanceEntry(BaseModel):
    """One instance of a series."""

    id: str
    instance_number: str
    number_of_frames: str
    sop_instance_uid: str
    sop_class_uid: str
    what: str = Field(description="What it is, in words.", examples=["CT image"])
    bytes: int


class InstanceList(BaseModel):
    """The instances of a series, in the order of its slices."""

    success: Literal[True] = True
    instances: list[InstanceEntry]


class Element(BaseModel):
    """One element of a header. `path` is unique: items of sequences are counted from 1."""

    path: str = Field(examples=["(0008,1140)[1](0008,1155)"])
    depth: int = Field(description="How many sequences it is in.")
    tag: str
    keyword: str = Field(description="Empty for private and unknown elements.")
    name: str
    vr: str
    value: str = Field(description="As people read it; long and binary values are described.")
    creator: str = Field(description="Whose private element it is.")


class HeaderAnswer(BaseModel):
    """The header of an instance."""

    success: Literal[True] = True
    elements: list[Element]
    note: str = Field(description="What is left out; empty where nothing is.")


@router.get("/series/{id}/instances", responses=OF_ONE)
def instances_of(asking: Looking, series_id: SeriesId) -> InstanceList:
    """The instances of a series, in the order of its slices."""
    one = known.series(asking, series_id)
    found = people.instances_of(asking.services, asking.visitor, one["id"])
    return InstanceList(instances=[_entry(instance, one["modality"]) for instance in found])


@router.get("/instances/{id}/header", responses=OF_ONE)
def header(asking: Looking, instance_id: InstanceId, q: Words = "") -> HeaderAnswer:
    """Every element of the header, private and nested ones too; 422 with the reason where it cannot be read."""
    with _unknown_or_no_answer(asking):
        found = instances.header(asking.services, asking.visitor, instance_id)
    rows = header_tree.search(found.rows, q)
    return HeaderAnswer(elements=[Element.model_validate(row, from_attributes=True) for row in rows], note=found.note)


@router.get(
    "/instances/{id}/document",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}, **OF_ONE},
)
def document(asking: Exporting, instance_id: InstanceId) -> Response:
    """The PDF inside an encapsulated document, to be saved: no browser opens it among our pages."""
    with _unknown_or_no_answer(asking):
        found = instances.document(asking.services, asking.visitor, instance_id)
    headers = {
        "Content-Disposition": 'attachment; filename="document.pdf"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    return Response(found, media_type="application/pdf", headers=headers)


@contextmanager
def _unknown_or_no_answer(asking: Asking) -> Iterator[None]:
    """An empty cache alone never proves that something is not there."""
    try:
        yield
    except UnknownId:
        known.expect_an_answer(asking)
        raise


def _entry(instance: StoredInstance, modality: str) -> InstanceEntry:
    return InstanceEntry(
        id=instance.id,
        instance_number=instance.instance_number,
        number_of_frames=instance.number_of_frames,
        sop_instance_uid=instance.sop_instance_uid,
        sop_class_uid=instance.sop_class_uid,
        what=instances.named(instance.sop_class_uid, modality),
        bytes=instance.size,
    )
