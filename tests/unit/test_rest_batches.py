"""REST: imports and verifications, what became of every file; pause, resume, cancel, retry."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from dicomcore.settings import Settings
from tests.factories import ct, write, write_study
from tests.one_process import OneProcess, imported, with_one_bad_file
from tests.unit.test_rest_hospital_config import AtWork, client_of, told


@pytest.fixture
def client(services: OneProcess) -> TestClient:
    return client_of(services)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file that is good, one that is refused and may be tried again, one that a spreadsheet would run."""
    place = tmp_path / "dicom"
    with_one_bad_file(place)
    write(place / "=1+1.txt", b"hello")
    return place


@pytest.fixture
def batch_id(services: OneProcess, folder: Path) -> str:
    return imported(services, folder)


def rows(answer: Any) -> list[dict[str, str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_all_imports_and_verifications_newest_first_in_pages(
    services: OneProcess, client: TestClient, folder: Path
) -> None:
    made = [imported(services, folder) for _ in range(3)]
    page = told(client.get("/api/batches?per_page=2"))
    assert (page["total"], page["page"], page["pages"]) == (3, 1, 2)
    last = told(client.get(page["next"]))
    assert [batch["batch_id"] for batch in page["batches"] + last["batches"]] == made[::-1]
    assert last["next"] is None


@pytest.mark.usefixtures("batch_id")
def test_they_are_searched_as_on_the_page(client: TestClient, folder: Path) -> None:
    told(client.post("/api/verify", json={"directory": str(folder)}), 202)
    assert [found["kind"] for found in told(client.get("/api/batches?words=verification"))["batches"]] == ["verify"]
    assert told(client.get("/api/batches?words=nothing+is+called+so"))["batches"] == []
    assert told(client.get("/api/batches?last=2001-01-01"))["total"] == 0
    assert told(client.get("/api/batches?trouble=true&first=2001-01-01"))["total"] == 2


def test_one_batch_as_it_stands(client: TestClient, batch_id: str, folder: Path) -> None:
    batch = told(client.get(f"/api/batches/{batch_id}"))["batch"]
    assert (batch["kind"], batch["status"], batch["folder"]) == ("import", "finished", str(folder))
    assert (batch["found"], batch["to_look_at"], batch["progress"]) == (3, 1, 100)
    assert sum(batch["outcomes"].values()) == batch["found"]


def test_every_file_with_what_became_of_it(client: TestClient, batch_id: str, folder: Path) -> None:
    page = told(client.get(f"/api/batches/{batch_id}/files?limit=2"))
    files = page["files"] + told(client.get(page["next"]))["files"]
    assert {file["name"]: file["outcome"] for file in files} == {
        "good.dcm": "stored",
        "bad.dcm": "rejected",
        "=1+1.txt": "not DICOM",
    }
    (refused,) = told(client.get(f"/api/batches/{batch_id}/files?outcome=rejected"))["files"]
    assert refused["path"] == str(folder / "bad.dcm")
    assert refused["reason"]


def test_one_may_go_on_with_a_page_of_one_outcome(services: OneProcess, client: TestClient, tmp_path: Path) -> None:
    write_study(tmp_path / "cd")
    page = told(client.get(f"/api/batches/{imported(services, tmp_path / 'cd')}/files?outcome=stored&limit=4"))
    assert "outcome=stored" in page["next"]
    assert len(told(client.get(page["next"]))["files"]) == 2


def test_the_report_adds_up_and_says_what_to_do(client: TestClient, batch_id: str) -> None:
    report = told(client.get(f"/api/batches/{batch_id}/report"))
    assert report["sentence"] == "3 files found = 1 stored + 1 rejected + 1 not DICOM. Unaccounted for: 0."
    (failure,) = report["failures"]
    assert (failure["files"], failure["example"]) == (1, "bad.dcm")
    assert failure["remedy"]
    assert [reason["outcome"] for reason in report["reasons"]] == ["not DICOM"]


def test_the_report_as_csv_has_every_file_and_no_formula(client: TestClient, batch_id: str) -> None:
    answer = client.get(f"/api/batches/{batch_id}/report?format=csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{batch_id}.csv"'
    assert {row["path"]: row["outcome"] for row in rows(answer)} == {
        "'=1+1.txt": "not DICOM",
        "bad.dcm": "rejected",
        "good.dcm": "stored",
    }


def test_the_csv_of_a_batch_that_is_not_there_is_a_problem(client: TestClient) -> None:
    told(client.get("/api/batches/IMPORT_nope/report?format=csv"), 404)


@pytest.mark.usefixtures("batch_id")
def test_a_folder_is_verified(client: TestClient, folder: Path) -> None:
    begun = told(client.post("/api/verify", json={"directory": str(folder)}), 202)
    found = told(client.get(begun["next"]))
    assert (found["batch"]["kind"], found["missing"], found["extra"]) == ("verify", 1, 0)
    assert "1 DICOM file of this folder is missing" in found["verdict"]
    (missing,) = told(client.get(f"{begun['next']}/report"))["missing"]
    assert missing["path"] == "bad.dcm"
    answer = client.get(f"{begun['next']}/report?format=csv")
    assert [row["outcome"] for row in rows(answer) if row["path"] == "good.dcm"] == ["already stored"]


def test_a_verification_names_what_only_the_archive_has(
    services: OneProcess, client: TestClient, tmp_path: Path
) -> None:
    write(tmp_path / "cd" / "1.dcm", ct(image=1))
    more = write(tmp_path / "cd" / "2.dcm", ct(image=2))
    imported(services, tmp_path / "cd")
    more.unlink()
    begun = told(client.post("/api/verify", json={"directory": str(tmp_path / "cd")}), 202)
    found = told(client.get(begun["next"]))
    assert (found["missing"], found["extra"]) == (0, 1)
    assert len(told(client.get(f"{begun['next']}/report"))["extra"]) == 1


def test_what_failed_is_tried_again(client: TestClient, batch_id: str) -> None:
    found = told(client.post(f"/api/batches/{batch_id}/retry"))
    assert (found["files"], found["batch"]["status"]) == (1, "finished")


@pytest.mark.parametrize("action", ["pause", "cancel", "resume"])
def test_what_is_over_cannot_be_stopped_or_gone_on_with(client: TestClient, batch_id: str, action: str) -> None:
    assert batch_id in told(client.post(f"/api/batches/{batch_id}/{action}"), 400)["detail"]


@pytest.mark.parametrize("action", ["pause", "cancel", "resume", "retry"])
def test_there_is_nothing_to_do_to_an_unknown_batch(client: TestClient, action: str) -> None:
    told(client.post(f"/api/batches/IMPORT_nope/{action}"), 404)


def test_pause_resume_and_cancel(settings: Settings, folder: Path) -> None:
    services = AtWork(settings)
    client = client_of(services)
    batch_id = services.import_folder(str(folder), free=True)

    def after(action: str) -> str:
        return str(told(client.post(f"/api/batches/{batch_id}/{action}"))["batch"]["status"])

    assert after("pause") == "paused"
    told(client.post(f"/api/batches/{batch_id}/pause"), 400)
    assert after("resume") == "queued"
    assert after("cancel") == "cancelled"
    told(client.post(f"/api/batches/{batch_id}/cancel"), 400)
    services.close()


def test_a_scan_may_be_stopped_but_has_no_outcomes(settings: Settings, folder: Path) -> None:
    services = AtWork(settings)
    client = client_of(services)
    scan_id = services.start_scan(str(folder))
    assert told(client.get(f"/api/batches/{scan_id}"))["batch"]["kind"] == "scan"
    for more in ("files", "report", "report?format=csv"):
        assert "scan-directory" in told(client.get(f"/api/batches/{scan_id}/{more}"), 400)["detail"]
    assert told(client.post(f"/api/batches/{scan_id}/cancel"))["batch"]["status"] == "cancelled"
    services.close()
