"""What became of the last import of a watched folder."""

from __future__ import annotations

from dicomcore.journal.watched_folders import WatchedFolder
from dicomcore.model import Job, Outcome, Status
from dicomcore.services import Services

#: What may be another time: files that were not there or could not be read, or that the archive did not keep.
PASSING = (Outcome.VANISHED, Outcome.UNREADABLE, Outcome.PENDING)


def last_status(services: Services, watch: WatchedFolder) -> Status | None:
    """How it ended, or where it is; None where there was none yet."""
    return services.job(watch.last_batch).status if watch.last_batch else None


def last_has_missed(services: Services, watch: WatchedFolder) -> bool:
    """Whether the last import found less than was seen before; what has come since then counts for nothing."""
    seen_since = watch.changing or not watch.last_batch
    return not seen_since and has_missed(services.job(watch.last_batch), watch.files)


def has_missed(batch: Job, files: int) -> bool:
    """Whether it found less than the ``files`` that were seen before: their drive was away for a moment."""
    return batch.status is Status.FINISHED and (batch.total or 0) < files


def may_be_better(batch: Job) -> bool:
    """Whether another import of the same files may bring in more of them."""
    return batch.status is Status.FINISHED and any(batch.counts.get(word) for word in PASSING)
