"""Bringing the cache up to date with the archive."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import islice

from dicomcore.archive.base import Archive
from dicomcore.cache import contents
from dicomcore.cache.contents import SyncState
from dicomcore.cache.database import Cache
from dicomcore.model import Described

CHUNK = 2_000
"""Instances described and written at a time."""

PATIENCE = 3
"""How often to run after an archive that is still being filled, before a sync calls it a day."""

Progress = Callable[[int, int | None], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What the cache holds after a sync, how long that took, and how many instances came and went.

    ``finished`` is false when the sync was stopped: the next one goes on from there.
    """

    patients: int
    studies: int
    series: int
    instances: int
    seconds: float
    added: int = 0
    removed: int = 0
    finished: bool = True


class _Stopped(Exception):
    """Somebody asked the sync to stop."""


def sync(
    archive: Archive,
    cache: Cache,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> SyncResult:
    """Make the cache say what the archive holds; a second caller waits for the first.

    The first time everything is listed, later only what changed is asked for, and everything again where the
    counts show that instances were deleted. Each chunk is kept as soon as it is written, together with how
    far it got, so an interrupted sync loses nothing. ``progress`` is told the instances done and, where it is
    known, of how many. Raises ``ArchiveError`` and ``StoreError``.
    """
    started = time.monotonic()
    with cache.syncing:
        run = _Run(archive, cache, progress or (lambda *_: None), stop or (lambda: False))
        finished = run.to_the_end()
        held = cache.ask(contents.counts)
    return SyncResult(
        patients=held.patients,
        studies=held.studies,
        series=held.series,
        instances=held.instances,
        seconds=time.monotonic() - started,
        added=run.added,
        removed=run.removed,
        finished=finished,
    )


class _Run:
    """One sync."""

    def __init__(self, archive: Archive, cache: Cache, progress: Progress, stop: Stop) -> None:
        self._archive = archive
        self._cache = cache
        self._progress = progress
        self._stop = stop
        self._done = 0
        self.added = 0
        self.removed = 0

    def to_the_end(self) -> bool:
        """False when it was stopped on the way."""
        try:
            self._catch_up()
        except _Stopped:
            return False
        self._cache.write(contents.in_step)
        return True

    def _catch_up(self) -> None:
        state = self._start()
        if not state.complete:
            self._compare_all()
        cursor = state.cursor
        for _ in range(PATIENCE):
            cursor = self._follow_changes(cursor)
            if self._archive.counts() == self._cache.ask(contents.counts):
                return
            if self._archive.cursor() <= cursor:  # nothing has arrived meanwhile: so something was deleted
                self._compare_all()
                return

    def _start(self) -> SyncState:
        """Where the last sync got to, or a fresh start with another archive or one that was wiped.

        The cursor of a fresh start is taken before anything is listed: what arrives meanwhile comes after it.
        """
        self._progress(0, None)
        state, newest = self._cache.ask(contents.sync_state), self._archive.cursor()
        if state and state.archive_key == self._archive.key and state.cursor <= newest:
            return state
        self._cache.write(contents.begin, self._archive.key, newest)
        return SyncState(self._archive.key, newest, complete=False)

    def _follow_changes(self, cursor: int) -> int:
        """Take in what arrived after ``cursor``; returns the cursor behind it."""
        while True:
            changes = self._archive.changes(cursor, CHUNK)
            self._put(changes.instances, cursor=changes.last)
            if changes.done or changes.last <= cursor:
                return changes.last
            cursor = changes.last

    def _compare_all(self) -> None:
        """List all that the archive has: take out what is gone, fetch what is missing."""
        self._cache.write(contents.start_listing)
        ids = self._archive.instances()
        while some := list(islice(ids, CHUNK)):
            self._check()
            self._cache.write(contents.note_listed, some)
        self.removed += self._cache.write(contents.drop_unlisted)
        total = self._cache.write(contents.number_missing)
        for start in range(0, total, CHUNK):
            self._put(self._cache.write(contents.missing, start, CHUNK), total=total)
        self._cache.write(contents.end_listing)

    def _put(self, ids: Collection[str], *, cursor: int | None = None, total: int | None = None) -> None:
        """Describe and keep a chunk, in one transaction with the cursor behind it."""
        self._check()
        described = self._archive.describe(ids) if ids else Described()
        self.added += self._cache.write(contents.put, described, cursor)
        self._done += len(ids)
        self._progress(self._done, total)

    def _check(self) -> None:
        if self._stop():
            raise _Stopped
