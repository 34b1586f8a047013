"""A real browser, and the app as a person starts it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from dicomcore import accounts
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Role
from tests.browser.slices import PATIENCE_MS, stage
from tests.visitors import PASSWORD

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class RunningApp:
    """The app as a person starts it, on a data folder of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.data_dir, self._log = folder / "data", folder / "app.out"
        own = {"DVP_DATA_DIR": str(self.data_dir), "DVP_LOG_DIR": str(folder / "logs")}
        self._environment = {**os.environ, **own, **environment}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self, program: str = "app.py") -> None:
        """Comes back when it answers; its log is shown if it does not."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", program, "--server.port", str(self._port)],
                cwd=PROJECT,
                env=self._environment,
                stdout=out,
                stderr=out,
            )
        _wait_for(f"{self.url}/_stcore/health", self._process, self._log)

    def stop(self) -> None:
        """Comes back when it is over."""
        self._process.terminate()
        self._process.wait(30)

    @property
    def said(self) -> str:
        """What the terminal shows."""
        return self._log.read_text("utf-8", "replace")

    @property
    def first_link(self) -> str:
        """The link on the terminal that makes the first admin, at our address."""
        token = self.said.rpartition("/first-admin?token=")[2].split()[0]
        return f"{self.url}/first-admin?token={token}"


@pytest.fixture
def running_app(tmp_path: Path) -> Iterator[RunningApp]:
    """The app at its very first start."""
    app = RunningApp(tmp_path)
    app.start()
    yield app
    app.stop()


@pytest.fixture
def app_url(running_app: RunningApp) -> str:
    """Where the app is, at its very first start; nobody can sign in yet."""
    return running_app.url


@pytest.fixture
def people(running_app: RunningApp) -> dict[str, str]:
    """Makes a user for each role, as an admin does on the command line: role -> name. The password: ``PASSWORD``."""
    made = {role.value: f"Ms {role.value.title()}" for role in Role}
    with contextlib.closing(Services(Settings(data_dir=running_app.data_dir, archive="folder"))) as services:
        for role, name in made.items():
            accounts.add_user(services, name, Role(role), PASSWORD)
    return made


def sign_in(page: Page, name: str) -> None:
    """Fill in the form that the page shows."""
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def make_first_admin(page: Page, link: str, name: str = "Ada") -> None:
    """Follow the link of the terminal and fill in its form."""
    page.goto(link)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Create the first admin").click()


def _wait_for(url: str, app: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and app.poll() is None:
        try:
            with urlopen(url, timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"the app did not start:\n{log.read_text('utf-8', 'replace')}")


@pytest.fixture(scope="module")
def module_browser(chromium: Path) -> Iterator[Browser]:
    """A headless Chromium. One at a time: a second one beside it would be refused."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def browser(module_browser: Browser) -> Browser:
    """The same for one test: what it leaves behind lies in windows of its own."""
    return module_browser


class Visits:
    """Browser windows that reach this machine only; what they asked of others is in ``strays``."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.strays: list[str] = []

    def begin(self) -> BrowserContext:
        """A new person at the screen: nothing is remembered."""
        context = self._browser.new_context(viewport={"width": 1280, "height": 900})
        context.route("**/*", self._only_here)
        return context

    def _only_here(self, route: Route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            self.strays.append(route.request.url)
            route.abort()


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """The test fails when any page asked for anything that is not on this machine."""
    made = Visits(browser)
    yield made
    assert made.strays == []


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a page with nothing but the view is served, with the rules of the real app."""
    app = RunningApp(tmp_path_factory.mktemp("stand_in"), PYTHONPATH=str(PROJECT))
    app.start("tests/browser/slice_stand_in.py")
    yield app.url
    app.stop()


@pytest.fixture(scope="module")
def opened(module_browser: Browser, stand_in: str) -> Iterator[tuple[Page, list[str]]]:
    """The page in one window for all tests, and what went wrong in it: errors, and breaches of the browser's rules."""
    complaints: list[str] = []
    with contextlib.closing(module_browser.new_context(viewport={"width": 1280, "height": 900})) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if "Security Policy" in told.text else None)
        page.goto(stand_in)
        expect(stage(page)).to_be_visible(timeout=PATIENCE_MS)
        yield page, complaints


@pytest.fixture
def page(opened: tuple[Page, list[str]]) -> Iterator[Page]:
    """The first series, as if it were just opened: at its middle image."""
    page, complaints = opened
    stage(page).focus()
    page.keyboard.press("Escape")
    page.get_by_label("Layout").select_option("1×1")
    for series, images in [("colour", "1 of 1"), ("head", "11 of 20")]:  # what is open is opened anew
        page.get_by_label("Series", exact=True).first.select_option(series)
        expect(page.locator(".count").first).to_have_text(images)
    expect(stage(page)).to_have_attribute("aria-label", "Series 4, image 11 of 20")
    yield page
    assert complaints == []


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keeps pictures of a page, light and dark, in the folder of ``--screenshots``; without one it does nothing."""
    folder = request.config.getoption("--screenshots")

    def keep(page: Page, name: str) -> None:
        for scheme in ("light", "dark") if folder else ():
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(1_200)  # Streamlit draws the page anew, and nothing says when it begins to
            page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
            page.screenshot(path=Path(folder) / f"{name}-{scheme}.png")

    return keep
