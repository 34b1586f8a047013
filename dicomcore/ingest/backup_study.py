"""One study of the archive -> one ZIP in the backup folder, unless the same is there already."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dicomcore import __version__, logs
from dicomcore.archive.base import Archive
from dicomcore.errors import BackupDamaged, BackupFailed, NotInArchive
from dicomcore.ingest.backup_folder import BackupFolder
from dicomcore.ingest.backup_zip import DIGEST, FORMAT, Entry, Manifest, StudyZip, expect_whole, number_in, written
from dicomcore.journal import origins
from dicomcore.journal.backups import StudyBackup
from dicomcore.journal.database import Journal
from dicomcore.model import StoredInstance, StoredPatient, StoredStudy
from dicomcore.scan.paths import printable

log = logs.logger(__name__)

CONNECTIONS = 4

_UID = re.compile(r"[0-9][0-9.]{0,63}")


@dataclass(frozen=True, slots=True)
class _Content:
    """What the archive has of a study at this moment: an MD5 (hex) for each instance."""

    study: StoredStudy
    patient: StoredPatient
    md5s: Mapping[str, str]

    @property
    def folder(self) -> str:
        uid = self.study.study_instance_uid
        return uid if _UID.fullmatch(uid) else self.study.id

    @property
    def digest(self) -> str:
        """Other bytes, another digest."""
        told = "\n".join(f"{name} {md5}" for name, md5 in sorted(self.md5s.items()))
        return hashlib.sha256(told.encode()).hexdigest()[:DIGEST]

    def is_in(self, name: str) -> bool:
        """Whether a file of this name was written of the same bytes."""
        return name.endswith(f"_{self.digest}.zip")

    def name(self, number: int) -> str:
        """The name of its file as the so manieth of the study. UIDs and ids only."""
        return f"{self.folder}/{self.study.id}_{number:04}_{self.digest}.zip"


class StudySource:
    """Backs up studies of one archive into one folder."""

    def __init__(self, journal: Journal, archive: Archive, target: BackupFolder, pool: Executor) -> None:
        self._journal = journal
        self._archive = archive
        self._target = target
        self._pool = pool
        self._about = archive.about()

    def back_up(self, study: StoredStudy, patient: StoredPatient, before: StudyBackup | None) -> StudyBackup:
        """Write the study, or read back what is there already, and compare it with the archive.

        ``before`` is what was done for it a while ago: if nothing has changed since, that still counts. Raises
        ``BackupFailed``, and ``ArchiveError`` such as ``NotInArchive``.
        """
        content = self._content(study, patient)
        if before and not before.problem and content.is_in(before.file) and self._target.has(before.file):
            return before
        file, manifest = self._settled(content)
        return StudyBackup(
            study.id, study.study_instance_uid, file, len(manifest.instances), manifest.bytes, manifest.digest
        )

    def _content(self, study: StoredStudy, patient: StoredPatient) -> _Content:
        ids = sorted(self._archive.instances_of(study.id))
        if not ids:
            raise NotInArchive("The archive does not have this study any more.")
        return _Content(study, patient, dict(zip(ids, self._pool.map(self._archive.md5, ids), strict=True)))

    def _settled(self, content: _Content) -> tuple[str, Manifest]:
        """The newest file of the study if it is whole and the same; else a new one, and the others are left alone.

        An older one is not taken though it were the same: ``restore`` brings the newest.
        """
        newest = max(self._target.names_in(content.folder, f"{content.study.id}_"), key=number_in, default="")
        if content.is_in(newest):
            try:
                return newest, self._prove(content, newest)
            except BackupDamaged:
                log.warning("a backup is damaged", file=newest)
        name = content.name(number_in(newest) + 1)
        return name, self._write(content, name)

    def _prove(self, content: _Content, name: str) -> Manifest:
        """Read the file from beginning to end. Raises ``BackupDamaged`` where it is not what the archive has."""
        manifest = expect_whole(self._target, name)
        if {entry.archive_id: entry.md5 for entry in manifest.instances} != content.md5s:
            raise BackupDamaged(f"{self._target.shown_place(name)} does not hold what the archive has.")
        return manifest

    def _write(self, content: _Content, name: str) -> Manifest:
        with self._target.draft() as draft:
            self._write_draft(content, draft)
            return self._target.put(draft, name, lambda there: self._prove(content, there))

    def _write_draft(self, content: _Content, draft: Path) -> None:
        described = self._archive.describe(content.md5s)
        series = {one.id: one.series_instance_uid for one in described.series}
        sources = self._sources(content)
        with written(draft) as file:
            entries = [
                self._add(file, one, series[one.series], content.md5s[one.id], *sources.get(one.id, ("", "")))
                for one in sorted(described.instances, key=lambda one: (one.series, one.id))
            ]
            file.close_with(self._manifest(content, entries))

    def _add(self, file: StudyZip, one: StoredInstance, series: str, md5: str, source: str, batch: str) -> Entry:
        """One instance. Raises ``BackupFailed`` where the archive gives other bytes than it says it has."""
        member = f"{one.series}/{one.id}.dcm"
        size, written_md5, sha256 = file.add(member, self._archive.blocks(one.id), one.size)
        if written_md5 != md5:
            raise BackupFailed(f"The archive gave other bytes of {one.id} than it says it has. Back up again.")
        return Entry(
            file=member,
            archive_id=one.id,
            sop_instance_uid=_as_text(one.sop_instance_uid),
            series_instance_uid=_as_text(series),
            transfer_syntax_uid=one.transfer_syntax_uid,
            size=size,
            md5=md5,
            sha256=sha256,
            source=source,
            batch=batch,
        )

    def _sources(self, content: _Content) -> dict[str, tuple[str, str]]:
        """The path and the batch that the newest import of each instance had it from."""
        rows = origins.of_instances(self._journal, self._archive.key, list(content.md5s))
        return {
            row["archive_id"]: (printable(os.path.join(row["root"], row["path"])), row["batch_id"])
            for row in reversed(rows)
            if row["md5"] == content.md5s[row["archive_id"]]
        }

    def _manifest(self, content: _Content, entries: list[Entry]) -> Manifest:
        study, patient = content.study, content.patient
        return Manifest(
            format=FORMAT,
            program=__version__,
            made_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            archive=self._about,
            archive_key=self._archive.key,
            study=study.id,
            study_instance_uid=_as_text(study.study_instance_uid),
            study_date=_as_text(study.study_date),
            study_description=_as_text(study.study_description),
            accession_number=_as_text(study.accession_number),
            patient_id=_as_text(patient.patient_id),
            patient_name=_as_text(patient.patient_name),
            patient_birth_date=_as_text(patient.patient_birth_date),
            instances=tuple(entries),
        )


def _as_text(value: str) -> str:
    """What no text can hold, half a character of another system, becomes a question mark."""
    return value.encode("utf-8", "replace").decode("utf-8")
