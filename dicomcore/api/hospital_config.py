"""Scan a folder, import it, and see how far that is: addresses and field names are those of the earlier system.

Each address is there with ``.php`` too, for programs that were written for it.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from dicomcore import history, reports
from dicomcore.api.asked import FILES_A_PAGE, MOST_FILES_A_PAGE, After, Folder, JobText, Limit, page_of
from dicomcore.api.asking import Administering
from dicomcore.api.openapi import errors
from dicomcore.api.paging import under_api
from dicomcore.api.waiting import tended, wait_for
from dicomcore.model import HELD, Job, Status
from dicomcore.scan.paths import printable
from dicomcore.services import Services

router = APIRouter(prefix="/hospital-config", tags=["Hospital configuration"])

SCAN_SECONDS = 10.0
"""So long a caller is kept waiting for a scan."""

IMPORT_SECONDS = 50.0
"""And for an import: most proxies give up after a minute."""

MOST_GROUPS = 1_000


class ToScan(Folder):
    """A folder to scan."""

    wait: bool = Field(True, description=f"Wait for the end, at most {SCAN_SECONDS:.0f} seconds.")
    limit: int = Field(FILES_A_PAGE, ge=1, le=MOST_FILES_A_PAGE, description="Files on a page.")


class ToImport(Folder):
    """A folder to import."""

    auto_backup: bool = Field(True, description="Write its studies to the backup folder afterwards, if there is one.")
    wait: bool = Field(False, description=f"Wait for the end, at most {IMPORT_SECONDS:.0f} seconds.")


class ScannedFile(BaseModel):
    """One file of a scan. What its header says is as written there, dates YYYYMMDD; null: not in it."""

    path: str = Field(description="The whole path. To read: bytes that are no text are shown as \\xff.")
    name: str
    folder: str = Field(description="Below the scanned folder; empty for the folder itself.")
    size: int = Field(description="Bytes.")
    kind: str = Field(description="DICOM, DICOMDIR, not DICOM or unreadable.", examples=["DICOM"])
    reason: str = Field(description="Why it is not DICOM or unreadable.")
    modality: str | None
    patient_id: str | None
    patient_name: str | None
    study_date: str | None
    study_description: str | None
    series_number: str | None
    series_description: str | None
    instance_number: str | None
    study_instance_uid: str | None
    series_instance_uid: str | None
    sop_instance_uid: str | None


class Group(BaseModel):
    """The files straight in one folder."""

    folder: str = Field(description="Below the scanned folder; . for the folder itself.")
    files: int
    dicom: int
    size: int = Field(description="Bytes.")
    patients: int
    studies: int
    series: int
    modalities: str = Field(examples=["CT, MR"])


class ScanAnswer(BaseModel):
    """A scan and a page of its files; while it runs there are none yet."""

    success: bool = Field(description="False where the scan failed or was cancelled: `message` says why.")
    scan_id: str = Field(examples=["SCAN_20261124_143052_abc123"])
    directory: str
    status: Status
    message: str
    count: int = Field(description="Files found, by now or in all.")
    outcomes: dict[str, int] = Field(description="Files by kind.", examples=[{"DICOM": 148, "not DICOM": 2}])
    files: list[ScannedFile]
    total_size: int = Field(description="Bytes of all files.")
    groups: list[Group] = Field(description=f"The folders that hold files, at most {MOST_GROUPS:,}; on the first page.")
    group_count: int
    patients: int
    studies: int
    series: int
    skipped: int = Field(description="Links and special files, which are not followed.")
    unread_places: int = Field(description="Folders that could not be read.")
    scan_seconds: float | None
    next: str | None = Field(description="GET this for the next page, or for the end of a scan that runs; null: all.")


class Progress(BaseModel):
    """How far an import has come."""

    success: bool = Field(description="False where it failed: `message` says why.")
    batch_id: str = Field(examples=["IMPORT_20261124_143052_abc123"])
    status: Status
    message: str
    progress: int = Field(description="Percent; 100 only at the end.", examples=[75])
    current: int = Field(description="Files that are done.", examples=[113])
    total: int | None = Field(description="Files found; null while they are being counted.", examples=[150])
    imported: int = Field(description="Files whose bytes the archive holds: stored, already stored, duplicate.")
    errors: int = Field(description="Files that a person has to look at.")
    current_file: str | None = Field(description="The name of the file in hand.", examples=["image-00113.dcm"])
    files_per_s: float | None
    eta_s: float | None = Field(description="Seconds left at the present speed.")
    outcomes: dict[str, int] = Field(description="Files by what became of them: they add up to `total`.")


class Imported(Progress):
    """An import that was begun, or that is over."""

    next: str = Field(description="Where its progress is.")


SCANNED = errors(404) | {202: {"model": ScanAnswer, "description": "It still runs. Ask `next`."}}
BEGUN = errors(404) | {200: {"model": Imported, "description": "It is over."}}


@router.post("/scan-directory.php", responses=SCANNED, deprecated=True)
@router.post("/scan-directory", responses=SCANNED)
async def scan_directory(request: Request, response: Response, asking: Administering, asked: ToScan) -> ScanAnswer:
    """Find out what is in a folder: every file, what it is, and what its header says. Nothing is sent anywhere."""
    services = asking.services
    scan_id = await run_in_threadpool(_scan, services, asked)
    job = await wait_for(services, scan_id, SCAN_SECONDS if asked.wait else 0.0)
    return await run_in_threadpool(_scan_answer, request, response, services, job, 0, asked.limit)


@router.get("/scan-directory.php", responses=SCANNED, deprecated=True)
@router.get("/scan-directory", responses=SCANNED)
def scanned_files(
    request: Request,
    response: Response,
    asking: Administering,
    scan_id: Annotated[JobText, Query(description="From the scan.")],
    after: After = 0,
    limit: Limit = FILES_A_PAGE,
) -> ScanAnswer:
    """The next files of a scan, or whether it has come to its end."""
    return _scan_answer(request, response, asking.services, tended(asking.services, scan_id), after, limit)


@router.post("/import-existing-studies.php", status_code=202, responses=BEGUN, deprecated=True)
@router.post("/import-existing-studies", status_code=202, responses=BEGUN)
async def import_existing_studies(
    request: Request, response: Response, asking: Administering, asked: ToImport
) -> Imported:
    """Import a folder in the background. Every file gets one outcome, and the outcomes add up."""
    services = asking.services
    batch_id = await run_in_threadpool(_import, services, asked)
    job = await wait_for(services, batch_id, IMPORT_SECONDS if asked.wait else 0.0)
    if asked.wait and job.status.at_rest:
        response.status_code = 200
    where = under_api(request, f"{router.prefix}/import-progress?batch_id={batch_id}")
    return Imported(**_progress(services, job), next=where)


@router.get("/import-progress.php", responses=errors(404), deprecated=True)
@router.get("/import-progress", responses=errors(404))
def import_progress(
    asking: Administering, batch_id: Annotated[JobText, Query(description="From the import.")]
) -> Progress:
    """How far an import has come, and how long it will take."""
    return Progress(**_progress(asking.services, tended(asking.services, batch_id)))


def _scan(services: Services, asked: ToScan) -> str:
    """Without asking the archive: what it has already decides nothing here."""
    return services.start_scan(asked.directory, recursive=asked.recursive, compare=False)


def _import(services: Services, asked: ToImport) -> str:
    return services.import_folder(asked.directory, recursive=asked.recursive, auto_backup=asked.auto_backup)


def _scan_answer(
    request: Request, response: Response, services: Services, job: Job, after: int, limit: int
) -> ScanAnswer:
    here = under_api(request, f"{router.prefix}/scan-directory?scan_id={job.scan_id}")
    summary = reports.scan_summary(services, job.scan_id)
    files: list[dict[str, Any]] = []
    groups: list[dict[Any, Any]] = []
    following: str | None = here
    if job.status.at_rest:
        files, more = page_of(reports.files_after(services, job.scan_id, after, limit + 1), limit)
        groups = [] if after else reports.folder_table(services, job.scan_id).to_dict("records")
        following = f"{here}&after={more}&limit={limit}" if more else None
    else:
        response.status_code = 202
        response.headers["Retry-After"] = "1"
    return ScanAnswer(
        success=job.status not in (Status.FAILED, Status.CANCELLED),
        scan_id=job.scan_id,
        directory=summary["root"],
        status=job.status,
        message=job.message,
        count=summary["found"],
        total_size=summary["bytes"],
        scan_seconds=summary["seconds"] if job.status.over else None,
        files=[ScannedFile(**file) for file in files],
        groups=[Group(**group) for group in groups[:MOST_GROUPS]],
        group_count=len(groups),
        next=following,
        **{name: summary[name] for name in ("outcomes", "patients", "studies", "series", "skipped", "unread_places")},
    )


def _progress(services: Services, job: Job) -> dict[str, Any]:
    decided = history.decided(services, job.job_id)
    return reports.progress_summary(job) | {
        "success": job.status is not Status.FAILED,
        "imported": sum(job.counts.get(word, 0) for word in HELD),
        "errors": history.to_look_at(job, decided),
        "current_file": _name(job.current) if job.current else None,
    }


def _name(path: bytes) -> str:
    return printable(path.replace(b"\0", b"/").rpartition(b"/")[2])
