"""REST: scan a folder, import it, see how far that is, as programs of the earlier system ask for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount

from dicomcore.api import hospital_config
from dicomcore.api.app import make_api
from dicomcore.journal import jobs
from dicomcore.model import Status
from dicomcore.services import Services
from dicomcore.settings import Settings
from tests.factories import ct, write, write_study
from tests.one_process import OneProcess, with_one_bad_file
from tests.visitors import token_of

SCAN, IMPORT, PROGRESS = (
    f"/api/hospital-config/{name}" for name in ("scan-directory", "import-existing-studies", "import-progress")
)


class AtWork(OneProcess):
    """Its jobs wait for a worker that is about to come."""

    def start_worker(self, job_id: str) -> None:
        pass

    def tend(self, job_id: str) -> None:
        pass


def client_of(services: Services) -> TestClient:
    app = Starlette(routes=[Mount("/api", make_api(lambda: services))])
    return TestClient(app, headers={"Authorization": f"Bearer {token_of(services)}"})


@pytest.fixture
def client(services: OneProcess) -> TestClient:
    return client_of(services)


@pytest.fixture
def at_work(settings: Settings) -> Iterator[AtWork]:
    found = AtWork(settings)
    yield found
    found.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two series of three slices, one file with a bad header, one that is the same as another, and a text."""
    place = tmp_path / "dicom"
    write_study(place)
    with_one_bad_file(place / "more")
    write(place / "read me.txt", b"hello")
    return place


def told(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


# ---- scanning


@pytest.mark.parametrize("suffix", ["", ".php"])
def test_a_folder_is_scanned_as_in_the_earlier_guide(client: TestClient, folder: Path, suffix: str) -> None:
    found = told(client.post(f"{SCAN}{suffix}", json={"directory": f"{folder}/", "recursive": True}))
    assert (found["success"], found["count"], len(found["files"]), found["next"]) == (True, 9, 9, None)
    assert found["total_size"] == sum(file["size"] for file in found["files"])
    assert found["outcomes"] == {"DICOM": 8, "not DICOM": 1}
    assert {group["folder"]: group["files"] for group in found["groups"]} == {
        ".": 1,
        "more": 2,
        "series1": 3,
        "series2": 3,
    }
    assert found["scan_seconds"] >= 0
    text, *_, image = found["files"]
    assert (text["name"], text["kind"], text["modality"]) == ("read me.txt", "not DICOM", None)
    assert (image["path"], image["name"]) == (str(folder / "series2" / "image3.dcm"), "image3.dcm")
    assert (image["kind"], image["modality"], image["patient_name"]) == ("DICOM", "CT", "Muster^Anna")
    assert image["size"] == (folder / "series2" / "image3.dcm").stat().st_size


def test_without_its_sub_folders_only_what_lies_in_the_folder_itself(client: TestClient, folder: Path) -> None:
    found = told(client.post(SCAN, json={"directory": str(folder), "recursive": False}))
    assert [file["name"] for file in found["files"]] == ["read me.txt"]


def test_many_files_come_in_pages_each_once(client: TestClient, folder: Path) -> None:
    page = told(client.post(SCAN, json={"directory": str(folder), "limit": 4}))
    sizes, names = [len(page["files"])], [file["path"] for file in page["files"]]
    while page["next"]:
        assert page["next"].startswith(f"{SCAN}?scan_id=")
        page = told(client.get(page["next"]))
        assert (page["count"], page["groups"]) == (9, [])
        sizes.append(len(page["files"]))
        names += [file["path"] for file in page["files"]]
    assert sizes == [4, 4, 1]
    assert len(set(names)) == 9
    assert names == sorted(names, key=lambda path: (os.path.dirname(path), path))


def test_a_last_page_that_is_full_is_the_last_one(client: TestClient, folder: Path) -> None:
    assert told(client.post(SCAN, json={"directory": str(folder), "limit": 9}))["next"] is None


def test_an_empty_folder_has_no_files(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = told(client.post(SCAN, json={"directory": str(tmp_path / "empty")}))
    assert (found["success"], found["count"], found["files"], found["groups"]) == (True, 0, [], [])


def test_a_name_that_is_no_text_is_shown_all_the_same(client: TestClient, tmp_path: Path) -> None:
    place = tmp_path / "odd"
    place.mkdir()
    (place / os.fsdecode(b"a\xff\n.dcm")).write_bytes(b"x")
    (file,) = told(client.post(SCAN, json={"directory": str(place)}))["files"]
    assert file["name"] == "a\\xff\\n.dcm"


def test_a_scan_that_takes_long_is_told_of_and_can_be_asked_for(
    at_work: AtWork, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hospital_config, "SCAN_SECONDS", 0.05)
    client = client_of(at_work)
    begun = client.post(SCAN, json={"directory": str(folder)})
    found = told(begun, 202)
    assert begun.headers["retry-after"] == "1"
    assert (found["success"], found["status"], found["files"], found["scan_seconds"]) == (True, "queued", [], None)
    assert told(client.get(found["next"]), 202)["next"] == found["next"]
    at_work.work(found["scan_id"])
    assert len(told(client.get(found["next"]))["files"]) == 9


def test_whoever_does_not_wait_is_answered_at_once(at_work: AtWork, folder: Path) -> None:
    told(client_of(at_work).post(SCAN, json={"directory": str(folder), "wait": False}), 202)


def test_a_scan_that_failed_is_no_success_and_says_why(at_work: AtWork, folder: Path) -> None:
    client = client_of(at_work)
    scan_id = told(client.post(SCAN, json={"directory": str(folder), "wait": False}), 202)["scan_id"]
    jobs.finish(at_work.journal, scan_id, Status.FAILED, "The drive is gone.")
    found = told(client.get(f"{SCAN}?scan_id={scan_id}"))
    assert (found["success"], found["status"], found["message"]) == (False, "failed", "The drive is gone.")


def test_a_folder_that_is_not_there_is_a_problem_that_says_what_to_do(client: TestClient, tmp_path: Path) -> None:
    for path in (SCAN, IMPORT, "/api/verify"):
        found = told(client.post(path, json={"directory": str(tmp_path / "nowhere")}), 400)
        assert found["success"] is False
        assert "does not exist" in found["detail"]


def test_the_allowed_folders_hold_and_nothing_is_told_of_others(settings: Settings, tmp_path: Path) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret"
    write(allowed / "a.dcm", ct())
    write(secret / "b.dcm", ct())
    (allowed / "link").symlink_to(secret)
    services = OneProcess(settings.model_copy(update={"scan_roots": (allowed,)}))
    client = client_of(services)
    for path in (SCAN, IMPORT, "/api/verify", f"{SCAN}.php", f"{IMPORT}.php"):
        answers = []
        for outside in (secret, tmp_path / "nothing", allowed / "link", allowed / ".." / "secret", Path("/etc")):
            typed = str(outside)
            answers.append(told(client.post(path, json={"directory": typed}), 400)["detail"].replace(typed, "…"))
        assert len(set(answers)) == 1
    assert told(client.post(SCAN, json={"directory": str(allowed)}))["count"] == 1
    services.close()


# ---- importing


@pytest.mark.parametrize("suffix", ["", ".php"])
def test_a_folder_is_imported_as_in_the_earlier_guide(client: TestClient, folder: Path, suffix: str) -> None:
    begun = told(client.post(f"{IMPORT}{suffix}", json={"directory": str(folder), "auto_backup": True}), 202)
    assert begun["success"] is True
    assert re.fullmatch(r"IMPORT_\d{8}_\d{6}_[0-9a-f]{6}", begun["batch_id"])
    assert (begun["imported"], begun["errors"], begun["total"]) == (7, 1, 9)
    progress = told(client.get(f"{PROGRESS}{suffix}?batch_id={begun['batch_id']}"))
    assert progress["success"] is True
    assert (progress["progress"], progress["current"], progress["total"]) == (100, 9, 9)
    assert (progress["status"], progress["current_file"]) == ("finished", None)
    assert progress["outcomes"] == {"stored": 6, "duplicate": 1, "rejected": 1, "not DICOM": 1}
    assert told(client.get(begun["next"])) == progress


def test_scan_then_import_then_progress(client: TestClient, services: OneProcess, folder: Path) -> None:
    found = told(client.post(SCAN, json={"directory": str(folder)}))
    begun = told(client.post(IMPORT, json={"directory": found["directory"]}), 202)
    progress = told(client.get(begun["next"]))
    assert progress["total"] == found["count"] == sum(progress["outcomes"].values())
    assert services.job(begun["batch_id"]).created_by == "an admin"


def test_whoever_waits_is_told_the_end(client: TestClient, folder: Path) -> None:
    found = told(client.post(IMPORT, json={"directory": str(folder), "wait": True}))
    assert (found["status"], found["imported"], found["errors"]) == ("finished", 7, 1)


def test_waiting_has_an_end(at_work: AtWork, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hospital_config, "IMPORT_SECONDS", 0.05)
    found = told(client_of(at_work).post(IMPORT, json={"directory": str(folder), "wait": True}), 202)
    assert (found["success"], found["status"], found["progress"], found["total"]) == (True, "queued", 0, None)
    assert (found["imported"], found["errors"]) == (0, 0)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_backup_is_written_if_it_is_asked_for(settings: Settings, folder: Path, tmp_path: Path, wanted: bool) -> None:
    services = OneProcess(settings.model_copy(update={"backup_dir": str(tmp_path / "backup")}))
    client = client_of(services)
    begun = told(client.post(IMPORT, json={"directory": str(folder), "auto_backup": wanted}), 202)
    report = told(client.get(f"/api/batches/{begun['batch_id']}/report"))
    assert (report["summary"]["backup"]["studies"] == 1) is wanted
    services.close()


def test_the_progress_of_an_import_that_runs(at_work: AtWork, folder: Path) -> None:
    client = client_of(at_work)
    batch_id = told(client.post(IMPORT, json={"directory": str(folder)}), 202)["batch_id"]
    jobs.update(
        at_work.journal,
        batch_id,
        status="importing",
        total=150,
        done=113,
        files_per_second=20.0,
        current=b"CANARY^NAME/image-00113.dcm",
        counts={"stored": 110, "rejected": 3, "pending": 37},
    )
    found = told(client.get(f"{PROGRESS}?batch_id={batch_id}"))
    assert (found["progress"], found["current"], found["total"], found["status"]) == (75, 113, 150, "importing")
    assert (found["current_file"], found["files_per_s"], found["eta_s"]) == ("image-00113.dcm", 20.0, 1.85)
    assert (found["imported"], found["errors"]) == (110, 3)
    assert sum(found["outcomes"].values()) == found["total"]


def test_it_is_a_hundred_percent_only_at_the_end(at_work: AtWork, folder: Path) -> None:
    client = client_of(at_work)
    batch_id = told(client.post(IMPORT, json={"directory": str(folder)}), 202)["batch_id"]
    jobs.update(at_work.journal, batch_id, status="checking", total=150, done=150)
    assert told(client.get(f"{PROGRESS}?batch_id={batch_id}"))["progress"] == 99


def test_the_current_file_of_a_zip_is_called_as_in_there(at_work: AtWork, folder: Path) -> None:
    client = client_of(at_work)
    batch_id = told(client.post(IMPORT, json={"directory": str(folder)}), 202)["batch_id"]
    jobs.update(at_work.journal, batch_id, status="importing", current=b"cd.zip\0DICOM/IM1")
    assert told(client.get(f"{PROGRESS}?batch_id={batch_id}"))["current_file"] == "IM1"


def test_an_unknown_batch_is_not_found(client: TestClient) -> None:
    found = told(client.get(f"{PROGRESS}.php?batch_id=IMPORT_20251125_143052_abc123"), 404)
    assert (found["success"], found["status"]) == (False, 404)
