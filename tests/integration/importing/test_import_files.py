"""Files that are odd, change or vanish while they are imported."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomcore.archive.folder import FolderArchive
from dicomcore.errors import Rejected
from dicomcore.ingest.reading import Source
from dicomcore.journal import jobs, outcomes
from dicomcore.model import FileFact, Outcome, Receipt, Selection, Status
from dicomcore.reports import import_summary, is_trouble, outcome_csv, unread_sentence
from dicomcore.services import Services, read_header
from tests.factories import ct, dicomdir, write
from tests.integration.importing.doing import imported, rows, run


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
