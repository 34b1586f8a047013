"""A folder against the archive as it is now: every DICOM file is read whole, and the archive asked for its MD5.

Nothing that was written down before is trusted, so that it works months later, and with an empty journal too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

from dicomcore import __version__
from dicomcore.archive.base import Archive
from dicomcore.ingest.extras import find_extras
from dicomcore.ingest.find import find_for_batch
from dicomcore.ingest.progress import Meter
from dicomcore.ingest.read_whole import read_whole
from dicomcore.ingest.reading import Source
from dicomcore.ingest.reconcile import reconcile
from dicomcore.ingest.stopping import patiently, stop_if_wanted
from dicomcore.ingest.transcoded import name_transcoded
from dicomcore.ingest.whereabouts import Located, Whereabouts
from dicomcore.journal import earlier_imports, files, jobs, outcomes, proofs
from dicomcore.journal.database import Journal
from dicomcore.journal.earlier_imports import EarlierImport
from dicomcore.journal.files import Group
from dicomcore.model import Candidate, Outcome, Scan, Selection, Status, Verdict

CONNECTIONS = 4
GROUPS_A_CHUNK = 500

NOT_THERE = "The archive does not have it."
NO_ID = "The archive did not get it from here, and its header does not tell the ids under which it would be there."
OTHER_BYTES = "The archive holds other bytes under its ids."


def run_verify(journal: Journal, archive: Archive, batch_id: str) -> None:
    """Scan, read, compare, look for extra instances. Raises ``Cancelled``, ``Paused`` and ``ArchiveError``.

    Taken up again, it reads only what it has not read yet, and asks the archive for everything anew.
    """
    job = jobs.job(journal, batch_id)
    selection = jobs.selection_of(journal, batch_id)
    proofs.begin(journal, batch_id, archive.about(), __version__)
    if jobs.scan(journal, job.scan_id).scan_seconds is None:
        find_for_batch(journal, archive, job)
    scan = jobs.scan(journal, job.scan_id)
    total, total_bytes = outcomes.begin(journal, batch_id, scan.scan_id, selection)
    outcomes.reconsider_lost(journal, batch_id)
    jobs.update(journal, batch_id, total=total, total_bytes=total_bytes, counts=outcomes.counts(journal, batch_id))
    try:
        jobs.start(journal, batch_id, Status.COMPARING)
        read_whole(journal, batch_id, Source(scan.root, follow_links=scan.follow_links, roots=scan.roots))
        jobs.start(journal, batch_id, Status.CHECKING)
        _compare(journal, archive, batch_id, scan, selection)
        patiently(journal, batch_id, lambda _: name_transcoded(journal, archive, batch_id))
        patiently(journal, batch_id, lambda _: find_extras(journal, archive, batch_id, scan.scan_id))
        proofs.end(journal, batch_id)
        jobs.set_compared(journal, batch_id, archive.key)
    finally:
        jobs.update(journal, batch_id, counts=outcomes.counts(journal, batch_id))


def _compare(journal: Journal, archive: Archive, batch_id: str, scan: Scan, selection: Selection) -> None:
    """An outcome for every file that was read, by what the archive has under its ids at this moment."""
    proofs.compare_anew(journal, batch_id)
    progress = _Progress(journal, batch_id)
    groups = files.groups(journal, scan.scan_id, selection, pending_in=batch_id)
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="verify") as pool:
        where = Whereabouts(journal, archive, scan.root, pool)
        judge = _Judge(journal, earlier_imports.of_folder(journal, archive.key, scan.root), scan.root)

        def settle(some: list[Group]) -> None:
            located = where.located(some)
            proofs.write_archive_md5s(journal, [(one.group, one.md5) for one in located])
            progress.add([verdict for one in located for verdict in judge.verdicts(one)])

        while some := list(islice(groups, GROUPS_A_CHUNK)):
            patiently(journal, batch_id, _once(settle, some))
            stop_if_wanted(journal, batch_id)


def _once(settle: Callable[[list[Group]], None], some: list[Group]) -> Callable[[bool], None]:
    """A stage for ``patiently``: asking the archive a second time is as good as the first."""
    return lambda _again: settle(some)


class _Judge:
    """What to say of files, from what the archive has and what an earlier import was told of them."""

    def __init__(self, journal: Journal, imports: list[EarlierImport], root: bytes) -> None:
        self._journal = journal
        self._imports = imports
        self._root = root

    def verdicts(self, located: Located) -> list[Verdict]:
        """One for each file of a group; all of them were read."""
        group, there = located.group, located.md5
        if there:
            reason = OTHER_BYTES
            settled = reconcile(group.candidates, archive_id=group.archive_id, archive_md5=there, sent=None, refused={})
        else:
            reason = NOT_THERE if located.told else NO_ID
            settled = [Verdict(file.file_id, Outcome.PENDING, md5=file.md5) for file in group.candidates]
        return [
            self._missing(file, one, reason) if one.outcome in (Outcome.CONFLICT, Outcome.PENDING) else one
            for file, one in zip(group.candidates, settled, strict=True)
        ]

    def _missing(self, file: Candidate, verdict: Verdict, reason: str) -> Verdict:
        """With the reason, or with what an import was told where the archive did not take these bytes."""
        refused = earlier_imports.refusal(self._journal, self._imports, self._root, file)
        outcome, why = refused or (verdict.outcome, reason)
        return replace(verdict, outcome=outcome, reason=why)


class _Progress:
    """Writes verdicts and how far the comparison has come."""

    def __init__(self, journal: Journal, batch_id: str) -> None:
        self._journal = journal
        self._batch_id = batch_id
        self._meter = Meter()
        self._counts = Counter(outcomes.counts(journal, batch_id))
        self._checked = 0

    def add(self, verdicts: list[Verdict]) -> None:
        outcomes.write(self._journal, self._batch_id, verdicts)
        self._checked += len(verdicts)
        self._counts.update(verdict.outcome.value for verdict in verdicts)
        self._counts[Outcome.PENDING.value] -= len(verdicts)
        files_a_second, _ = self._meter.speed(self._checked, 0)
        jobs.update(
            self._journal,
            self._batch_id,
            checked=self._checked,
            counts=+self._counts,
            files_per_second=files_a_second,
            bytes_per_second=None,
            current=None,
            message="",
        )
