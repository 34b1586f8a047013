"""One folder under watch: looked at until it is quiet, imported, and tried again where that failed."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from dicomcore import logs
from dicomcore.errors import PathProblem, UsageError
from dicomcore.ingest.stirring import Stirring
from dicomcore.ingest.watching import Look, Quiet, look
from dicomcore.journal import watched_folders
from dicomcore.journal.watched_folders import WatchedFolder
from dicomcore.model import Job, Status
from dicomcore.scan import paths
from dicomcore.services import Services
from dicomcore.watches.folders import QUIET_SECONDS, folder_to_watch
from dicomcore.watches.last_import import has_missed, last_has_missed, last_status, may_be_better

log = logs.logger(__name__)

BY = "watch"

#: How often a watch asks whether there is something to do; that costs next to nothing.
TICK_SECONDS = 1.0
#: After an import that failed; twice as long each time, up to an hour.
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 60.0, 3600.0
#: Files that still cannot be read after so many tries, about an hour, are left until something changes.
MOST_TRIES = 6


class FolderWatch:
    """One folder under watch: ``batches`` goes on until ``stop``. ``watch`` says how a former run has left it.

    ``free``: not limited to the allowed folders.
    """

    def __init__(self, services: Services, watch: WatchedFolder, *, free: bool = False) -> None:
        self._services = services
        self._folder = watch.folder
        self._roots = () if free else services.settings.scan_roots
        self._free = free
        self._files = watch.files
        self._quiet = Quiet(watch.quiet_seconds, watch.fingerprint)
        self._last = watch.last_batch
        is_failed = last_status(services, watch) is Status.FAILED
        self._batch = self._last if is_failed or last_has_missed(services, watch) else ""
        self._failed = ""
        self._failures = 0
        self._retry_at = -math.inf
        self._again_at = math.inf
        self._stopped = threading.Event()

    def stop(self) -> None:
        """From any thread."""
        self._stopped.set()

    def batches(self) -> Generator[Job]:
        """Import the folder whenever it holds something new and is quiet; gives each batch when it is over or paused.

        While an import of the folder is not over, whoever began it, no other begins.
        """
        with closing(Stirring(lambda: self._quiet.stirred(time.monotonic()))) as stirring:
            while not self._stopped.wait(TICK_SECONDS):
                if self._batch:
                    self._services.tend(self._batch)
                    batch = self._services.job(self._batch)
                    if batch.status.at_rest:
                        self._take_end(batch)
                        yield batch
                elif under_way := watched_folders.import_under_way(self._services.journal, self._folder):
                    self._follow(under_way)
                elif self._failed:
                    self._try_again()
                elif time.monotonic() >= min(self._quiet.due, self._again_at):
                    self._look(stirring)

    def _follow(self, under_way: str) -> None:
        """Our own import of a former run, or one that goes on after a pause: its end counts, too."""
        if under_way == self._last and self._services.job(under_way).status is not Status.PAUSED:
            self._batch = under_way

    def _take_end(self, batch: Job) -> None:
        """What failed as a whole is tried again after a while: the archive, or the drive, may be back by then."""
        self._batch = ""
        if batch.status is Status.FAILED:
            self._failed, self._retry_at = batch.job_id, time.monotonic() + self._pause()
            self._note(problem=f"{batch.job_id} failed and is tried again by itself. {batch.message}")
        elif has_missed(batch, self._files) or (may_be_better(batch) and self._failures < MOST_TRIES):
            if self._again_at == math.inf:
                self._again_at = time.monotonic() + self._pause()
        elif not may_be_better(batch):
            self._failures, self._again_at = 0, math.inf

    def _pause(self) -> float:
        """How long to wait before the next try; longer each time."""
        pause = min(FIRST_RETRY_SECONDS * 2.0 ** min(self._failures, MOST_TRIES), LONGEST_RETRY_SECONDS)
        self._failures += 1
        return pause

    def _try_again(self) -> None:
        """The same batch goes on where it can, so that the history shows one; else the folder is imported anew."""
        if time.monotonic() < self._retry_at:
            return
        failed, self._failed = self._failed, ""
        try:
            self._services.resume(failed, alarm_was_seen=False, by=BY)
            self._batch = failed
        except UsageError:
            self._quiet.forget()

    def _look(self, stirring: Stirring) -> None:
        began = time.monotonic()
        if began >= self._again_at:
            self._again_at = math.inf
            self._quiet.forget()
        try:
            seen = self._seen()
            self._files = seen.files or self._files
            if self._quiet.saw(seen, began, time.monotonic()):
                self._import()
        except PathProblem as problem:
            stirring.close()
            self._quiet.away(time.monotonic())
            self._note(problem=str(problem), looked_at=time.time(), changing=False)
            return
        stirring.follow(Path(os.fsdecode(self._folder)))
        self._note(problem="", looked_at=time.time(), changing=self._quiet.changing, files=self._files)

    def _seen(self) -> Look:
        """Raises ``PathProblem``. A folder that is suddenly empty is one whose drive is not there, not good news."""
        folder = paths.resolve(self._text, path_map={}, roots=self._roots)
        seen = look(folder)
        if self._files and not seen.files:
            raise PathProblem(f"{folder} is empty now, and held {self._files:,} files before. Is its drive connected?")
        return seen

    def _import(self) -> None:
        self._batch = self._services.import_folder(self._text, free=self._free, by=BY)
        log.info("a watched folder is imported", job_id=self._batch, files=self._files)
        self._last = self._batch
        self._note(last_batch=self._batch, fingerprint=self._quiet.imported(), files=self._files)

    @property
    def _text(self) -> str:
        """As a person would type it: the slash at the end keeps a space before it."""
        return os.path.join(os.fsdecode(self._folder), "")

    def _note(self, **columns: object) -> None:
        watched_folders.note(self._services.journal, self._folder, **columns)


def watch_folder(services: Services, text: str, quiet_seconds: float = QUIET_SECONDS) -> Generator[Job]:
    """Watch a folder here and now, as the command line does; gives each batch when it is over or paused.

    All that it holds is imported once. Raises ``PathProblem`` and ``UsageError``.
    """
    folder = folder_to_watch(services, text, quiet_seconds, free=True)
    watch = WatchedFolder(os.fsencode(folder), "", time.time(), quiet_seconds)
    return FolderWatch(services, watch, free=True).batches()
