"""What is in the cache, or the right error: an empty cache alone never proves that something is not there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path

from dicomcore import people
from dicomcore.api.asking import Asking
from dicomcore.api.openapi import errors
from dicomcore.cache import queries
from dicomcore.errors import UnknownId

PatientId = Annotated[str, Path(alias="id", max_length=500, description="The patient's id, from a list of patients.")]
StudyId = Annotated[str, Path(alias="id", max_length=500, description="The study's id, or its StudyInstanceUID.")]
SeriesId = Annotated[str, Path(alias="id", max_length=500, description="The series' id, from a list of series.")]

OF_THE_CACHE = errors(409, 502)
"""What an answer from the cache may be instead: another process holds it, or the archive refuses to answer."""

OF_ONE = errors(404, 409, 502)
"""The same where one thing is asked for."""


def expect_an_answer(asking: Asking) -> None:
    """That there is nothing at all, only the archive can say. Raises ``ArchiveError`` where it does not answer."""
    if not queries.counts(asking.services.cache).patients:
        asking.services.archive.about()


def patient(asking: Asking, patient_id: str) -> dict[str, Any]:
    """One patient. Raises ``UnknownId``, and ``ArchiveError`` as ``expect_an_answer``."""
    return _known(asking, people.patient(asking.services, asking.visitor, patient_id), "patient")


def study(asking: Asking, study_id: str) -> dict[str, Any]:
    """One study. Raises as ``patient``."""
    return _known(asking, people.study(asking.services, asking.visitor, study_id), "study")


def series(asking: Asking, series_id: str) -> dict[str, Any]:
    """One series. Raises as ``patient``."""
    return _known(asking, people.series(asking.services, asking.visitor, series_id), "series")


def _known(asking: Asking, found: dict[str, Any] | None, what: str) -> dict[str, Any]:
    if found is None:
        expect_an_answer(asking)
        raise UnknownId(f"There is no {what} of this id, or no more. POST /api/sync asks the archive for what is new.")
    return found
