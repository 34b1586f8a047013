"""What an archive describes, as rows of the cache's tables (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time

import pandas

from dicomcore.cache.folding import search_text
from dicomcore.model import Described, StoredInstance, StoredPatient, StoredSeries, StoredStudy
from dicomcore.person_name import person_name

Row = Mapping[str, str | int | None]

TABLES = ("cached_patients", "cached_studies", "cached_series", "cached_instances")


def rows_of(described: Described) -> dict[str, pandas.DataFrame]:
    """A frame for each of ``TABLES``. Dates and times are ISO text, which DuckDB casts, or None."""
    return {
        "cached_patients": _frame(map(_patient, described.patients)),
        "cached_studies": _frame(map(_study, described.studies)),
        "cached_series": _frame(map(_series, described.series)),
        "cached_instances": _frame(map(_instance, described.instances)),
    }


def dicom_date(raw: str) -> date | None:
    """A DA value, ``20240318``, or the older ``2024.03.18`` (PS3.5 6.2); None for what is no date."""
    match = re.fullmatch(r"(\d{4})([.-]?)(\d\d)\2(\d\d)", raw.strip(), re.ASCII)
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None


def dicom_time(raw: str) -> time | None:
    """A TM value, ``HHMMSS.FFFFFF`` or its beginning (PS3.5 6.2); None for what is no time."""
    match = re.fullmatch(r"(\d\d):?(?:(\d\d):?(?:(\d\d)(?:\.(\d{1,6}))?)?)?", raw.strip(), re.ASCII)
    if not match:
        return None
    hour, minute, second, fraction = match.groups(default="0")
    try:
        return time(int(hour), int(minute), min(int(second), 59), int(fraction.ljust(6, "0")))
    except ValueError:
        return None


def _patient(patient: StoredPatient) -> Row:
    return {
        "patient_name": person_name(patient.patient_name),
        "patient_id": patient.patient_id,
        "patient_birth_date": _iso(dicom_date(patient.patient_birth_date)),
        "patient_sex": patient.patient_sex,
        "last_update": _moment(patient.last_update),
        "patient_name_raw": patient.patient_name,
        "patient_birth_date_raw": patient.patient_birth_date,
        "id": patient.id,
        "search_text": search_text(patient.patient_name, patient.patient_id),
    }


def _study(study: StoredStudy) -> Row:
    return {
        "study_date": _iso(dicom_date(study.study_date)),
        "study_time": _iso(dicom_time(study.study_time)),
        "study_description": study.study_description,
        "accession_number": study.accession_number,
        "institution_name": study.institution_name,
        "last_update": _moment(study.last_update),
        "study_instance_uid": study.study_instance_uid,
        "study_date_raw": study.study_date,
        "study_time_raw": study.study_time,
        "patient": study.patient,
        "id": study.id,
        "search_text": search_text(study.study_description, study.accession_number),
    }


def _series(series: StoredSeries) -> Row:
    return {
        "series_number": series.series_number,
        "series_description": series.series_description,
        "modality": series.modality,
        "body_part_examined": series.body_part_examined,
        "protocol_name": series.protocol_name,
        "manufacturer": series.manufacturer,
        "station_name": series.station_name,
        "last_update": _moment(series.last_update),
        "series_instance_uid": series.series_instance_uid,
        "study": series.study,
        "id": series.id,
    }


def _instance(instance: StoredInstance) -> Row:
    return {
        "instance_number": instance.instance_number,
        "number_of_frames": instance.number_of_frames,
        "size": instance.size,
        "image_position_patient": instance.image_position_patient,
        "image_orientation_patient": instance.image_orientation_patient,
        "transfer_syntax_uid": instance.transfer_syntax_uid,
        "sop_class_uid": instance.sop_class_uid,
        "sop_instance_uid": instance.sop_instance_uid,
        "series": instance.series,
        "id": instance.id,
    }


def _frame(rows: Iterable[Row]) -> pandas.DataFrame:
    """Text columns are ``str`` even when they hold nothing but None: else DuckDB takes them for numbers."""
    frame = pandas.DataFrame([{name: _storable(value) for name, value in row.items()} for row in rows])
    return frame.astype({name: "str" for name in frame.columns if name != "size"})


def _storable(value: str | int | None) -> str | int | None:
    """Half a surrogate pair, which a garbled name can hold, is no Unicode text: it becomes ``?``."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _iso(value: date | time | None) -> str | None:
    return value.isoformat() if value else None


def _moment(iso: str) -> str | None:
    """The archive's time stamp in UTC, without a zone; None for what is none."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return (moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment).isoformat()
