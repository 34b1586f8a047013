"""Who calls, found before anything else: by a bearer token, or in the browser by the session's cookie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dicomcore import signing_in
from dicomcore.access.secret import digest
from dicomcore.api.addresses import comes_from
from dicomcore.api.aside import aside
from dicomcore.api.limits import SESSION, STRANGER, TOKEN, AtOnce, RateLimit
from dicomcore.api.problems import answer
from dicomcore.errors import AccessRefused, DicomViewerError, NotSignedIn
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


class OnlyTheKnown:
    """Around all routes: strangers get no further, whatever they ask for. What follows is done in the caller's name."""

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self.app = app
        self._engine = engine
        self._limit = RateLimit()
        self._at_once = AtOnce()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            scope["asking"] = asking = await aside(self._find, Request(scope))
            with asked_by(asking.visitor), self._at_once.one_more(asking.visitor.name):
                await self.app(scope, receive, _never_kept(send))
        except DicomViewerError as error:  # routes answer their own
            await answer(error)(scope, receive, _never_kept(send))

    def _find(self, request: Request) -> Asking:
        """Raises ``NotSignedIn``, ``AccessRefused``, ``TooManyAttempts``."""
        services = self._engine()
        try:
            visitor = self._by_token(services, request) or self._by_session(services, request)
        except NotSignedIn:
            self._limit.count(STRANGER, comes_from(request, services.settings.public_url))
            raise
        if visitor.read_only and request.method not in SAFE_METHODS:
            raise AccessRefused("This token may only read. Make one with the scope “full”.")
        return Asking(services, visitor)

    def _by_token(self, services: Services, request: Request) -> Visitor | None:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        visitor = signing_in.visitor_with_token(services, secret.strip())
        self._limit.count(TOKEN, digest(secret.strip()))
        return visitor

    def _by_session(self, services: Services, request: Request) -> Visitor:
        """A cookie goes along with whatever makes the browser ask: it may read, but change nothing."""
        secret = request.cookies.get(SESSION_COOKIE, "")
        visitor = signing_in.visitor_of(services, secret, by_hand=False)
        if visitor is None:
            raise NotSignedIn("Send a token: Authorization: Bearer dvp_… An admin makes one with: token create.")
        self._limit.count(SESSION, digest(secret))
        if request.method not in SAFE_METHODS:
            raise AccessRefused("The browser's session may only read here. Send a token: Authorization: Bearer dvp_…")
        return visitor


def _never_kept(send: Send) -> Send:
    """No cache on the way may keep an answer, unless its route says otherwise."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Cache-Control", "no-store")
            headers.setdefault("X-Content-Type-Options", "nosniff")
        await send(message)

    return sent


def _allowed(right: Right) -> Callable[[Request], Awaitable[Asking]]:
    async def asking(request: Request) -> Asking:
        found: Asking = request.scope["asking"]
        found.visitor.expect(right)
        return found

    return asking


Looking = Annotated[Asking, Depends(_allowed(Right.LOOK))]
"""A call of somebody who may look at patients."""

Exporting = Annotated[Asking, Depends(_allowed(Right.EXPORT))]
"""A call of somebody who may take data away."""

Administering = Annotated[Asking, Depends(_allowed(Right.ADMINISTER))]
"""A call of an admin."""
