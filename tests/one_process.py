"""The engine without background processes: for tests that look at what a job has done, not at how it is started."""

from __future__ import annotations

from dicomcore.archive.base import Archive
from dicomcore.services import Services


class OneProcess(Services):
    """Its work is done at once, and, where a test gives one, with an archive of the test's own."""

    given: Archive | None = None

    @property
    def archive(self) -> Archive:
        return self.given or super().archive

    def start_worker(self, job_id: str) -> None:
        self.work(job_id)
