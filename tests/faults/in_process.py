"""An import in this process, where its patience can be shortened."""

from __future__ import annotations

from pathlib import Path

import pytest
import urllib3

from dicomcore.archive.base import Archive
from dicomcore.ingest import stopping, worker
from dicomcore.journal import jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.model import Job, Selection


class Import:
    """One import of a folder, run as often as it is asked to."""

    def __init__(self, journal: Journal, archive: Archive, folder: Path) -> None:
        self.journal = journal
        self._archive = archive
        self.batch_id = jobs.create_batch(journal, jobs.create_scan(journal, folder), Selection())

    def run(self) -> Job:
        """To its end, whichever that is."""
        assert worker.work(self.journal, lambda: self._archive, self.batch_id, self.journal.path.parent / "locks")
        return self.job

    def resume(self) -> Job:
        """Somebody presses Resume on a batch that is paused."""
        jobs.take_up(self.journal, self.batch_id)
        return self.run()

    def reopen(self) -> Job:
        """Somebody presses Resume on a batch that has failed."""
        jobs.reopen(self.journal, self.batch_id)
        return self.run()

    def retry(self) -> Job:
        """Somebody presses Retry."""
        assert outcomes.reopen_failed(self.journal, self.batch_id)
        return self.reopen()

    @property
    def job(self) -> Job:
        return jobs.job(self.journal, self.batch_id)

    @property
    def counts(self) -> dict[str, int]:
        return outcomes.counts(self.journal, self.batch_id)

    def receipts(self) -> set[str]:
        return receipts(self.journal, self.batch_id)


def receipts(journal: Journal, batch_id: str) -> set[str]:
    """The MD5 of every file that the journal says is stored."""
    found = journal.rows("SELECT md5 FROM outcomes WHERE batch_id = ? AND outcome = 'stored'", batch_id)
    return {row["md5"] for row in found}


def be_impatient(monkeypatch: pytest.MonkeyPatch, read_seconds: float) -> None:
    """Wait in hundredths of what is waited in earnest."""
    monkeypatch.setattr(stopping, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(stopping, "LONGEST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr("dicomcore.archive.http.TIMEOUT", urllib3.Timeout(connect=5.0, read=read_seconds))
