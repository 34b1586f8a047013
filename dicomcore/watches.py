"""Folders that are imported by themselves when their files have stopped changing: for the app and the command line."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from dicomcore import logs
from dicomcore.errors import DicomViewerError, PathProblem, UsageError
from dicomcore.ingest.stirring import Stirring
from dicomcore.ingest.watching import Look, Quiet, look
from dicomcore.journal import backups, history, watched_folders
from dicomcore.journal.watched_folders import WatchedFolder
from dicomcore.model import Job, Outcome, Status
from dicomcore.scan import paths
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.wording import to_the_second

log = logs.logger(__name__)

QUIET_SECONDS = 30.0
BY = "watch"

#: How often a watch asks whether there is something to do; that costs next to nothing.
TICK_SECONDS = 1.0
#: After an import that failed; twice as long each time, up to an hour.
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 60.0, 3600.0
#: Files that still cannot be read after so many tries, about an hour, are left until something changes.
MOST_TRIES = 6
LAST_WORDS_SECONDS = 5.0

#: What may be another time: files that were not there or could not be read, or that the archive did not keep.
PASSING = (Outcome.VANISHED, Outcome.UNREADABLE, Outcome.PENDING)

LOOK = "last import needs a look"


# ---- which folders


def add_watch(services: Services, text: str, quiet_seconds: float = QUIET_SECONDS, by: str = "") -> WatchedFolder:
    """Have a folder watched by the app from now on. Raises ``PathProblem`` and ``UsageError``."""
    folder = folder_to_watch(services, text, quiet_seconds)
    for other in watches(services):
        if other.folder != os.fsencode(folder) and _overlap(folder, _path(other)):
            raise UsageError(
                f"{folder} and {_path(other)}, which is watched already, lie in each other. Watch only one."
            )
    return watched_folders.add(services.journal, os.fsencode(folder), quiet_seconds, by)


def remove_watch(services: Services, text: str | bytes) -> None:
    """Watch a folder no more; it need not be there. What was imported stays. Raises ``UsageError``."""
    folder = text if isinstance(text, bytes) else os.fsencode(os.path.realpath(os.path.expanduser(text)))
    if not watched_folders.remove(services.journal, folder):
        raise UsageError(f"{printable(folder)} is not watched. `watch list` lists the folders that are.")


def watches(services: Services) -> list[WatchedFolder]:
    """The folders that the app watches, in the order of their paths."""
    return watched_folders.all_of(services.journal)


def state(services: Services, watch: WatchedFolder) -> str:
    """Where a watch stands, in a few words; ``problem`` says why where there is a problem."""
    if under_way := watched_folders.import_under_way(services.journal, watch.folder):
        return "import paused" if services.job(under_way).status is Status.PAUSED else "importing"
    if watch.problem:
        return "import failed" if _last_status(services, watch) is Status.FAILED else "cannot be reached"
    if not is_anybody_watching(services):
        return "not watched: the app is not running"
    if watch.changing:
        return "waiting for its files to stop changing"
    return LOOK if last_needs_a_look(services, watch) else "watching"


def problem(services: Services, watch: WatchedFolder) -> str:
    """Why a folder cannot be watched just now, or which import needs a look; empty where all is well."""
    if watch.problem or not last_needs_a_look(services, watch):
        return watch.problem
    return f"{watch.last_batch}, the last import, needs a look: see what became of its files and of their backup."


def last_needs_a_look(services: Services, watch: WatchedFolder) -> bool:
    """Whether something went wrong in its last import: with a file, a folder, the archive or the backup."""
    journal, last = services.journal, watch.last_batch
    return bool(last) and (
        history.needs_a_look(journal, last)
        or backups.is_trouble(backups.summary(journal, last))
        or _last_has_missed(services, watch)
    )


def watch_table(services: Services) -> pd.DataFrame:
    """One row per watched folder: folder, state, problem, quiet_seconds, last_batch, looked_at (UTC)."""
    return pd.DataFrame(
        [
            {
                "folder": printable(watch.folder),
                "state": state(services, watch),
                "problem": problem(services, watch),
                "quiet_seconds": watch.quiet_seconds,
                "last_batch": watch.last_batch,
                "looked_at": to_the_second(watch.looked_at),
            }
            for watch in watches(services)
        ]
    )


def folder_to_watch(services: Services, text: str, quiet_seconds: float, *, free: bool = False) -> Path:
    """The folder that is meant, if it can be watched. Raises ``PathProblem`` and ``UsageError``.

    ``free``: not limited to the allowed folders.
    """
    if not (math.isfinite(quiet_seconds) and quiet_seconds >= 0):
        raise UsageError("The seconds without a change must be 0 or more.")
    settings = services.settings
    folder = paths.resolve(text, path_map=settings.path_map, roots=() if free else settings.scan_roots)
    backups = [Path(settings.backup_dir)] if settings.backup_dir and "://" not in settings.backup_dir else []
    for own in (settings.data_dir, settings.log_dir, *backups):
        if _overlap(folder, own.expanduser().resolve()):
            raise UsageError(
                f"{own} belongs to this program, and every import writes there: watching {folder} would never come "
                "to rest. Watch a folder apart from it."
            )
    return folder


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _path(watch: WatchedFolder) -> Path:
    return Path(os.fsdecode(watch.folder))


def _last_status(services: Services, watch: WatchedFolder) -> Status | None:
    return services.job(watch.last_batch).status if watch.last_batch else None


def _last_has_missed(services: Services, watch: WatchedFolder) -> bool:
    """Whether the last import found less than was seen before; what has come since then counts for nothing."""
    seen_since = watch.changing or not watch.last_batch
    return not seen_since and _has_missed(services.job(watch.last_batch), watch.files)


def _has_missed(batch: Job, files: int) -> bool:
    """Whether it found less than the ``files`` that were seen before: their drive was away for a moment."""
    return batch.status is Status.FINISHED and (batch.total or 0) < files


def _may_be_better(batch: Job) -> bool:
    return batch.status is Status.FINISHED and any(batch.counts.get(word) for word in PASSING)


# ---- one folder


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
        is_failed = _last_status(services, watch) is Status.FAILED
        self._batch = self._last if is_failed or _last_has_missed(services, watch) else ""
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
        elif _has_missed(batch, self._files) or (_may_be_better(batch) and self._failures < MOST_TRIES):
            if self._again_at == math.inf:
                self._again_at = time.monotonic() + self._pause()
        elif not _may_be_better(batch):
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
            self._services.resume(failed)
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


# ---- all of them


def is_anybody_watching(services: Services) -> bool:
    """Whether an app is running that watches the folders of this data folder."""
    try:
        with _lock(services):
            return False
    except Timeout:
        return True


class Watcher:
    """Watches the folders that the journal names, a thread for each: one that hangs holds up no other."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch folders", daemon=True)
        self._watches: dict[tuple[bytes, float], tuple[FolderWatch, threading.Thread]] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Watch no more. Imports go on."""
        self._stopped.set()
        self._thread.join(LAST_WORDS_SECONDS)

    def _run(self) -> None:
        lock = _lock(self._services)
        try:
            while not self._stopped.wait(TICK_SECONDS):
                if _is_ours(lock):
                    self._keep_up()
        finally:
            self._end(list(self._watches))
            lock.release()
            self._services.journal.close()

    def _keep_up(self) -> None:
        """A thread for each folder that is to be watched, and for no other; one that has died gets a new one."""
        try:
            wanted = {(watch.folder, watch.created_at): watch for watch in watches(self._services)}
            self._end([name for name in self._watches if name not in wanted])
            for name, watch in wanted.items():
                if name not in self._watches or not self._watches[name][1].is_alive():
                    self._watches[name] = self._begin(watch)
        except DicomViewerError:  # the journal may be busy: the next look may have better luck
            log.error("the watched folders cannot be read", exc_info=True)

    def _begin(self, watch: WatchedFolder) -> tuple[FolderWatch, threading.Thread]:
        folder = FolderWatch(self._services, watch)
        thread = threading.Thread(target=self._watch, args=(folder,), name="watch a folder", daemon=True)
        thread.start()
        return folder, thread

    def _watch(self, folder: FolderWatch) -> None:
        try:
            for _ in folder.batches():
                pass
        except Exception:  # whatever it is, the next thread may have better luck
            log.error("a watch ended", exc_info=True)
            self._stopped.wait(FIRST_RETRY_SECONDS)
        finally:
            self._services.journal.close()

    def _end(self, names: list[tuple[bytes, float]]) -> None:
        ended = [self._watches.pop(name) for name in names]
        for folder, _ in ended:
            folder.stop()
        until = time.monotonic() + LAST_WORDS_SECONDS
        for _, thread in ended:
            thread.join(max(0.0, until - time.monotonic()))


def _lock(services: Services) -> FileLock:
    locks = services.settings.data_dir / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / "watcher.lock", blocking=False)


def _is_ours(lock: FileLock) -> bool:
    if lock.is_locked:
        return True
    try:
        lock.acquire()
    except Timeout:
        return False
    return True
