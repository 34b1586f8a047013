"""An import under ordinary trouble: every file still gets exactly one outcome."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dicomcore.archive.base import Archive
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.errors import ArchiveNotReady, ArchiveUnreachable, Rejected, UsageError
from dicomcore.ingest import worker
from dicomcore.ingest.plan import Action
from dicomcore.ingest.reading import Source
from dicomcore.journal import jobs, outcomes, reports
from dicomcore.journal.database import Journal
from dicomcore.model import ArchiveCounts, FileFact, Outcome, Receipt, Selection, Status
from dicomcore.reports import import_summary, is_trouble, outcome_csv, unread_sentence
from dicomcore.services import Services, read_header
from dicomcore.settings import Settings
from tests.factories import ct, dicomdir, write, write_study


@pytest.fixture
def services(settings: Settings) -> Services:
    return Services(settings)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    write_study(folder)
    return folder


def run(services: Services, folder: Path, selection: Selection | None = None) -> str:
    scan_id = jobs.create_scan(services.journal, folder)
    batch_id = jobs.create_batch(services.journal, scan_id, selection or Selection())
    assert services.work(batch_id)
    return batch_id


def rows(services: Services, batch_id: str) -> dict[str, tuple[str, str]]:
    found = reports.all_outcomes(services.journal, batch_id)
    return {os.fsdecode(row["path"]).replace(os.sep, "/"): (row["outcome"], row["reason"]) for row in found}


def test_one_bad_file_does_not_stop_the_others(services: Services, source: Path) -> None:
    write(source / "bad.dcm", ct(StudyInstanceUID=""))
    write(source / "text.dcm", b"this is a text, whatever its name says\n" * 20)
    write(source / "DICOMDIR", dicomdir())
    found = rows(services, run(services, source))
    assert found["bad.dcm"][0] == Outcome.REJECTED
    assert found["text.dcm"][0] == Outcome.NOT_DICOM
    assert found["DICOMDIR"][0] == Outcome.DICOMDIR
    assert sum(outcome == Outcome.STORED for outcome, _ in found.values()) == 6


def test_a_file_that_changed_since_the_scan_is_not_imported(services: Services, source: Path) -> None:
    scan_id = jobs.create_scan(services.journal, source)
    assert services.work(scan_id)
    (source / "series1" / "image1.dcm").unlink()
    write(source / "series1" / "image2.dcm", ct(series=1, image=2, StudyDescription="another, longer text"))
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    assert services.work(batch_id)
    found = rows(services, batch_id)
    assert found["series1/image1.dcm"][0] == Outcome.VANISHED
    assert found["series1/image2.dcm"][0] == Outcome.VANISHED
    assert "changed since" in found["series1/image2.dcm"][1]
    assert outcomes.counts(services.journal, batch_id) == {"stored": 4, "vanished": 2}


def test_a_file_that_cannot_be_read_is_unreadable_and_the_rest_goes_on(
    services: Services, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_read = Source.read

    def read(source: Source, fact: FileFact) -> tuple[bytes | None, str]:
        if fact.path.endswith(b"image1.dcm"):
            raise PermissionError(13, "Permission denied")
        return really_read(source, fact)

    monkeypatch.setattr(Source, "read", read)
    found = rows(services, run(services, source))
    assert found["series1/image1.dcm"] == (Outcome.UNREADABLE, "It cannot be read: Permission denied.")
    assert sum(outcome == Outcome.STORED for outcome, _ in found.values()) == 4


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


def test_an_archive_that_changes_what_it_stores_is_found_out(services: Services, source: Path, tmp_path: Path) -> None:
    class Changing(FolderArchive):
        def md5(self, archive_id: str) -> str:  # noqa: ARG002
            return "0" * 32

    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    worker.work(services.journal, lambda: Changing(tmp_path / "a", read_header), batch_id, tmp_path / "locks")
    assert outcomes.counts(services.journal, batch_id) == {"conflict": 6}


def test_a_cancelled_import_says_so_and_its_files_stay_pending(services: Services, source: Path) -> None:
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    jobs.cancel(services.journal, batch_id)
    services.work(batch_id)
    assert services.job(batch_id).status is Status.CANCELLED


def test_a_job_nobody_began_is_cancelled_at_once(services: Services, source: Path) -> None:
    scan_id = jobs.create_scan(services.journal, source)
    services.cancel(scan_id)
    assert services.job(scan_id).status is Status.CANCELLED


def test_a_narrowed_import_takes_that_part_only(services: Services, source: Path) -> None:
    batch_id = run(services, source, Selection(folders=(b"series2",)))
    assert set(rows(services, batch_id)) == {f"series2/image{n}.dcm" for n in (1, 2, 3)}
    assert services.archive.counts().instances == 3


def test_the_plan_before_tells_what_happens_after(services: Services, source: Path) -> None:
    run(services, source, Selection(folders=(b"series1",)))
    write(source / "z" / "copy.dcm", ct(series=2, image=1))
    write(source / "z" / "other.dcm", ct(series=2, image=2, SeriesDescription="other bytes"))
    scan_id = jobs.create_scan(services.journal, source)
    services.work(scan_id)
    plan = services.plan(scan_id)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    services.work(batch_id)
    expected = {Action.NEW: 3, Action.ALREADY_STORED: 3, Action.DUPLICATE: 1, Action.CONFLICT: 1}
    assert dict(plan.files) == expected
    assert outcomes.counts(services.journal, batch_id) == {
        "stored": 3,
        "already stored": 3,
        "duplicate": 1,
        "conflict": 1,
    }


def test_files_without_uids_are_expected_to_be_rejected_and_are(services: Services, tmp_path: Path) -> None:
    for number, missing in enumerate(["StudyInstanceUID", "SeriesInstanceUID", "SeriesInstanceUID"]):
        write(tmp_path / "lack" / f"{number}.dcm", ct(SeriesDescription=str(number), **{missing: None}))
    scan_id = jobs.create_scan(services.journal, tmp_path / "lack")
    services.work(scan_id)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    services.work(batch_id)
    assert dict(services.plan(scan_id).files) == {Action.REJECTED: 3}
    assert outcomes.counts(services.journal, batch_id) == {"rejected": 3}


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


def test_links_are_imported_when_they_are_followed(services: Services, source: Path, tmp_path: Path) -> None:
    farm = tmp_path / "farm"
    farm.mkdir()
    (farm / "link.dcm").symlink_to(source / "series1" / "image1.dcm")
    scan_id = jobs.create_scan(services.journal, farm, follow_links=True)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    services.work(batch_id)
    assert outcomes.counts(services.journal, batch_id) == {"stored": 1}


def test_large_files_are_streamed(services: Services, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomcore.ingest.reading.WHOLE_BODY", 100)
    seen: list[bytes | None] = []
    store: Callable[..., Receipt] = FolderArchive.store

    def spy(archive: FolderArchive, path: Path, body: bytes | None) -> Receipt:
        seen.append(body)
        return store(archive, path, body)

    monkeypatch.setattr(FolderArchive, "store", spy)
    batch_id = run(services, source)
    assert seen == [None] * 6
    assert outcomes.counts(services.journal, batch_id) == {"stored": 6}


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


def imported(services: Services, archive: Archive, scan_id: str, locks: Path) -> dict[str, int]:
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    worker.work(services.journal, lambda: archive, batch_id, locks)
    return outcomes.counts(services.journal, batch_id)


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


def test_a_pipe_or_a_link_in_place_of_a_file_is_not_followed(services: Services, source: Path, tmp_path: Path) -> None:
    scan_id = jobs.create_scan(services.journal, source)
    services.work(scan_id)
    secret = write(tmp_path / "secret.dcm", ct(image=99))
    for name in ("image1.dcm", "image2.dcm"):
        (source / "series1" / name).unlink()
    os.mkfifo(source / "series1" / "image1.dcm")
    (source / "series1" / "image2.dcm").symlink_to(secret)
    assert imported(services, services.archive, scan_id, tmp_path / "locks") == {"stored": 4, "vanished": 2}


def test_odd_times_and_inodes_are_kept(services: Services, source: Path) -> None:
    os.utime(source / "series1" / "image1.dcm", ns=(0, 2**63 + 5))
    assert outcomes.counts(services.journal, run(services, source)) == {"stored": 6}


def test_a_narrowing_that_fits_nothing_is_an_error_and_not_a_success(services: Services, source: Path) -> None:
    job = services.job(run(services, source, Selection(folders=(b"no such folder",))))
    assert job.status is Status.FAILED
    assert "Nothing in this folder fits" in job.message


def test_a_modality_that_no_file_has_is_named_with_those_that_there_are(services: Services, source: Path) -> None:
    write(source / "us.dcm", ct(series=9, Modality="US"))
    job = services.job(run(services, source, Selection(modalities=("MR",))))
    assert job.status is Status.FAILED
    assert job.message == "No file has modality MR; there are: CT, US."


def test_a_refused_file_that_vanishes_stops_nothing(services: Services, source: Path) -> None:
    class Vanishing(FolderArchive):
        def store(self, path: Path, body: bytes | None) -> Receipt:
            if path.name == "image1.dcm":
                path.unlink()
                raise Rejected("no")
            return super().store(path, body)

    locks = services.settings.data_dir / "locks"
    archive = Vanishing(services.settings.data_dir / "v", read_header)
    found = imported(services, archive, jobs.create_scan(services.journal, source), locks)
    assert found == {"stored": 4, "vanished": 2}


def test_a_disk_that_is_full_leaves_no_draft(services: Services, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    batch_id = run(services, source)
    job = services.job(batch_id)
    assert job.status is Status.PAUSED
    assert "No room left" in job.message
    assert job.message.endswith("Then press Resume.")
    assert not list((services.settings.data_dir / "archive").glob("draft-*"))
    monkeypatch.undo()
    jobs.take_up(services.journal, batch_id)
    assert services.work(batch_id)
    assert outcomes.counts(services.journal, batch_id) == {"stored": 6}


def test_a_folder_that_cannot_be_read_is_named_and_nothing_is_called_accounted_for(
    services: Services, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def closed(path: bytes) -> object:
        if os.fsencode(path).endswith(b"series1"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("dicomcore.scan.walk.os.scandir", closed)
    batch_id = run(services, source)
    summary = import_summary(services, batch_id)
    assert (summary["found"], summary["outcomes"], summary["unread_places"]) == (3, {"stored": 3}, 1)
    assert is_trouble(summary)
    assert "1 folder could not be read" in unread_sentence(summary["unread_places"])
    assert any("series1,skipped,a folder that cannot be read" in line for line in outcome_csv(services, batch_id))


def test_followed_links_do_not_lead_out_of_the_allowed_folders(source: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write_study(outside, study=8)
    (source / "door").symlink_to(outside)
    (source / "window.dcm").symlink_to(outside / "series1" / "image1.dcm")
    (source / "inside").symlink_to(source / "series1" / "image1.dcm")
    services = Services(
        Settings(data_dir=tmp_path / "d", log_dir=tmp_path / "l", archive="folder", scan_roots=(source,))
    )
    scan_id = services.start_scan(str(source), follow_links=True)
    services._workers[scan_id].wait(60)
    assert services.job(scan_id).counts == {"DICOM": 7}
    reasons = {row["path"]: row["reason"] for row in reports.skipped(services.journal, scan_id)}
    assert set(reasons) == {b"door", b"window.dcm"}
    (source / "series1").rename(tmp_path / "away")
    (source / "series1").symlink_to(tmp_path / "away")
    batch_id = services.start_import(scan_id)
    services._workers[batch_id].wait(60)
    assert dict(services.job(batch_id).counts) == {"stored": 3, "vanished": 4}


def test_the_data_folder_is_for_its_owner_only(services: Services) -> None:
    if os.name != "nt":
        assert services.settings.data_dir.stat().st_mode & 0o077 == 0
        assert services.settings.log_dir.stat().st_mode & 0o077 == 0


def test_a_fault_of_ours_is_logged_without_its_message(
    services: Services, source: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = "Canary^Carla"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(name)

    monkeypatch.setattr("dicomcore.ingest.pipeline.compare", broken)
    batch_id = run(services, source)
    assert services.job(batch_id).status is Status.FAILED
    assert "RuntimeError" in caplog.text
    assert "Canary" not in caplog.text


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
