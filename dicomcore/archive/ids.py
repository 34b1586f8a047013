"""The id that Orthanc gives an instance, told before it is sent.

The id is the SHA-1 of ``PatientID|StudyInstanceUID|SeriesInstanceUID|SOPInstanceUID``, written as five groups
of eight hex digits. Orthanc reads the four values in its own way (measured on 1.10.1); where that way depends on a
character set, nothing is predicted and the id in the archive's answer counts.
"""

from __future__ import annotations

import hashlib

from dicomcore.model import Identity


def orthanc_id(*parts: str) -> str:
    """The id of a patient (one part), study (two), series (three) or instance (four)."""
    digest = hashlib.sha1("|".join(parts).encode("utf-8"), usedforsecurity=False).hexdigest()
    return "-".join(digest[start : start + 8] for start in range(0, 40, 8))


def predict(identity: Identity) -> str | None:
    """The instance's id, or None for text beyond ASCII or a missing UID (Orthanc refuses those files)."""
    uids = (identity.study_instance_uid, identity.series_instance_uid, identity.sop_instance_uid)
    values = (as_patient_id(identity), *map(as_uid, uids))
    if not all(values[1:]) or not all(value.isascii() for value in values):
        return None
    return orthanc_id(*(value.decode("ascii") for value in values))


def as_patient_id(identity: Identity) -> bytes:
    """PatientID as Orthanc reads it: with VR UN only a trailing NUL goes, otherwise the padding does."""
    value = identity.patient_id or b""
    if identity.patient_id_vr == "UN":
        return value.removesuffix(b"\0")
    return value.rstrip(b" ").split(b"\0", 1)[0]


def as_uid(value: bytes | None) -> bytes:
    """A UID as Orthanc reads it: cut at the first NUL, without spaces and without a trailing tab."""
    return (value or b"").split(b"\0", 1)[0].replace(b" ", b"").removesuffix(b"\t")
