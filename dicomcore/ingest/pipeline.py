"""A scan and an import from beginning to end: the stages on one screen."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

from dicomcore.archive.base import Archive
from dicomcore.errors import ArchiveError, NotInArchive, UsageError
from dicomcore.ingest.compare import compare
from dicomcore.ingest.progress import Meter
from dicomcore.ingest.reading import Source
from dicomcore.ingest.reconcile import TWICE
from dicomcore.ingest.store import GroupStore
from dicomcore.journal import files, jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.files import Group
from dicomcore.journal.outcomes import Unproven
from dicomcore.model import Job, Outcome, ScannedFile, Selection, Status, Verdict
from dicomcore.scan.scanner import scan as scan_tree

#: Kept-alive connections to the archive: four fill a plain sender, six make up for what we do besides (measured).
CONNECTIONS = 6
#: Groups handed to the connections ahead of their turn.
AHEAD = 8 * CONNECTIONS
FLUSH_SECONDS = 0.5
PROOFS_A_CHUNK = 500


class Cancelled(Exception):
    """Somebody asked this job to stop."""


def run_scan(journal: Journal, archive: Archive, scan_id: str) -> None:
    """Find the files, then ask the archive which it has. Raises ``Cancelled``; an archive that is away is noted."""
    scan = jobs.scan(journal, scan_id)
    if scan.scan_seconds is None:
        _find(journal, archive, scan_id)
    if scan.compare:
        jobs.start(journal, scan_id, Status.COMPARING)
        try:
            compare(journal, archive, scan, Selection(), go_on=lambda _: _stop_if_wanted(journal, scan_id))
        except ArchiveError as error:
            jobs.update_scan(journal, scan_id, compare_problem=str(error))


def run_import(journal: Journal, archive: Archive, batch_id: str) -> None:
    """Scan if need be, compare, store, and read back the proof. Raises ``Cancelled`` and ``ArchiveError``."""
    job = jobs.job(journal, batch_id)
    scan = jobs.scan(journal, job.scan_id)
    selection = jobs.selection_of(journal, batch_id)
    try:
        if scan.scan_seconds is None:
            _find_for_batch(journal, archive, job)
    finally:  # a scan that was stopped half-way leaves files too: they are pending
        _begin_outcomes(journal, job, selection)
    try:
        _import(journal, archive, job, selection)
    finally:
        jobs.update(journal, batch_id, counts=outcomes.counts(journal, batch_id))


def _find_for_batch(journal: Journal, archive: Archive, job: Job) -> None:
    """The scan that belongs to a batch; it is over with it, one way or the other."""
    try:
        _find(journal, archive, job.scan_id, reported_as=job.job_id)
    except BaseException:
        jobs.finish(journal, job.scan_id, Status.CANCELLED, f"Ended with {job.job_id}.")
        raise
    jobs.finish(journal, job.scan_id, Status.FINISHED)


def _begin_outcomes(journal: Journal, job: Job, selection: Selection) -> None:
    total, total_bytes = outcomes.begin(journal, job.job_id, job.scan_id, selection)
    counts = outcomes.counts(journal, job.job_id)
    jobs.update(journal, job.job_id, total=total, total_bytes=total_bytes, done=0, done_bytes=0, counts=counts)


def _import(journal: Journal, archive: Archive, job: Job, selection: Selection) -> None:
    """The stages after the scan. What a former run of the batch was told by the archive still counts."""
    scan, batch_id = jobs.scan(journal, job.scan_id), job.job_id
    if selection != Selection() and not outcomes.counts(journal, batch_id):
        raise UsageError("Nothing in this folder fits what was chosen. Check the names of sub-folders and the dates.")
    resumed = jobs.is_compared(journal, batch_id, archive.key)
    if not resumed:
        jobs.start(journal, batch_id, Status.COMPARING)
        compare(journal, archive, scan, selection, go_on=lambda _: _stop_if_wanted(journal, batch_id))
        jobs.set_compared(journal, batch_id, archive.key)
    jobs.start(journal, batch_id, Status.IMPORTING)
    send(journal, archive, job, selection, resumed=resumed)
    outcomes.name_duplicates(journal, batch_id, TWICE)
    jobs.start(journal, batch_id, Status.CHECKING)
    _prove(journal, archive, job)
    files.write_receipts(journal, batch_id, scan.root, archive.key)


def _find(journal: Journal, archive: Archive, scan_id: str, reported_as: str | None = None) -> None:
    """Walk the tree and write what is found, chunk by chunk."""
    job_id = reported_as or scan_id
    scan = jobs.scan(journal, scan_id)
    jobs.start(journal, job_id, Status.SCANNING)
    files.forget(journal, scan_id)
    began, meter, counts, size = time.monotonic(), Meter(), Counter[str](), 0
    root = Path(os.fsdecode(scan.root))
    for chunk in scan_tree(root, recursive=scan.recursive, follow_links=scan.follow_links):
        files.write_found(journal, scan_id, chunk, archive.predict)
        found = [thing for thing in chunk if isinstance(thing, ScannedFile)]
        counts.update(file.kind.value for file in found)
        size += sum(file.fact.size for file in found)
        files_a_second, bytes_a_second = meter.speed(counts.total(), size)
        jobs.update(
            journal,
            job_id,
            done=counts.total(),
            done_bytes=size,
            files_per_second=files_a_second,
            bytes_per_second=bytes_a_second,
            current=chunk[-1].fact.path if isinstance(chunk[-1], ScannedFile) else chunk[-1].path,
            counts=counts,
        )
        _stop_if_wanted(journal, job_id)
    jobs.update_scan(journal, scan_id, scan_seconds=time.monotonic() - began)
    jobs.update(
        journal,
        scan_id,
        total=counts.total(),
        total_bytes=size,
        done=counts.total(),
        done_bytes=size,
        counts=counts,
    )


def send(journal: Journal, archive: Archive, job: Job, selection: Selection, *, resumed: bool = False) -> None:
    """Settle every pending group over a few connections; what is settled is written twice a second."""
    source = Source(job.root, follow_links=jobs.scan(journal, job.scan_id).follow_links)
    settle = GroupStore(archive, source, resumed=resumed).settle
    progress = _Progress(journal, job.job_id)
    groups = files.groups(journal, job.scan_id, selection, pending_in=job.job_id)
    running: dict[Future[list[Verdict]], Group] = {}
    done: SimpleQueue[Future[list[Verdict]]] = SimpleQueue()
    pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="store")

    def submit(group: Group) -> None:
        future = pool.submit(settle, group)
        running[future] = group
        future.add_done_callback(done.put)

    try:
        while _keep_ahead(groups, settle, submit, running, progress):
            future = done.get()
            progress.add(running[future], future.result())
            del running[future]
            progress.flush_if_due()
    finally:  # what is on the wire arrives, and what has arrived is written down
        pool.shutdown(wait=True, cancel_futures=True)
        for future, group in running.items():
            if not future.cancelled() and future.exception() is None:
                progress.add(group, future.result())
        progress.flush()


def _keep_ahead(
    groups: Iterator[Group],
    settle: Callable[[Group], list[Verdict]],
    submit: Callable[[Group], None],
    running: Collection[Future[list[Verdict]]],
    progress: _Progress,
) -> bool:
    """Keep ``AHEAD`` groups in hand; False when there are none left. What receipts settle needs no connection."""
    while len(running) < AHEAD and (group := next(groups, None)) is not None:
        if group.archive_md5 and all(candidate.md5 for candidate in group.candidates):
            progress.add(group, settle(group))
            progress.flush_if_due()
        else:
            submit(group)
    return bool(running)


class _Progress:
    """Writes outcomes and how far the batch has come into the journal, twice a second."""

    def __init__(self, journal: Journal, batch_id: str) -> None:
        self._journal = journal
        self._batch_id = batch_id
        self._meter = Meter()
        self._verdicts: list[Verdict] = []
        self._current: bytes | None = None
        self._last_flush = time.monotonic()
        self._counts = Counter(outcomes.counts(journal, batch_id))
        self._before = outcomes.settled(journal, batch_id)
        self._done, self._bytes = self._before

    def add(self, group: Group, verdicts: list[Verdict]) -> None:
        facts = [candidate.fact for candidate in group.candidates]
        self._verdicts += verdicts
        self._done += len(facts)
        self._bytes += sum(fact.size for fact in facts)
        self._current = facts[-1].path
        for verdict in verdicts:
            self._counts[verdict.outcome.value] += 1
            self._counts[Outcome.PENDING.value] -= 1

    def flush_if_due(self) -> None:
        """Raises ``Cancelled`` if somebody asked for it."""
        if time.monotonic() - self._last_flush > FLUSH_SECONDS:
            self.flush()
            _stop_if_wanted(self._journal, self._batch_id)

    def flush(self) -> None:
        outcomes.write(self._journal, self._batch_id, self._verdicts)
        self._verdicts.clear()
        files_a_second, bytes_a_second = self._meter.speed(self._done - self._before[0], self._bytes - self._before[1])
        jobs.update(
            self._journal,
            self._batch_id,
            done=self._done,
            done_bytes=self._bytes,
            current=self._current,
            files_per_second=files_a_second,
            bytes_per_second=bytes_a_second,
            counts=+self._counts,
        )
        self._last_flush = time.monotonic()


def _prove(journal: Journal, archive: Archive, job: Job) -> None:
    """Read back the archive's MD5 of everything this batch put there."""
    waiting = outcomes.unproven(journal, job.job_id)
    jobs.update(journal, job.job_id, current=None, files_per_second=None, bytes_per_second=None)
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="check") as pool:
        while some := list(islice(waiting, PROOFS_A_CHUNK)):
            problems = list(pool.map(partial(_problem, archive), some))
            proven = [row.file_id for row, problem in zip(some, problems, strict=True) if problem is None]
            outcomes.mark_proven(journal, job.job_id, proven)
            outcomes.write(journal, job.job_id, [problem for problem in problems if problem is not None])
            jobs.count_proven(journal, job.job_id, len(some))
            _stop_if_wanted(journal, job.job_id)


def _problem(archive: Archive, row: Unproven) -> Verdict | None:
    """None where the archive holds exactly the file's bytes."""
    try:
        there = archive.md5(row.archive_id)
    except NotInArchive:
        reason = "The archive said it was stored, but does not have it any more. Import the folder again."
        return Verdict(row.file_id, Outcome.PENDING, reason, row.md5)
    if there == row.md5:
        return None
    reason = f"The archive changed what it was sent: it holds other bytes (MD5 {there}) than the file."
    return Verdict(row.file_id, Outcome.CONFLICT, reason, row.md5, row.archive_id)


def _stop_if_wanted(journal: Journal, job_id: str) -> None:
    if jobs.cancel_wanted(journal, job_id):
        raise Cancelled
