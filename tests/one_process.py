"""The engine without background processes: for tests that look at what a job has done, not at how it is started."""

from __future__ import annotations

from pathlib import Path

from dicomcore.archive.base import Archive
from dicomcore.journal import outcomes
from dicomcore.services import Services
from tests.factories import ct, write


class OneProcess(Services):
    """Its work is done at once, and, where a test gives one, with an archive of the test's own."""

    given: Archive | None = None

    @property
    def archive(self) -> Archive:
        return self.given or super().archive

    def start_worker(self, job_id: str) -> None:
        self.work(job_id)


def imported(services: OneProcess, folder: Path) -> str:
    """Import a folder to its end; returns the batch id."""
    return services.import_folder(str(folder), free=True)


def counts(services: Services, batch_id: str) -> dict[str, int]:
    """Files of a batch by outcome."""
    return outcomes.counts(services.journal, batch_id)


def with_one_bad_file(source: Path) -> None:
    """One good file, and one that is refused and can be tried again."""
    write(source / "good.dcm", ct(image=1))
    write(source / "bad.dcm", ct(image=2, StudyInstanceUID=""))
