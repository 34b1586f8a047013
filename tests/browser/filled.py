"""Apps that hold something before they start, and windows that notice what should not happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from playwright.sync_api import Browser, Page, expect

from dicomcore import people
from dicomcore.cache import queries
from dicomcore.services import Services
from dicomcore.settings import Settings, save
from dicomcore.visitor import SESSION_COOKIE, Visitor
from tests.browser.conftest import RunningApp
from tests.one_process import OneProcess

PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)

Kept = Callable[[Page, str], None]
"""Takes a picture of the page, if any are wanted: see the fixture ``kept``."""


@contextmanager
def engine_of(app: RunningApp, **kept: str) -> Iterator[OneProcess]:
    """The engine on the data folder of an app that does not run; ``kept``: settings of both."""
    settings = Settings(data_dir=app.data_dir, log_dir=app.data_dir.parent / "logs")
    with closing(OneProcess(save(settings, **{"archive": "folder"} | kept))) as services:
        yield services


@contextmanager
def window(browser: Browser, app: RunningApp, session: str) -> Iterator[Page]:
    """A person who has signed in. At the end: no script failed, none was forbidden, nobody else was asked."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.url)
    context.add_cookies([{"name": SESSION_COOKIE, "value": session, "url": app.url}])
    with closing(context):
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if "Security Policy" in told.text else None)
        page.on("request", lambda one: None if _is_here(one.url, app) else complaints.append(one.url))
        yield page
        assert complaints == []


def _is_here(url: str, app: RunningApp) -> bool:
    return url.startswith((app.url, app.url.replace("http", "ws"), "blob:", "data:"))


def at_rest(page: Page) -> None:
    """The page has been drawn."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def opened(page: Page, url: str) -> None:
    """Go there; comes back when the page has been drawn without an error."""
    page.goto(url)
    expect(page.get_by_test_id("stMainBlockContainer")).to_be_visible()
    at_rest(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def ids(services: Services) -> dict[str, tuple[str, dict[str, str]]]:
    """A study's description -> its id, and the ids of its series by number."""
    studies = queries.whole_table(services.cache, "studies")
    described = zip(studies["id"], studies["study_description"], strict=True)
    return {str(words): (str(study), _numbered(services, study)) for study, words in described}


def _numbered(services: Services, study: str) -> dict[str, str]:
    series = queries.series_of(services.cache, study)
    return dict(zip(map(str, series["number"]), map(str, series["id"]), strict=True))


def places(services: Services, visitor: Visitor) -> dict[str, str]:
    """Modality -> study and series of one such series, as the address of the viewer has them for this visitor."""
    return {
        str(series["modality"]): f"study={study}&series={series['id']}"
        for patient in people.search_patients(services, visitor).rows["id"]
        for study in people.studies_of(services, visitor, patient)["id"]
        for _, series in people.series_of(services, visitor, study).iterrows()
    }
