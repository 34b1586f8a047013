"""The values that everything passes around: frozen, without behaviour that needs a disk or a network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one file. The words are shown to people exactly so, everywhere."""

    STORED = "stored"
    ALREADY_STORED = "already stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    NOT_DICOM = "not DICOM"
    DICOMDIR = "DICOMDIR"
    UNREADABLE = "unreadable"
    VANISHED = "vanished"
    PENDING = "pending"


#: Outcomes after which a person has something to look at: the exit code is 1.
TROUBLE = frozenset(
    {
        Outcome.REJECTED,
        Outcome.CONFLICT,
        Outcome.QUARANTINED,
        Outcome.UNREADABLE,
        Outcome.VANISHED,
        Outcome.PENDING,
    }
)

#: Outcomes of files whose bytes the archive holds.
HELD = frozenset({Outcome.STORED, Outcome.ALREADY_STORED, Outcome.DUPLICATE})


class Kind(StrEnum):
    """What a scan alone can say of a file."""

    DICOM = "DICOM"
    DICOMDIR = "DICOMDIR"
    NOT_DICOM = "not DICOM"
    UNREADABLE = "unreadable"


class Status(StrEnum):
    """Where a background job stands."""

    QUEUED = "queued"
    SCANNING = "scanning"
    COMPARING = "comparing"
    IMPORTING = "importing"
    CHECKING = "checking"
    BACKING_UP = "backing up"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        return self in (Status.FINISHED, Status.CANCELLED, Status.FAILED)

    @property
    def at_rest(self) -> bool:
        """Nothing goes on by itself: it is over, or somebody has to say ``resume``."""
        return self.over or self is Status.PAUSED


@dataclass(frozen=True, slots=True)
class Job:
    """A scan or an import as the journal shows it. Times are seconds since 1970, UTC; ``current`` is a path.

    ``total`` is None while nobody knows it; ``checked`` counts files whose MD5 was read back. ``counts`` holds
    files by kind (scan) or outcome (import).
    """

    job_id: str
    kind: str
    status: Status
    message: str
    created_by: str
    created_at: float
    started_at: float | None
    finished_at: float | None
    total: int | None
    total_bytes: int | None
    done: int
    done_bytes: int
    checked: int
    files_per_second: float | None
    bytes_per_second: float | None
    current: bytes | None
    counts: Mapping[str, int]
    scan_id: str
    root: bytes
    seconds_before: float = 0.0

    @property
    def seconds(self) -> float | None:
        """How long it ran, once it is over, with the runs before a retry."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.seconds_before + max(0.0, self.finished_at - self.started_at)  # clocks are set back at times

    @property
    def seconds_left(self) -> float | None:
        """Time left at the present speed; None where it cannot be told."""
        if self.total is None or not self.files_per_second:
            return None
        by_files = (self.total - self.done) / self.files_per_second
        if not self.total_bytes or not self.bytes_per_second:
            return by_files
        return max(by_files, (self.total_bytes - self.done_bytes) / self.bytes_per_second)


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan: what it was asked to do, and what comparing with the archive gave.

    ``scan_seconds`` is None until all files are found; ``compared_with`` is the archive's key, empty while
    nothing was compared; ``compare_problem`` says why the archive could not be asked. ``roots`` are the folders,
    links resolved, that nothing may lead out of; none: anywhere. ``containers``: also what is in ZIP, tar and gzip
    files.
    """

    scan_id: str
    root: bytes
    recursive: bool
    follow_links: bool
    compare: bool
    scan_seconds: float | None
    compared_with: str
    compare_problem: str
    roots: tuple[bytes, ...] = ()
    containers: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """The four values that name an instance, as the bytes in the file (None: the element is missing).

    ``patient_id_vr`` is the value representation the PatientID was written with, ``"LO"`` or ``"UN"``.
    An archive makes its id from these; how, only its room knows.
    """

    patient_id: bytes | None
    study_instance_uid: bytes | None
    series_instance_uid: bytes | None
    sop_instance_uid: bytes | None
    patient_id_vr: str = "LO"


@dataclass(frozen=True, slots=True)
class Header:
    """The identifying header fields of one file, decoded text with padding off; ``""`` where missing or empty.

    Several values are joined by a backslash as DICOM writes them (PS3.5 6.4). Dates and times are DICOM's
    own ``YYYYMMDD`` and ``HHMMSS.FFFFFF``. Modules: patient PS3.3 C.7.1.1, study C.7.2.1, series C.7.3.1,
    equipment C.7.5.1, plane C.7.6.2, pixels C.7.6.3, SOP common C.12.1.
    """

    identity: Identity
    transfer_syntax_uid: str = ""
    specific_character_set: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_date: str = ""
    study_time: str = ""
    accession_number: str = ""
    modality: str = ""
    manufacturer: str = ""
    institution_name: str = ""
    station_name: str = ""
    study_description: str = ""
    series_description: str = ""
    patient_name: str = ""
    patient_id: str = ""
    patient_birth_date: str = ""
    patient_sex: str = ""
    body_part_examined: str = ""
    protocol_name: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    series_number: str = ""
    instance_number: str = ""
    image_position_patient: str = ""
    image_orientation_patient: str = ""
    number_of_frames: str = ""
    rows: str = ""
    columns: str = ""


@dataclass(frozen=True, slots=True)
class FileFact:
    """A regular file as ``lstat`` saw it. ``path`` is relative to the scanned folder, as ``os.fsencode`` bytes.

    A member of a ZIP, tar or gzip file has the path of that file, a zero byte (which no path on a disk can hold),
    and its name in there; mtime and inode are those of the file, the size is its own, unpacked.
    """

    path: bytes
    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: bytes, seen: os.stat_result) -> FileFact:
        """What ``stat`` saw; inode and time are folded into the signed 64 bits that a journal can hold."""
        return cls(path, seen.st_size, _signed64(seen.st_mtime_ns), _signed64(seen.st_ino))


def _signed64(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in the tree that is no regular file, or a place that could not be read, with the reason.

    ``unreadable``: files may be hidden behind it that nobody has counted.
    """

    path: bytes
    reason: str
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """One file of a scan: what it is and, for DICOM, its header.

    ``header`` is None for a file that starts like DICOM but that no parser could read: it is offered to the
    archive all the same. ``reason`` says in plain words why a file is not DICOM or unreadable.
    """

    fact: FileFact
    kind: Kind
    reason: str = ""
    header: Header | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What part of a scan to import. Empty means all.

    ``folders`` are relative to the scanned root, each with all below it; the dates are inclusive.
    """

    folders: tuple[bytes, ...] = ()
    modalities: tuple[str, ...] = ()
    patient_ids: tuple[str, ...] = ()
    date_from: date | None = None
    date_to: date | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A DICOM file as the plan sees it. ``md5`` is None until somebody had to read the whole file."""

    file_id: int
    fact: FileFact
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The archive's answer to one stored file. ``new`` is false where the archive had the id already.

    ``retried``: the answer to a first try was lost, so that what the archive has may be ours all the same.
    """

    archive_id: str
    new: bool
    retried: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one file with the reason in plain words and the archive's id where there is one.

    ``other`` is the path of the file it is a duplicate of or in conflict with, where that is in the same folder.
    """

    file_id: int
    outcome: Outcome
    reason: str = ""
    md5: str | None = None
    archive_id: str | None = None
    other: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredPatient:
    """A patient as the archive has it; ``id`` is the archive's. ``last_update`` is ISO, UTC."""

    id: str
    patient_id: str
    patient_name: str
    patient_birth_date: str
    patient_sex: str
    last_update: str


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """A study as the archive has it; ``patient`` is the id of its StoredPatient."""

    id: str
    patient: str
    study_instance_uid: str
    study_date: str
    study_time: str
    study_description: str
    accession_number: str
    institution_name: str
    last_update: str


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """A series as the archive has it; ``study`` is the id of its StoredStudy."""

    id: str
    study: str
    series_instance_uid: str
    series_number: str
    series_description: str
    modality: str
    body_part_examined: str
    manufacturer: str
    station_name: str
    protocol_name: str
    last_update: str


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """An instance as the archive has it; ``series`` is the id of its StoredSeries, ``size`` in bytes."""

    id: str
    series: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    instance_number: str
    number_of_frames: str
    image_position_patient: str
    image_orientation_patient: str
    size: int


@dataclass(frozen=True, slots=True)
class Described:
    """What an archive tells about a set of instances and all that they belong to."""

    patients: tuple[StoredPatient, ...] = ()
    studies: tuple[StoredStudy, ...] = ()
    series: tuple[StoredSeries, ...] = ()
    instances: tuple[StoredInstance, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """Instances that came since a cursor. ``last`` is the next cursor; ``done`` that there is no more."""

    instances: tuple[str, ...]
    last: int
    done: bool


@dataclass(frozen=True, slots=True)
class ArchiveCounts:
    """How much an archive holds."""

    patients: int
    studies: int
    series: int
    instances: int


@dataclass(frozen=True, slots=True)
class ArchiveRules:
    """What an archive does to data by its settings. None: this archive does not tell, so somebody has to look.

    ``overwrites``: a file with the ids of a stored one replaces it. ``transcodes_to``: transfer syntax UID that
    stored files are changed to, ``""`` for none. ``most_bytes`` and ``most_patients``: beyond these the archive
    deletes its oldest patients; 0: it never does.
    """

    overwrites: bool | None = None
    transcodes_to: str | None = None
    most_bytes: int | None = None
    most_patients: int | None = None
