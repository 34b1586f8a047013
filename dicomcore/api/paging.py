"""Long lists a page at a time: the parameters, and where the next page is."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request

MOST_A_PAGE = 200

Page = Annotated[int, Query(ge=1, le=1_000_000, description="Pages count from 1; one beyond the last is the last.")]
PerPage = Annotated[int, Query(ge=1, le=MOST_A_PAGE, description="Entries on a page.")]


After = Annotated[
    str, Query(max_length=600, description="The key of the row that the page comes after, as `next` has it; no `page`.")
]


def page_after(request: Request, key: str) -> str | None:
    """Where the page after this key is, on this host; None where there is none."""
    if not key:
        return None
    url = request.url.remove_query_params("page").include_query_params(after=key)
    return f"{url.path}?{url.query}"


def next_page(request: Request, page: int, pages: int) -> str | None:
    """Where the next page is, on this host; None after the last."""
    if page >= pages:
        return None
    url = request.url.include_query_params(page=page + 1)
    return f"{url.path}?{url.query}"


def under_api(request: Request, path: str) -> str:
    """A route's path as callers see it, with what the API is mounted under."""
    return f"{request.scope.get('root_path', '')}{path}"
