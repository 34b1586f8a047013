"""Who comes in, and who does not: the real app in a real browser."""

from __future__ import annotations

import re
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from dicomcore import accounts
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import SESSION_COOKIE
from tests.browser.conftest import PROJECT, RunningApp, Visits, make_first_admin, sign_in

PATIENCE_MS = 30_000
PAGES = sorted(file.stem for file in (PROJECT / "pages").glob("*.py") if file.stem not in ("main", "__init__"))
FOR_RESEARCHERS = {"patients", "viewer", "explore", "account"}
"""Whatever is not named here is for admins."""


def _shows_a_page(page: Page) -> None:
    expect(page.get_by_test_id("stHeading").first).to_be_visible(timeout=PATIENCE_MS)


def _is_asked_to_sign_in(page: Page) -> None:
    page.wait_for_url(re.compile("/login"), timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_link_of_the_terminal_makes_the_first_admin_and_a_restart_keeps_the_session(
    running_app: RunningApp, visits: Visits
) -> None:
    with visits.begin() as context:
        page = context.new_page()
        page.goto(running_app.url)
        expect(page.get_by_text("Open the link that the terminal printed")).to_be_visible()
        link, file = running_app.first_link, running_app.data_dir / "first-admin-link"
        assert file.stat().st_mode & 0o077 == 0
        make_first_admin(page, link)
        _shows_a_page(page)
        expect(page.get_by_role("heading", name="Patients", exact=True)).to_be_visible()
        assert not file.exists()
        cookie = next(cookie for cookie in context.cookies() if cookie["name"] == SESSION_COOKIE)
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
        running_app.stop()
        running_app.start()
        page.goto(f"{running_app.url}/hospital_config")
        _shows_a_page(page)
        assert running_app.said.count("/first-admin?token=") == 1
    with visits.begin() as context:
        page = context.new_page()
        page.goto(link)
        expect(page.get_by_role("alert")).to_contain_text("There is a first admin already")


def test_a_stranger_is_led_to_the_form_and_back_and_signing_out_ends_every_tab(
    running_app: RunningApp, people: dict[str, str], visits: Visits
) -> None:
    with visits.begin() as context:
        assert _how_pages_run(running_app) == 403
        page, wanted = context.new_page(), f"{running_app.url}/?q=somebody"
        page.goto(wanted)
        _is_asked_to_sign_in(page)
        page.get_by_label("User name").fill(people["admin"])
        page.get_by_label("Password").fill("not the password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("Wrong user name or password.")
        sign_in(page, people["admin"])
        _shows_a_page(page)
        assert page.url == wanted
        second = context.new_page()
        second.goto(f"{running_app.url}/import_studies")
        _shows_a_page(second)
        page.get_by_role("button", name=f"{people['admin']} · admin").click()
        page.get_by_text("Sign out").click()
        _is_asked_to_sign_in(page)
        second.get_by_role("link", name="Hospital Config").click()
        _is_asked_to_sign_in(second)


def _how_pages_run(app: RunningApp) -> int:
    """The answer to a stranger who opens the websocket without the form: a page runs for whoever gets a 101."""
    wanted = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    host = urlsplit(app.url)
    with closing(HTTPConnection(str(host.hostname), host.port, timeout=30)) as asked:
        asked.request("GET", "/_stcore/stream", headers=wanted | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        return asked.getresponse().status


def test_every_page_for_strangers_researchers_and_admins(
    running_app: RunningApp, people: dict[str, str], visits: Visits
) -> None:
    with visits.begin() as context:
        page = context.new_page()
        for name in PAGES:
            page.goto(f"{running_app.url}/{_path(name)}")
            _is_asked_to_sign_in(page)
    _expect_pages(running_app, visits, people["researcher"], FOR_RESEARCHERS)
    _expect_pages(running_app, visits, people["admin"], set(PAGES))


def _expect_pages(app: RunningApp, visits: Visits, name: str, allowed: set[str]) -> None:
    """These pages, and no others, open for this user; nobody's pages break the rules of the browser."""
    complaints: list[str] = []
    with visits.begin() as context:
        page = context.new_page()
        page.on("console", lambda told: complaints.append(told.text) if "Security Policy" in told.text else None)
        page.goto(app.url)
        sign_in(page, name)
        _shows_a_page(page)
        for one in PAGES:
            page.goto(f"{app.url}/{_path(one)}")
            refused = page.get_by_text("This page is not for")
            expect(page.get_by_test_id("stHeading").or_(refused).first).to_be_visible(timeout=PATIENCE_MS)
            expect(refused).to_have_count(0 if one in allowed else 1)
    assert complaints == []


def _path(name: str) -> str:
    """The first page has no path of its own."""
    return "" if name == "patients" else name


def test_a_tab_whose_session_ended_while_it_was_cut_off_leads_to_the_form(
    running_app: RunningApp, people: dict[str, str], visits: Visits
) -> None:
    """Its websocket is refused from now on: no page can tell it."""
    with visits.begin() as context:
        page = context.new_page()
        page.goto(f"{running_app.url}/explore")
        with page.expect_request_finished(lambda asked: asked.url.endswith("/login/still.js"), timeout=PATIENCE_MS):
            sign_in(page, people["researcher"])
        _shows_a_page(page)
        running_app.stop()
        with closing(Services(Settings(data_dir=running_app.data_dir, archive="folder"))) as services:
            accounts.sign_out_everywhere(services, people["researcher"])
        running_app.start()
        page.wait_for_url(re.compile(r"/login\?next=%2Fexplore"), timeout=PATIENCE_MS)
        expect(page.get_by_role("status")).to_contain_text("Your session is over.")
