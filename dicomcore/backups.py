"""Backups for the pages and the command line: of a batch, in the folder, and back into an archive."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from dicomcore import logs
from dicomcore.errors import BackupFailed, UsageError
from dicomcore.ingest.backup import NOT_DONE
from dicomcore.ingest.backup_folder import BackupFolder
from dicomcore.ingest.backup_zip import Found, contents, opened
from dicomcore.ingest.restore import Restored, newest, restore
from dicomcore.journal import audit, backups
from dicomcore.model import HELD, TROUBLE, Job, Outcome, Status
from dicomcore.services import Services
from dicomcore.visitor import this_user
from dicomcore.wording import counted

log = logs.logger(__name__)

NOWHERE = "There is no backup folder. Set DVP_BACKUP_DIR to a folder, or to a URL that fsspec knows."

#: Told how many backups of how many are done.
Progress = Callable[[int, int], None]


def _silent(_done: int, _total: int) -> None:
    pass


# ---- of a batch


def shown_folder(services: Services) -> str:
    """Where backups go, without a password; empty where there is no backup folder."""
    return BackupFolder.without_password(services.settings.backup_dir)


def study_table(services: Services, batch_id: str) -> pd.DataFrame:
    """One row per study of a batch, what failed first: study_instance_uid, instances, bytes, file, problem."""
    columns = ["study_instance_uid", "instances", "bytes", "file", "problem"]
    rows = backups.of_batch(services.journal, batch_id)
    return pd.DataFrame([{name: row[name] for name in columns} for row in rows], columns=columns)


def start_backup(services: Services, batch_id: str) -> None:
    """Back up the studies of an import that is over, in the background; what is backed up already is left alone.

    Raises ``UnknownBatch``, and ``UsageError`` where there is no backup folder or the import is not done.
    """
    if not services.settings.backup_dir:
        raise UsageError(NOWHERE)
    job = services.job(batch_id)
    if job.kind != "import":
        raise UsageError(f"{batch_id} is no import: only imports are backed up.")
    if not job.status.over:
        raise UsageError(f"{batch_id} is {job.status.value}. Its studies are backed up when it is done.")
    done = job.status is Status.FINISHED or backups.is_all_that_is_left(services.journal, batch_id)
    if not done or job.counts.get(Outcome.PENDING):
        raise UsageError(f"{batch_id} is not done. Press Resume (`resume {batch_id}`): the backup follows.")
    audit.note(services.journal, this_user(), "backup", batch_id)
    backups.ask_again(services.journal, batch_id, NOT_DONE)
    log.info("backup asked for", job_id=batch_id)
    services.start_worker(batch_id)


def can_be_backed_up(batch: Job) -> bool:
    """Whether it is an import that is done and has put something into the archive or found it there."""
    done = batch.kind == "import" and batch.status is Status.FINISHED and not batch.counts.get(Outcome.PENDING)
    return done and any(batch.counts.get(word) for word in HELD)


def batch_summary(services: Services, batch_id: str) -> dict[str, Any]:
    """studies, instances, bytes, failed, problem of the backup of a batch."""
    return backups.summary(services.journal, batch_id)


def is_trouble(summary: Mapping[str, Any]) -> bool:
    """Whether the backup of a batch is not what it should be."""
    return backups.is_trouble(summary)


def sentence(summary: Mapping[str, Any]) -> str:
    """The backup of a batch in words; empty where there is none."""
    told = []
    if summary["studies"]:
        told.append(
            f"{counted(summary['studies'], 'study', 'studies')} backed up, read back and compared: "
            f"{counted(summary['instances'], 'instance')}."
        )
    if summary["failed"]:
        told.append(f"{counted(summary['failed'], 'study is', 'studies are')} NOT backed up.")
    return " ".join([*told, summary["problem"]]).strip()


# ---- in the folder


def backup_table(services: Services, url: str = "") -> pd.DataFrame:
    """One row per backup in the folder: file, study_instance_uid, made_at (ISO, UTC), instances, bytes, problem."""
    columns = ["file", "study_instance_uid", "made_at", "instances", "bytes", "problem"]
    found = [asdict(one) for one in contents(_folder(services, url))]
    return pd.DataFrame(found, columns=[*columns, "study", "archive"])[columns]


def check(services: Services, url: str = "", progress: Progress = _silent) -> dict[str, Any]:
    """Read every backup from beginning to end: backups, instances, bytes, damaged [{file, instance, reason}]."""
    folder = _folder(services, url)
    names = list(folder.names(".zip"))
    counts, damaged = Counter[str](), list[dict[str, str]]()
    for number, name in enumerate(names):
        progress(number, len(names))
        try:
            with opened(folder, name) as backup:
                counts["instances"] += len(backup.manifest.instances)
                counts["bytes"] += backup.manifest.bytes
                damaged += [_line(name, one.entry.archive_id, one.reason) for one in backup.damages()]
        except BackupFailed as error:
            damaged.append(_line(name, "", str(error)))
    log.info("backups checked", backups=len(names), damaged=len(damaged))
    return {
        "backups": len(names),
        "instances": counts["instances"],
        "bytes": counts["bytes"],
        "damaged": damaged,
    }


# ---- back into an archive


@dataclass
class _Tally:
    """What became of the instances of all backups."""

    outcomes: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)

    def add(self, restored: Restored) -> None:
        self.outcomes[restored.outcome.value] += 1
        self.bytes += restored.entry.size
        if restored.outcome in TROUBLE:
            line = _line(restored.file, restored.entry.archive_id, restored.reason)
            self.problems.append(line | {"outcome": restored.outcome.value})


def restore_backups(
    services: Services, *, study: str = "", url: str = "", progress: Progress = _silent
) -> dict[str, Any]:
    """Bring the newest backup of each study, or of one (StudyInstanceUID), into the archive in use.

    Returns backups, found (instances), outcomes {word: instances}, which add up, bytes, problems [{file, instance,
    outcome, reason}], unreadable [{file, reason}] and seconds. Raises ``BackupFailed`` and ``ArchiveError``; what was
    stored stays stored, and the next run goes on with the rest.
    """
    began, tally = time.monotonic(), _Tally()
    folder, archive = _folder(services, url), services.archive
    chosen, unreadable = _chosen(folder, study)
    audit.note(services.journal, this_user(), "restore", study or "all studies", archive=archive.key)
    for number, backup in enumerate(chosen):
        progress(number, len(chosen))
        try:
            for restored in restore(archive, folder, backup.file):
                tally.add(restored)
        except BackupFailed as error:
            unreadable.append(_line(backup.file, "", str(error)))
    log.info("backups restored", backups=len(chosen), counts=tally.outcomes, unreadable=len(unreadable))
    return {
        "backups": len(chosen),
        "found": tally.outcomes.total(),
        "outcomes": {word.value: tally.outcomes[word.value] for word in Outcome if tally.outcomes[word.value]},
        "bytes": tally.bytes,
        "problems": tally.problems,
        "unreadable": unreadable,
        "seconds": round(time.monotonic() - began, 3),
    }


def restored_sentence(found: Mapping[str, Any]) -> str:
    """``1,115 instances = 1,113 stored + 2 already stored.`` and what could not be read at all."""
    parts = [f"{instances:,} {word}" for word, instances in found["outcomes"].items()]
    said = f"{counted(found['found'], 'instance')} = {' + '.join(parts) or '0'}."
    unread = len(found["unreadable"])
    return f"{said} {counted(unread, 'backup')} could not be read." if unread else said


def _chosen(folder: BackupFolder, study: str) -> tuple[list[Found], list[dict[str, str]]]:
    """The newest backup of each study that is wanted, and what could not be read among all."""
    found = list(contents(folder))
    wanted = [one for one in found if not one.problem and study in ("", one.study_instance_uid)]
    unreadable = [
        _line(one.file, "", one.problem)
        for one in found
        if one.problem and one.file.startswith(f"{study}/" if study else "")
    ]
    if study and not wanted and not unreadable:
        raise UsageError(f"No backup of a study {study} lies in {folder.shown}. `backup list` lists those that do.")
    return newest(wanted), unreadable


def _folder(services: Services, url: str) -> BackupFolder:
    """The folder to read from. Raises ``UsageError`` where none is set, ``BackupFailed`` where it is not there."""
    if not (url or services.settings.backup_dir):
        raise UsageError(NOWHERE)
    folder = BackupFolder(url or services.settings.backup_dir)
    folder.expect()
    return folder


def _line(file: str, instance: str, reason: str) -> dict[str, str]:
    return {"file": file, "instance": instance, "reason": reason}
