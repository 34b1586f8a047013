"""In front of everything: a stranger is turned away before any page runs or any data is sent."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from dicomcore import signing_in
from dicomcore.api.addresses import asked_for, came_by_loopback, origin_is_ours
from dicomcore.api.aside import aside
from dicomcore.api.asking import Engine
from dicomcore.api.exposure import why_only_here
from dicomcore.api.headers import with_headers
from dicomcore.api.openid import BACK, comes_back
from dicomcore.errors import DicomViewerError, NotRunning
from dicomcore.visitor import SESSION_COOKIE

OPEN = {
    "/login",
    "/login/logo.svg",
    "/login/icon.svg",
    "/login/again.js",
    "/login/still.js",
    "/login/still",
    "/login/openid",
    "/logout",
    "/first-admin",
    "/_stcore/health",
    "/_stcore/host-config",
    "/favicon.png",
    "/favicon.ico",
    "/manifest.json",
    "/auth/login",
    "/auth/logout",
    "/oauth2callback",
}
OPEN_BELOW = ("/login/openid/", "/static/", "/api/")
"""Our forms, Streamlit's own programs and fonts, and the API, which guards itself."""

DATA = ("/media/", "/component/", "/_stcore/")
"""What programs in the browser fetch: they are told, not led elsewhere."""


class Guard:
    """ASGI middleware, the first of all. ``engine`` gives the services at work, or raises ``NotRunning``."""

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self.app, self._engine = app, engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        answer: ASGIApp | None = None
        if scope["path"] == "/patients":  # what people type; the first page has no other name for Streamlit
            answer = RedirectResponse("/", 303)
        elif not (is_open(scope) and came_by_loopback(request)):
            answer = await aside(self._refusal, request)
        await (answer or self.app)(scope, receive, with_headers(scope, send))

    def _refusal(self, request: HTTPConnection) -> ASGIApp | None:
        """The answer to whoever may not go on; None for those who may."""
        try:
            services = self._engine()
            if not came_by_loopback(request) and (why := why_only_here(services)):
                return _refused(request, 403, f"The app may not be reached from other machines. {why}")
            if request.scope["type"] == "websocket" and not origin_is_ours(request, services.settings.public_url):
                return WebSocketClose()  # a page of another port of this host has our cookie too
            secret = request.cookies.get(SESSION_COOKIE, "")
            if is_open(request.scope) or signing_in.visitor_of(services, secret, by_hand=False):
                return None
        except NotRunning:
            return None  # no data either: the pages say why the app cannot work
        except DicomViewerError as error:
            return _refused(request, error.http_status, str(error))
        return turned_away(request)


def is_open(scope: Scope) -> bool:
    """Whether a stranger may have it. No websocket: that is how pages run."""
    path: str = scope["path"]
    return scope["type"] == "http" and (path in OPEN or path.startswith(OPEN_BELOW))


def turned_away(request: HTTPConnection) -> ASGIApp:
    """What a stranger gets: the way to the form for a page, a bare refusal for everything else."""
    if is_page(request.scope):
        if comes_back(request.cookies):
            return RedirectResponse(BACK, 303)
        return RedirectResponse(f"/login?next={quote(asked_for(request), safe='')}", 303)
    return _refused(request, 401, "You are not signed in, or your session is over. Sign in at /login.")


def is_page(scope: Scope) -> bool:
    """Whether a person typed or followed this address: Streamlit shows a page wherever nothing else is."""
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and not scope["path"].startswith(DATA)


def _refused(request: HTTPConnection, status: int, why: str) -> ASGIApp:
    """A websocket that is closed before it was accepted is a 403 for the browser."""
    return WebSocketClose() if request.scope["type"] == "websocket" else PlainTextResponse(why, status)
