"""An import, and what became of its files."""

from __future__ import annotations

import os
from pathlib import Path

from dicomcore.archive.base import Archive
from dicomcore.ingest import worker
from dicomcore.journal import jobs, outcomes, reports
from dicomcore.model import Selection
from dicomcore.services import Services


def run(services: Services, folder: Path, selection: Selection | None = None) -> str:
    scan_id = jobs.create_scan(services.journal, folder)
    batch_id = jobs.create_batch(services.journal, scan_id, selection or Selection())
    assert services.work(batch_id)
    return batch_id


def rows(services: Services, batch_id: str) -> dict[str, tuple[str, str]]:
    found = reports.all_outcomes(services.journal, batch_id)
    return {os.fsdecode(row["path"]).replace(os.sep, "/"): (row["outcome"], row["reason"]) for row in found}


def imported(services: Services, archive: Archive, scan_id: str, locks: Path) -> dict[str, int]:
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    worker.work(services.journal, lambda: archive, batch_id, locks)
    return outcomes.counts(services.journal, batch_id)
