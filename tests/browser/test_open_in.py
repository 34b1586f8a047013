"""The way from a study to the pages of a real Orthanc."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from playwright.sync_api import Browser, expect

from dicomcore.archive.local import LocalOrthanc
from tests.browser.conftest import RunningApp
from tests.browser.filled import PATIENCE_MS, Kept, engine_of, ids, opened, window
from tests.factories import ct, write
from tests.one_process import imported
from tests.visitors import session_of


def test_a_study_opens_in_orthancs_own_pages_and_no_viewer_is_offered_that_it_lacks(
    module_orthanc: LocalOrthanc, module_browser: Browser, tmp_path: Path, kept: Kept
) -> None:
    at, app = module_orthanc.ensure(), RunningApp(tmp_path)
    write(tmp_path / "disk" / "1.dcm", ct(StudyDescription="Knee of Monday"))
    archive = {"orthanc_url": at.url, "orthanc_user": at.user, "orthanc_password": at.password}
    with engine_of(app, archive="orthanc", **archive) as services:
        session = session_of(services)
        imported(services, tmp_path / "disk")
        services.refresh()
        study, _ = ids(services)["Knee of Monday"]
    app.start()
    with window(module_browser, app, session) as page:
        opened(page, f"{app.url}/viewer?study={study}")
        page.get_by_role("button", name="Open in").click()
        offered = page.get_by_test_id("stPopoverBody").get_by_role("link")
        expect(offered).to_have_count(1)
        expect(offered).to_contain_text("Orthanc Explorer")
        kept(page, "viewer-open-in")
        address = str(offered.get_attribute("href"))
    signed = {"username": at.user, "password": at.password}
    with closing(module_browser.new_context(http_credentials=signed)) as context:
        explorer = context.new_page()
        explorer.goto(address)
        expect(explorer.locator("#study")).to_contain_text("Knee of Monday", timeout=PATIENCE_MS)
    app.stop()
