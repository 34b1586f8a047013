"""How far a job has come, and how fast it goes: the mean of the last seconds, which neither jumps nor lags."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from dicomcore.model import FileFact

WINDOW_SECONDS = 20.0
FLUSH_SECONDS = 0.5


class Meter:
    """Files and bytes per second over the last ``WINDOW_SECONDS``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int, int]] = deque([(clock(), 0, 0)])

    def speed(self, files: int, size: int) -> tuple[float, float]:
        """Note how much is done by now; returns files per second and bytes per second."""
        now = self._clock()
        self._samples.append((now, files, size))
        while len(self._samples) > 2 and now - self._samples[1][0] > WINDOW_SECONDS:
            self._samples.popleft()
        then, files_then, size_then = self._samples[0]
        seconds = max(now - then, 1e-3)
        return (files - files_then) / seconds, (size - size_then) / seconds


class HowFar:
    """What has passed of a job, and when it is time to write that down. It begins at ``done`` files, ``size`` bytes."""

    def __init__(self, done: int, size: int) -> None:
        self._begin = done, size
        self._done, self._size = done, size
        self._current: bytes | None = None
        self._meter = Meter()
        self._last = time.monotonic()

    def passed(self, facts: Sequence[FileFact]) -> None:
        """These files are done."""
        self._done += len(facts)
        self._size += sum(fact.size for fact in facts)
        self._current = facts[-1].path

    @property
    def is_due(self) -> bool:
        """Twice a second."""
        return time.monotonic() - self._last > FLUSH_SECONDS

    def columns(self) -> dict[str, Any]:
        """For the row of the job; the next time counts from here."""
        files_a_second, bytes_a_second = self._meter.speed(self._done - self._begin[0], self._size - self._begin[1])
        self._last = time.monotonic()
        return {
            "done": self._done,
            "done_bytes": self._size,
            "current": self._current,
            "files_per_second": files_a_second,
            "bytes_per_second": bytes_a_second,
        }
