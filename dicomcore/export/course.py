"""How far an export is, and the way to stop it: what goes on in a child or a program ends at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dicomcore.errors import DicomViewerError

SPEED_SECONDS = 20.0
"""The speed is the mean over so long: it does not jump, and it does not remember how the export began."""


class Stopped(DicomViewerError):
    """Somebody stopped the export, or closed the download."""


@dataclass(slots=True)
class Course:
    """``instances`` and ``bytes``: of the archive, dealt with so far."""

    instances: int = 0
    bytes: int = 0
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _abort: Callable[[], None] | None = field(default=None, repr=False)
    _seen: deque[tuple[float, int]] = field(default_factory=deque, repr=False)

    def advance(self, instances: int, amount: int) -> None:
        """So much more was dealt with. Raises ``Stopped``."""
        self.go_on()
        self.instances += instances
        self.bytes += amount
        now = time.monotonic()
        self._seen.append((now, self.bytes))
        while now - self._seen[0][0] > SPEED_SECONDS and len(self._seen) > 2:
            self._seen.popleft()

    @property
    def speed(self) -> float:
        """Bytes of the archive a second, lately; 0 while nothing can be said."""
        seen = list(self._seen)
        if len(seen) < 2 or seen[-1][0] <= seen[0][0]:
            return 0.0
        return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])

    def go_on(self) -> None:
        """Raises ``Stopped``."""
        if self._stop.is_set():
            raise Stopped("The export was stopped.")

    def wait(self, seconds: float) -> None:
        """A pause that a stop ends. Raises ``Stopped``."""
        self._stop.wait(seconds)
        self.go_on()

    def stop(self) -> None:
        """End it from another thread: whatever works for it is ended, too."""
        self._stop.set()
        if abort := self._abort:
            abort()

    @contextmanager
    def ended_by(self, abort: Callable[[], None]) -> Iterator[None]:
        """While the block works, a stop calls ``abort``, which may come more than once."""
        self._abort = abort
        try:
            self.go_on()
            yield
        finally:
            self._abort = None
