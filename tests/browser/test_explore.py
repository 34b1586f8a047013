"""The page Explore in a real browser: counts and what is behind them, cohorts that are shared and grow, SQL, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dicomcore.visitor import Role
from tests.browser.conftest import RunningApp
from tests.browser.filled import Kept, engine_of, opened, window
from tests.factories import ct, write
from tests.one_process import imported
from tests.visitors import session_of, token_of

FIRST_ROW = {"x": 100, "y": 50}
"""A cell in the first row of a table."""

COMPLETE = """image => image.decode().then(() => image.naturalWidth)"""


@dataclass(frozen=True)
class Hospital:
    """An app that runs, the sessions of two users, and the token of the first."""

    app: RunningApp
    session: str
    other: str
    token: str
    more: Path
    """A folder that has not been imported."""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """Three CT studies of two patients, and one MR study; another CT study waits on the disk."""
    app = RunningApp(tmp_path_factory.mktemp("explore"))
    folder, more = app.data_dir.parent / "disk", app.data_dir.parent / "more"
    for study, (patient, modality, year) in enumerate(
        [("P1", "CT", 2020), ("P1", "CT", 2022), ("P2", "CT", 2024), ("P2", "MR", 2024)], 1
    ):
        whose = {"patient": patient, "PatientName": f"Muster^{patient}", "Modality": modality}
        for image in (1, 2):
            dated = {"StudyDate": f"{year}0318", "BodyPartExamined": "CHEST", "SliceThickness": "2.5"}
            write(folder / f"{study}-{image}.dcm", ct(study=study, image=image, **whose, **dated))
    write(more / "new.dcm", ct(patient="P3", study=9, PatientName="Neu^Nora", StudyDate="20250101"))
    with engine_of(app) as services:
        session, other = session_of(services), session_of(services, Role.RESEARCHER, "Rita")
        token = token_of(services)
        imported(services, folder)
        services.refresh()
    app.start()
    yield Hospital(app, session, other, token, more)
    app.stop()


@pytest.fixture(scope="module")
def page(hospital: Hospital, module_browser: Browser) -> Iterator[Page]:
    with window(module_browser, hospital.app, hospital.session) as page:
        yield page


def _metric(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label).first


def test_each_picture_of_the_overview_has_counts_that_open_their_studies_and_a_way_back(
    page: Page, hospital: Hospital, kept: Kept
) -> None:
    opened(page, f"{hospital.app.url}/explore")
    expect(_metric(page, "Studies")).to_contain_text("4")
    for title in ("Modalities", "Body parts", "Scanners: manufacturer"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    pictures = page.get_by_test_id("stImageContainer").locator("img")
    for at in range(pictures.count()):
        assert pictures.nth(at).evaluate(COMPLETE) > 0
    kept(page, "explore-overview")
    modalities = page.locator("[data-testid=stLayoutWrapper], [data-testid=stVerticalBlock]").filter(
        has=page.get_by_role("heading", name="Modalities", exact=True)
    )
    table = modalities.last.get_by_test_id("stDataFrame")
    expect(table).to_contain_text("CT")
    table.click(position=FIRST_ROW)
    expect(page.get_by_role("button", name=re.compile("modality is CT"))).to_be_visible()
    expect(_metric(page, "Studies")).to_contain_text("3")
    kept(page, "explore-cohort")
    page.get_by_role("radio", name="Overview").or_(page.get_by_role("button", name="Overview")).click()
    expect(page.get_by_role("heading", name="Modalities", exact=True)).to_be_visible()
    expect(_metric(page, "Studies")).to_contain_text("4")


def test_a_cohort_is_built_kept_shared_by_its_address_and_grows_with_an_import(
    page: Page, hospital: Hospital, module_browser: Browser, kept: Kept
) -> None:
    opened(page, f"{hospital.app.url}/explore?view=Cohort")
    page.get_by_label("Value").fill("CT")
    page.get_by_label("Value").press("Enter")
    page.get_by_role("button", name="Add").click()
    expect(_metric(page, "Studies")).to_contain_text("3")
    page.get_by_role("button", name="Save").click()
    page.get_by_label("Name", exact=True).fill("All CT")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Saved cohorts (1)")).to_be_visible()
    with window(module_browser, hospital.app, hospital.other) as another:
        opened(another, page.url)
        expect(_metric(another, "Studies")).to_contain_text("3")
        expect(another.get_by_text("Saved cohorts")).to_have_count(0)
    _import(page, hospital)
    opened(page, page.url)
    expect(_metric(page, "Studies")).to_contain_text("4")
    expect(page.get_by_text("Saved cohorts (1, 1 with new studies)")).to_be_visible()
    page.get_by_text("Show what is new").click()
    expect(page.get_by_test_id("stDataFrame").first).to_contain_text("Neu Nora")
    kept(page, "explore-grown")


def _import(page: Page, hospital: Hospital) -> None:
    asked = {"directory": str(hospital.more), "wait": True}
    signed = {"Authorization": f"Bearer {hospital.token}"}
    place = f"{hospital.app.url}/api"
    answer = page.request.post(f"{place}/hospital-config/import-existing-studies", data=asked, headers=signed)
    assert answer.ok, answer.text()
    assert page.request.post(f"{place}/sync", headers=signed).ok


def test_sql_is_asked_mended_and_remembered(page: Page, hospital: Hospital, kept: Kept) -> None:
    opened(page, f"{hospital.app.url}/explore?view=SQL")
    _ask(page, "SELECT patient_nam FROM patients")
    expect(page.get_by_test_id("stAlert")).to_contain_text("patient_name")
    kept(page, "explore-sql-error")
    _ask(page, "SELECT modality, count(*) AS many FROM series GROUP BY modality ORDER BY modality")
    expect(page.get_by_text(re.compile("^2 rows"))).to_be_visible()
    answer = page.get_by_test_id("stDataFrame").last
    expect(answer).to_contain_text("MR")
    kept(page, "explore-sql")
    opened(page, f"{hospital.app.url}/explore?view=SQL")
    page.get_by_role("combobox", name="Asked before (type to search)").click()
    page.get_by_role("option", name=re.compile("^SELECT modality, count")).click()
    expect(page.get_by_label("SQL", exact=True)).to_have_value(re.compile("GROUP BY modality"))


def _ask(page: Page, sql: str) -> None:
    page.get_by_label("SQL", exact=True).fill(sql)
    page.get_by_role("button", name="Run").click()


@pytest.mark.parametrize("kind", ["CSV", "Parquet", "Excel"])
def test_a_selection_is_taken_away_and_opens(page: Page, hospital: Hospital, kind: str) -> None:
    opened(page, f"{hospital.app.url}/explore?view=Cohort&where=series.modality:is:MR")
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as under_way:
        page.get_by_role("button", name=kind, exact=True).click()
    rows = READ[kind](BytesIO(Path(under_way.value.path()).read_bytes()))
    assert list(rows["patient_id"]) == ["P2"]


READ = {"CSV": pd.read_csv, "Parquet": pd.read_parquet, "Excel": pd.read_excel}
