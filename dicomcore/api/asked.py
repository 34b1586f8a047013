"""What callers give: a folder, the id of a job, a place in a long list."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

MOST_FILES_A_PAGE = 5_000
FILES_A_PAGE = 1_000


def _that_can_be_written(text: str) -> str:
    """JSON may hold halves of characters, which no path and no journal can. Raises ``ValueError``."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character") from None
    return text


Text = Annotated[str, AfterValidator(_that_can_be_written)]
JobText = Annotated[Text, Field(max_length=100)]
BatchId = Annotated[
    JobText, Path(alias="id", description="The id of an import, a verification or a scan.", examples=["IMPORT_…"])
]
After = Annotated[int, Query(ge=0, le=2**63 - 1, description="Where the page before ended; `next` has it.")]
Limit = Annotated[int, Query(ge=1, le=MOST_FILES_A_PAGE, description="Files on a page.")]


def _iso_only(day: Any) -> Any:
    """Else a number would be taken for seconds since 1970."""
    if isinstance(day, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII):
        raise ValueError("write it YYYY-MM-DD")
    return day


Day = Annotated[date, BeforeValidator(_iso_only)]


class Folder(BaseModel):
    """Which folder, as one may paste it: a path here, or a Windows path that DVP_PATH_MAP knows."""

    directory: Text = Field(max_length=4096, description="A folder in DVP_SCAN_ROOTS.", examples=["/mnt/dicom"])
    recursive: bool = Field(True, description="With all folders below it.")


def page_of(rows: list[dict[str, Any]], limit: int) -> tuple[list[dict[str, Any]], int]:
    """Of one file more than fits: those that fit, and after which one the next page begins; 0: there is none."""
    return rows[:limit], rows[limit - 1]["file_id"] if len(rows) > limit else 0
