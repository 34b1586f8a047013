"""Errors as RFC 9457 problem documents: what happened and what to do, never a stack or a value that was sent."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from dicomcore.errors import DicomViewerError, NotSignedIn, TooManyAttempts


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """``{type, title, status, detail, success: false}``; ``success`` is what the earlier system's callers look at."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "success": False,
    }
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def answer_with_problems(api: FastAPI) -> None:
    """From now on every error of this API is a problem document."""
    api.add_exception_handler(DicomViewerError, _ours)
    api.add_exception_handler(RequestValidationError, _malformed)
    api.add_exception_handler(HTTPException, _of_http)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DicomViewerError)
    headers = {}
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(int(error.seconds) + 1)
    return problem(error.http_status, str(error), headers)


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{'.'.join(map(str, part['loc'][1:]))}: {part['msg']}" for part in error.errors())
    return problem(422, said or "The request cannot be read.")


async def _of_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, HTTPStatus(error.status_code).description or str(error.detail), error.headers)
