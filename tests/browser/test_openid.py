"""Signing in through a real OpenID Connect provider, in a real browser."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from dicomcore import accounts
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import SESSION_COOKIE, Role
from tests.browser.conftest import RunningApp
from tests.visitors import PASSWORD

COOKIE_SECRET = "a secret of this test that nobody else knows"
LEFT_BEHIND = ("_streamlit_user", "dvp_openid")
PATIENCE_MS = 20_000
START_SECONDS = 60
PEOPLE = (
    {"sub": "anna", "preferred_username": "anna", "groups": ["staff", "pacs-admins"]},
    {"sub": "rosa", "preferred_username": "rosa", "groups": ["research"]},
    {"sub": "nemo", "preferred_username": "nemo", "groups": ["staff"]},
    # A token that does not fit into one cookie.
    {
        "sub": "maxi",
        "preferred_username": "maxi",
        "groups": ["research", *(f"group {n} " + "x" * 60 for n in range(99))],
    },
)
SECRETS = """
[auth]
redirect_uri = "{url}/oauth2callback"
cookie_secret = "{secret}"

[auth.clinic]
client_id = "dicom-viewer"
client_secret = "not looked at"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@dataclass(frozen=True)
class Site:
    """The app beside a provider; ``settings`` are those of the app."""

    url: str
    provider: str
    settings: Settings

    @contextmanager
    def services(self) -> Iterator[Services]:
        """The same journal, from another process."""
        with closing(Services(self.settings)) as services:
            yield services


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("openid")
    secrets, port = folder / "secrets.toml", _free_port()
    app = RunningApp(
        folder,
        DVP_ARCHIVE="folder",
        DVP_OPENID_ADMINS="pacs-admins",
        DVP_OPENID_RESEARCHERS="research",
        STREAMLIT_SECRETS_FILES=str(secrets),
    )
    site = Site(app.url, f"http://127.0.0.1:{port}", Settings(data_dir=app.data_dir, archive="folder"))
    secrets.write_text(SECRETS.format(url=site.url, secret=COOKIE_SECRET, provider=site.provider))
    with site.services() as services:
        accounts.add_user(services, "local admin", Role.ADMIN, PASSWORD)
    people = [argument for person in PEOPLE for argument in ("--user-claims", json.dumps(person))]
    with _running(folder / "provider.out", site.provider, "-m", "oidc_provider_mock", "--port", str(port), *people):
        app.start()
        yield site
        app.stop()


@contextmanager
def _running(log: Path, address: str, *command: str) -> Iterator[None]:
    """A Python program that answers at an address; its words are shown where it does not."""
    with log.open("wb") as out:
        program = subprocess.Popen([sys.executable, *command], stdout=out, stderr=out)
    try:
        until = time.monotonic() + START_SECONDS
        while not _answers(address):
            if program.poll() is not None or time.monotonic() > until:
                pytest.fail(f"{command} did not start:\n{log.read_text('utf-8', 'replace')}")
            time.sleep(0.1)
        yield
    finally:
        program.terminate()
        program.wait(30)


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=1):
            return True
    except (URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person whose browser reaches this machine only; the provider would have its looks from elsewhere."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.route("**/*", _only_here)
        yield context


def _only_here(route: Route) -> None:
    here = urlsplit(route.request.url).hostname == "127.0.0.1"
    route.continue_() if here else route.abort()


def come_as(context: BrowserContext, site: Site, who: str, wanted: str = "/") -> Page:
    """From a page that was asked for through the form and the provider, as far as it goes."""
    page = context.new_page()
    page.goto(site.url + wanted)
    page.get_by_role("link", name="Sign in with clinic").click()
    page.get_by_role("button", name=who).click()
    return page


def expect_the_pages_of(page: Page, title: str) -> None:
    expect(page.get_by_text(title).first).to_be_visible(timeout=PATIENCE_MS)


def cookies(context: BrowserContext) -> dict[str, str]:
    return {str(one.get("name")): str(one.get("value")) for one in context.cookies()}


def test_an_admin_comes_back_to_the_page_that_was_asked_for(site: Site, context: BrowserContext) -> None:
    page = come_as(context, site, "anna", "/hospital_config?x=1")
    page.wait_for_url(f"{site.url}/hospital_config?x=1", timeout=PATIENCE_MS)
    expect_the_pages_of(page, "anna · admin")
    kept = cookies(context)
    assert SESSION_COOKIE in kept
    assert not [name for name in kept if name.startswith(LEFT_BEHIND)]


def test_a_researcher_is_shown_no_page_of_an_admin(site: Site, context: BrowserContext) -> None:
    page = come_as(context, site, "rosa", "/hospital_config")
    expect_the_pages_of(page, "rosa · researcher")
    expect(page.get_by_text("not for the role").or_(page.get_by_text("Page not found"))).to_be_visible()
    assert not page.get_by_text("Scan Directory").is_visible()


def test_a_large_identity_is_put_together_and_forgotten_again(site: Site, context: BrowserContext) -> None:
    expect_the_pages_of(come_as(context, site, "maxi"), "maxi · researcher")
    assert not [name for name in cookies(context) if name.startswith(LEFT_BEHIND)]


def test_who_has_no_role_is_told_so_and_noted(site: Site, context: BrowserContext) -> None:
    page = come_as(context, site, "nemo")
    expect(page.get_by_role("alert")).to_contain_text("nemo is known there, but may not come in here")
    assert SESSION_COOKIE not in cookies(context)
    with site.services() as services:
        newest = audit.newest(services.journal, 1)[0]
        assert (newest["who"], newest["action"]) == ("nemo", "sign in failed")
        assert "nemo" not in [user.name for user in accounts.all_users(services)]


def test_who_says_no_at_the_provider_can_try_again(site: Site, context: BrowserContext) -> None:
    page = come_as(context, site, "Deny")
    expect(page.get_by_role("alert")).to_contain_text("has not said who you are")
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("link", name="Sign in with clinic")).to_be_visible()


def test_signing_out_ends_the_session_and_the_provider_is_asked_again(site: Site, context: BrowserContext) -> None:
    page = come_as(context, site, "anna")
    expect_the_pages_of(page, "anna · admin")
    before = cookies(context)[SESSION_COOKIE]
    page.goto(f"{site.url}/logout")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in with clinic")).to_be_visible()
    context.add_cookies([{"name": SESSION_COOKIE, "value": before, "url": site.url}])
    page.goto(site.url)
    expect(page.get_by_role("link", name="Sign in with clinic")).to_be_visible()


def test_a_tab_whose_session_has_ended_signs_in_again_where_it_stands(site: Site, context: BrowserContext) -> None:
    """The button there is Streamlit's own ``st.login``."""
    page = come_as(context, site, "anna")
    expect_the_pages_of(page, "anna · admin")
    with site.services() as services:
        accounts.sign_out_everywhere(services, "anna")
    page.get_by_role("link", name="Hospital Config").or_(page.get_by_role("tab", name="Hospital Config")).click()
    again = page.get_by_role("button", name="Sign in with clinic")
    expect(again).to_be_visible(timeout=PATIENCE_MS)
    again.click()
    page.get_by_role("button", name="anna").click()
    expect_the_pages_of(page, "anna · admin")


def test_a_user_who_is_disabled_here_stays_out(site: Site, context: BrowserContext) -> None:
    expect_the_pages_of(come_as(context, site, "rosa"), "rosa · researcher")
    with site.services() as services:
        accounts.set_disabled(services, "rosa", True)
    try:
        context.clear_cookies()
        expect(come_as(context, site, "rosa").get_by_role("alert")).to_contain_text("may not come in here")
    finally:
        with site.services() as services:
            accounts.set_disabled(services, "rosa", False)


def _identity(site: Site, **more: object) -> str:
    """What Streamlit would keep in the browser for 30 days."""
    claims = {"iss": site.provider, "sub": "anna", "iat": int(time.time()), "nonce": "n", "groups": ["pacs-admins"]}
    kept = claims | {"origin": site.url, "is_logged_in": True, "provider": "clinic"} | more
    return create_signed_value(COOKIE_SECRET, "_streamlit_user", json.dumps(kept)).decode()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"iat": int(time.time()) - 3_600}, "too old"),
        ({"origin": "http://127.0.0.1:1"}, "has not said who you are"),
    ],
)
def test_a_copy_of_an_identity_opens_nothing_later_or_elsewhere(
    site: Site, context: BrowserContext, more: dict[str, object], says: str
) -> None:
    context.add_cookies([{"name": "_streamlit_user", "value": _identity(site, **more), "url": site.url}])
    page = context.new_page()
    page.goto(site.url)
    expect(page.get_by_role("alert")).to_contain_text(says)
    assert cookies(context) == {}


def test_a_copy_of_an_identity_opens_nothing_twice(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    kept = _identity(site)
    for says in ("anna · admin", "used already"):
        context.clear_cookies()
        context.add_cookies([{"name": "_streamlit_user", "value": kept, "url": site.url}])
        page.goto(site.url)
        expect(page.get_by_text(says).first).to_be_visible(timeout=PATIENCE_MS)


def test_an_identity_that_nobody_signed_opens_nothing(site: Site, context: BrowserContext) -> None:
    forged = create_signed_value("another secret", "_streamlit_user", json.dumps({"sub": "anna"})).decode()
    context.add_cookies([{"name": "_streamlit_user", "value": forged, "url": site.url}])
    page = context.new_page()
    page.goto(site.url)
    expect(page.get_by_role("alert")).to_contain_text("has not said who you are")
