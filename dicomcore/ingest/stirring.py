"""What the system tells of changes below a folder, where it does. It makes a watch quick; looking makes it certain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from dicomcore import logs

log = logs.logger(__name__)

#: Not what comes of our own reading.
CHANGES: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


class Stirring(FileSystemEventHandler):
    """Calls ``tell``, from a thread of its own, when something below a folder changes."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._observer: BaseObserver | None = None
        self._is_possible = True

    def follow(self, folder: Path) -> None:
        """Listen from now on. Where the system has no room for it (inotify's limits), the folder is only looked at."""
        if self._observer or not self._is_possible:
            return
        observer = Observer()
        try:
            observer.schedule(self, folder, recursive=True, event_filter=CHANGES)
            observer.start()
        except OSError:
            log.warning("no word of changes in a watched folder: it is looked at from time to time", exc_info=True)
            self._is_possible = False
        else:
            self._observer = observer

    def close(self) -> None:
        """Listen no more, until the next ``follow``."""
        if self._observer:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - that there is one is enough
        self._tell()
