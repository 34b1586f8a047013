"""Signing in through OpenID Connect: on the way to the provider, and back with an identity that opens a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dicomcore import signing_in
from dicomcore.api.addresses import comes_from, is_secure, local_path
from dicomcore.api.aside import aside
from dicomcore.api.asking import Engine
from dicomcore.api.form_page import page, wrong
from dicomcore.api.login import Way, come_in
from dicomcore.errors import DicomViewerError, SignInFailed

BACK = "/login/openid"
"""Where somebody comes whom a provider has sent back."""

WAY_COOKIE = "dvp_openid"
"""Who is on the way to a provider, and which page they want."""

WAY_SECONDS = 600
NO_ANSWER = "The provider has not said who you are. Perhaps you went back, or were turned away there. Try again."


@dataclass(frozen=True)
class Providers:
    """What the page server knows of OpenID Connect.

    ``names``: the providers, each with what people call it. ``way_to``: the local address that leads to one.
    ``claims``: what the checked ID token says that these cookies hold; empty: nothing. ``is_cookie``: whether a cookie
    of that name holds it, or a part of it.
    """

    names: Callable[[], Mapping[str, str]]
    way_to: Callable[[str], str]
    claims: Callable[[Mapping[str, str]], Mapping[str, Any]]
    is_cookie: Callable[[str], bool]

    def ways(self) -> list[Way]:
        """What the form offers beside name and password."""
        return [(f"Sign in with {label}", f"{BACK}/{name}") for name, label in self.names().items()]


def comes_back(cookies: Iterable[str]) -> bool:
    """Whether somebody was sent to a provider; they are led to ``BACK``, which makes them forget it."""
    return any(name in (WAY_COOKIE, "_streamlit_user") for name in cookies)


def routes(engine: Engine, providers: Providers) -> list[Route]:
    """The route to each provider, and the one back."""
    at = _Door(engine, providers)
    return [Route(BACK, at.back, methods=["GET"]), Route(BACK + "/{provider}", at.begin, methods=["GET"])]


@dataclass(frozen=True)
class _Door:
    engine: Engine
    providers: Providers

    async def begin(self, request: Request) -> Response:
        """Off to the provider; the page that was wanted is remembered."""
        name = request.path_params["provider"]
        if name not in self.providers.names():
            return _problem("No such provider is configured here.", 404)
        gone = RedirectResponse(self.providers.way_to(name), 303)
        wanted = local_path(request.query_params.get("next", ""))
        secure = is_secure(request, self.engine().settings.public_url)
        gone.set_cookie(WAY_COOKIE, wanted, WAY_SECONDS, httponly=True, samesite="lax", secure=secure)
        return gone

    async def back(self, request: Request) -> Response:
        """Whatever comes of it, what the browser brings from the provider is forgotten: it is good once."""
        try:
            answer = await self._admit(request)
        except DicomViewerError as error:
            answer = _problem(str(error), error.http_status)
        for name in request.cookies:
            if name == WAY_COOKIE or self.providers.is_cookie(name):
                answer.delete_cookie(name)
        return answer

    async def _admit(self, request: Request) -> Response:
        services, claims = self.engine(), self.providers.claims(request.cookies)
        if not claims:
            raise SignInFailed(NO_ANSWER)
        secret = await aside(
            signing_in.sign_in_with, services, claims, comes_from(request, services.settings.public_url)
        )
        return await come_in(request, services, secret, local_path(request.cookies.get(WAY_COOKIE, "")))


def _problem(why: str, status: int) -> Response:
    return page("You are not signed in", wrong(why) + '<a class="button" href="/login">Sign in</a>', status)
