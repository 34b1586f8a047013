"""How fast a job goes: the mean of the last seconds, so that the figure neither jumps nor lags."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 20.0


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
