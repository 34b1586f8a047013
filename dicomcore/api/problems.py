"""Errors as RFC 9457 problem documents: what happened and what to do, never a stack or a value that was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dicomcore import logs
from dicomcore.errors import DicomViewerError, NotSignedIn, TooManyAttempts

log = logs.logger(__name__)

MEDIA_TYPE = "application/problem+json"

#: What a status means here, where that can be said better than the standard does.
WHAT_TO_DO = {
    400: "The body cannot be read. Send JSON in UTF-8.",
    404: "There is no such address. GET /api/openapi.json lists those that there are.",
    405: "This address does not take this method: the header Allow names those that it takes.",
    413: "The request is too large: it may have 1 MB.",
    500: "Something unforeseen went wrong. The administrator finds when and where in app.log.",
}


class ProblemResponse(JSONResponse):
    """Half a character, which no UTF-8 can hold, becomes a question mark."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """``{type, title, status, detail, success: false}``; ``success`` is what the earlier system's callers look at."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "success": False,
    }
    return ProblemResponse(body, status, headers)


def answer(error: DicomViewerError) -> ProblemResponse:
    """What a caller is told of an error of ours: its sentence, and when to come again."""
    headers = {}
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(int(error.seconds) + 1)
    return problem(error.http_status, str(error), headers)


def answer_with_problems(api: FastAPI) -> None:
    """From now on every error of this API is a problem document."""
    api.add_exception_handler(DicomViewerError, _ours)
    api.add_exception_handler(RequestValidationError, _malformed)
    api.add_exception_handler(HTTPException, _of_http)


class Unforeseen:
    """Around all routes: an error that nobody foresaw ends here.

    It is logged by its type and places, and goes no further: a server would print its message, which may hold a name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, sent)
        except Exception:
            if scope["type"] != "http":
                raise
            log.error("a request failed", method=_method(scope), exc_info=True)
            if not begun:  # else the connection breaks off, and the caller knows that there is an end missing
                await problem(500, WHAT_TO_DO[500])(scope, receive, send)


def _method(scope: Scope) -> str:
    """Never the address: there may be a name in it."""
    method = str(scope["method"])
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "another"


async def _ours(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, DicomViewerError)
    return answer(error)


async def _malformed(_: Request, error: Exception) -> ProblemResponse:
    """Which values are wrong and why, without the values. Text that is no JSON has a position only."""
    assert isinstance(error, RequestValidationError)
    said = "; ".join(
        "The body is no JSON" if part["type"] == "json_invalid" else f"{_place(part['loc'])}: {part['msg']}"
        for part in error.errors()
    )
    return problem(422, said)


def _place(loc: Sequence[str | int]) -> str:
    return ".".join(map(str, loc[1:])) or "body"


async def _of_http(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    status = error.status_code
    headers = {"Allow": _methods_here(request)} if status == 405 else error.headers
    return problem(status, WHAT_TO_DO.get(status) or HTTPStatus(status).description or error.detail, headers)


def _methods_here(request: Request) -> str:
    """All that this address takes (RFC 9110 15.5.6); the router alone names those of its first route."""
    here = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    there = [route for route in iter_route_contexts(request.app.routes) if route.path_regex.match(here)]
    return ", ".join(sorted({method for route in there for method in route.methods or ()}))
