"""Scans and imports: begun, paused, taken up again, and watched over while background processes do them."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

from dicomcore import logs
from dicomcore.archive.base import Archive
from dicomcore.errors import UsageError
from dicomcore.ingest import worker
from dicomcore.ingest.plan import Expectation, PlanTotals, can_be_filed, expect, expect_rejection, total
from dicomcore.ingest.stopping import PAUSED
from dicomcore.journal import audit, files, jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.model import Job, Outcome, Selection, Status
from dicomcore.scan import paths
from dicomcore.settings import Settings
from dicomcore.visitor import this_user, who_asks
from dicomcore.wording import stands

log = logs.logger(__name__)

SCANS_KEPT_SECONDS = 14 * 24 * 3600
DEATHS_FORGIVEN = 2


class JobControl:
    """The jobs of one data folder, and the processes that this one has started for them."""

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self.settings = settings
        self.journal = journal
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._deaths: Counter[str] = Counter()
        self._reached: Counter[str] = Counter()

    @property
    def archive(self) -> Archive:
        """Where imports go; whoever wires the parts says."""
        raise NotImplementedError

    def start_scan(
        self,
        text: str,
        *,
        recursive: bool = True,
        follow_links: bool = False,
        containers: bool = False,
        compare: bool = True,
        free: bool = False,
    ) -> str:
        """Scan a folder, given as people type it, in the background; returns the id. Raises ``PathProblem``.

        ``containers``: look into ZIP, tar and gzip files too. ``free``: not limited to the allowed folders (the
        command line, which runs as its user).
        """
        scan_id = self._new_scan(text, recursive, follow_links, containers, compare, free)
        self.start_worker(scan_id)
        return scan_id

    def start_import(self, scan_id: str, selection: Selection | None = None) -> str:
        """Import a scan or a part of it in the background; returns the batch id. Raises ``UnknownBatch``."""
        if not self.job(scan_id).status.over:
            raise UsageError("This scan is still running. Start the import when it is done.")
        self._expect_whole_scan(scan_id)
        return self._start_batch(scan_id, selection)

    def pause(self, job_id: str) -> None:
        """Ask a job to stop until somebody says ``resume``; one that no worker has in hand rests at once."""
        if self.job(job_id).status.at_rest:
            raise UsageError(f"{job_id} {stands(self.job(job_id).status)}: there is nothing to pause.")
        audit.note(self.journal, this_user(), "pause", job_id)
        jobs.pause(self.journal, job_id)
        if not self._is_starting(job_id) and not worker.is_at_work(self._locks, job_id):
            jobs.rest(self.journal, job_id, PAUSED)

    def resume(self, batch_id: str, *, alarm_was_seen: bool = True, by: str = "") -> None:
        """Go on with a batch that was paused, cancelled or failed. Raises ``UnknownBatch``, ``UsageError``.

        ``alarm_was_seen``: a person does so, and has seen the alarm that it may have raised. ``by``: who asks for it,
        if not the user that this program runs as.
        """
        self._expect_no_finished_verification(batch_id)
        if self.job(batch_id).status is Status.PAUSED or jobs.wanted(self.journal, batch_id) == "pause":
            audit.note(self.journal, by or this_user(), "resume", batch_id)
            jobs.take_up(self.journal, batch_id)
            log.info("taken up again", job_id=batch_id)
            self.start_worker(batch_id)
            return
        self._expect_over(batch_id)
        if not outcomes.counts(self.journal, batch_id).get(Outcome.PENDING):
            raise UsageError(f"{batch_id} has no file that is pending.")
        audit.note(self.journal, by or this_user(), "resume", batch_id)
        self._reopen(batch_id, alarm_was_seen=alarm_was_seen)

    def retry(self, batch_id: str) -> int:
        """Try again what was rejected, unreadable or vanished; returns how many files. Raises as ``resume``."""
        self._expect_no_finished_verification(batch_id)
        self._expect_over(batch_id)
        files_again = outcomes.reopen_failed(self.journal, batch_id)
        if not files_again:
            raise UsageError(f"{batch_id} has no file that failed and could be tried again.")
        audit.note(self.journal, this_user(), "retry", batch_id, files=files_again)
        self._reopen(batch_id)
        return files_again

    def _reopen(self, batch_id: str, *, alarm_was_seen: bool = True) -> None:
        if self.job(batch_id).kind == "import":
            outcomes.reconsider_conflicts(self.journal, batch_id)
        jobs.reopen(self.journal, batch_id, alarm_was_seen=alarm_was_seen)
        log.info("opened again", job_id=batch_id, pending=outcomes.counts(self.journal, batch_id).get(Outcome.PENDING))
        self.start_worker(batch_id)

    def _expect_no_finished_verification(self, batch_id: str) -> None:
        """What it has read is of then: files may have changed since."""
        job = self.job(batch_id)
        if job.kind == "verify" and job.status is Status.FINISHED:
            raise UsageError(f"{batch_id} is finished and says how it was then. Verify the folder again.")

    def _expect_over(self, batch_id: str) -> None:
        job = self.job(batch_id)
        if not job.status.over:
            raise UsageError(f"{batch_id} is still at work.")
        self._expect_whole_scan(job.scan_id)

    def _expect_whole_scan(self, scan_id: str) -> None:
        if jobs.scan(self.journal, scan_id).scan_seconds is None:
            raise UsageError("The folder was not scanned to its end. Scan or import it again.")

    def import_folder(
        self,
        text: str,
        selection: Selection | None = None,
        *,
        recursive: bool = True,
        follow_links: bool = False,
        containers: bool = False,
        free: bool = False,
        auto_backup: bool = True,
        by: str = "",
    ) -> str:
        """Scan and import a folder in one go; returns the batch id. Raises ``PathProblem``.

        ``auto_backup``: write its studies to the backup folder afterwards, if there is one. ``by``: who asks for it,
        if not the user that this program runs as.
        """
        scan_id = self._new_scan(text, recursive, follow_links, containers, compare=True, free=free)
        return self._start_batch(scan_id, selection, by, auto_backup=auto_backup)

    def _start_batch(self, scan_id: str, selection: Selection | None, by: str = "", *, auto_backup: bool = True) -> str:
        batch_id = jobs.create_batch(
            self.journal, scan_id, selection or Selection(), auto_backup=auto_backup, by=by or this_user()
        )
        self.start_worker(batch_id)
        return batch_id

    def batches(self, limit: int = 50) -> list[Job]:
        """The newest imports, newest first."""
        return jobs.newest(self.journal, "import", limit)

    def scans(self, limit: int = 20) -> list[Job]:
        """The newest scans, newest first."""
        return jobs.newest(self.journal, "scan", limit)

    def compare_problem(self, scan_id: str) -> str:
        """Why a scan could not be compared with the archive; empty where it was."""
        return jobs.scan(self.journal, scan_id).compare_problem

    def tend(self, job_id: str) -> None:
        """Start the worker of an unfinished job again if it died; after a few deaths the job has failed."""
        job = self.job(job_id)
        if job.status.at_rest or self._is_scanned_by_a_batch(job) or self._is_starting(job_id):
            return
        if worker.is_at_work(self._locks, job_id):
            return
        if job.done + job.checked > self._reached[job_id]:  # it got on since the last death
            self._deaths[job_id] = 0
        self._reached[job_id] = job.done + job.checked
        self._deaths[job_id] += 1
        ended = self._workers.get(job_id)
        log.warning("a worker died", job_id=job_id, deaths=self._deaths[job_id], exit_code=ended and ended.returncode)
        if self._deaths[job_id] <= DEATHS_FORGIVEN:
            self.start_worker(job_id)
        else:
            jobs.finish(
                self.journal,
                job_id,
                Status.FAILED,
                f"Its background process ended {DEATHS_FORGIVEN + 1} times without a word. "
                f"See crash.log and import.log in {self.settings.log_dir}, then import the folder again.",
            )

    def _is_starting(self, job_id: str) -> bool:
        process = self._workers.get(job_id)
        return process is not None and process.poll() is None

    def plan(self, scan_id: str, selection: Selection | None = None) -> PlanTotals:
        """What an import would do, from what the scan and the archive have said."""
        groups = files.groups(self.journal, scan_id, selection or Selection())
        return total(expected for group in groups for expected in _expected(group))

    def job(self, job_id: str) -> Job:
        """A scan or an import and how far it has come. Raises ``UnknownBatch``."""
        return jobs.job(self.journal, job_id)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; one that no worker has in hand is over at once."""
        if not self.job(job_id).status.over:
            audit.note(self.journal, this_user(), "cancel", job_id)
        jobs.cancel(self.journal, job_id)
        idle = not self._is_starting(job_id) and not worker.is_at_work(self._locks, job_id)
        if idle and not self.job(job_id).status.over:
            jobs.cancel_idle(self.journal, job_id)

    def start_demo(self) -> str:
        """Write the demonstration studies and import them; returns the batch id."""
        from dicomcore.ingest.demo import write_demo

        folder = write_demo(self.settings.data_dir / "demo")
        return self.import_folder(str(folder), free=True)

    def work(self, job_id: str) -> bool:
        """Do a job in this process (the worker's main line); False where another has it."""
        return worker.work(self.journal, lambda: self.archive, job_id, self._locks, backup_dir=self.settings.backup_dir)

    def start_worker(self, job_id: str) -> None:
        """Start the background process of a job."""
        self._workers = {name: process for name, process in self._workers.items() if process.poll() is None}
        self._workers[job_id] = worker.start(job_id, self.settings.data_dir, self.settings.log_dir)

    def start_unfinished(self) -> list[str]:
        """Start what was interrupted and nobody has in hand, and forget old scans; returns what was started."""
        jobs.prune_scans(self.journal, SCANS_KEPT_SECONDS)
        idle = [
            job.job_id
            for job in jobs.unfinished(self.journal)
            if not self._is_scanned_by_a_batch(job) and not worker.is_at_work(self._locks, job.job_id)
        ]
        for job_id in idle:
            self.start_worker(job_id)
        return idle

    def _is_scanned_by_a_batch(self, job: Job) -> bool:
        return bool(self.journal.rows("SELECT 1 FROM batches WHERE scan_id = ?", job.job_id))

    def _new_scan(
        self, text: str, recursive: bool, follow_links: bool, containers: bool, compare: bool, free: bool
    ) -> str:
        roots = () if free else self.settings.scan_roots
        root = paths.resolve(text, path_map=self.settings.path_map, roots=roots)
        return jobs.create_scan(
            self.journal,
            root,
            recursive=recursive,
            follow_links=follow_links,
            compare=compare,
            roots=roots,
            containers=containers,
            by=this_user(),
        )

    def same_scan(self, job_id: str, *, compare: bool) -> str:
        """A new scan of the folder of a job, looked through in the same way and not started yet; returns its id.

        Raises ``UnknownBatch``, and ``PathProblem`` where the folder is not there now. Whoever has signed in is held
        to the folders that may be scanned today.
        """
        before = jobs.scan(self.journal, self.job(job_id).scan_id)
        roots = self.settings.scan_roots if who_asks() else tuple(Path(os.fsdecode(root)) for root in before.roots)
        return jobs.create_scan(
            self.journal,
            paths.known_before(before.root, roots),
            recursive=before.recursive,
            follow_links=before.follow_links,
            compare=compare,
            roots=roots,
            containers=before.containers,
            by=this_user(),
        )

    @property
    def _locks(self) -> Path:
        return self.settings.data_dir / "locks"

    def wait_for_the_last(self) -> None:
        """Workers whose jobs are at rest are about to end; those that have work go on without us."""
        for job_id, process in self._workers.items():
            if self.job(job_id).status.at_rest:
                process.wait()


def _expected(group: files.Group) -> list[Expectation]:
    """The archive is not asked again: what it was not able to file it does not have."""
    names = group.names
    if names and not can_be_filed(names.study_instance_uid, names.series_instance_uid, names.sop_instance_uid):
        return expect_rejection(group.candidates)
    return expect(group.candidates, group.archive_md5 or None)
