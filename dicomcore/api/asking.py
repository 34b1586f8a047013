"""Who calls a route, found before it runs: by a bearer token, or in the browser by the session's cookie."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from dicomcore import signing_in
from dicomcore.errors import AccessRefused, NotSignedIn
from dicomcore.services import Services
from dicomcore.visitor import SESSION_COOKIE, Right, Visitor, asked_by

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Engine = Callable[[], Services]
"""Gives the services at work. Raises ``NotRunning``."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A call: who makes it, and the engine that answers."""

    services: Services
    visitor: Visitor


def _allowed(right: Right) -> Callable[..., AsyncIterator[Asking]]:
    async def asking(request: Request) -> AsyncIterator[Asking]:
        found = await run_in_threadpool(_find, request)
        found.visitor.expect(right)
        with asked_by(found.visitor):
            yield found

    return asking


Looking = Annotated[Asking, Depends(_allowed(Right.LOOK))]
"""A call of somebody who may look at patients."""

Exporting = Annotated[Asking, Depends(_allowed(Right.EXPORT))]
"""A call of somebody who may take data away."""

Administering = Annotated[Asking, Depends(_allowed(Right.ADMINISTER))]
"""A call of an admin."""


def _find(request: Request) -> Asking:
    services: Services = request.app.state.engine()
    visitor = _by_token(services, request) or _by_session(services, request)
    if visitor is None:
        raise NotSignedIn("Send a token: Authorization: Bearer dvp_… An admin makes one with: token create.")
    if visitor.read_only and request.method not in SAFE_METHODS:
        raise AccessRefused("This token may only read. Make one with the scope “full”.")
    return Asking(services, visitor)


def _by_token(services: Services, request: Request) -> Visitor | None:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return signing_in.visitor_with_token(services, secret.strip()) if scheme.lower() == "bearer" else None


def _by_session(services: Services, request: Request) -> Visitor | None:
    """A cookie goes along with whatever makes the browser ask: it may read, but change nothing."""
    visitor = signing_in.visitor_of(services, request.cookies.get(SESSION_COOKIE, ""), by_hand=False)
    if visitor and request.method not in SAFE_METHODS:
        raise AccessRefused("The browser's session may only read here. Send a token: Authorization: Bearer dvp_…")
    return visitor
