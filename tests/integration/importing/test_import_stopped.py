"""An import that is cancelled, killed, taken up again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dicomcore.archive.folder import FolderArchive
from dicomcore.errors import Rejected, UsageError
from dicomcore.ingest import worker
from dicomcore.journal import jobs, outcomes
from dicomcore.model import Receipt, Selection, Status
from dicomcore.services import Services, read_header
from tests.factories import write_study
from tests.integration.importing.doing import run


def test_a_retry_takes_the_failed_files_and_only_those(services: Services, source: Path, tmp_path: Path) -> None:
    class Choosy(FolderArchive):
        refuses = True
        offered: list[str] = []  # noqa: RUF012

        def store(self, path: Path, body: bytes | None) -> Receipt:
            self.offered.append(path.name)
            if self.refuses and path.name == "image1.dcm":
                raise Rejected("not today")
            return super().store(path, body)

    choosy = Choosy(tmp_path / "a", read_header)
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    worker.work(services.journal, lambda: choosy, batch_id, tmp_path / "locks")
    assert outcomes.counts(services.journal, batch_id) == {"stored": 4, "rejected": 2}
    choosy.refuses = False
    choosy.offered.clear()
    assert outcomes.reopen_failed(services.journal, batch_id) == 2
    jobs.reopen(services.journal, batch_id)
    worker.work(services.journal, lambda: choosy, batch_id, tmp_path / "locks")
    assert choosy.offered == ["image1.dcm", "image1.dcm"]
    assert outcomes.counts(services.journal, batch_id) == {"stored": 6}


def test_there_is_nothing_to_resume_or_retry_in_a_batch_that_went_well(services: Services, source: Path) -> None:
    batch_id = run(services, source)
    with pytest.raises(UsageError, match="no file that is pending"):
        services.resume(batch_id)
    with pytest.raises(UsageError, match="no file that failed"):
        services.retry(batch_id)


def test_a_scan_that_was_cut_short_is_not_imported(services: Services, source: Path) -> None:
    scan_id = jobs.create_scan(services.journal, source)
    services.cancel(scan_id)
    with pytest.raises(UsageError, match="not scanned to its end"):
        services.start_import(scan_id)


def test_a_cancelled_import_says_so_and_its_files_stay_pending(services: Services, source: Path) -> None:
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    jobs.cancel(services.journal, batch_id)
    services.work(batch_id)
    assert services.job(batch_id).status is Status.CANCELLED


def test_a_job_nobody_began_is_cancelled_at_once(services: Services, source: Path) -> None:
    scan_id = jobs.create_scan(services.journal, source)
    services.cancel(scan_id)
    assert services.job(scan_id).status is Status.CANCELLED


def test_a_worker_process_does_the_job_and_the_page_only_reads(services: Services, source: Path) -> None:
    batch_id = services.import_folder(str(source))
    services._workers[batch_id].wait(60)
    job = services.job(batch_id)
    assert (job.status, job.done, dict(job.counts)) == (Status.FINISHED, 6, {"stored": 6})
    assert replace(job, counts={}).seconds is not None


def test_what_was_interrupted_is_started_again(services: Services, source: Path) -> None:
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    jobs.start(services.journal, batch_id, Status.IMPORTING)
    assert services.start_unfinished() == [batch_id]
    services._workers[batch_id].wait(60)
    assert services.job(batch_id).status is Status.FINISHED


def test_a_cancelled_import_has_written_down_all_that_it_stored(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(tmp_path / "many", series=4, images=30)
    monkeypatch.setattr("dicomcore.ingest.progress.FLUSH_SECONDS", 0)
    store: Callable[..., Receipt] = FolderArchive.store
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, tmp_path / "many"), Selection())

    def cancelling(archive: FolderArchive, path: Path, body: bytes | None) -> Receipt:
        if archive.counts().instances == 20:
            jobs.cancel(services.journal, batch_id)
        return store(archive, path, body)

    monkeypatch.setattr(FolderArchive, "store", cancelling)
    services.work(batch_id)
    job, counts = services.job(batch_id), outcomes.counts(services.journal, batch_id)
    assert job.status is Status.CANCELLED
    assert 20 < counts["stored"] < 120
    assert counts["stored"] == services.archive.counts().instances
    assert sum(counts.values()) == job.total == 120
    assert job.counts == counts


def test_an_import_cancelled_while_scanning_adds_up_too(
    services: Services, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_id = jobs.create_scan(services.journal, source)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    monkeypatch.setattr(
        "dicomcore.journal.jobs.wanted", lambda _, job: "cancel" if services.job(job).done > 0 else "run"
    )
    services.work(batch_id)
    job = services.job(batch_id)
    assert (job.status, job.total, dict(job.counts)) == (Status.CANCELLED, 6, {"pending": 6})
    assert services.job(scan_id).status is Status.CANCELLED


def test_an_import_waits_until_its_scan_is_over(services: Services, source: Path) -> None:
    scan_id = jobs.create_scan(services.journal, source)
    with pytest.raises(UsageError, match="still running"):
        services.start_import(scan_id)


def test_a_batch_that_goes_on_after_a_kill_calls_its_own_files_stored(
    services: Services, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("dicomcore.journal.outcomes.write", killed)  # stored, but nobody lives to write it down
        with pytest.raises(Killed):
            services.work(batch_id)
    assert services.archive.counts().instances > 0
    assert outcomes.counts(services.journal, batch_id) == {"pending": 6}
    services.work(batch_id)
    assert outcomes.counts(services.journal, batch_id) == {"stored": 6}


def test_of_two_imports_only_the_one_that_stored_a_file_says_so(services: Services, source: Path) -> None:
    batches = [
        jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection()) for _ in range(2)
    ]
    threads = [threading.Thread(target=services.work, args=(batch_id,)) for batch_id in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = [outcomes.counts(services.journal, batch_id) for batch_id in batches]
    assert sum(count.get("stored", 0) for count in counts) == 6
    assert all(sum(count.values()) == 6 for count in counts)
