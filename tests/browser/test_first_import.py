"""The first ten minutes of a new user, in a real browser with a real Orthanc."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import RunningApp, Visits, make_first_admin, sign_in
from tests.factories import write, write_study

PATIENCE_MS = 60_000
FIRST_ROW = {"x": 200, "y": 50}
"""A cell in the first row of a table."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two patients' studies and a file that is no DICOM."""
    write_study(tmp_path / "disk" / "one", patient="P1", study=1, series=2, images=15)
    write_study(tmp_path / "disk" / "two", patient="P2", study=2, series=1, images=4)
    write(tmp_path / "disk" / "one" / "readme.txt", b"just words")
    return tmp_path / "disk"


@pytest.mark.usefixtures("orthanc_program")
def test_from_the_first_start_to_pictures_of_slices(running_app: RunningApp, visits: Visits, folder: Path) -> None:
    batch = _scan_and_start(visits, running_app.first_link, folder)
    _come_back_to_a_finished_import(visits, batch)
    _look_at_slices(visits, running_app.url)


def _scan_and_start(visits: Visits, first_link: str, folder: Path) -> str:
    """Returns the address of the import; the browser is closed as soon as that is known."""
    with visits.begin() as context:
        page = context.new_page()
        make_first_admin(page, first_link)
        expect(page.get_by_test_id("stHeading").first).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("button", name="Hospital Config").click()
        expect(page.get_by_text("Orthanc 1.")).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_label("Folder", exact=True).fill(f'"{folder}/"')
        page.get_by_role("button", name="Scan Directory").click()
        expect(_metric(page, "Files found")).to_contain_text("35", timeout=PATIENCE_MS)
        expect(_metric(page, "Not DICOM")).to_contain_text("1")
        expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
        expect(page.get_by_text("34 new")).to_be_visible()
        page.get_by_role("button", name="Start Import").click()
        page.wait_for_url("**/import_studies?batch=IMPORT_*", timeout=PATIENCE_MS)
        return page.url


def _come_back_to_a_finished_import(visits: Visits, batch: str) -> None:
    with visits.begin() as context:
        page = _opened(context.new_page(), batch)
        expect(page.get_by_text("Everything is accounted for")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_text("35 files found = 34 stored + 1 not DICOM. Unaccounted for: 0.")).to_be_visible()
        expect(page.get_by_text("34 files verified by reading back")).to_be_visible()


def _look_at_slices(visits: Visits, app_url: str) -> None:
    with visits.begin() as context:
        page = _opened(context.new_page(), app_url)
        page.get_by_placeholder("Name, id").press_sequentially("p1 anna")
        expect(page.get_by_text("1 patient", exact=True)).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_test_id("stDataFrame").first.click(position=FIRST_ROW)
        slices = page.get_by_test_id("stImageContainer").locator("img")
        expect(slices).to_have_count(24, timeout=PATIENCE_MS)
        expect(slices.last).to_be_visible()
        _expect_drawn(page)


def _expect_drawn(page: Page) -> None:
    """Every picture has arrived and has pixels."""
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=stImageContainer] img')].every(one => one.naturalWidth > 0)",
        timeout=PATIENCE_MS,
    )


def _opened(page: Page, url: str) -> Page:
    page.goto(url)
    sign_in(page, "Ada")
    expect(page.get_by_test_id("stHeading").first).to_be_visible(timeout=PATIENCE_MS)
    return page


def _metric(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label)
