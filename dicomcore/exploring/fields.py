"""The fields that a cohort can be chosen by, cached ones and any DICOM keyword, and what each compares with (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dicomcore.errors import UsageError
from dicomcore.exploring import keywords


class Level(StrEnum):
    """What a field tells of."""

    PATIENT = "patient"
    STUDY = "study"
    SERIES = "series"
    IMAGE = "image"


class Kind(StrEnum):
    """What a field's values are."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Field:
    """One cached field. ``name`` stands in addresses: ``study.study_date``; ``sql`` is its value in the database.

    ``told``: tells something under pseudonyms too. ``keyword``: is fetched from the archive, and stands in
    ``cached_keywords``.
    """

    name: str
    label: str
    level: Level
    kind: Kind
    sql: str
    told: bool = True
    keyword: str = ""


ANY_LEVEL_HIDDEN = "last_update"
HIDDEN = frozenset(
    {ANY_LEVEL_HIDDEN, "study_time", "study_time_raw", "accession_number", "institution_name", "station_name"}
)
"""Empty under pseudonyms (``cache/lens.py``)."""

DATES = frozenset({"patient_birth_date", "last_study_date", "study_date", ANY_LEVEL_HIDDEN})
COUNTS = frozenset({"studies", "series", "instances", "bytes", "size"})
WRITTEN_NUMBERS = frozenset({"series_number", "instance_number", "number_of_frames"})
"""Kept as DICOM has them, as text (IS, PS3.5 6.2); what is no number compares with nothing."""

#: The names of the tables in the SQL of a cohort.
TABLES = {Level.PATIENT: "patients", Level.STUDY: "studies", Level.SERIES: "one_series", Level.IMAGE: "one_image"}

LABELS: dict[Level, Mapping[str, str]] = {
    Level.PATIENT: {
        "patient_name": "Patient: name",
        "patient_id": "Patient: id",
        "patient_birth_date": "Patient: birth date",
        "patient_sex": "Patient: sex",
        "studies": "Patient: number of studies",
        "last_study_date": "Patient: last study",
        "last_update": "Patient: added (UTC)",
        "patient_name_raw": "Patient: name as written",
        "patient_birth_date_raw": "Patient: birth date as written",
    },
    Level.STUDY: {
        "study_date": "Study: date",
        "study_time": "Study: time",
        "study_description": "Study: description",
        "modalities": "Study: modalities",
        "accession_number": "Study: accession",
        "institution_name": "Study: institution",
        "series": "Study: number of series",
        "instances": "Study: number of images",
        "bytes": "Study: bytes",
        "last_update": "Study: added (UTC)",
        "study_instance_uid": "Study: UID",
        "study_date_raw": "Study: date as written",
        "study_time_raw": "Study: time as written",
    },
    Level.SERIES: {
        "modality": "Series: modality",
        "body_part_examined": "Series: body part",
        "series_description": "Series: description",
        "protocol_name": "Series: protocol",
        "manufacturer": "Series: manufacturer",
        "station_name": "Series: station",
        "series_number": "Series: number",
        "instances": "Series: number of images",
        "bytes": "Series: bytes",
        "last_update": "Series: added (UTC)",
        "series_instance_uid": "Series: UID",
    },
    Level.IMAGE: {
        "instance_number": "Image: number",
        "number_of_frames": "Image: frames",
        "size": "Image: bytes",
        "image_position_patient": "Image: position",
        "image_orientation_patient": "Image: orientation",
        "transfer_syntax_uid": "Image: transfer syntax UID",
        "sop_class_uid": "Image: SOP class UID",
        "sop_instance_uid": "Image: SOP Instance UID",
    },
}

FULL_YEARS = "date_sub('year', patients.patient_birth_date, studies.study_date)"
AGE = Field(
    "study.age",
    "Study: age of the patient (years)",
    Level.STUDY,
    Kind.NUMBER,
    f"CASE WHEN {FULL_YEARS} BETWEEN 0 AND 150 THEN {FULL_YEARS} END",
)
"""In full years, from two dates; none where one is missing or the sum is nobody's age."""


def _cached() -> Iterator[Field]:
    for level, labels in LABELS.items():
        for column, label in labels.items():
            kind = _kind(column)
            place = f"{TABLES[level]}.{column}"
            yield Field(f"{level}.{column}", label, level, kind, _value(column, place, kind), column not in HIDDEN)


def _kind(column: str) -> Kind:
    if column in DATES:
        return Kind.DATE
    return Kind.NUMBER if column in COUNTS | WRITTEN_NUMBERS else Kind.TEXT


def _value(column: str, place: str, kind: Kind) -> str:
    if column in WRITTEN_NUMBERS:
        return f"try_cast({place} AS DOUBLE)"
    if kind is Kind.DATE:
        return f"{place}::DATE"
    return f"coalesce({place}::VARCHAR, '')" if kind is Kind.TEXT else place


FIELDS = {field.name: field for field in (*_cached(), AGE)}
"""By name, in the order in which people are offered them."""

KEYWORD = "keyword."
"""Begins the names of fields that are no columns: ``keyword.KVP``."""


def field(name: str) -> Field:
    """A field by its name. Raises ``UsageError``."""
    if name.startswith(KEYWORD):
        return of_keyword(name.removeprefix(KEYWORD))
    if name not in FIELDS:
        raise UsageError(f"There is no field “{name[:50]}”. Choose one of the page Explore.")
    return FIELDS[name]


def of_keyword(keyword: str) -> Field:
    """The field of a DICOM keyword: of one image of each series. Raises ``UsageError``."""
    keywords.expect_known(keyword)
    vr, _ = keywords.known()[keyword]
    kind = Kind.NUMBER if vr in keywords.NUMBER_VRS else Kind.DATE if vr in keywords.DATE_VRS else Kind.TEXT
    return Field(f"{KEYWORD}{keyword}", f"Series: {keyword}", Level.SERIES, kind, "kept.value", keyword=keyword)
