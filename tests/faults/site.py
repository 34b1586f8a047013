"""An installation whose workers are real processes, which may be killed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from dicomcore.ingest import worker
from dicomcore.journal import jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.model import Job, Selection
from dicomcore.services import Services
from dicomcore.settings import Settings
from tests.faults.in_process import receipts

PATIENCE_SECONDS = 240.0

Worker = subprocess.Popen[bytes]


class Site:
    """The data folder, and the workers that were started in it. Where its archive is says the environment (DVP_*)."""

    def __init__(self, data_dir: Path, log_dir: Path) -> None:
        self.settings = Settings(data_dir=data_dir, log_dir=log_dir)
        self.services = Services(self.settings)
        self.workers: list[Worker] = []

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self.workers:
            kill(one)
        self.services.close()

    @property
    def journal(self) -> Journal:
        return self.services.journal

    def batch_of(self, folder: Path) -> str:
        """An import of this folder that nobody has begun."""
        return jobs.create_batch(self.journal, jobs.create_scan(self.journal, folder), Selection())

    def start(self, batch_id: str) -> Worker:
        """What the app does when it starts: take up what is unfinished."""
        assert self.services.start_unfinished() == [batch_id]
        return self._started(batch_id)

    def scan(self, folder: Path) -> Job:
        """Somebody scans this folder."""
        scan_id = self.services.start_scan(str(folder), free=True)
        self._started(scan_id)
        return self.wait(scan_id)

    def run(self, batch_id: str) -> Job:
        """To its end."""
        self.start(batch_id)
        return self.wait(batch_id)

    def resume(self, batch_id: str) -> Job:
        """Somebody presses Resume."""
        self.services.resume(batch_id)
        self._started(batch_id)
        return self.wait(batch_id)

    def retry(self, batch_id: str) -> Job:
        """Somebody presses Retry."""
        self.services.retry(batch_id)
        self._started(batch_id)
        return self.wait(batch_id)

    def start_another(self, batch_id: str) -> Worker:
        """One more worker process beside those that run."""
        self.workers.append(worker.start(batch_id, self.settings.data_dir, self.settings.log_dir))
        return self.workers[-1]

    def wait(self, batch_id: str) -> Job:
        """Until the batch is at rest and the workers have gone."""
        self.wait_until(lambda: self.job(batch_id).status.at_rest, f"{batch_id} to end")
        for one in self.workers:
            one.wait(120)
        return self.job(batch_id)

    def wait_until(self, true: Callable[[], bool], what: str) -> None:
        """Look again and again, as long as a worker lives."""
        wait_until(lambda: all(one.poll() is not None for one in self.workers) or true(), what)
        assert true(), f"no worker lives any more, in vain waited for: {what}\n{self._crash_log}"

    @property
    def _crash_log(self) -> str:
        log = self.settings.log_dir / "crash.log"
        return log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""

    def is_at_work(self, batch_id: str) -> bool:
        return worker.is_at_work(self.settings.data_dir / "locks", batch_id)

    def job(self, batch_id: str) -> Job:
        return self.services.job(batch_id)

    def counts(self, batch_id: str) -> dict[str, int]:
        return outcomes.counts(self.journal, batch_id)

    def receipts(self, batch_id: str) -> set[str]:
        return receipts(self.journal, batch_id)

    def _started(self, batch_id: str) -> Worker:
        self.workers.append(self.services._workers[batch_id])
        return self.workers[-1]


def kill(started: Worker) -> bool:
    """SIGKILL a worker and whatever it has started; whether it still lived."""
    if started.poll() is not None:
        return False
    family = [psutil.Process(started.pid), *psutil.Process(started.pid).children(recursive=True)]
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    started.wait(10)
    psutil.wait_procs(family, 10)
    return True


def wait_until(true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Look again and again."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.003)
