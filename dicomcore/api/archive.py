"""The archive itself: what it is, and bringing the cache up to date with it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dicomcore import people
from dicomcore.api.asking import Administering, Looking
from dicomcore.api.known import OF_THE_CACHE
from dicomcore.api.rows import Moment
from dicomcore.cache import queries

router = APIRouter(tags=["Archive"])


class Counts(BaseModel):
    """How much there is."""

    patients: int
    studies: int
    series: int
    instances: int


class Synced(Counts):
    """What the cache holds now."""

    success: Literal[True] = True
    added: int | None = Field(description="Instances that are new; null under pseudonyms.")
    removed: int | None = Field(description="Instances that are gone; null under pseudonyms.")
    seconds: float


class ArchiveAnswer(BaseModel):
    """The archive that is in use."""

    success: Literal[True] = True
    kind: str = Field(description="`folder` (built in) or `orthanc`.", examples=["orthanc"])
    name: str = Field(description="Name, version and place.", examples=["Orthanc 1.10.1 at http://127.0.0.1:8042"])
    holds: Counts = Field(description="What the archive says it holds.")
    cached: Counts = Field(description="What the cache holds of it.")
    as_of: Moment = Field(description="When the archive was last asked for what is new; null: never.")


@router.post("/sync", responses=OF_THE_CACHE)
def sync(asking: Looking) -> Synced:
    """Make the cache say what the archive holds: the Refresh button."""
    result = asking.services.refresh()
    told = people.shows_identities(asking.visitor)  # who sees pseudonyms could tell by them what arrived when
    return Synced(
        patients=result.patients,
        studies=result.studies,
        series=result.series,
        instances=result.instances,
        added=result.added if told else None,
        removed=result.removed if told else None,
        seconds=round(result.seconds, 3),
    )


@router.get("/archive", responses=OF_THE_CACHE)
def archive(asking: Administering) -> ArchiveAnswer:
    """What the archive is and holds, asked just now."""
    services = asking.services
    there = services.archive
    return ArchiveAnswer(
        kind=services.settings.archive,
        name=there.about(),
        holds=Counts.model_validate(there.counts(), from_attributes=True),
        cached=Counts.model_validate(queries.counts(services.cache), from_attributes=True),
        as_of=queries.last_sync(services.cache),
    )
