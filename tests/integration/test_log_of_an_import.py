"""What the logs say of an import in which everything goes wrong: enough to find out, and nothing about a patient."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomcore import logs
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.errors import ArchiveUnreachable, UnknownBatch
from dicomcore.ingest import worker
from dicomcore.journal import audit, jobs
from dicomcore.model import Receipt, Selection
from dicomcore.services import Services, read_header
from dicomcore.settings import Settings
from tests.factories import ct, element, encoded, file_of, write

CANARY = "canary"
PATIENT: dict[str, object] = {"patient": "Canary77", "PatientName": "Canary^Anna^", "StudyDescription": "Canary knee"}
PATIENCE_SECONDS = 60


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    services = Services(settings)
    with logs.kept_in(settings.log_dir / "app.log"):
        yield services
        services.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Good, doubled, in conflict, refused, damaged, not DICOM; the canary is in every name and in every file."""
    folder = tmp_path / "source" / "Canary, Anna 1970"
    whole = encoded(ct(image=2, **PATIENT))
    write(folder / "canary1.dcm", ct(image=1, **PATIENT))
    write(folder / "canary1 copy.dcm", ct(image=1, **PATIENT))
    write(folder / "canary1 other.dcm", ct(image=1, **PATIENT | {"StationName": "Canary"}))
    write(folder / "canary2.dcm", whole)
    write(folder / "canary cut.dcm", whole[: len(whole) // 3])
    write(folder / "canary refused.dcm", ct(image=3, **PATIENT, StudyInstanceUID=None))
    write(folder / "canary odd.dcm", file_of(element(0x10, 0x10, "PN", b"Canary^\xff\xfe"), b"Canary" * 9))
    write(folder / "canary.txt", b"Canary, Anna")
    (folder / "canary link").symlink_to(folder / "canary.txt")
    return folder


def told(services: Services, log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (services.settings.log_dir / log).read_text("utf-8").splitlines()]


def events(services: Services, log: str) -> list[str]:
    return [line["event"] for line in told(services, log)]


def expect_no_canary(services: Services) -> None:
    for file in services.settings.log_dir.iterdir():
        assert CANARY not in file.read_text("utf-8").lower(), file.name


def wait_for(services: Services, job_id: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not services.job(job_id).status.over:
        assert time.monotonic() < until
        services.tend(job_id)
        time.sleep(0.05)


def test_a_scan_and_an_import_by_worker_processes(services: Services, folder: Path) -> None:
    scan_id = services.start_scan(str(folder))
    batch_id = services.import_folder(str(folder))
    for job_id in (scan_id, batch_id):
        wait_for(services, job_id)
    services.refresh()
    counts = services.job(batch_id).counts
    assert {"stored", "duplicate", "conflict", "rejected", "not DICOM"} <= counts.keys()
    lines = [line for line in told(services, "import.log") if line["job_id"] == batch_id]
    assert [line.get("stage") for line in lines if line["event"] == "stage"] == [
        "scanning",
        "comparing",
        "importing",
        "checking",
    ]
    assert (lines[0]["event"], lines[-1]["event"]) == ("job begins", "job ends")
    assert lines[-1]["counts"] == counts
    assert lines[-1]["status"] == "finished"
    assert "cache in step" in events(services, "app.log")
    expect_no_canary(services)


class Poisoned(FolderArchive):
    """Goes away whenever it is sent a certain file; a broken one fails at every file."""

    broken = False

    def store(self, path: Path, body: bytes | None) -> Receipt:
        if self.broken:
            raise RuntimeError(f"Canary^Anna in {path}")
        if path.name == "canary2.dcm":
            raise ArchiveUnreachable(f"No answer to {path}")
        return super().store(path, body)


def run(services: Services, archive: Archive, folder: Path) -> str:
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, folder), Selection())
    with logs.kept_in(services.settings.log_dir / "import.log"):
        assert worker.work(services.journal, lambda: archive, batch_id, services.settings.data_dir / "locks")
    return batch_id


def test_an_archive_that_goes_away_a_file_put_aside_and_a_second_try(
    services: Services, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomcore.ingest.stopping.FIRST_PAUSE_SECONDS", 0.01)
    batch_id = run(services, Poisoned(tmp_path / "archive", read_header), folder)
    monkeypatch.setattr(services, "start_worker", lambda _: None)
    services.retry(batch_id)
    said = events(services, "import.log")
    assert said.index("waiting for the archive") < said.index("quarantined") < said.index("the archive is back")
    (quarantined,) = [line for line in told(services, "import.log") if line["event"] == "quarantined"]
    assert quarantined["job_id"] == batch_id
    assert quarantined["archive_id"]
    assert "opened again" in events(services, "app.log")
    expect_no_canary(services)


def test_a_fault_of_ours(services: Services, folder: Path, tmp_path: Path) -> None:
    archive = Poisoned(tmp_path / "archive", read_header)
    archive.broken = True
    run(services, archive, folder)
    (fault,) = [line for line in told(services, "import.log") if line["event"] == "a fault of this program"]
    assert fault["error"] == "RuntimeError"
    assert any(place.endswith(" store") for place in fault["places"])
    expect_no_canary(services)


def test_what_cannot_be_undone(services: Services) -> None:
    audit.note(services.journal, "anna", "replace", "IMPORT_1", archive_id="a-b-c")
    (line,) = [line for line in told(services, "app.log") if line["event"] == "audited"]
    assert line["detail"] == {"archive_id": "a-b-c"}


def test_a_worker_that_dies_is_told_with_its_exit_code(services: Services, folder: Path) -> None:
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, folder), Selection())
    services.start_worker(batch_id)
    process = services._workers[batch_id]
    process.kill()
    process.wait()
    services.tend(batch_id)
    wait_for(services, batch_id)
    (line,) = [line for line in told(services, "app.log") if line["event"] == "a worker died"]
    assert (line["job_id"], line["exit_code"]) == (batch_id, process.returncode)
    expect_no_canary(services)


def test_a_worker_that_cannot_do_its_job_says_so(services: Services) -> None:
    services.start_worker("IMPORT_OF_NOTHING")
    assert services._workers.pop("IMPORT_OF_NOTHING").wait(PATIENCE_SECONDS) == UnknownBatch.exit_code
    (line,) = told(services, "import.log")
    assert (line["event"], line["job_id"], line["error"]) == ("the worker ended", "IMPORT_OF_NOTHING", "UnknownBatch")
