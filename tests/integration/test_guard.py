"""What a stranger gets from the real app, asked for with and without a session."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDisconnect
from starlette.websockets import WebSocket

from dicomcore import accounts, signing_in
from dicomcore.api import first_start, login
from dicomcore.api.addresses import comes_from, is_loopback, local_path
from dicomcore.api.forms import FORM_COOKIE
from dicomcore.api.guard import Guard
from dicomcore.errors import NotRunning
from dicomcore.services import Services
from dicomcore.settings import Settings, load
from dicomcore.visitor import SESSION_COOKIE, Role
from tests.visitors import PASSWORD, session_of

PICTURES = Path(__file__).resolve().parents[2] / "pages" / "widgets"
HERE = "http://127.0.0.1:8501"

PAGES = ["/", "/import_studies", "/hospital_config?x=1", "/no/such/page", "/index.html", "/_stcorex", "/loginx"]
DATA = [
    "/media/abc.jpg",
    "/component/some.thing/index.html",
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/_stcore/upload_file/one/two",
    "/_stcore/bidi-components/some/thing.js",
    "/_stcore/agent/openapi.json",
]
OPEN = [
    "/_stcore/health",
    "/_stcore/host-config",
    "/static/js/index.js",
    "/favicon.png",
    "/api/users/me",
    "/auth/login",
    "/oauth2callback",
    "/auth/logout",
]


WEBSOCKET = "ws://127.0.0.1:8501"


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services with one user, the admin Ada: hashing a password takes its time."""
    folder = tmp_path_factory.mktemp("guard")
    one = Services(Settings(data_dir=folder / "data", log_dir=folder / "logs", archive="folder"))
    session_of(one, Role.ADMIN, "Ada")
    yield one
    one.close()


@pytest.fixture
def services(at_work: Services) -> Iterator[Services]:
    """The same, as each test found them."""
    settings = at_work.settings
    yield at_work
    at_work.settings = settings


@pytest.fixture
def first_services(settings: Settings) -> Iterator[Services]:
    """Services at their very first start: nobody can sign in yet."""
    one = Services(settings)
    yield one
    one.close()


@pytest.fixture
def ran() -> list[str]:
    """The pages that ran, and whatever else came past the guard."""
    return []


@pytest.fixture
def behind(ran: list[str]) -> Callable[..., TestClient]:
    """A browser, and the guard with its forms before an app that notes what reaches it."""

    async def anything(request: Request) -> PlainTextResponse:
        ran.append(request.url.path)
        return PlainTextResponse("data")

    async def page(websocket: WebSocket) -> None:
        await websocket.accept()
        ran.append("a page")
        await websocket.close()

    def make(engine: Callable[[], Services], base: str = HERE) -> TestClient:
        everything = Route("/{rest:path}", anything, methods=["GET", "PUT", "POST", "DELETE"])
        app = Starlette(
            routes=[*login.routes(engine, PICTURES), everything, WebSocketRoute("/_stcore/stream", page)],
            middleware=[Middleware(Guard, engine=engine)],
        )
        return TestClient(app, base, follow_redirects=False)

    return make


@pytest.fixture
def stranger(services: Services, behind: Callable[..., TestClient]) -> TestClient:
    """A browser without a session, where there are users."""
    return behind(lambda: services)


def _fill_in(browser: TestClient, path: str, headers: dict[str, str] | None = None, **fields: str) -> Response:
    browser.get(path)
    return browser.post(
        path.partition("?")[0], data={"key": browser.cookies[FORM_COOKIE], **fields}, headers=headers or {}
    )


# ---- strangers


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_led_from_a_page_to_the_form(stranger: TestClient, ran: list[str], path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 303
    assert unquote(answer.headers["location"]) == f"/login?next={path}"
    assert ran == []


@pytest.mark.parametrize("path", DATA)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_stranger_gets_no_data(stranger: TestClient, ran: list[str], method: str, path: str) -> None:
    assert stranger.request(method, path).status_code == 401
    assert ran == []


def test_no_page_runs_for_a_stranger(stranger: TestClient, ran: list[str]) -> None:
    with pytest.raises(WebSocketDisconnect), stranger.websocket_connect(f"{WEBSOCKET}/_stcore/stream"):
        pass
    assert ran == []


@pytest.mark.parametrize("path", ["/static", "/api/x", "/login/x", "/_stcore/health"])
def test_what_is_open_opens_no_websocket(stranger: TestClient, ran: list[str], path: str) -> None:
    with pytest.raises(WebSocketDisconnect), stranger.websocket_connect(WEBSOCKET + path):
        pass
    assert ran == []


@pytest.mark.parametrize("path", OPEN)
def test_what_the_form_and_programs_need_is_open(stranger: TestClient, ran: list[str], path: str) -> None:
    assert stranger.get(path).status_code == 200
    assert len(ran) == 1


def test_the_first_page_is_found_under_its_name_too(services: Services, stranger: TestClient) -> None:
    stranger.cookies.set(SESSION_COOKIE, session_of(services))
    answer = stranger.get("/patients")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("secret", ["", "x", "a" * 43, "%C3%A4", "'--"])
def test_a_wrong_session_is_none(stranger: TestClient, secret: str) -> None:
    assert stranger.get("/media/x", headers={"cookie": f"{SESSION_COOKIE}={secret}"}).status_code == 401


@pytest.mark.parametrize("origin", ["http://localhost:8501", "http://127.0.0.1:8502", "http://evil.example", "null"])
def test_a_page_of_another_port_or_host_cannot_drive_ours(
    services: Services, stranger: TestClient, origin: str
) -> None:
    stranger.cookies.set(SESSION_COOKIE, session_of(services))
    stream, said = f"{WEBSOCKET}/_stcore/stream", {"origin": origin}
    with pytest.raises(WebSocketDisconnect), stranger.websocket_connect(stream, headers=said):
        pass
    with stranger.websocket_connect(stream, headers={"origin": HERE}):
        pass


def test_nobody_chooses_the_address_that_their_attempts_are_counted_under() -> None:
    forged = HTTPConnection({"type": "http", "client": ("10.9.8.7", 1), "server": ("127.0.0.1", 8501), "headers": []})
    assert comes_from(forged, public_url="") == "127.0.0.1"
    assert comes_from(forged, public_url="https://dicom.example.org") == "10.9.8.7"  # as the proxy says


# ---- sessions


def test_with_a_session_everything_is_there_until_it_ends(
    services: Services, stranger: TestClient, ran: list[str]
) -> None:
    secret = session_of(services, Role.ADMIN, "Ada")
    stranger.cookies.set(SESSION_COOKIE, secret)
    assert all(stranger.get(path).status_code == 200 for path in PAGES + DATA)
    with stranger.websocket_connect(f"{WEBSOCKET}/_stcore/stream"):
        pass
    assert "a page" in ran
    signing_in.sign_out(services, secret)
    assert stranger.get("/media/x").status_code == 401
    with pytest.raises(WebSocketDisconnect), stranger.websocket_connect(f"{WEBSOCKET}/_stcore/stream"):
        pass


def test_who_is_disabled_is_out_at_once(services: Services, stranger: TestClient) -> None:
    stranger.cookies.set(SESSION_COOKIE, session_of(services, Role.RESEARCHER, "Rita"))
    assert stranger.get("/").status_code == 200
    accounts.set_disabled(services, "Rita", True)
    assert stranger.get("/").status_code == 303


def test_without_an_engine_the_pages_say_why(behind: Callable[..., TestClient], ran: list[str]) -> None:
    def engine() -> Services:
        raise NotRunning("The journal is newer than this program.")

    browser = behind(engine)
    assert browser.get("/").status_code == 200
    assert ran == ["/"]
    assert "journal is newer" in browser.get("/login").text


# ---- why the form stands there


HINT = re.compile(r'<p class="hint" role="status">([^<]*)</p>')


@pytest.mark.parametrize(
    ("path", "cookie", "said"),
    [
        ("/login", "", ""),
        ("/login?next=/", "", ""),
        ("/login?next=/import_studies", "", "Sign in to see this page."),
        ("/login?next=/import_studies", "of a session that is over", "Your session is over."),
        ("/login?why=signed-out", "of a session that is over", "You have signed out."),
        ("/login?why=signed-out-everywhere", "", "You have signed out in every browser."),
        ("/login?why=new-password", "", "Your password is changed."),
        ("/login?why=Call+555-0100", "", ""),
    ],
)
def test_the_form_says_why_it_stands_there(stranger: TestClient, path: str, cookie: str, said: str) -> None:
    if cookie:
        stranger.cookies.set(SESSION_COOKIE, cookie)
    shown = "".join(HINT.findall(stranger.get(path).text))
    assert shown.startswith(said)
    assert bool(shown) is bool(said)


def test_what_went_wrong_takes_the_place_of_why_the_form_came(stranger: TestClient) -> None:
    answer = _fill_in(stranger, "/login?next=/x", name="Ada", password="wrong", next="/x")
    assert "Wrong user name or password." in answer.text
    assert not HINT.search(answer.text)


def test_an_open_tab_learns_that_its_session_is_over_and_asking_does_not_prolong_it(
    services: Services, stranger: TestClient
) -> None:
    secret = session_of(services, Role.ADMIN, "Ada")
    stranger.cookies.set(SESSION_COOKIE, secret)
    seen = "SELECT seen_at FROM sessions"
    with services.journal.transaction() as writing:
        writing.execute("UPDATE sessions SET seen_at = seen_at - 60")
    before = [row["seen_at"] for row in services.journal.rows(seen)]
    assert stranger.get("/login/still").status_code == 204
    assert [row["seen_at"] for row in services.journal.rows(seen)] == before
    signing_in.sign_out(services, secret)
    assert stranger.get("/login/still").status_code == 401


# ---- the form


def test_the_right_password_leads_back_with_a_cookie_that_no_script_reads(stranger: TestClient) -> None:
    answer = _fill_in(stranger, "/login?next=/import_studies%3Fbatch=1", name="Ada", password=PASSWORD, next="/x?y=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/x?y=1")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/"))
    assert "Secure" not in cookie
    assert stranger.get("/").status_code == 200
    assert stranger.get("/login?next=/x").headers["location"] == "/x"


def test_behind_tls_the_cookies_are_for_tls_only(services: Services, behind: Callable[..., TestClient]) -> None:
    services.settings = load(
        data_dir=services.settings.data_dir, archive="folder", public_url="https://dicom.example.org"
    )
    browser = behind(lambda: services, "https://127.0.0.1:8501")
    theirs = {"origin": "https://dicom.example.org"}
    answer = _fill_in(browser, "/login", theirs, name="Ada", password=PASSWORD)
    assert answer.status_code == 303
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(("name", "password"), [("Ada", "wrong"), ("Nobody", PASSWORD), ("", ""), ("<b>x</b>", "x")])
def test_a_wrong_name_looks_like_a_wrong_password(stranger: TestClient, name: str, password: str) -> None:
    answer = _fill_in(stranger, "/login", name=name, password=password)
    assert answer.status_code == 401
    assert "Wrong user name or password." in answer.text
    assert "<b>x" not in answer.text
    assert SESSION_COOKIE not in stranger.cookies


def test_guessing_has_to_wait(stranger: TestClient) -> None:
    answers = (_fill_in(stranger, "/login", name="Gus", password="wrong") for _ in range(20))
    answer = next(answer for answer in answers if answer.status_code != 401)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "Wait" in answer.text


@pytest.mark.parametrize("path", ["/login", "/logout", "/first-admin"])
def test_a_form_from_elsewhere_is_refused(stranger: TestClient, path: str) -> None:
    stranger.get("/login")
    key, fields = stranger.cookies[FORM_COOKIE], {"name": "Ada", "password": PASSWORD}
    assert stranger.post(path, data=fields).status_code == 403
    assert stranger.post(path, data=fields | {"key": "ä"}).status_code == 403
    for origin in ("https://evil.example", "null", "http://127.0.0.1:9"):
        answer = stranger.post(path, data=fields | {"key": key}, headers={"origin": origin})
        assert answer.status_code == 403
    stranger.cookies.clear()
    assert stranger.post(path, data=fields | {"key": key}).status_code == 403
    assert stranger.post(path, data=fields | {"key": ""}).status_code == 403


def test_a_form_of_a_megabyte_is_not_read(stranger: TestClient) -> None:
    assert stranger.post("/login", content=b"a" * 1_000_000).status_code == 413


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join(b"a%d=1" % n for n in range(100)), b"name=%ff"])
def test_a_form_that_cannot_be_read_is_no_error_of_ours(stranger: TestClient, body: bytes) -> None:
    assert stranger.post("/login", content=body).status_code in (400, 403)


def test_signing_out_ends_the_session_and_following_a_link_does_not(services: Services, stranger: TestClient) -> None:
    secret = session_of(services, Role.ADMIN, "Ada")
    stranger.cookies.set(SESSION_COOKIE, secret)
    assert "Sign out" in stranger.get("/logout").text
    assert signing_in.visitor_of(services, secret)
    assert _fill_in(stranger, "/logout").headers["location"] == "/login?why=signed-out"
    assert signing_in.visitor_of(services, secret) is None


def test_signing_in_again_ends_the_session_before(services: Services, stranger: TestClient) -> None:
    before = session_of(services, Role.RESEARCHER, "Ruth")
    stranger.get("/login")
    stranger.cookies.set(SESSION_COOKIE, before)
    key = stranger.cookies[FORM_COOKIE]
    stranger.post("/login", data={"key": key, "name": "Ada", "password": PASSWORD})
    assert signing_in.visitor_of(services, before) is None


@pytest.mark.parametrize("name", ["logo.svg", "icon.svg", "again.js", "still.js"])
def test_what_the_form_shows_comes_from_here(stranger: TestClient, name: str) -> None:
    assert stranger.get(f"/login/{name}").status_code == 200


# ---- the first admin


def test_the_first_link_makes_one_admin_and_then_nothing(
    first_services: Services, behind: Callable[..., TestClient]
) -> None:
    browser = behind(lambda: first_services)
    assert "first admin" in browser.get("/login").text
    link = first_start.offer_first_admin(first_services, HERE)
    file = first_start.link_file(first_services)
    assert file.read_text() == link
    if os.name != "nt":
        assert file.stat().st_mode & 0o777 == 0o600
    path, secret = link.removeprefix(HERE), link.partition("token=")[2]
    assert browser.get("/first-admin?token=wrong").status_code == 403
    short = {"token": secret, "name": "Ada", "password": "short", "again": "short"}
    assert "at least 10" in _fill_in(browser, path, **short).text
    assert "differ" in _fill_in(browser, path, **(short | {"again": "other"})).text
    good = short | {"password": PASSWORD, "again": PASSWORD}
    assert _fill_in(browser, path, **good).status_code == 303
    assert browser.get("/").status_code == 200
    assert not file.exists()
    again = behind(lambda: first_services)
    assert again.get(path).status_code == 403
    assert first_start.offer_first_admin(first_services, HERE) == ""
    assert [user.name for user in accounts.all_users(first_services)] == ["Ada"]


# ---- other machines


@pytest.mark.parametrize("path", ["/", "/login", "/first-admin", "/static/x.js", "/api/users/me", "/_stcore/health"])
def test_before_there_is_a_user_no_other_machine_gets_anything(
    first_services: Services, behind: Callable[..., TestClient], ran: list[str], path: str
) -> None:
    answer = behind(lambda: first_services, "http://192.0.2.7:8501").get(path)
    assert answer.status_code == 403
    assert "users add" in answer.text
    assert ran == []


def test_without_allowed_folders_no_other_machine_gets_anything(
    services: Services, behind: Callable[..., TestClient], tmp_path: Path
) -> None:
    browser = behind(lambda: services, "http://192.0.2.7:8501")
    assert "DVP_SCAN_ROOTS" in browser.get("/login").text
    services.settings = load(data_dir=services.settings.data_dir, archive="folder", scan_roots=(tmp_path,))
    assert browser.get("/login").status_code == 200


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("unix:///run/dvp.sock", True),
        (None, False),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("::ffff:10.0.0.1", False),
        ("127.0.0.1.example.org", False),
        ("myhost", False),
    ],
)
def test_which_addresses_only_this_machine_reaches(host: str | None, inside: bool) -> None:
    assert is_loopback(host) is inside


# ---- where an answer may lead, and what it says


@pytest.mark.parametrize(
    "evil",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "evil.example",
        " //evil.example",
        "/ /evil.example",
        "/a\\..\\..",
        "",
        "/login?next=/login",
        "/logout",
        "/login/again.js",
    ],
)
def test_no_path_leads_elsewhere(evil: str) -> None:
    assert local_path(evil) == "/"


def test_nobody_is_led_elsewhere(stranger: TestClient) -> None:
    fields = {"name": "Ada", "password": PASSWORD, "next": "//evil.example"}
    assert _fill_in(stranger, "/login", **fields).headers["location"] == "/"
    assert stranger.get("/login?next=%2F%2Fevil.example").headers["location"] == "/"


@pytest.mark.parametrize(
    "path", ["/", "/import_studies?batch=IMPORT_1&x=%2F%2Fevil", "/%2Fevil.example", "/?q=a+b%20c"]
)
def test_a_path_of_ours_stays_as_it_is(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize("path", ["/", "/login", "/media/x", "/static/x.js", "/api/users/me", "/component/a/b.html"])
def test_every_answer_keeps_the_browser_inside(stranger: TestClient, path: str) -> None:
    headers = stranger.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"].partition("script-src")[2].partition(";")[0]
    assert headers["x-frame-options"] == ("SAMEORIGIN" if path.startswith("/component/") else "DENY")
    assert ("no-store" in headers.get("cache-control", "")) is not path.startswith(("/static/", "/component/"))
