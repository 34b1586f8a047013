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

    The archive may decode a PatientID by other tables than we do, and drop what it cannot: then what is left decides.
    """
    patients = {patient.id: patient.patient_id for patient in described.patients}
    studies = {study.id: study for study in described.studies}
    series = {series.id: series for series in described.series}
    found: dict[str, str] = {}
    for instance in described.instances:
        study = studies[series[instance.series].study]
        uids = (study.study_instance_uid, series[instance.series].series_instance_uid)
        if uids == (names.study_instance_uid, names.series_instance_uid):
            found[patients[study.patient]] = instance.id
    return found.get(names.patient_id) or next(
        (one for patient_id, one in found.items() if _is_rest_of(patient_id, names.patient_id)), None
    )


def _is_rest_of(there: str, here: str) -> bool:
    """Whether an id is what was left of another one when letters beyond ASCII were lost."""
    if _beyond_ascii(there) >= _beyond_ascii(here) and "\N{REPLACEMENT CHARACTER}" not in there:
        return False
    return bool(_ascii(here)) and _ascii(there) == _ascii(here)


def _beyond_ascii(text: str) -> int:
    return sum(not letter.isascii() for letter in text)


def _ascii(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum())
