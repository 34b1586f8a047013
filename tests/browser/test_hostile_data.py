"""Whatever files, folders and users are called: on no page does a script run, or a request leave, for it."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Error, Locator, Page
from pydicom import config

from dicomcore import accounts, saved_filters
from dicomcore.archive.ids import orthanc_id
from dicomcore.cache import queries
from dicomcore.exploring import saved as cohorts
from dicomcore.exploring.cohort import Condition
from dicomcore.services import Services
from dicomcore.settings import Settings, save
from dicomcore.verification import start_verify
from dicomcore.visitor import SESSION_COOKIE, Role, Visitor
from dicomcore.watches.folders import add_watch
from tests.browser.conftest import PROJECT, RunningApp, Visits
from tests.factories import ct, dicomdir, write
from tests.unit.test_documents import SR, content
from tests.visitors import PASSWORD, session_of

PATIENCE_SECONDS = 60.0
PATIENCE_MS = 20_000
TRIES, MOST_CLOSED = 4, 60
LONGEST_NAME = 60
"""Of a user."""

#: What any of them would do is noticed: a script sets __hacked, a picture or a link names evil.example, Markdown
#: makes "canary" bold, a formula is drawn by KaTeX, and a smile is seen.
HOSTILE = (
    "<script>window.__hacked=1</script>",
    "<img src=x onerror=window.__hacked=1>",
    '"><svg onload=window.__hacked=1>',
    "</title></textarea><iframe srcdoc='<script>parent.__hacked=1</script>'>",
    "![canary](http://evil.example/a.png)",
    "[canary](http://evil.example/b)",
    "<http://evil.example/c>",
    "http://evil.example/d www.evil.example/e canary@evil.example",
    "[canary](javascript:window.__hacked=1)",
    "**canary** _canary_ `canary` # canary",
    "# canary\n\n- canary\n\n| a | b |\n|---|---|\n| canary | ![](http://evil.example/f) |",
    "$x$ $$\\sum canary$$",
    ":smile: :material/home: :red[canary] :red-badge[canary]",
    '=HYPERLINK("http://evil.example/g","canary")',
    "\u202ecanary\u202d \u2066canary\u2069\u200b",
    "canary\0canary",
    "\x1b[31mcanary\x1b]8;;http://evil.example/h\x07canary",
    "{{canary}} ${canary} {0.__class__} %s %(canary)s",
    "'; DROP TABLE audit; --",
    "canary " * 1_500,
)
FIRST_ROW = {"x": 15, "y": 50}
"""Where a row of a table is chosen."""

LOOK = """() => {
  const all = [], visit = root => root.querySelectorAll('*').forEach(
    one => { all.push(one); if (one.shadowRoot) visit(one.shadowRoot) });
  visit(document);
  const leads = one => ['src', 'href', 'action', 'data', 'srcdoc'].map(name => one.getAttribute(name) || '').join(' ');
  return {
    scripts_run: window.__hacked === undefined ? 0 : 1,
    addresses: all.filter(one => /evil\\.example|javascript:|__hacked/i.test(leads(one))).map(one => one.outerHTML),
    handlers: all.filter(one => one.getAttributeNames().some(name => /^on/i.test(name))).map(one => one.outerHTML),
    formatted: all.filter(one => /^(STRONG|EM|CODE|LI|TD|H[1-6]|A|SPAN)$/.test(one.tagName)
      && one.parentElement?.closest('[data-testid=stMarkdownContainer]')
      && /^\\W*canary\\W*$/.test(one.textContent)).map(one => one.outerHTML),
    formulas: all.filter(one => one.matches('.katex')).map(one => one.outerHTML),
    smiles: /\\u{1F604}/u.test(document.body.innerText) ? 1 : 0,
    blocked: window.__blocked || [],
  };
}"""
NOTHING = {
    "scripts_run": 0,
    "addresses": [],
    "handlers": [],
    "formatted": [],
    "formulas": [],
    "smiles": 0,
    "blocked": [],
}
WATCH = """window.__blocked = [];
document.addEventListener('securitypolicyviolation', event => {
  if (/evil|__hacked/.test(event.blockedURI + event.sample)) window.__blocked.push(event.blockedURI);
});"""


def write_hostile(folder: Path) -> None:
    """Studies that carry the hostile values wherever a value can be, in files and folders of such names."""
    for number, value in enumerate(HOSTILE):
        name = value.replace("/", "\u2215").replace("\0", "")[:60]
        elements: dict[str, Any] = {
            "SpecificCharacterSet": "ISO_IR 192",
            "PatientName": value,
            "PatientID": f"{number} {value}",
            "StudyDescription": value,
            "SeriesDescription": value,
            "AccessionNumber": value,
            "InstitutionName": value,
            "StationName": value,
            "Manufacturer": value,
        }
        with config.disable_value_validation():
            write(folder / name / f"{name} 1.dcm", ct(study=number + 1, **elements))
            write(folder / name / f"{name} 2.dcm", ct(study=number + 1, **{**elements, "PatientSex": "M"}))
            without_ids = ct(study=number + 1, **elements, StudyInstanceUID=None)
            write(folder / name / f"{name} 3.dcm", without_ids)
        write(folder / name / f"{name}.txt", value.encode())
        os.symlink(f"nowhere/{name}", folder / name / f"link {name}")
    _write_one_study_of_hostile_series(folder / "series")
    write(folder / "DICOMDIR", dicomdir())


def _write_one_study_of_hostile_series(folder: Path) -> None:
    """For the viewer, and an earlier study of the same patient for the time axis; a report and a letter with them."""
    whose = {"patient": "hostile", "SpecificCharacterSet": "ISO_IR 192", "PatientName": HOSTILE[1]}
    with config.disable_value_validation():
        for number, value in enumerate(HOSTILE, 1):
            said = {"StudyDescription": HOSTILE[9], "SeriesDescription": value, "InstitutionName": value}
            write(folder / f"{number}.dcm", ct(study=100, series=number, **whose, **said))
        earlier = {"StudyDescription": HOSTILE[2], "StudyDate": "20200101", "Modality": HOSTILE[1][:16]}
        write(folder / "earlier.dcm", ct(study=101, **whose, **earlier))
        written = [content("TEXT", value[:64], TextValue=value) for value in HOSTILE]
        report = {"SOPClassUID": SR, "Modality": "SR", "PixelData": None, "ContentSequence": written}
        write(folder / "report.dcm", ct(study=102, **whose, **report))


@dataclass(frozen=True)
class Hospital:
    """An app that runs, an admin's session, and the addresses of all that can be seen."""

    url: str
    session: str
    views: list[str]
    seen: list[str]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """Studies, conflicts, failures, users, tokens and watched folders, all with such names."""
    app = RunningApp(tmp_path_factory.mktemp("hostile"))
    settings = Settings(data_dir=app.data_dir, log_dir=app.data_dir.parent / "logs")
    settings = save(settings, archive="folder", backup_dir=str(app.data_dir.parent / "backup"))
    folder = app.data_dir.parent / ("disk " + HOSTILE[1])
    write_hostile(folder)
    with closing(Services(settings)) as services:
        session = session_of(services)
        _hire(services)
        _keep(services)
        add_watch(services, str(folder), quiet_seconds=3_600, by=HOSTILE[4])
        views, seen = _views(services, folder), _seen(services)
    app.start()
    yield Hospital(app.url, session, views, seen)
    app.stop()


def _hire(services: Services) -> None:
    for value in HOSTILE:
        if value.isprintable() and len(value) <= LONGEST_NAME:
            accounts.add_user(services, value, Role.RESEARCHER, PASSWORD, project=value)
            accounts.create_token(services, value, value, accounts.Scope.READ, 1)


def _keep(services: Services) -> None:
    """Cohorts and searches under such names."""
    admin = Visitor(f"an {Role.ADMIN}", Role.ADMIN)
    for value in (value for value in HOSTILE if value.isprintable() and len(value) <= LONGEST_NAME):
        cohorts.save(services, admin, value, (Condition("series.modality", "is", value),))
        saved_filters.save(services, admin, value, {"q": value})


def _studies(services: Services) -> Iterable[tuple[str, str]]:
    found = queries.whole_table(services.cache, "studies")
    return zip(found["id"], found["study_instance_uid"], strict=True)


def _views(services: Services, folder: Path) -> list[str]:
    """Every page, and what is behind the pages."""
    scan = _done(services, services.start_scan(str(folder)))
    batch = _done(services, services.import_folder(str(folder)))
    proof = _done(services, start_verify(services, str(folder)))
    assert {"stored", "conflict", "rejected", "not DICOM"} <= services.job(batch).counts.keys()
    services.refresh()
    pages = {page.stem for page in (PROJECT / "pages").glob("*.py")} - {"main", "patients"}
    patients = queries.search_patients(services.cache).rows["id"].head(2)
    return [
        "",  # Patients
        *sorted(pages),
        *(f"?patient={patient}" for patient in patients),
        f"hospital_config?scan={scan}",
        f"import_studies?batch={batch}&outcome=rejected",
        f"import_studies?batch={proof}",
        "import_studies?view=history",
    ]


def _seen(services: Services) -> list[str]:
    """The views of studies: on the time axis, in the viewer, as a cohort, by SQL."""
    studies = {study.rpartition(".")[2]: archive_id for archive_id, study in _studies(services)}
    return [
        f"?q=hostile&patient={orthanc_id('hostile')}",
        f"viewer?study={studies['100']}",
        f"viewer?study={studies['102']}",
        *(f"explore?view={view}" for view in ("Cohort", "SQL")),
        f"explore?view=Cohort&where={quote(f'study.study_description:is:{HOSTILE[1]}')}",
    ]


def _done(services: Services, job_id: str) -> str:
    until = time.monotonic() + PATIENCE_SECONDS
    while not services.job(job_id).status.at_rest:
        assert time.monotonic() < until
        time.sleep(0.1)
    return job_id


#: What somebody may be sent in a link.
FROM_ADDRESSES = [
    ("", "patient", HOSTILE[0]),
    ("", "words", HOSTILE[4]),
    ("import_studies", "batch", HOSTILE[5]),
    ("hospital_config", "scan", HOSTILE[4]),
    ("users", "user", HOSTILE[8]),
    ("", "q", HOSTILE[2]),
    ("", "after", HOSTILE[1]),
    ("viewer", "study", HOSTILE[1]),
    ("explore", "where", f"study.study_description:is:{HOSTILE[2]}"),
    ("explore", "where", HOSTILE[9]),
    ("explore", "view", HOSTILE[5]),
]


def test_no_page_does_what_a_name_says(hospital: Hospital, visits: Visits) -> None:
    with _watched_page(hospital, visits) as page:
        for view in hospital.views:
            _look_at(page, hospital, view)


def test_nor_does_any_view_of_a_study(hospital: Hospital, visits: Visits) -> None:
    with _watched_page(hospital, visits) as page:
        for view in hospital.seen:
            _look_at(page, hospital, view)


def test_nor_does_an_address(hospital: Hospital, visits: Visits) -> None:
    with _watched_page(hospital, visits) as page:
        for place, key, value in FROM_ADDRESSES:
            page.goto(f"{hospital.url}/{place}?{key}={quote(value)}")
            _rest(page)
            _expect_nothing(page, place)


def test_nor_does_an_answer_to_sql(hospital: Hospital, visits: Visits) -> None:
    with _watched_page(hospital, visits) as page:
        page.goto(f"{hospital.url}/explore?view=SQL")
        for sql in (
            "SELECT patient_name, study_description, studies.* FROM studies",
            f'SELECT study_description AS "{HOSTILE[1]}", 1 AS "{HOSTILE[9]}" FROM studies',
            f'SELECT "{HOSTILE[9]} {HOSTILE[1]}" FROM studies',  # its error says the name again
        ):
            page.get_by_label("SQL", exact=True).fill(sql)
            page.get_by_role("button", name="Run").click()
            _rest(page)
            _expect_nothing(page, sql)
            look_behind_everything(page)
            _expect_nothing(page, sql)


def test_nor_does_a_spreadsheet_that_opens_what_was_taken_away(hospital: Hospital, visits: Visits) -> None:
    with _watched_page(hospital, visits) as page:
        for name in ("explore/studies.csv", "patients.csv"):
            answer = page.request.get(f"{hospital.url}/api/{name}")
            cells = [cell for row in csv.reader(StringIO(answer.text().lstrip("\ufeff"))) for cell in row]
            assert any("HYPERLINK" in cell for cell in cells)
            assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []


def test_nor_with_the_names_of_a_hospitals_disk(corpus: Path, tmp_path: Path, visits: Visits) -> None:
    app = RunningApp(tmp_path)
    settings = Settings(data_dir=app.data_dir, log_dir=app.data_dir.parent / "logs")
    with closing(Services(save(settings, archive="folder"))) as services:
        session = session_of(services)
        batch = _done(services, services.import_folder(str(corpus)))
        services.refresh()
        scan = services.job(batch).scan_id
        patients = queries.search_patients(services.cache, per_page=200).rows["id"][::40]
    app.start()
    disk = Hospital(app.url, session, [], [])
    with _watched_page(disk, visits) as page:
        for view in ("", f"hospital_config?scan={scan}", f"import_studies?batch={batch}&outcome=conflict"):
            _look_at(page, disk, view)
        for patient in patients:
            _look_at(page, disk, f"?patient={patient}")
    app.stop()


@contextmanager
def _watched_page(hospital: Hospital, visits: Visits) -> Iterator[Page]:
    """A browser window of the admin that notices whatever should not happen."""
    with visits.begin() as context:
        context.add_cookies([{"name": SESSION_COOKIE, "value": hospital.session, "url": hospital.url}])
        context.add_init_script(WATCH)
        page = context.new_page()
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: [dialogs.append(dialog.message), dialog.dismiss()])
        yield page
        assert dialogs == []


def _look_at(page: Page, hospital: Hospital, view: str) -> None:
    page.goto(f"{hospital.url}/{view}")
    _rest(page)
    _expect_nothing(page, view)
    look_behind_everything(page)
    _expect_nothing(page, view)


@pytest.mark.parametrize(
    ("shown", "noticed"),
    [
        ("<script>window.__hacked=1</script>", "scripts_run"),
        ("<img src=http://evil.example/a>", "addresses"),
        ("<a href='javascript:window.__hacked=1'>canary</a>", "addresses"),
        ("<img src=x onerror=1>", "handlers"),
        ("<div data-testid=stMarkdownContainer><p>a <strong>canary</strong></p></div>", "formatted"),
        ("<span class=katex>x</span>", "formulas"),
        ("<p>\U0001f604</p>", "smiles"),
    ],
)
def test_what_no_page_may_do_would_be_noticed(visits: Visits, shown: str, noticed: str) -> None:
    with visits.begin() as context:
        page = context.new_page()
        page.set_content(shown)
        assert page.evaluate(LOOK)[noticed]
    visits.strays.clear()


def look_behind_everything(page: Page) -> None:
    """Open whatever can be opened, and choose the first row of each table."""
    closed = page.locator("details:not([open]) > summary")
    for _ in range(MOST_CLOSED):
        if not closed.count():
            break
        _click(page, closed.first)
    _rest(page)
    tabs = page.get_by_role("tab")
    for number in range(tabs.count()):
        _click(page, tabs.nth(number))
    tables = page.get_by_test_id("stDataFrame")
    for number in range(tables.count()):
        if tables.nth(number).is_visible():  # a chosen row may have drawn the page anew, with fewer tables
            _click(page, tables.nth(number), position=FIRST_ROW)
            _rest(page)


def _click(page: Page, what: Locator, **how: Any) -> None:
    """A piece of the page that draws itself anew may take away what is just being clicked: then once more.

    What has gone for good, since a chosen row led elsewhere, is looked at no more.
    """
    for _ in range(TRIES - 1):
        try:
            what.click(timeout=PATIENCE_MS / TRIES, **how)
            return
        except Error:
            _rest(page)
            if not what.count():
                return
    what.click(timeout=PATIENCE_MS, **how)


def _rest(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(150)


def _expect_nothing(page: Page, view: str) -> None:
    assert page.evaluate(LOOK) == NOTHING, view
