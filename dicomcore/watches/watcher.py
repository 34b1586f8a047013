"""All watches of the app, a thread for each."""

from __future__ import annotations

import threading
import time

from dicomcore import logs
from dicomcore.errors import DicomViewerError
from dicomcore.journal.watched_folders import WatchedFolder
from dicomcore.services import Services
from dicomcore.watches.folder_watch import FIRST_RETRY_SECONDS, TICK_SECONDS, FolderWatch
from dicomcore.watches.folders import watches
from dicomcore.watches.presence import is_ours, lock_of

log = logs.logger(__name__)

LAST_WORDS_SECONDS = 5.0


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
        lock = lock_of(self._services)
        try:
            while not self._stopped.wait(TICK_SECONDS):
                if is_ours(lock):
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
