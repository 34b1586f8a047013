"""After a batch: every study of it as one ZIP in the backup folder. And one instance, before it is replaced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice

from dicomcore import logs
from dicomcore.archive.base import Archive
from dicomcore.errors import ArchiveError, BackupDamaged, BackupFailed, NotInArchive
from dicomcore.ingest.backup_folder import BackupFolder
from dicomcore.ingest.backup_study import CONNECTIONS, StudySource
from dicomcore.ingest.blocks import md5_of_blocks, write_blocks
from dicomcore.ingest.stopping import Cancelled, patiently, stop_if_wanted
from dicomcore.journal import backups, jobs, outcomes
from dicomcore.journal.backups import StudyBackup
from dicomcore.journal.database import Journal
from dicomcore.model import Status, StoredPatient, StoredStudy
from dicomcore.wording import counted

log = logs.logger(__name__)

#: So many studies may fail one after the other; then it is the backup folder, and not the studies.
FAILURES_IN_A_ROW = 3
IDS_A_CHUNK = 2_000

NOT_DONE = "The backup did not come to its end. Back up again."
CANCELLED = "The backup was cancelled before its end. Back up again."
REMEDY = "What is gone there can only be backed up again after the folder was imported again."
OTHER_ARCHIVE = (
    "These studies went to another archive than the one that is in use now. Choose that one on Hospital Config, "
    "then back up again."
)


def back_up(journal: Journal, archive: Archive, batch_id: str, backup_dir: str) -> None:
    """Back up the studies that a batch has put into the archive or found there, if that is wanted.

    What fails is written down, and the import stays what it is. Raises ``Paused`` and ``StoreError``.
    """
    if not (backup_dir and backups.is_wanted(journal, batch_id)):
        return
    jobs.start(journal, batch_id, Status.BACKING_UP)
    backups.begin(journal, batch_id, NOT_DONE)
    try:
        problem = _problem_of(journal, archive, batch_id, backup_dir)
    except Cancelled:
        problem = CANCELLED
    except (BackupFailed, ArchiveError) as error:
        log.warning("the backup failed", exc_info=True)
        problem = str(error)
    backups.end(journal, batch_id, problem)


def keep_instance(backup_dir: str, archive: Archive, archive_id: str, folder: str) -> str:
    """Write what the archive has of one instance to ``<backup_dir>/<folder>/<archive_id>_<md5>.dcm``; returns where.

    It is read back and compared; the same bytes lying there already are as good. Raises ``BackupFailed``,
    ``NotInArchive`` and other ``ArchiveError``.
    """
    target, md5 = BackupFolder(backup_dir), archive.md5(archive_id)

    def write(name: str) -> None:
        with target.draft() as draft:
            if write_blocks(draft, archive.blocks(archive_id)) != md5:
                raise BackupFailed(f"The archive gave other bytes of {archive_id} than it says it has. Try again.")
            target.put(draft, name, prove)

    def prove(name: str) -> None:
        if md5_of_blocks(target.blocks(name)) != md5:
            raise BackupDamaged(f"{target.shown_place(name)} does not hold what was written there.")

    name, _ = target.settled(f"{folder}/{archive_id}_{md5}", ".dcm", prove=prove, write=write)
    return target.shown_place(name)


def _problem_of(journal: Journal, archive: Archive, batch_id: str, backup_dir: str) -> str:
    """Back up all studies; returns why the backup failed as a whole, empty where it did not."""
    if not jobs.is_compared(journal, batch_id, archive.key):
        return OTHER_ARCHIVE
    target = BackupFolder(backup_dir, journal.path.parent / "drafts")
    problems: list[str] = []
    read_back: dict[str, StudyBackup] = {}

    def stage(_again: bool) -> None:
        problem = _all_studies(journal, archive, batch_id, target, read_back)
        problems[:] = [problem, _loss(journal, archive, batch_id)]

    patiently(journal, batch_id, stage)
    return " ".join(problem for problem in problems if problem)


def _loss(journal: Journal, archive: Archive, batch_id: str) -> str:
    """What the archive has lost of a batch, which raises the alarm.

    Asked at the end: what is there then was there all the time, and so it is in the backup.
    """
    gone = set[str]()
    with closing(outcomes.held(journal, batch_id)) as held:
        while some := {file.archive_id for file in islice(held, IDS_A_CHUNK)}:
            gone |= some - archive.stored(some)
            stop_if_wanted(journal, batch_id)
    if not gone:
        return ""
    loss = f"The archive does not have {counted(len(gone), 'instance')} of this import any more. {REMEDY}"
    if not jobs.alarm(journal, batch_id):
        jobs.raise_alarm(journal, batch_id, loss)
    return loss


def _all_studies(
    journal: Journal, archive: Archive, batch_id: str, target: BackupFolder, read_back: dict[str, StudyBackup]
) -> str:
    """Returns the reason of the first failure, or of them all where it is the same.

    ``read_back`` is what was done in this run, by study: that counts when the archive was away in between.
    """
    studies = _studies_of(journal, archive, batch_id)
    problem, in_a_row = "", 0
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="backup") as pool:
        source = StudySource(journal, archive, target, pool)
        for number, (study, patient) in enumerate(studies, 1):
            stop_if_wanted(journal, batch_id)
            _tell_progress(journal, batch_id, number, len(studies))
            done, folder_failed = _one_study(source, study, patient, read_back.get(study.id))
            read_back[study.id] = done
            backups.write(journal, batch_id, [done])
            problem = problem or done.problem
            in_a_row = in_a_row + 1 if folder_failed else 0
            if in_a_row == FAILURES_IN_A_ROW and number < len(studies):
                return _give_up(journal, batch_id, [study for study, _ in studies[number:]], done.problem)
    return problem


def _one_study(
    source: StudySource, study: StoredStudy, patient: StoredPatient, before: StudyBackup | None
) -> tuple[StudyBackup, bool]:
    """What became of one study, and whether it is the backup folder that failed."""
    try:
        return source.back_up(study, patient, before), False
    except (BackupFailed, NotInArchive) as error:
        log.warning("a study could not be backed up", study=study.id, exc_info=True)
        failed = StudyBackup(study.id, study.study_instance_uid, problem=str(error))
        return failed, isinstance(error, BackupFailed)


def _tell_progress(journal: Journal, batch_id: str, number: int, total: int) -> None:
    told = f"study {number:,} of {total:,}".encode()
    jobs.update(journal, batch_id, current=told, message="", files_per_second=None, bytes_per_second=None)


def _give_up(journal: Journal, batch_id: str, rest: list[StoredStudy], problem: str) -> str:
    """The studies that were not tried have failed too; returns the reason for all."""
    reason = f"Stopped after {FAILURES_IN_A_ROW} studies in a row. {problem}"
    untried = f"Not tried: {FAILURES_IN_A_ROW} studies before it failed."
    backups.write(
        journal, batch_id, [StudyBackup(study.id, study.study_instance_uid, problem=untried) for study in rest]
    )
    return reason


def _studies_of(journal: Journal, archive: Archive, batch_id: str) -> list[tuple[StoredStudy, StoredPatient]]:
    """The studies of the files that the archive holds by this batch, in the order of their UIDs."""
    found: dict[str, tuple[StoredStudy, StoredPatient]] = {}
    held = outcomes.held(journal, batch_id)
    while some := {file.archive_id for file in islice(held, IDS_A_CHUNK)}:
        described = archive.describe(some)
        patients = {patient.id: patient for patient in described.patients}
        found |= {study.id: (study, patients[study.patient]) for study in described.studies}
        stop_if_wanted(journal, batch_id)
    return sorted(found.values(), key=lambda pair: (pair[0].study_instance_uid, pair[0].id))
