"""Names and secrets stay where they belong: in no log, in no error that a caller gets, and no secret in plain text."""

from __future__ import annotations

import signal
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from dicomcore import accounts, logs, signing_in
from dicomcore.api import login
from dicomcore.api.app import make_api
from dicomcore.api.forms import FORM_COOKIE
from dicomcore.api.guard import Guard
from dicomcore.errors import ArchiveError
from dicomcore.journal import jobs
from dicomcore.model import Selection
from dicomcore.services import Services
from dicomcore.settings import load, save, saved_file
from dicomcore.visitor import SESSION_COOKIE
from tests.factories import ct, write

PICTURES = Path(__file__).resolve().parents[2] / "pages" / "widgets"
HERE = "http://127.0.0.1:8501"
PATIENCE_SECONDS = 60

#: Spelt so that each is found whatever surrounds it.
NAME, ID = "Kanarienvogel", "KNR7788"
PASSWORD, WRONG = "plain words of KNRpassword", "other words of KNRpassword"
ORTHANC = "KNRorthancpassword"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """As the app has it: its settings are in the settings file, and it writes app.log."""
    plain = load(data_dir=tmp_path / "data", log_dir=tmp_path / "logs")
    settings = save(
        plain, archive="folder", orthanc_url="http://127.0.0.1:9", orthanc_user="pacs", orthanc_password=ORTHANC
    )
    with logs.kept_in(settings.log_dir / "app.log"), closing(Services(settings)) as services:
        yield services


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Good, doubled, in conflict, refused and damaged files; the patient is in the names of files and folders too."""
    folder = tmp_path / "source" / f"{NAME}, Anna"
    patient: dict[str, object] = {"patient": ID, "PatientName": f"{NAME}^Anna", "StudyDescription": f"{NAME} knee"}
    whole = write(folder / f"{NAME}1.dcm", ct(**patient))
    write(folder / f"{NAME}2.dcm", ct(**patient))
    write(folder / f"{NAME}3.dcm", ct(**patient | {"StationName": ID}))
    write(folder / f"{NAME}4.dcm", ct(image=2, **patient, StudyInstanceUID=None))
    write(folder / f"{NAME}5.dcm", whole.read_bytes()[:700])
    write(folder / f"{NAME}.txt", NAME.encode())
    return folder


@pytest.fixture
def browser(services: Services) -> TestClient:
    """The guard, the forms and the API, without the pages."""
    app = Starlette(
        routes=[*login.routes(lambda: services, PICTURES), Mount("/api", make_api(lambda: services))],
        middleware=[Middleware(Guard, engine=lambda: services)],
    )
    return TestClient(app, HERE, follow_redirects=False, raise_server_exceptions=False)


def fill_in(browser: TestClient, path: str, **fields: str) -> Response:
    browser.get(path)
    return browser.post(path.partition("?")[0], data={"key": browser.cookies[FORM_COOKIE], **fields})


def wait_for(services: Services, job_id: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not services.job(job_id).status.over:
        assert time.monotonic() < until
        services.tend(job_id)
        time.sleep(0.05)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def expect_none_of(words: set[str], files: list[Path]) -> None:
    assert files
    found = {(file.name, word) for file in files for word in words if word.encode() in file.read_bytes()}
    assert found == set()


def test_secrets_and_names_stay_where_they_belong(services: Services, browser: TestClient, folder: Path) -> None:
    first = signing_in.first_link(services)
    fill_in(browser, f"/first-admin?token={first}", token=first, name="Ada", password=PASSWORD, again=PASSWORD)
    sessions = {browser.cookies[SESSION_COOKIE]}
    assert fill_in(browser, "/logout").status_code == 303
    assert fill_in(browser, "/login", name="Ada", password=WRONG).status_code == 401
    assert fill_in(browser, "/login", name="Ada", password=PASSWORD).status_code == 303
    sessions.add(browser.cookies[SESSION_COOKIE])
    token = accounts.create_token(services, "Ada", "test", accounts.Scope.FULL, 1)

    _scan_and_import(services, folder)
    _crash_a_worker(services, folder)
    _reach_for_orthanc(services)
    answers = _errors(browser, token)

    secrets = {PASSWORD, WRONG, token, first, *sessions}
    for answer in answers:
        assert answer.status_code >= 400, answer.url
        assert not [word for word in {NAME, ID, ORTHANC} | secrets if word in answer.text], answer.text
    expect_none_of({NAME, ID, ORTHANC} | secrets, files_below(services.settings.log_dir))
    kept = saved_file(services.settings.data_dir)
    expect_none_of(secrets, files_below(services.settings.data_dir))
    expect_none_of({ORTHANC}, [file for file in files_below(services.settings.data_dir) if file != kept])
    assert ORTHANC in kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def _scan_and_import(services: Services, folder: Path) -> None:
    for job_id in (services.start_scan(str(folder)), services.import_folder(str(folder))):
        wait_for(services, job_id)
    services.refresh()
    assert {"stored", "duplicate", "conflict", "rejected"} <= services.job(job_id).counts.keys()


def _crash_a_worker(services: Services, folder: Path) -> None:
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, folder), Selection())
    services.start_worker(batch_id)
    process = services._workers[batch_id]
    process.send_signal(signal.SIGABRT)
    assert process.wait(PATIENCE_SECONDS) != 0
    wait_for(services, batch_id)


def _reach_for_orthanc(services: Services) -> None:
    """Nobody answers there, and the password is in no word of it."""
    with closing(Services(services.settings.model_copy(update={"archive": "orthanc"}))) as other:
        with pytest.raises(ArchiveError) as caught:
            other.refresh()
        assert ORTHANC not in str(caught.value)


def _errors(browser: TestClient, token: str) -> list[Response]:
    """Every kind of error, with the canaries in what was sent."""
    known = {"Authorization": f"Bearer {token}"}
    browser.cookies.clear()
    scan = "/api/hospital-config/scan-directory"
    return [
        browser.get("/api/users/me", headers={"Authorization": f"Bearer {token[:-1]}"}),
        browser.get("/api/users/me", headers={"Authorization": f"Basic {PASSWORD}"}),
        browser.get(f"/api/patients/{ID}", headers=known),
        browser.get(f"/api/nothing/{NAME}", headers=known),
        browser.get(f"/api/batches/IMPORT_X?password={PASSWORD}", headers=known),
        browser.get(f"/api/patients?per_page={NAME}", headers=known),
        browser.post(scan, headers=known, json={"directory": {"name": NAME}, "password": PASSWORD}),
        browser.post(scan, headers=known, json=[NAME, PASSWORD]),
        browser.post(scan, headers=known, content=f'{{"directory": "{NAME}'),
        browser.post(scan, headers=known, json={"directory": f"\0{NAME}"}),
        browser.post(scan, headers=known, content=f'{{"directory": "\\ud800{NAME}"}}'),
        browser.put(scan, headers=known, json={NAME: PASSWORD}),
        browser.post("/api/sync", headers={"Authorization": f"Bearer dvp_{PASSWORD}"}),
        fill_in(browser, "/login", name="Ada\0", password=WRONG),
        browser.post("/login", data={"name": NAME, "password": WRONG, "key": WRONG}),
    ]
