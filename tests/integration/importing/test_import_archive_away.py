"""An archive that is away, comes back, or changes what it stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomcore.archive.base import Archive
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.errors import ArchiveNotReady, ArchiveUnreachable
from dicomcore.ingest import worker
from dicomcore.journal import jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.model import ArchiveCounts, Receipt, Selection, Status
from dicomcore.services import Services, read_header
from tests.factories import ct, write
from tests.integration.importing.doing import imported, run


def test_an_archive_that_is_away_fails_the_batch_and_leaves_the_files_pending(
    services: Services, source: Path, tmp_path: Path
) -> None:
    nobody = OrthancArchive(lambda: Endpoint("http://127.0.0.1:9"), "nobody")
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    worker.work(services.journal, lambda: nobody, batch_id, tmp_path / "locks")
    job = services.job(batch_id)
    assert job.status is Status.FAILED
    assert "does not answer" in job.message
    assert outcomes.counts(services.journal, batch_id) == {"pending": 6}


class Dying(FolderArchive):
    """Goes away after some files, and comes back when it is asked often enough."""

    left = 3
    back_after = 10**9

    def store(self, path: Path, body: bytes | None) -> Receipt:
        self.left -= 1
        self.answer()
        return super().store(path, body)

    def counts(self) -> ArchiveCounts:
        self.answer()
        return super().counts()

    def answer(self) -> None:
        if self.left < 0:
            self.back_after -= 1
            if self.back_after > 0:
                raise ArchiveUnreachable("gone")


def test_an_archive_that_stays_away_fails_the_batch_and_resume_goes_on(
    services: Services, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomcore.ingest.stopping.PATIENCE_SECONDS", 0)
    dying = Dying(tmp_path / "a", read_header)
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    worker.work(services.journal, lambda: dying, batch_id, tmp_path / "locks")
    assert services.job(batch_id).status is Status.FAILED
    assert outcomes.counts(services.journal, batch_id) == {"stored": 3, "pending": 3}
    dying.left = 99
    assert dying.counts().instances == 3
    jobs.reopen(services.journal, batch_id)
    worker.work(services.journal, lambda: dying, batch_id, tmp_path / "locks")
    assert outcomes.counts(services.journal, batch_id) == {"stored": 6}


def test_an_archive_that_comes_back_is_waited_for(
    services: Services, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomcore.ingest.stopping.FIRST_PAUSE_SECONDS", 0.01)
    told: list[str] = []
    update = jobs.update

    def listening(journal: Journal, job_id: str, **columns: object) -> None:
        told.append(str(columns.get("message", "")))
        update(journal, job_id, **columns)

    monkeypatch.setattr(jobs, "update", listening)
    dying = Dying(tmp_path / "a", read_header)
    dying.back_after = 12
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    worker.work(services.journal, lambda: dying, batch_id, tmp_path / "locks")
    assert (services.job(batch_id).status, services.job(batch_id).message) == (Status.FINISHED, "")
    assert outcomes.counts(services.journal, batch_id) == {"stored": 6}
    assert any(message.startswith("Waiting for the archive since") for message in told)


class Nervous(FolderArchive):
    """Loses its connection at the third file, and then is busy a few times whenever a file comes alone."""

    calls = 0

    def store(self, path: Path, body: bytes | None) -> Receipt:
        self.calls += 1
        if self.calls == 3:
            raise ArchiveUnreachable("the connection broke")
        if self.calls in (7, 8, 9, 10):
            raise ArchiveNotReady("busy")
        return super().store(path, body)


def test_a_file_is_not_put_aside_because_the_archive_was_busy(
    services: Services, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomcore.ingest.stopping.FIRST_PAUSE_SECONDS", 0.01)
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    nervous = Nervous(tmp_path / "a", read_header)
    worker.work(services.journal, lambda: nervous, batch_id, tmp_path / "locks")
    assert nervous.calls > 10
    assert outcomes.counts(services.journal, batch_id) == {"stored": 6}


def test_a_batch_that_waits_for_the_archive_can_be_cancelled(
    services: Services, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    monkeypatch.setattr(
        "dicomcore.journal.jobs.wanted", lambda *_: "cancel" if "Waiting" in services.job(batch_id).message else "run"
    )
    worker.work(services.journal, lambda: Dying(tmp_path / "a", read_header), batch_id, tmp_path / "locks")
    assert services.job(batch_id).status is Status.CANCELLED


def test_an_archive_that_changes_what_it_stores_is_found_out(services: Services, source: Path, tmp_path: Path) -> None:
    class Changing(FolderArchive):
        def md5(self, archive_id: str) -> str:  # noqa: ARG002
            return "0" * 32

    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    worker.work(services.journal, lambda: Changing(tmp_path / "a", read_header), batch_id, tmp_path / "locks")
    assert outcomes.counts(services.journal, batch_id) == {"conflict": 6}


def test_a_scan_while_the_archive_is_away_still_shows_the_files(
    services: Services, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = OrthancArchive(lambda: Endpoint("http://127.0.0.1:9"), "nobody")
    monkeypatch.setattr(services, "_archive", nobody)
    scan_id = jobs.create_scan(services.journal, source)
    services.work(scan_id)
    assert services.job(scan_id).status is Status.FINISHED
    assert services.job(scan_id).counts == {"DICOM": 6}
    assert "does not answer" in services.compare_problem(scan_id)


def test_what_one_archive_has_says_nothing_of_another(services: Services, source: Path, tmp_path: Path) -> None:
    first, second = (FolderArchive(tmp_path / name, read_header) for name in ("a", "b"))
    imported(services, first, jobs.create_scan(services.journal, source), tmp_path / "locks")
    other = write(tmp_path / "other.dcm", ct(series=1, image=1, SeriesDescription="other bytes"))
    second.store(other, None)
    scan_id = jobs.create_scan(services.journal, source)
    worker.work(services.journal, lambda: first, scan_id, tmp_path / "locks")
    assert imported(services, second, scan_id, tmp_path / "locks") == {"stored": 5, "conflict": 1}


def test_bytes_that_the_archive_has_lost_are_sent_again(services: Services, source: Path) -> None:
    run(services, source)
    for file in (services.settings.data_dir / "archive").rglob("*.dcm"):
        file.unlink()
    assert outcomes.counts(services.journal, run(services, source)) == {"stored": 6}
    assert len(list((services.settings.data_dir / "archive").rglob("*.dcm"))) == 6


def test_an_archive_that_cannot_be_opened_fails_the_job_with_the_remedy(
    services: Services, source: Path, tmp_path: Path
) -> None:
    def closed() -> Archive:
        raise ArchiveUnreachable("It cannot be opened. Mend it.")

    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    worker.work(services.journal, closed, batch_id, tmp_path / "locks")
    assert (services.job(batch_id).status, services.job(batch_id).message) == (
        Status.FAILED,
        "It cannot be opened. Mend it.",
    )
