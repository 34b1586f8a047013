"""The page Patients in a real browser: search, pages of many, saved filters, the time axis, addresses to share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dicomcore.visitor import Role
from tests.browser.conftest import RunningApp
from tests.browser.filled import Kept, at_rest, engine_of, opened, window
from tests.factories import ct, write
from tests.one_process import imported
from tests.visitors import session_of

MANY = 1_000
"""Patients: more than are leafed through by number."""

FIRST_ROW = {"x": 200, "y": 50}
SMALL = dict.fromkeys(["PixelData", "Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient"])


@dataclass(frozen=True)
class Hospital:
    app: RunningApp
    session: str
    other: str
    """The session of another user."""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """Very many patients with one study each, one an hour, and Berta with three."""
    app = RunningApp(tmp_path_factory.mktemp("patients"))
    folder = app.data_dir.parent / "disk"
    for number in range(1, MANY + 1):
        name, day = f"Muster^{number:04}", f"2023{number % 12 + 1:02}{number % 28 + 1:02}"
        write(
            folder / f"{number}.dcm",
            ct(patient=f"P{number:04}", study=number, PatientName=name, StudyDate=day, **SMALL),
        )
    for at, (day, modality) in enumerate([("20190105", "CT"), ("20220610", "MR"), ("20240318", "CT")]):
        whose = {"patient": "B1", "PatientName": "Quelle^Berta", "StudyDate": day, "Modality": modality}
        write(folder / f"b{at}.dcm", ct(study=5_000 + at, StudyDescription=f"Visit {at + 1}", **whose))
    with engine_of(app) as services:
        session, other = session_of(services), session_of(services, Role.RESEARCHER, "Otto")
        imported(services, folder)
        services.refresh()
    app.start()
    yield Hospital(app, session, other)
    app.stop()


@pytest.fixture(scope="module")
def page(hospital: Hospital, module_browser: Browser) -> Iterator[Page]:
    with window(module_browser, hospital.app, hospital.session) as page:
        yield page


def patients(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").first


def _told(page: Page, words: str) -> None:
    expect(page.get_by_text(words, exact=True)).to_be_visible()


def test_pages_of_very_many_are_turned_on_and_back_and_the_address_opens_the_same_page(
    page: Page, hospital: Hospital, module_browser: Browser, kept: Kept
) -> None:
    opened(page, f"{hospital.app.url}/?sort=patient id")
    _told(page, "1 to 25 of 1,001 patients")
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    for reach, first in [("26 to 50", "P0025"), ("51 to 75", "P0050")]:
        page.get_by_role("button", name="Next").click()
        _told(page, f"{reach} of 1,001 patients")
        expect(patients(page)).to_contain_text(first)
    expect(page).to_have_url(re.compile("after="))
    kept(page, "patients-many")
    with window(module_browser, hospital.app, hospital.other) as another:
        opened(another, page.url)
        _told(another, "51 to 75 of 1,001 patients")
        expect(patients(another)).to_contain_text("P0050")
    page.get_by_role("button", name="Previous").click()
    _told(page, "26 to 50 of 1,001 patients")
    page.get_by_role("button", name="Last").click()
    expect(patients(page)).to_contain_text("P0976")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()


def test_a_search_is_kept_under_a_name_and_opened_again(page: Page, hospital: Hospital, kept: Kept) -> None:
    opened(page, hospital.app.url)
    search = page.get_by_placeholder(re.compile("^Name, id"))
    search.fill("muster 0007")
    _told(page, "1 patient")
    expect(page).to_have_url(re.compile("q=muster"))
    page.get_by_role("button", name="Saved filters").click()
    page.get_by_label("Name", exact=True).fill("The seventh **x**")
    page.get_by_role("button", name="Save this search").click()
    expect(page.get_by_role("button", name="Saved filters (1)")).to_be_visible()
    opened(page, hospital.app.url)
    _told(page, "1 to 25 of 1,001 patients")
    page.get_by_role("button", name="Saved filters (1)").click()
    kept(page, "patients-saved-filters")
    page.get_by_role("button", name="The seventh **x**").click()
    _told(page, "1 patient")
    expect(patients(page)).to_contain_text("P0007")
    expect(search).to_have_value("muster 0007")


def test_a_mark_on_the_time_axis_opens_its_study_and_its_address_does_for_others_too(
    page: Page, hospital: Hospital, module_browser: Browser, kept: Kept
) -> None:
    opened(page, f"{hospital.app.url}/?q=quelle")
    _told(page, "1 patient")
    patients(page).click(position=FIRST_ROW)
    marks = page.locator(".timeline a")
    expect(marks).to_have_count(3)
    expect(page.locator(".timeline img")).to_be_visible()
    kept(page, "patients-timeline")
    page.get_by_role("link", name=re.compile("2022-06-10.*Visit 2")).click()
    expect(page).to_have_url(re.compile("study="))
    _shows_the_second_visit(page)
    with window(module_browser, hospital.app, hospital.other) as another:
        opened(another, page.url)
        _shows_the_second_visit(another)


def _shows_the_second_visit(page: Page) -> None:
    at_rest(page)
    series = page.get_by_test_id("stDataFrame").nth(2)
    expect(series).to_contain_text("MR")
    expect(page.get_by_placeholder(re.compile("^Name, id"))).to_have_value("quelle")
    expect(page.get_by_role("link", name="Open in viewer")).to_be_visible()
