"""Who did what, for admins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from dicomcore import audit_log
from dicomcore.api.asked import Day
from dicomcore.api.asking import Administering
from dicomcore.api.paging import Page, PerPage, next_page

router = APIRouter(tags=["Audit"])


class Line(BaseModel):
    """One thing that was done."""

    line: int = Field(description="Its number; lines are numbered without a gap.")
    at: str = Field(description="ISO 8601, UTC.", examples=["2026-03-18T10:11:12Z"])
    who: str = Field(description="The user, or whoever ran the command line.")
    action: str = Field(examples=["import"])
    about: str = Field(description="What it was done to: the id of a batch or a study, the name of a user.")
    detail: Any = Field(description="What else was noted.", examples=[{"scan": "SCAN_20260318_101112_abcdef"}])
    hash: str = Field(description="SHA-256 over this line and all before it; empty before there were hashes.")


class Lines(BaseModel):
    """Some of the lines that fit, newest first."""

    success: Literal[True] = True
    lines: list[Line]
    total: int = Field(description="How many fit; not counted beyond 10,000.")
    more: bool = Field(description="Whether more fit than were counted: narrow the search to reach them.")
    page: int
    pages: int
    next: str | None = Field(description="Where the next page is; null after the last.")


@router.get("/audit")
def audit(
    request: Request,
    asking: Administering,
    words: Annotated[str, Query(max_length=500, description="Each must be in who, action or about.")] = "",
    action: Annotated[str, Query(max_length=100, description="Only this action.")] = "",
    first: Annotated[Day | None, Query(alias="from", description="On this day or later, UTC.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="On this day or earlier, UTC.")] = None,
    page: Page = 1,
    per_page: PerPage = 100,
) -> Lines:
    """Who did what, newest first."""
    wanted = audit_log.Wanted(words, action, first, last)
    found = audit_log.search(asking.services, wanted, page, per_page)
    return Lines(
        lines=[Line(**audit_log.entry(line)) for line in found.lines],
        total=found.total,
        more=found.many,
        page=found.page,
        pages=found.pages,
        next=next_page(request, found.page, found.pages),
    )
