"""Every DICOM file of a verification, read from its first byte to its last: MD5 and SHA-256 in one pass."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

from dicomcore.ingest.progress import HowFar
from dicomcore.ingest.reading import Source, SourceChanged
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.journal import digests, jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.digests import DicomFile, Digests
from dicomcore.model import Job, Outcome, Verdict

#: Hashing lets other threads run; more readers than this only make a disk seek.
READERS = 4
FILES_A_CHUNK = 64
FILES_A_LOOK = 2_000


def read_whole(journal: Journal, batch_id: str, source: Source) -> None:
    """Read what was not read yet. A file that cannot be has its outcome. Raises ``Cancelled`` and ``Paused``.

    What a former run has read counts if it is there as it was then.
    """
    _look_again(journal, batch_id, source)
    unread = digests.unread(journal, batch_id)
    progress = _Progress(journal, batch_id)
    progress.flush()
    pool = ThreadPoolExecutor(READERS, thread_name_prefix="read")
    try:
        while some := list(islice(unread, FILES_A_CHUNK)):
            for file, read in zip(some, pool.map(partial(_read, source), some), strict=True):
                progress.add(file, read)
                progress.flush_if_due()
    finally:
        pool.shutdown(cancel_futures=True)
        progress.flush()


def _look_again(journal: Journal, batch_id: str, source: Source) -> None:
    """Files that are gone or have changed since a former run of this verification has read them are lost to it."""
    read = digests.read(journal, batch_id)
    with ThreadPoolExecutor(READERS, thread_name_prefix="look") as pool:
        while some := list(islice(read, FILES_A_LOOK)):
            digests.forget_read(journal, batch_id, [lost for lost in pool.map(partial(_changed, source), some) if lost])
            stop_if_wanted(journal, batch_id)


def _changed(source: Source, file: DicomFile) -> Verdict | None:
    try:
        source.check(file.fact)
    except (SourceChanged, OSError) as trouble:
        return _lost(file, trouble)
    return None


def _read(source: Source, file: DicomFile) -> Digests | Verdict:
    try:
        return Digests(file.file_id, *source.digests(file.fact))
    except (SourceChanged, OSError) as trouble:
        return _lost(file, trouble)


def _lost(file: DicomFile, trouble: SourceChanged | OSError) -> Verdict:
    if isinstance(trouble, SourceChanged):
        return Verdict(file.file_id, Outcome.VANISHED, str(trouble))
    return Verdict(file.file_id, Outcome.UNREADABLE, f"It cannot be read: {trouble.strerror or trouble}.")


class _Progress:
    """Writes what was read, and how far the reading has come, twice a second."""

    def __init__(self, journal: Journal, batch_id: str) -> None:
        self._journal = journal
        self._batch_id = batch_id
        self._digests: list[Digests] = []
        self._lost: list[Verdict] = []
        self._how_far = HowFar(*_settled(jobs.job(journal, batch_id), *digests.left(journal, batch_id)))

    def add(self, file: DicomFile, read: Digests | Verdict) -> None:
        if isinstance(read, Digests):
            self._digests.append(read)
        else:
            self._lost.append(read)
        self._how_far.passed([file.fact])

    def flush_if_due(self) -> None:
        """Raises ``Cancelled`` and ``Paused`` if somebody asked for it."""
        if self._how_far.is_due:
            self.flush()
            stop_if_wanted(self._journal, self._batch_id)

    def flush(self) -> None:
        digests.write_digests(self._journal, self._batch_id, self._digests)
        outcomes.write(self._journal, self._batch_id, self._lost)
        self._digests.clear()
        self._lost.clear()
        jobs.update(self._journal, self._batch_id, **self._how_far.columns())


def _settled(job: Job, files_left: int, bytes_left: int) -> tuple[int, int]:
    return (job.total or 0) - files_left, (job.total_bytes or 0) - bytes_left
