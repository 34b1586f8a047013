"""Rows of the cache as JSON has them: whole numbers, ISO dates, null where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Self

import pandas as pd
from pydantic import BaseModel, BeforeValidator, Field


def _in_utc(moment: Any) -> Any:
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) and moment.tzinfo is None else moment


def _iso(of_the_day: Any) -> Any:
    """Text: JSON Schema's own format would ask for a time zone, which DICOM's times do not have."""
    return of_the_day.isoformat() if isinstance(of_the_day, time) else of_the_day


def _apart(modalities: Any) -> Any:
    return [one for one in modalities.split(", ") if one] if isinstance(modalities, str) else modalities


Moment = Annotated[datetime | None, BeforeValidator(_in_utc)]
"""The cache keeps moments in UTC, without saying so."""


class Row(BaseModel):
    """One row of the cache."""

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """From a row as ``people`` gives it; pandas writes NaN or NaT for nothing."""
        return cls.model_validate({str(name): None if pd.isna(value) else value for name, value in row.items()})

    @classmethod
    def all_of(cls, rows: pd.DataFrame) -> list[Self]:
        """All rows of a table."""
        return [cls.of(row) for row in rows.to_dict("records")]


class Patient(Row):
    """A patient."""

    id: str = Field(description="To ask for this patient; the archive's, or one made up for the project.")
    name: str = Field(description="As people write it, family name first.", examples=["Muster Anna"])
    patient_id: str = Field(description="PatientID (0010,0020).")
    birth_date: date | None
    sex: str = Field(description="F, M, O or empty; whatever the file says.")
    studies: int = Field(description="How many.")
    last_study: date | None = Field(description="The date of the newest study.")
    added: Moment = Field(None, description="When the archive last got something of this patient.")


class Study(Row):
    """A study."""

    id: str = Field(description="To ask for this study.")
    patient: str = Field(description="The patient's id.")
    study_instance_uid: str = Field(description="Asks for this study too.")
    date: date | None
    time: Annotated[str | None, BeforeValidator(_iso)] = Field(examples=["10:11:12"])
    description: str
    modalities: Annotated[list[str], BeforeValidator(_apart)] = Field(examples=[["CT", "SR"]])
    accession: str = Field(description="AccessionNumber (0008,0050).")
    series: int = Field(description="How many.")
    images: int = Field(description="How many instances.")
    bytes: int = Field(description="Size of all its files.")
    added: Moment = None


class Series(Row):
    """A series."""

    id: str = Field(description="To ask for this series.")
    study: str = Field(description="The study's id.")
    series_instance_uid: str
    number: str = Field(description="SeriesNumber (0020,0011), as it is written.")
    description: str
    modality: str = Field(examples=["CT"])
    body_part: str
    images: int = Field(description="How many instances.")
    size: int = Field(description="Size of all its files, in bytes.")
    added: Moment = None
