"""The first stage: walk the tree, and write what is found into the journal, chunk by chunk."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dicomcore.archive.base import Archive
from dicomcore.ingest.dicomdirs import compare_dicomdirs
from dicomcore.ingest.progress import Meter
from dicomcore.ingest.stopping import Paused, stop_if_wanted
from dicomcore.journal import files, jobs
from dicomcore.journal.database import Journal
from dicomcore.model import Job, Scan, ScannedFile, Status
from dicomcore.scan.containers.limits import NoRoom
from dicomcore.scan.scanner import Scanned
from dicomcore.scan.scanner import scan as scan_tree


def find(journal: Journal, archive: Archive, scan_id: str, reported_as: str | None = None) -> None:
    """Find the files of a scan; ``reported_as`` is the job that shows the progress.

    Raises ``Cancelled`` and ``Paused``.
    """
    job_id = reported_as or scan_id
    scan = jobs.scan(journal, scan_id)
    jobs.start(journal, job_id, Status.SCANNING)
    files.forget(journal, scan_id)
    began, meter, counts, size = time.monotonic(), Meter(), Counter[str](), 0
    root = Path(os.fsdecode(scan.root))
    for chunk in _chunks(root, scan):
        files.write_found(journal, scan_id, chunk, archive.predict)
        found = [thing for thing in chunk if isinstance(thing, ScannedFile)]
        counts.update(file.kind.value for file in found)
        size += sum(file.fact.size for file in found)
        files_a_second, bytes_a_second = meter.speed(counts.total(), size)
        jobs.update(
            journal,
            job_id,
            done=counts.total(),
            done_bytes=size,
            files_per_second=files_a_second,
            bytes_per_second=bytes_a_second,
            current=chunk[-1].fact.path if isinstance(chunk[-1], ScannedFile) else chunk[-1].path,
            counts=counts,
        )
        stop_if_wanted(journal, job_id)
    compare_dicomdirs(journal, scan, job_id)
    jobs.update_scan(journal, scan_id, scan_seconds=time.monotonic() - began)
    jobs.update(
        journal,
        scan_id,
        total=counts.total(),
        total_bytes=size,
        done=counts.total(),
        done_bytes=size,
        counts=counts,
    )


def find_for_batch(journal: Journal, archive: Archive, job: Job) -> None:
    """The scan that belongs to a batch, and over with it. Raises as ``find``."""
    find(journal, archive, job.scan_id, reported_as=job.job_id)
    jobs.finish(journal, job.scan_id, Status.FINISHED)


def _chunks(root: Path, scan: Scan) -> Iterator[list[Scanned]]:
    try:
        yield from scan_tree(
            root,
            recursive=scan.recursive,
            follow_links=scan.follow_links,
            roots=scan.roots,
            containers=scan.containers,
        )
    except NoRoom as full:
        raise Paused(str(full)) from full
