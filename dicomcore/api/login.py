"""Signing in and out in the browser, and the form that makes the very first admin."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from html import escape
from pathlib import Path
from urllib.parse import quote

from limits import RateLimitItemPerMinute
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from dicomcore import signing_in
from dicomcore.api import first_start
from dicomcore.api.addresses import HOME, comes_from, is_secure, local_path
from dicomcore.api.aside import aside
from dicomcore.api.asking import Engine
from dicomcore.api.form_page import field, hint, page, told, wrong
from dicomcore.api.forms import form, keep_form_key, sent
from dicomcore.api.limits import RateLimit
from dicomcore.api.why import why
from dicomcore.errors import AccessRefused, DicomViewerError, NotSignedIn, SignInFailed, TooManyAttempts, UsageError
from dicomcore.services import Services
from dicomcore.visitor import SESSION_COOKIE

Answer = Callable[["Entrance", Request], Awaitable[Response]]
Way = tuple[str, str]
"""Another way to sign in: what its button says, and the path that it leads to."""

ATTEMPTS = RateLimitItemPerMinute(30, namespace="sign in")
"""From one network address, whatever the names: each failure is a line of the audit."""

STILL_THERE = """\
// The session may end while nobody clicks, and a connection that is lost brings no page that could say so: ask.
// Without an answer the page waits, as the app may only be starting anew.
const ask = async () => {
  if (document.hidden) return;
  const answer = await fetch("/login/still", {cache: "no-store"}).catch(() => null);
  if (answer?.status === 401)
    location.replace(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
};
if (!window.asksWhetherStillThere) {
  window.asksWhetherStillThere = setInterval(ask, 10_000);
  document.addEventListener("visibilitychange", ask);
}
"""

TO_THE_FORM = """\
// A page whose visitor is not signed in any more leads to the form, and from there back.
const wanted = document.currentScript?.dataset.to;
const here = encodeURIComponent(location.pathname + location.search);
location.replace(wanted || `/login?next=${here}`);
"""


def routes(engine: Engine, pictures: Path, ways: Sequence[Way] = ()) -> list[Route]:
    """The routes of the forms; ``pictures`` has logo.svg and icon.svg."""
    at = Entrance(engine, tuple(ways))
    return [
        Route("/login", at.ask, methods=["GET"]),
        Route("/login", at.sign_in, methods=["POST"]),
        Route("/logout", at.ask_out, methods=["GET"]),
        Route("/logout", at.sign_out, methods=["POST"]),
        Route("/first-admin", at.ask_first, methods=["GET"]),
        Route("/first-admin", at.make_first, methods=["POST"]),
        Route("/login/logo.svg", _file(pictures / "logo.svg"), methods=["GET"]),
        Route("/login/icon.svg", _file(pictures / "icon.svg"), methods=["GET"]),
        Route("/login/again.js", _script(TO_THE_FORM), methods=["GET"]),
        Route("/login/still.js", _script(STILL_THERE), methods=["GET"]),
        Route("/login/still", at.still, methods=["GET"]),
    ]


def set_session_cookie(response: Response, request: HTTPConnection, services: Services, secret: str) -> None:
    """From now on this browser comes with this session, until it is closed or the session is over."""
    secure = is_secure(request, services.settings.public_url)
    response.set_cookie(SESSION_COOKIE, secret, httponly=True, samesite="lax", secure=secure)


def forget_session_cookie(response: Response) -> None:
    """The browser forgets it; that the session is over is written down elsewhere."""
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")


def _answered(answer: Answer) -> Answer:
    """An error of ours is a page that says what to do."""

    @wraps(answer)
    async def answering(self: Entrance, request: Request) -> Response:
        try:
            return await answer(self, request)
        except DicomViewerError as error:
            again = '<p><a href="/login">Sign in</a></p>'
            return page("That did not work", wrong(str(error)) + again, error.http_status)

    return answering


@dataclass(frozen=True)
class Entrance:
    """The forms of one app."""

    engine: Engine
    ways: tuple[Way, ...] = ()
    attempts: RateLimit = dataclasses.field(default_factory=RateLimit)

    @_answered
    async def ask(self, request: Request) -> Response:
        """The form; whoever is signed in already goes on."""
        services = self.engine()
        wanted = local_path(request.query_params.get("next", ""))
        visitor = await aside(signing_in.visitor_of, services, _session(request))
        if visitor is not None:
            return RedirectResponse(wanted, 303)
        if await aside(signing_in.nobody_yet, services):
            return page("Nobody can sign in yet", NOBODY_YET)
        return self._form(request, services, wanted, why=why(request, services, wanted))

    @_answered
    async def still(self, request: Request) -> Response:
        """Whether the session still holds: 204 or 401. To ask keeps nobody signed in."""
        visitor = await aside(partial(signing_in.visitor_of, by_hand=False), self.engine(), _session(request))
        return Response(status_code=401 if visitor is None else 204)

    @_answered
    async def sign_in(self, request: Request) -> Response:
        """A session for the right password; the form again for a wrong one."""
        services = self.engine()
        given = await sent(request, services.settings.public_url)
        wanted, name = local_path(given.get("next", "")), given.get("name", "")
        try:
            self.attempts.count(ATTEMPTS, comes_from(request, services.settings.public_url))
            secret = await aside(
                signing_in.sign_in,
                services,
                name,
                given.get("password", ""),
                comes_from(request, services.settings.public_url),
            )
        except TooManyAttempts as error:
            headers = {"Retry-After": str(int(error.seconds) + 1)}
            return self._form(request, services, wanted, name, error, headers)
        except (SignInFailed, NotSignedIn) as error:
            return self._form(request, services, wanted, name, error)
        return await come_in(request, services, secret, wanted)

    @_answered
    async def ask_first(self, request: Request) -> Response:
        """The form for name and password, for whoever has the link."""
        services, secret = self.engine(), request.query_params.get("token", "")
        await aside(_expect_good, services, secret)
        return _first_form(request, services, secret)

    @_answered
    async def make_first(self, request: Request) -> Response:
        """The first admin, who is signed in at once."""
        services = self.engine()
        given = await sent(request, services.settings.public_url)
        secret, name, password = (given.get(key, "") for key in ("token", "name", "password"))
        await aside(_expect_good, services, secret)
        try:
            if password != given.get("again"):
                raise UsageError("The two passwords differ.")
            session = await aside(signing_in.make_first_admin, services, secret, name, password)
        except UsageError as error:
            return _first_form(request, services, secret, name, error)
        first_start.forget_link(services)
        return await come_in(request, services, session, HOME)

    @_answered
    async def ask_out(self, request: Request) -> Response:
        """A button: following a link signs nobody out."""
        services = self.engine()
        asked = page(
            "Sign out", told("Your session ends in every open tab.") + form(request, "/logout", "", "Sign out")
        )
        keep_form_key(request, asked, services.settings.public_url)
        return asked

    @_answered
    async def sign_out(self, request: Request) -> Response:
        """The session ends."""
        services = self.engine()
        await sent(request, services.settings.public_url)
        await aside(signing_in.sign_out, services, _session(request))
        gone = RedirectResponse("/login?why=signed-out", 303)
        forget_session_cookie(gone)
        return gone

    def _form(
        self,
        request: Request,
        services: Services,
        wanted: str,
        name: str = "",
        error: AccessRefused | None = None,
        headers: dict[str, str] | None = None,
        why: str = "",
    ) -> Response:
        focus = {"password" if name else "name": {"autofocus": ""}}
        fields = field(
            "User name",
            "name",
            name,
            autocomplete="username",
            autocapitalize="none",
            spellcheck="false",
            **focus.get("name", {}),
        ) + field("Password", "password", type="password", autocomplete="current-password", **focus.get("password", {}))
        body = (wrong(str(error)) if error else hint(why)) + form(request, "/login", fields, "Sign in", next=wanted)
        shown = page("Sign in", body + self._other_ways(wanted), error.http_status if error else 200, headers)
        keep_form_key(request, shown, services.settings.public_url)
        return shown

    def _other_ways(self, wanted: str) -> str:
        return "".join(
            f'<a class="button" href="{escape(path)}?next={quote(wanted, safe="")}">{escape(label)}</a>'
            for label, path in self.ways
        )


NOBODY_YET = (
    "<p>Open the link that the terminal printed when the app started: it makes the first admin.</p>"
    "<p>Or make one there: <code>python3 run.py users add NAME --role admin</code></p>"
)


def _first_form(
    request: Request, services: Services, secret: str, name: str = "", error: UsageError | None = None
) -> Response:
    new = {"type": "password", "autocomplete": "new-password"}
    fields = (
        field(
            "User name", "name", name, autocomplete="username", autocapitalize="none", spellcheck="false", autofocus=""
        )
        + field("Password", "password", **new)
        + '<p class="soft">At least 10 characters; a few words make a good one.</p>'
        + field("Password again", "again", **new)
    )
    body = told("Nobody uses this app yet. You make the user who may do everything.") + wrong(str(error or ""))
    body += form(request, "/first-admin", fields, "Create the first admin", token=secret)
    shown = page("Create the first admin", body, error.http_status if error else 200)
    keep_form_key(request, shown, services.settings.public_url)
    return shown


def _expect_good(services: Services, secret: str) -> None:
    if not signing_in.nobody_yet(services):
        raise AccessRefused("There is a first admin already. Sign in, or ask an admin to add you.")
    if not signing_in.first_link_is_good(services, secret):
        raise AccessRefused("This link is not good any more. The newest one is on the terminal where the app runs.")


async def come_in(request: Request, services: Services, secret: str, wanted: str) -> Response:
    """On to the page; a session that the browser had before ends."""
    await aside(signing_in.sign_out, services, _session(request))
    come = RedirectResponse(wanted, 303)
    set_session_cookie(come, request, services, secret)
    return come


def _session(request: HTTPConnection) -> str:
    return request.cookies.get(SESSION_COOKIE, "")


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return FileResponse(path)

    return answer


def _script(text: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return Response(text, media_type="text/javascript")

    return answer
