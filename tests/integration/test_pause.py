"""Imports that stop and go on: paused by a person, by a full disk, or because another has its turn."""

from __future__ import annotations

import shutil
import threading
from collections import namedtuple
from pathlib import Path

import pytest

from dicomcore.archive.base import Archive
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.errors import ArchiveFull, UsageError
from dicomcore.ingest import stopping, worker
from dicomcore.ingest.turn import turn
from dicomcore.journal import jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.model import Job, Receipt, Selection, Status
from dicomcore.services import Services, read_header
from dicomcore.settings import Settings
from tests.factories import write_study


class Counting(FolderArchive):
    """Knows what it was offered."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, read_header)
        self.offered: list[str] = []

    def store(self, path: Path, body: bytes | None) -> Receipt:
        self.offered.append(str(path))
        return super().store(path, body)


@pytest.fixture
def services(settings: Settings) -> Services:
    return Services(settings)


@pytest.fixture
def archive(tmp_path: Path) -> Counting:
    return Counting(tmp_path / "archive")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_study(tmp_path / "source")
    return tmp_path / "source"


def batch_of(services: Services, folder: Path) -> str:
    return jobs.create_batch(services.journal, jobs.create_scan(services.journal, folder), Selection())


def run(services: Services, archive: Archive, batch_id: str) -> Job:
    assert worker.work(services.journal, lambda: archive, batch_id, services.settings.data_dir / "locks")
    return services.job(batch_id)


def pausing_at(stage: Status, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody presses Pause as soon as a job has reached a stage."""
    wanted = jobs.wanted

    def wanted_now(journal: Journal, job_id: str) -> str:
        if services.job(job_id).status is stage:
            jobs.pause(journal, job_id)
        return wanted(journal, job_id)

    monkeypatch.setattr(jobs, "wanted", wanted_now)


@pytest.mark.parametrize("stage", [Status.SCANNING, Status.COMPARING, Status.IMPORTING, Status.CHECKING])
def test_an_import_paused_at_any_stage_goes_on_and_sends_nothing_twice(
    services: Services, source: Path, archive: Counting, stage: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomcore.ingest.progress.FLUSH_SECONDS", 0)
    batch_id = batch_of(services, source)
    pausing_at(stage, services, monkeypatch)
    paused = run(services, archive, batch_id)
    assert paused.status is Status.PAUSED
    assert "Press Resume" in paused.message
    assert sum(outcomes.counts(services.journal, batch_id).values()) in (0, 6)
    monkeypatch.undo()
    jobs.take_up(services.journal, batch_id)
    assert run(services, archive, batch_id).status is Status.FINISHED
    assert outcomes.counts(services.journal, batch_id) == {"stored": 6}
    assert len(archive.offered) == len(set(archive.offered)) == 6


def test_a_paused_import_is_left_alone_until_somebody_resumes_it(
    services: Services, source: Path, archive: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(services, "start_worker", started.append)
    batch_id = batch_of(services, source)
    services.pause(batch_id)
    assert services.job(batch_id).status is Status.PAUSED
    assert services.start_unfinished() == []
    services.tend(batch_id)
    assert started == []
    with pytest.raises(UsageError, match="nothing to pause"):
        services.pause(batch_id)
    services.resume(batch_id)
    assert started == [batch_id]
    assert run(services, archive, batch_id).status is Status.FINISHED


def test_resume_takes_back_a_pause_that_has_not_come_about_yet(
    services: Services, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "start_worker", lambda _: None)
    batch_id = batch_of(services, source)
    jobs.start(services.journal, batch_id, Status.IMPORTING)
    jobs.pause(services.journal, batch_id)
    services.resume(batch_id)
    assert jobs.wanted(services.journal, batch_id) == "run"
    assert services.job(batch_id).status is Status.IMPORTING


def test_a_paused_import_can_be_cancelled(services: Services, source: Path) -> None:
    batch_id = batch_of(services, source)
    services.pause(batch_id)
    services.cancel(batch_id)
    assert services.job(batch_id).status is Status.CANCELLED


def test_an_archive_without_room_pauses_the_import_with_the_remedy(
    services: Services, source: Path, archive: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Receipt:
        raise ArchiveFull("The archive has no room left. Free some space there.")

    monkeypatch.setattr(archive, "store", full)
    batch_id = batch_of(services, source)
    job = run(services, archive, batch_id)
    assert (job.status, outcomes.counts(services.journal, batch_id)) == (Status.PAUSED, {"pending": 6})
    assert job.message == "The archive has no room left. Free some space there. Then press Resume."


def test_a_job_pauses_while_its_own_disk_still_has_room_to_say_so(
    services: Services, source: Path, archive: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, stopping.LEAST_ROOM - 1))
    batch_id = batch_of(services, source)
    job = run(services, archive, batch_id)
    assert job.status is Status.PAUSED
    assert "Free some space, then press Resume." in job.message
    assert str(services.settings.data_dir) in job.message
    assert archive.offered == []


def test_a_wrong_password_stops_the_import_at_once(services: Services, source: Path, orthanc: LocalOrthanc) -> None:
    right = orthanc.ensure()
    denied = OrthancArchive(lambda: Endpoint(right.url, right.user, "wrong"), "orthanc:denied")
    batch_id = batch_of(services, source)
    job = run(services, denied, batch_id)
    assert job.status is Status.FAILED
    assert "does not accept the user" in job.message
    assert "Check the credentials" in job.message
    assert outcomes.counts(services.journal, batch_id) == {"pending": 6}


def test_of_two_imports_of_one_folder_the_second_waits_and_both_count_exactly(
    services: Services, source: Path, archive: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = batch_of(services, source), batch_of(services, source)
    in_hand, go_on, store = threading.Event(), threading.Event(), archive.store

    def slowly(path: Path, body: bytes | None) -> Receipt:
        in_hand.set()
        assert go_on.wait(30)
        return store(path, body)

    monkeypatch.setattr(archive, "store", slowly)
    workers = [threading.Thread(target=run, args=(services, archive, batch)) for batch in (first, second)]
    workers[0].start()
    assert in_hand.wait(30)
    workers[1].start()
    while not services.job(second).message:
        assert workers[1].is_alive()
    assert services.job(second).message == f"Waiting for {first}, which imports the same folder."
    go_on.set()
    for one in workers:
        one.join(60)
    assert outcomes.counts(services.journal, first) == {"stored": 6}
    assert outcomes.counts(services.journal, second) == {"already stored": 6}
    assert len(archive.offered) == 6


def test_an_import_that_waits_for_its_turn_can_be_cancelled(
    services: Services, source: Path, archive: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = batch_of(services, source)
    other = services.job(batch_of(services, source))
    locks = services.settings.data_dir / "locks"
    locks.mkdir(parents=True)
    monkeypatch.setattr(
        "dicomcore.journal.jobs.wanted", lambda *_: "cancel" if services.job(batch_id).message else "run"
    )
    with turn(services.journal, other, locks, alone=False):
        waiting = threading.Thread(target=run, args=(services, archive, batch_id))
        waiting.start()
        waiting.join(60)
    assert services.job(batch_id).status is Status.CANCELLED


def test_a_worker_started_while_the_last_one_still_ends_gets_the_job(
    services: Services, source: Path, archive: Counting
) -> None:
    batch_id = batch_of(services, source)
    locks = services.settings.data_dir / "locks"
    locks.mkdir(parents=True)
    held, let_go = threading.Event(), threading.Event()

    def end_slowly() -> None:
        with worker._lock(locks, batch_id):
            held.set()
            let_go.wait(0.5)

    last_one = threading.Thread(target=end_slowly)
    last_one.start()
    assert held.wait(10)
    assert run(services, archive, batch_id).status is Status.FINISHED
    last_one.join()
