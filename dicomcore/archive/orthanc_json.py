"""What Orthanc says of its resources, as values of the model."""

from __future__ import annotations

from dicomcore.archive.http import Json
from dicomcore.model import (
    ArchiveCounts,
    ArchiveRules,
    StoredInstance,
    StoredPatient,
    StoredSeries,
    StoredStudy,
)


def patient(found: Json) -> StoredPatient:
    """A patient of ``/tools/bulk-content``."""
    tag = found["MainDicomTags"].get
    return StoredPatient(
        found["ID"],
        tag("PatientID", ""),
        tag("PatientName", ""),
        tag("PatientBirthDate", ""),
        tag("PatientSex", ""),
        _iso(found["LastUpdate"]),
    )


def study(found: Json) -> StoredStudy:
    """A study of ``/tools/bulk-content``."""
    tag = found["MainDicomTags"].get
    return StoredStudy(
        found["ID"],
        found["ParentPatient"],
        tag("StudyInstanceUID", ""),
        tag("StudyDate", ""),
        tag("StudyTime", ""),
        tag("StudyDescription", ""),
        tag("AccessionNumber", ""),
        tag("InstitutionName", ""),
        _iso(found["LastUpdate"]),
    )


def series(found: Json) -> StoredSeries:
    """A series of ``/tools/bulk-content``."""
    tag = found["MainDicomTags"].get
    return StoredSeries(
        found["ID"],
        found["ParentStudy"],
        tag("SeriesInstanceUID", ""),
        tag("SeriesNumber", ""),
        tag("SeriesDescription", ""),
        tag("Modality", ""),
        tag("BodyPartExamined", ""),
        tag("Manufacturer", ""),
        tag("StationName", ""),
        tag("ProtocolName", ""),
        _iso(found["LastUpdate"]),
    )


def instance(found: Json) -> StoredInstance:
    """An instance of ``/tools/bulk-content``."""
    tag, more = found["MainDicomTags"].get, found["Metadata"].get
    return StoredInstance(
        found["ID"],
        found["ParentSeries"],
        tag("SOPInstanceUID", ""),
        more("SopClassUid", ""),
        more("TransferSyntax", ""),
        tag("InstanceNumber", ""),
        tag("NumberOfFrames", ""),
        tag("ImagePositionPatient", ""),
        tag("ImageOrientationPatient", ""),
        found["FileSize"],
    )


def counts(statistics: Json) -> ArchiveCounts:
    """Of ``/statistics``."""
    levels = ("CountPatients", "CountStudies", "CountSeries", "CountInstances")
    return ArchiveCounts(*(statistics[level] for level in levels))


def rules(system: Json) -> ArchiveRules:
    """Of ``/system``: 1.10 tells none of them, newer versions some; the limit is given there in MB."""
    limit = system.get("MaximumStorageSize")
    return ArchiveRules(
        overwrites=system.get("OverwriteInstances"),
        transcodes_to=system.get("IngestTranscoding"),
        most_bytes=None if limit is None else int(limit) << 20,
        most_patients=system.get("MaximumPatientCount"),
    )


def _iso(stamp: str) -> str:
    """``20261124T065206`` as ``2026-11-24T06:52:06Z``; Orthanc's clock is UTC."""
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:15]}Z" if len(stamp) >= 15 else stamp
