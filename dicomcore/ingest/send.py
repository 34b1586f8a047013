"""The stage that sends: every pending group is settled over a few connections, and written down as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from queue import SimpleQueue

from dicomcore import logs
from dicomcore.archive.base import Archive
from dicomcore.errors import ArchiveNotReady, ArchiveUnreachable
from dicomcore.ingest.left_overs import LeftOvers, look_for_left_overs
from dicomcore.ingest.progress import HowFar
from dicomcore.ingest.reading import Source
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.ingest.store import GroupStore
from dicomcore.journal import files, jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.files import Group
from dicomcore.model import Job, Outcome, Selection, Verdict

log = logs.logger(__name__)

#: Kept-alive connections to the archive: four fill a plain sender, six make up for what we do besides (measured).
CONNECTIONS = 6
#: Groups handed to the connections ahead of their turn.
AHEAD = 8 * CONNECTIONS

Settle = Callable[[Group], list[Verdict]]

QUARANTINED = (
    "The archive stopped answering twice when this file was sent, the second time with nothing else under way. "
    "It was put aside so that the others arrive; Retry offers it again."
)


def send(
    journal: Journal,
    archive: Archive,
    job: Job,
    selection: Selection,
    *,
    resumed: bool = False,
    suspects: set[int] | None = None,
) -> None:
    """Settle what is pending. Raises ``Cancelled`` and ``ArchiveError``; what was settled by then is written down.

    ``suspects``: the files that were under way when the archive went away, added to here. In the next run each of
    them goes alone, so that the one that brings the archive down is found and put aside.
    """
    suspects = set() if suspects is None else suspects
    scan = jobs.scan(journal, job.scan_id)
    source = Source(scan.root, follow_links=scan.follow_links, roots=scan.roots)
    progress = _Progress(journal, job.job_id, asked_just_now=not resumed)
    if suspects:
        suspected = _suspected(journal, job, selection, suspects)
        left = look_for_left_overs(journal, archive, job.job_id, suspected)
        alone = GroupStore(archive, source, resumed=True, left=left)
        _settle_alone(archive, alone.settle, map(left.named, suspected), progress)
        suspects.clear()
    left = LeftOvers()
    if resumed:
        with closing(files.groups(journal, job.scan_id, selection, pending_in=job.job_id)) as groups:
            left = look_for_left_overs(journal, archive, job.job_id, groups)
    settle = GroupStore(archive, source, resumed=resumed, left=left).settle
    with closing(files.groups(journal, job.scan_id, selection, pending_in=job.job_id)) as groups:
        _settle_together(map(left.named, groups), settle, progress, suspects)


def _settle_together(groups: Iterator[Group], settle: Settle, progress: _Progress, suspects: set[int]) -> None:
    """Over all connections. Raises what stops a batch; the groups that were under way then are suspects."""
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
            if not future.cancelled():
                _take_what_came(future, group, progress, suspects)
        progress.flush()


def _take_what_came(future: Future[list[Verdict]], group: Group, progress: _Progress, suspects: set[int]) -> None:
    trouble = future.exception()
    if trouble is None:
        progress.add(group, future.result())
    elif isinstance(trouble, ArchiveUnreachable) and not isinstance(trouble, ArchiveNotReady):
        suspects.update(candidate.file_id for candidate in group.candidates)


def _settle_alone(archive: Archive, settle: Settle, groups: Iterable[Group], progress: _Progress) -> None:
    """One after the other. An archive that answers until it is sent a group is brought down by that group."""
    try:
        for group in groups:
            archive.counts()
            try:
                verdicts = settle(group)
            except ArchiveNotReady:
                raise  # the file never got there
            except ArchiveUnreachable:
                files_of_it = [candidate.file_id for candidate in group.candidates]
                log.warning("quarantined", archive_id=group.archive_id, file_ids=files_of_it)
                verdicts = [
                    Verdict(candidate.file_id, Outcome.QUARANTINED, QUARANTINED, candidate.md5)
                    for candidate in group.candidates
                ]
            progress.add(group, verdicts)
            progress.flush_if_due()
    finally:
        progress.flush()


def _suspected(journal: Journal, job: Job, selection: Selection, suspects: set[int]) -> list[Group]:
    groups = files.groups(journal, job.scan_id, selection, pending_in=job.job_id)
    return [group for group in groups if any(candidate.file_id in suspects for candidate in group.candidates)]


def _keep_ahead(
    groups: Iterator[Group],
    settle: Settle,
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

    def __init__(self, journal: Journal, batch_id: str, *, asked_just_now: bool) -> None:
        self._asked_just_now = asked_just_now
        self._journal = journal
        self._batch_id = batch_id
        self._verdicts: list[Verdict] = []
        self._counts = Counter(outcomes.counts(journal, batch_id))
        self._how_far = HowFar(*outcomes.settled(journal, batch_id))

    def add(self, group: Group, verdicts: list[Verdict]) -> None:
        self._verdicts += verdicts
        self._how_far.passed([candidate.fact for candidate in group.candidates])
        for verdict in verdicts:
            self._counts[verdict.outcome.value] += 1
            self._counts[Outcome.PENDING.value] -= 1

    def flush_if_due(self) -> None:
        """Raises ``Cancelled`` if somebody asked for it."""
        if self._how_far.is_due:
            self.flush()
            stop_if_wanted(self._journal, self._batch_id)

    def flush(self) -> None:
        outcomes.write(self._journal, self._batch_id, self._verdicts, asked_just_now=self._asked_just_now)
        self._verdicts.clear()
        jobs.update(self._journal, self._batch_id, **self._how_far.columns(), counts=+self._counts, message="")
