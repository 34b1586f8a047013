"""Imports and verifications: all there have ever been, what became of every file; pause, resume, cancel, retry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import chain, islice
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from dicomcore import certificate, history, reports, verification
from dicomcore.api.asked import FILES_A_PAGE, After, BatchId, Day, Folder, Limit, Text, page_of
from dicomcore.api.asking import Administering
from dicomcore.api.openapi import errors
from dicomcore.api.paging import Page, PerPage, next_page, under_api
from dicomcore.api.waiting import tended
from dicomcore.errors import UsageError
from dicomcore.history import Entry, Wanted
from dicomcore.model import Job, Outcome, Status
from dicomcore.services import Services
from dicomcore.wording import stands

router = APIRouter(tags=["Batches"])

NOT_THERE = errors(404)
LINES_AT_ONCE = 500
LAST_DAY = date(9999, 12, 30)
"""The day after it can still be written."""

DayBegun = Annotated[Day, Field(le=LAST_DAY)]


class Batch(BaseModel):
    """An import or a verification, or a scan."""

    batch_id: str = Field(examples=["IMPORT_20261124_143052_abc123"])
    kind: str = Field(description="import, verify or scan.", examples=["import"])
    status: Status
    folder: str
    by: str = Field(description="Who asked for it.")
    begun: str = Field(description="UTC.", examples=["2026-11-24T14:30:52Z"])
    found: int = Field(description="Files found.")
    outcomes: dict[str, int] = Field(description="Files by what became of them: they add up to `found`.")
    bytes: int | None
    seconds: float | None
    files_per_s: float | None
    progress: int = Field(description="Percent; 100 only at the end.")
    to_look_at: int = Field(description="Files that a person has to look at.")
    alarm: str = Field(description="What the archive has lost; empty where all is well.")
    message: str


class OneBatch(BaseModel):
    """One import, verification or scan."""

    success: Literal[True] = True
    batch: Batch
    missing: int | None = Field(None, description="A verification: DICOM files whose bytes the archive does not hold.")
    extra: int | None = Field(None, description="A verification: instances that no file of the folder names.")
    verdict: str = Field("", description="A verification that is over: what it has shown.")


class BatchList(BaseModel):
    """A page of imports and verifications, newest first."""

    success: Literal[True] = True
    batches: list[Batch]
    total: int
    page: int
    pages: int
    next: str | None


class Begun(BaseModel):
    """A verification has begun."""

    success: Literal[True] = True
    batch_id: str = Field(examples=["VERIFY_20261124_143052_abc123"])
    status: Status
    next: str = Field(description="Where it says how far it is, and at the end what it has shown.")


class Retried(OneBatch):
    """What failed is tried again."""

    files: int = Field(description="How many files.")


class FileOutcome(BaseModel):
    """One file and what became of it. What its header says is as written there; null: not in it, or not known."""

    path: str
    name: str
    outcome: Outcome
    reason: str
    other: str = Field(description="The file that it is a duplicate of or in conflict with, below the folder.")
    size: int = Field(description="Bytes.")
    md5: str | None
    archive_id: str | None
    modality: str | None
    patient_id: str | None
    patient_name: str | None
    study_date: str | None
    study_description: str | None
    series_description: str | None
    sop_instance_uid: str | None


class FileList(BaseModel):
    """A page of the files of a batch."""

    success: Literal[True] = True
    batch_id: str
    files: list[FileOutcome]
    next: str | None


class Cause(BaseModel):
    """Files that need a look for one cause, and what to do."""

    cause: str
    remedy: str
    files: int
    example: str
    reason: str


class Reason(BaseModel):
    """Files that need no look and have a reason."""

    outcome: str
    reason: str
    files: int
    example: str


class Report(BaseModel):
    """What became of every file: the sums, and the causes."""

    success: Literal[True] = True
    summary: dict[str, Any] = Field(description="As `import --json` and `verify --json` of the command line.")
    sentence: str = Field(examples=["150 files found = 148 stored + 2 not DICOM. Unaccounted for: 0."])
    failures: list[Cause]
    reasons: list[Reason]
    missing: list[dict[str, Any]] = Field(description="A verification: the first 100 missing files. All: format=csv.")
    extra: list[dict[str, Any]] = Field(description="A verification: the first 100 instances that no file names.")


@router.get("/batches")
def batches(
    request: Request,
    asking: Administering,
    words: Annotated[
        Text, Query(max_length=200, description="Each must be in folder, id, status, kind or who asked.")
    ] = "",
    first: Annotated[DayBegun | None, Query(description="Begun on this day (UTC) or later.")] = None,
    last: Annotated[DayBegun | None, Query(description="Begun on this day (UTC) or before.")] = None,
    trouble: Annotated[bool, Query(description="Only those with something to look at.")] = False,
    page: Page = 1,
    per_page: PerPage = 25,
) -> BatchList:
    """All imports and verifications that there have ever been, newest first."""
    found = history.search(asking.services, Wanted(words, first, last, trouble), page, per_page)
    return BatchList(
        batches=[_batch(entry) for entry in found.entries],
        total=found.total,
        page=found.page,
        pages=found.pages,
        next=next_page(request, found.page, found.pages),
    )


@router.get("/batches/{id}", responses=NOT_THERE)
def batch(asking: Administering, batch_id: BatchId) -> OneBatch:
    """How an import, a verification or a scan stands."""
    return OneBatch(**_one(asking.services, tended(asking.services, batch_id)))


@router.post("/batches/{id}/pause", responses=NOT_THERE)
def pause(asking: Administering, batch_id: BatchId) -> OneBatch:
    """Stop after the files in hand, until somebody says resume. What is stored stays stored."""
    asking.services.pause(batch_id)
    return _as_it_stands(asking.services, batch_id)


@router.post("/batches/{id}/resume", responses=NOT_THERE)
def resume(asking: Administering, batch_id: BatchId) -> OneBatch:
    """Go on with what was paused, cancelled or failed and has files that are pending."""
    asking.services.resume(batch_id)
    return _as_it_stands(asking.services, batch_id)


@router.post("/batches/{id}/cancel", responses=NOT_THERE)
def cancel(asking: Administering, batch_id: BatchId) -> OneBatch:
    """Stop after the files in hand. What is stored stays stored."""
    job = asking.services.job(batch_id)
    if job.status.over:
        raise UsageError(f"{batch_id} {stands(job.status)}: there is nothing to cancel.")
    asking.services.cancel(batch_id)
    return _as_it_stands(asking.services, batch_id)


@router.post("/batches/{id}/retry", responses=NOT_THERE)
def retry(asking: Administering, batch_id: BatchId) -> Retried:
    """Try again what was rejected, quarantined, unreadable or vanished."""
    files = asking.services.retry(batch_id)
    return Retried(**_one(asking.services, asking.services.job(batch_id)), files=files)


@router.get("/batches/{id}/files", responses=NOT_THERE)
def files_of(
    request: Request,
    asking: Administering,
    batch_id: BatchId,
    outcome: Annotated[Outcome | None, Query(description="Only files of this outcome.")] = None,
    after: After = 0,
    limit: Limit = FILES_A_PAGE,
) -> FileList:
    """Every file of an import or a verification with what became of it."""
    _batch_not_scan(asking.services, batch_id)
    found = reports.outcomes_after(asking.services, batch_id, outcome or "", after, limit + 1)
    rows, more = page_of(found, limit)
    url = request.url.include_query_params(after=more)
    return FileList(
        batch_id=batch_id, files=[FileOutcome(**row) for row in rows], next=f"{url.path}?{url.query}" if more else None
    )


@router.get("/batches/{id}/report", response_model=Report, responses=NOT_THERE | {200: {"content": {"text/csv": {}}}})
def report(
    asking: Administering,
    batch_id: BatchId,
    format: Annotated[Literal["json", "csv"], Query(description="csv: every file, one a line.")] = "json",
) -> Report | Response:
    """What became of every file: in sums and causes, or file by file as CSV."""
    job = _batch_not_scan(asking.services, batch_id)
    return _report(asking.services, job) if format == "json" else _csv(asking.services, job)


@router.post("/verify", status_code=202)
def verify(request: Request, asking: Administering, asked: Folder) -> Begun:
    """Compare a folder with the archive as it is now, byte for byte, in the background. Nothing is sent."""
    batch_id = verification.start_verify(asking.services, asked.directory, recursive=asked.recursive)
    where = under_api(request, f"/batches/{batch_id}")
    return Begun(batch_id=batch_id, status=asking.services.job(batch_id).status, next=where)


def _as_it_stands(services: Services, batch_id: str) -> OneBatch:
    return OneBatch(**_one(services, services.job(batch_id)))


def _one(services: Services, job: Job) -> dict[str, Any]:
    entry = Entry(job, history.alarm(services, job.job_id), history.decided(services, job.job_id))
    told: dict[str, Any] = {"batch": _batch(entry)}
    if job.kind == "verify":
        summary = verification.verify_summary(services, job.job_id)
        told |= {"missing": summary["missing"], "extra": summary["extra"]}
        told["verdict"] = verification.verdict(summary) if job.status is Status.FINISHED else ""
    return told


def _batch(entry: Entry) -> Batch:
    job = entry.job
    return Batch(
        **history.summary(entry), progress=reports.percent(job), to_look_at=history.to_look_at(job, entry.decided)
    )


def _batch_not_scan(services: Services, batch_id: str) -> Job:
    job = services.job(batch_id)
    if job.kind == "scan":
        raise UsageError(f"{batch_id} is a scan: GET /api/hospital-config/scan-directory?scan_id={batch_id}")
    return job


def _report(services: Services, job: Job) -> Report:
    batch_id, proof = job.job_id, job.kind == "verify"
    summary = (verification.verify_summary if proof else reports.import_summary)(services, batch_id)
    return Report(
        summary=summary,
        sentence=reports.sentence(summary["outcomes"], summary["found"]),
        failures=[_cause(found) for found in history.failures(services, batch_id)],
        reasons=[Reason(**row) for row in _rows(reports.outcome_reasons(services, batch_id))],
        missing=_rows(verification.missing_table(services, batch_id)) if proof else [],
        extra=_rows(verification.extra_table(services, batch_id)) if proof else [],
    )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _cause(found: history.Failures) -> Cause:
    return Cause(
        cause=found.cause.name,
        remedy=found.cause.remedy,
        files=found.files,
        example=found.example,
        reason=found.reason,
    )


def _csv(services: Services, job: Job) -> StreamingResponse:
    """The first block is made here: what goes wrong at the beginning still is a problem document."""
    is_proof = job.kind == "verify" and job.status is Status.FINISHED
    lines = certificate.csv_blocks(services, job.job_id) if is_proof else _encoded(services, job.job_id)
    blocks = _in_blocks(lines)
    return StreamingResponse(
        chain([next(blocks, b"")], blocks),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{job.job_id}.csv"'},
    )


def _encoded(services: Services, batch_id: str) -> Iterator[bytes]:
    return (line.encode() for line in reports.outcome_csv(services, batch_id))


def _in_blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    while block := b"".join(islice(lines, LINES_AT_ONCE)):
        yield block
