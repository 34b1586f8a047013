"""A scan and an import from beginning to end: the stages on one screen."""

from __future__ import annotations

from dicomcore.archive.base import Archive
from dicomcore.errors import ArchiveError, StoreError, UsageError
from dicomcore.ingest.backup import back_up
from dicomcore.ingest.compare import compare
from dicomcore.ingest.find import find, find_for_batch
from dicomcore.ingest.losses import look_for_losses
from dicomcore.ingest.prove import prove
from dicomcore.ingest.reconcile import TWICE
from dicomcore.ingest.send import send
from dicomcore.ingest.stopping import Paused, patiently, stop_if_wanted
from dicomcore.ingest.transcoded import name_transcoded
from dicomcore.journal import backups, decisions, files, jobs, outcomes, reports
from dicomcore.journal.database import Journal
from dicomcore.model import Job, Outcome, Selection, Status

#: Modalities in a message.
MOST_NAMED = 20


def run_scan(journal: Journal, archive: Archive, scan_id: str) -> None:
    """Find the files, then ask the archive which it has. Raises ``Cancelled``; an archive that is away is noted."""
    scan = jobs.scan(journal, scan_id)
    if scan.scan_seconds is None:
        find(journal, archive, scan_id)
    if scan.compare:
        jobs.start(journal, scan_id, Status.COMPARING)
        try:
            compare(journal, archive, scan, Selection(), go_on=lambda _: stop_if_wanted(journal, scan_id))
        except ArchiveError as error:
            jobs.update_scan(journal, scan_id, compare_problem=str(error))


def run_import(journal: Journal, archive: Archive, batch_id: str, *, backup_dir: str = "") -> None:
    """Scan if need be, compare, store, read back the proof, back up. Raises ``Cancelled`` and ``ArchiveError``."""
    if backups.is_all_that_is_left(journal, batch_id):
        back_up(journal, archive, batch_id, backup_dir)
        return
    job = jobs.job(journal, batch_id)
    scan = jobs.scan(journal, job.scan_id)
    selection = jobs.selection_of(journal, batch_id)
    if scan.scan_seconds is None:
        _find_for_batch(journal, archive, job, selection)
    _begin_outcomes(journal, job, selection)
    try:
        _import(journal, archive, job, selection)
    finally:
        jobs.update(journal, batch_id, counts=outcomes.counts(journal, batch_id))
    back_up(journal, archive, batch_id, backup_dir)


def _begin_run(journal: Journal, archive: Archive, batch_id: str) -> bool:
    """Believe nothing of a former run unasked; returns whether its comparison with this archive still counts.

    Nothing is forgotten before the archive has answered. Raises ``UsageError`` where something must be ended in the
    archive that the batch went to before.
    """
    instances = archive.counts().instances
    if jobs.was_for_another_archive(journal, batch_id, archive.key):
        if decisions.is_any_broken_off(journal, batch_id):
            raise UsageError(
                "A replacement was broken off in the archive that this import went to. Choose that archive under "
                "Hospital Config, decide there again, and then resume."
            )
        outcomes.forget_the_archive(journal, batch_id)
        jobs.move_to_another_archive(journal, batch_id)
    outcomes.doubt(journal, batch_id)
    jobs.update(journal, batch_id, checked=0)
    stored = outcomes.counts(journal, batch_id).get(Outcome.STORED, 0)
    jobs.remember_instances(journal, batch_id, archive.key, instances - stored)
    return jobs.is_compared(journal, batch_id, archive.key)


def _nothing_fits(journal: Journal, scan_id: str, selection: Selection) -> str:
    """Why a selection is empty, with what there is instead where that is a short list."""
    there = [row["value"] for row in reports.choices(journal, scan_id, "modality") if row["value"]]
    if selection.modalities and not set(selection.modalities) & set(there):
        asked, listed = " or ".join(selection.modalities), ", ".join(sorted(there[:MOST_NAMED]))
        return f"No file has modality {asked}; there are: {listed or 'none'}{', …' * (len(there) > MOST_NAMED)}."
    return "Nothing in this folder fits what was chosen. Check the names of sub-folders and the dates."


def _find_for_batch(journal: Journal, archive: Archive, job: Job, selection: Selection) -> None:
    """A scan that is stopped half-way leaves files too, which are pending; one that pauses begins anew."""
    try:
        find_for_batch(journal, archive, job)
    except (Paused, StoreError):
        raise
    except BaseException:
        _begin_outcomes(journal, job, selection)
        raise


def _begin_outcomes(journal: Journal, job: Job, selection: Selection) -> None:
    total, total_bytes = outcomes.begin(journal, job.job_id, job.scan_id, selection)
    done, done_bytes = outcomes.settled(journal, job.job_id)
    jobs.update(
        journal,
        job.job_id,
        total=total,
        total_bytes=total_bytes,
        done=done,
        done_bytes=done_bytes,
        counts=outcomes.counts(journal, job.job_id),
    )


def _import(journal: Journal, archive: Archive, job: Job, selection: Selection) -> None:
    """The stages after the scan. What a former run of the batch was told by the archive still counts."""
    scan, batch_id = jobs.scan(journal, job.scan_id), job.job_id
    if selection != Selection() and not outcomes.counts(journal, batch_id):
        raise UsageError(_nothing_fits(journal, job.scan_id, selection))
    resumed = _begin_run(journal, archive, batch_id) and scan.compared_with == archive.key
    if not resumed:
        jobs.start(journal, batch_id, Status.COMPARING)
        patiently(
            journal,
            batch_id,
            lambda _: compare(journal, archive, scan, selection, go_on=lambda _: stop_if_wanted(journal, batch_id)),
        )
        jobs.set_compared(journal, batch_id, archive.key)
    jobs.start(journal, batch_id, Status.IMPORTING)
    suspects: set[int] = set()
    patiently(
        journal,
        batch_id,
        lambda _: send(journal, archive, job, selection, resumed=resumed, suspects=suspects),
    )
    outcomes.name_duplicates(journal, batch_id, TWICE)
    jobs.start(journal, batch_id, Status.CHECKING)
    patiently(journal, batch_id, lambda _: prove(journal, archive, job))
    patiently(journal, batch_id, lambda _: name_transcoded(journal, archive, batch_id))
    patiently(journal, batch_id, lambda _: look_for_losses(journal, archive, batch_id))
    files.write_receipts(journal, batch_id, scan.root, archive.key)
