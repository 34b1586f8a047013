"""Instances whose id cannot be predicted (a PatientID beyond ASCII) are looked for by what they are called.

Without this an archive that overwrites could be sent a file that replaces another one.
"""

from __future__ import annotations

from dataclasses import replace

from dicomcore.archive.base import Archive
from dicomcore.journal.files import Group, Names
from dicomcore.model import Described


def found_by_name(archive: Archive, group: Group) -> Group:
    """The group with the archive's id where it holds the instance; where not, it is known to hold nothing.

    Raises ``ArchiveUnreachable``.
    """
    if group.archive_id is not None or group.names is None or not group.names.sop_instance_uid:
        return group
    there = archive.find("instance", group.names.sop_instance_uid)
    found = same_instance(archive.describe(there), group.names) if there else None
    return replace(group, archive_id=found) if found else replace(group, archive_md5="")


def same_instance(described: Described, names: Names) -> str | None:
    """The id of the instance that is called so.

    The archive may decode a PatientID by other tables than we do; then its ASCII letters and digits decide.
    """
    patients = {patient.id: patient.patient_id for patient in described.patients}
    studies = {study.id: (study.study_instance_uid, patients.get(study.patient, "")) for study in described.studies}
    for series in described.series:
        study_uid, patient_id = studies.get(series.study, ("", ""))
        if (study_uid, series.series_instance_uid) == (names.study_instance_uid, names.series_instance_uid) and (
            patient_id == names.patient_id or _ascii(patient_id) == _ascii(names.patient_id)
        ):
            return next((one.id for one in described.instances if one.series == series.id), None)
    return None


def _ascii(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum())
