"""What a backup of a study is: a ZIP of its instances, byte for byte and not compressed, and last a manifest."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import TypeAdapter, ValidationError

from dicomcore.errors import BackupDamaged, BackupFailed
from dicomcore.ingest.backup_folder import BackupFolder

FORMAT = 1
MANIFEST = "manifest.json"
BLOCK = 1 << 20

#: A backup's name ends with so many letters of a digest; before it stands a number that grows with each of a study.
DIGEST = 16
_NUMBER = re.compile(rf"_([0-9]+)_[0-9a-f]{{{DIGEST}}}\.zip")

#: Beyond this a member needs 64 bit sizes; the archive's word on a size is not the last one.
LARGE = 1 << 30

#: What ``zipfile`` makes of a file that is none, or is broken somewhere. A driver's errors are ours already.
BROKEN = (BadZipFile, EOFError, KeyError, ValueError, RuntimeError, OverflowError, OSError)


@dataclass(frozen=True, slots=True)
class Entry:
    """One instance in a backup. ``file`` is the member of the ZIP, ``source`` the path it was imported from."""

    file: str
    archive_id: str
    sop_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    size: int
    md5: str
    sha256: str
    source: str = ""
    batch: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in the ZIP of a study. ``study`` is the archive's id, ``made_at`` ISO, UTC; dates are DICOM's."""

    format: int
    program: str
    made_at: str
    archive: str
    archive_key: str
    study: str
    study_instance_uid: str
    study_date: str
    study_description: str
    accession_number: str
    patient_id: str
    patient_name: str
    patient_birth_date: str
    instances: tuple[Entry, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.instances)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the manifest: it holds those of all instances."""
        return hashlib.sha256(_JSON.dump_json(self)).hexdigest()


@dataclass(frozen=True, slots=True)
class _Format:
    """What every version of a manifest begins with."""

    format: int


_JSON = TypeAdapter(Manifest)
_FORMAT_ALONE = TypeAdapter(_Format)


@dataclass(frozen=True, slots=True)
class Damage:
    """One member of a backup that is not what the manifest says."""

    entry: Entry
    reason: str


class StudyZip:
    """A ZIP that is being written: instances one by one, then the manifest."""

    def __init__(self, file: ZipFile) -> None:
        self._file = file
        self._now = datetime.now(UTC).timetuple()[:6]

    def add(self, member: str, blocks: Iterable[bytes], expected_size: int) -> tuple[int, str, str]:
        """One instance; returns size, MD5 and SHA-256 of what was written."""
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        with self._file.open(self._info(member), "w", force_zip64=expected_size > LARGE) as out:
            for block in blocks:
                md5.update(block)
                sha256.update(block)
                size += out.write(block)
        return size, md5.hexdigest(), sha256.hexdigest()

    def close_with(self, manifest: Manifest) -> None:
        self._file.writestr(self._info(MANIFEST), _JSON.dump_json(manifest))

    def _info(self, member: str) -> ZipInfo:
        info = ZipInfo(member, self._now)
        info.compress_type = ZIP_STORED
        info.external_attr = 0o600 << 16
        return info


@contextmanager
def written(draft: Path) -> Iterator[StudyZip]:
    """A new ZIP at ``draft``. Raises ``OSError`` where it cannot be written."""
    with ZipFile(draft, "w", ZIP_STORED, allowZip64=True) as file:
        yield StudyZip(file)


class Backup:
    """The ZIP of a study in the backup folder, opened to read."""

    def __init__(self, name: str, file: ZipFile) -> None:
        self.name = name
        self._file = file
        self.manifest = _manifest(name, file)

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of an instance, a block at a time. Raises ``BackupDamaged`` where they are not what was written."""
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        with _damage_told(entry.file):
            if self._file.getinfo(entry.file).compress_type != ZIP_STORED:
                raise BadZipFile("it is compressed")
            with self._file.open(entry.file) as stream:
                while block := stream.read(BLOCK):
                    md5.update(block)
                    sha256.update(block)
                    size += len(block)
                    yield block
        if (size, md5.hexdigest(), sha256.hexdigest()) != (entry.size, entry.md5, entry.sha256):
            raise BackupDamaged(f"{entry.file} is damaged: it is not what was written.")

    def damages(self) -> Iterator[Damage]:
        """Read every instance from beginning to end, and tell those that are damaged."""
        for entry in self.manifest.instances:
            try:
                for _ in self.blocks(entry):
                    pass
            except BackupDamaged as damage:
                yield Damage(entry, str(damage))


@contextmanager
def opened(folder: BackupFolder, name: str) -> Iterator[Backup]:
    """A backup in the folder. Raises ``BackupDamaged`` where it is none or its manifest does not fit."""
    with folder.opened(name) as stream:
        with _damage_told(name):
            file = ZipFile(stream)
        with file:
            yield Backup(name, file)


def number_in(name: str) -> int:
    """The so manieth backup of its study a file is, by its name; 0 where that does not tell. No clock tells it."""
    found = _NUMBER.search(name)
    return int(found[1]) if found else 0


def expect_whole(folder: BackupFolder, name: str) -> Manifest:
    """Read a backup from beginning to end; returns its manifest. Raises ``BackupDamaged``."""
    with opened(folder, name) as backup:
        for damage in backup.damages():
            raise BackupDamaged(f"{folder.shown_place(name)}: {damage.reason}")
        return backup.manifest


def _manifest(name: str, file: ZipFile) -> Manifest:
    with _damage_told(name):
        members = file.namelist()
        if not members or members[-1] != MANIFEST:
            raise BadZipFile("it has no manifest at its end")
        text = file.read(MANIFEST)
    manifest = _parsed(name, text)
    listed = Counter(entry.file for entry in manifest.instances)
    if listed != Counter(members[:-1]):
        raise BackupDamaged(f"{name} is damaged: what is in it is not what its manifest lists.")
    return manifest


def _parsed(name: str, text: bytes) -> Manifest:
    try:
        if _FORMAT_ALONE.validate_json(text).format > FORMAT:
            raise BackupFailed(f"{name} was written by a newer version of DICOM Viewer Pro: read it with that version.")
        return _JSON.validate_json(text)
    except ValidationError as error:
        raise BackupDamaged(f"{name} is damaged: its manifest cannot be read.") from error


@contextmanager
def _damage_told(what: str) -> Iterator[None]:
    try:
        yield
    except BackupFailed:
        raise
    except BROKEN as error:
        raise BackupDamaged(f"{what} is damaged: {error}.") from error


@dataclass(frozen=True, slots=True)
class Found:
    """A backup in the folder, by its manifest; one with a ``problem`` could not be read."""

    file: str
    problem: str = ""
    study: str = ""
    study_instance_uid: str = ""
    made_at: str = ""
    archive: str = ""
    instances: int = 0
    bytes: int = 0


def contents(folder: BackupFolder) -> Iterator[Found]:
    """All backups in the folder, in the order of their names."""
    for name in folder.names(".zip"):
        try:
            with opened(folder, name) as backup:
                found = backup.manifest
        except BackupFailed as error:
            yield Found(name, str(error))
        else:
            yield Found(
                name,
                "",
                found.study,
                found.study_instance_uid,
                found.made_at,
                found.archive,
                len(found.instances),
                found.bytes,
            )
