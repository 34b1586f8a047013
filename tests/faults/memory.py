"""How much memory processes take, watched from outside while they run."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

LOOK_SECONDS = 0.01


class PeakOf:
    """Watches a process and all below it. ``tree``: the highest sum of resident bytes; ``own``: its own highest."""

    def __init__(self, pid: int) -> None:
        self.tree = self.own = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakOf:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.is_set():
            with suppress(psutil.Error, OSError):
                self._look(psutil.Process(self._pid))
            time.sleep(LOOK_SECONDS)

    def _look(self, process: psutil.Process) -> None:
        self.own = max(self.own, high_water(process))
        self.tree = max(self.tree, sum(map(resident, [process, *process.children(recursive=True)])))


def resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def high_water(process: psutil.Process) -> int:
    """The most that a process has held so far, in bytes: Linux keeps count, so that no peak is missed."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resident(process)
