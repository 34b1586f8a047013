"""A folder compared with the archive as it is now: starting it, and what it has shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sqlite3 import Row
from typing import Any

import pandas as pd

from dicomcore.errors import UsageError
from dicomcore.journal import jobs, proofs, reports
from dicomcore.model import Job, Outcome, Selection, Status
from dicomcore.scan import paths
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.visitor import this_user
from dicomcore.wording import counted

FILES_AT_ONCE = 100


def start_verify(
    services: Services,
    text: str,
    *,
    recursive: bool = True,
    follow_links: bool = False,
    containers: bool = False,
    free: bool = False,
) -> str:
    """Compare a folder, given as people type it, in the background; returns the id. Raises ``PathProblem``.

    ``free``: not limited to the allowed folders (the command line, which runs as its user).
    """
    roots = () if free else services.settings.scan_roots
    root = paths.resolve(text, path_map=services.settings.path_map, roots=roots)
    scan_id = jobs.create_scan(
        services.journal,
        root,
        recursive=recursive,
        follow_links=follow_links,
        compare=False,
        roots=roots,
        containers=containers,
        by=this_user(),
    )
    return _start(services, scan_id, Selection())


def verify_again(services: Services, job_id: str) -> str:
    """Compare the folder of a scan, an import or a verification, looked through in the same way; returns the id.

    Raises ``UnknownBatch``, and ``PathProblem`` where the folder is not there now.
    """
    scan_id = services.same_scan(job_id, compare=False)
    return _start(services, scan_id, jobs.selection_of(services.journal, job_id))


def _start(services: Services, scan_id: str, selection: Selection) -> str:
    batch_id = jobs.create_batch(services.journal, scan_id, selection, kind="verify", by=this_user())
    services.start_worker(batch_id)
    return batch_id


def finished(services: Services, batch_id: str) -> Job:
    """A verification that has come to its end. Raises ``UnknownBatch`` and ``UsageError``."""
    job = services.job(batch_id)
    if job.kind != "verify":
        raise UsageError(f"{batch_id} is no verification. Make one with: verify FOLDER")
    if job.status is not Status.FINISHED:
        raise UsageError(f"{batch_id} is {job.status.value}: only one that has finished proves something.")
    return job


def of_folder(services: Services, root: bytes, limit: int = 10) -> list[Job]:
    """The verifications of a folder, newest first."""
    return [services.job(batch_id) for batch_id in proofs.of_folder(services.journal, root, limit)]


def newest(services: Services, limit: int = 50) -> list[Job]:
    """The newest verifications of all folders, newest first."""
    return jobs.newest(services.journal, "verify", limit)


def verify_summary(services: Services, batch_id: str) -> dict[str, Any]:
    """batch_id, status, archive, found, outcomes, missing, extra, bytes, seconds, skipped, unread_places, message.

    ``missing`` and ``extra`` are None for one that did not come to its end.
    """
    job = services.job(batch_id)
    missing, extra = proofs.missing_and_extra(services.journal, batch_id)
    skipped, unread = reports.skipped_counts(services.journal, job.scan_id)
    return {
        "batch_id": batch_id,
        "status": job.status.value,
        "archive": proofs.compared_with(services.journal, batch_id)[0],
        "found": job.total if job.total is not None else sum(job.counts.values()),
        "outcomes": dict(job.counts),
        "missing": missing,
        "extra": extra,
        "bytes": job.total_bytes or 0,
        "seconds": round(job.seconds or 0.0, 3),
        "skipped": skipped,
        "unread_places": unread,
        "message": job.message,
    }


def is_proven(summary: Mapping[str, Any]) -> bool:
    """Whether there is something to prove, all of it was read, and the archive holds every byte of it."""
    outcomes = summary["outcomes"]
    return bool(
        _held(outcomes)
        and summary["missing"] == 0
        and not summary["unread_places"]
        and not outcomes.get(Outcome.UNREADABLE)
        and summary["status"] == Status.FINISHED
    )


def verdict(summary: Mapping[str, Any]) -> str:
    """What a verification has shown, in one or two sentences."""
    outcomes, missing = summary["outcomes"], summary["missing"]
    held, unknown = _held(outcomes), outcomes.get(Outcome.UNREADABLE, 0)
    if missing:
        files = counted(missing, "DICOM file of this folder is", "DICOM files of this folder are")
        parts = [f"{files} missing: the archive does not hold their bytes."]
    elif held:
        parts = [f"Nothing is missing. The archive holds {counted(held, 'DICOM file')} of this folder byte for byte."]
    else:
        parts = ["There is no DICOM file in this folder: nothing was proven."]
    if unknown:
        parts.append(f"{counted(unknown, 'file')} could not be read.")
    if unread := summary["unread_places"]:
        parts.append(f"{counted(unread, 'folder')} could not be read.")
    return " ".join(parts)


def missing_table(services: Services, batch_id: str, limit: int = FILES_AT_ONCE) -> pd.DataFrame:
    """The first DICOM files whose bytes the archive does not hold: path, outcome, reason, other, size, md5 and more."""
    return _table(proofs.lines(services.journal, batch_id, missing_only=True, limit=limit))


def extra_table(services: Services, batch_id: str, limit: int = FILES_AT_ONCE) -> pd.DataFrame:
    """The first instances that only the archive has: archive_id, the UIDs of study, series and instance, md5."""
    return _table(proofs.extras(services.journal, batch_id, limit))


def _table(rows: Iterable[Row]) -> pd.DataFrame:
    return pd.DataFrame([{name: _shown(value) for name, value in dict(row).items()} for row in rows])


def _shown(value: Any) -> Any:
    return printable(value) if isinstance(value, bytes) else "" if value is None else value


def _held(outcomes: Mapping[str, int]) -> int:
    return outcomes.get(Outcome.ALREADY_STORED, 0) + outcomes.get(Outcome.DUPLICATE, 0)
