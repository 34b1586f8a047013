"""A backup of which something fails is never green."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from dicomcore import backups, reports
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.errors import ArchiveUnreachable
from dicomcore.ingest.backup import FAILURES_IN_A_ROW, keep_instance
from dicomcore.journal import backups as rows
from dicomcore.journal import jobs
from dicomcore.model import Status
from dicomcore.services import Services, read_header
from dicomcore.settings import Settings
from tests.factories import ROOT, ct, write, write_study
from tests.unit.backup.rig import Away, Rig, Rotten, backed_up, backup_of, replaced, two_versions, zips


def test_a_target_that_cannot_be_written_is_trouble_but_the_import_is_done(
    rig: Rig, source: Path, tmp_path: Path
) -> None:
    write(tmp_path / "file", b"not a folder")
    services = rig.services(tmp_path / "file")
    batch_id = rig.imported(services, source)
    summary = reports.import_summary(services, batch_id)
    assert summary["status"] == "finished"
    assert summary["outcomes"] == {"stored": 12}
    assert (summary["backup"]["studies"], summary["backup"]["failed"]) == (0, 2)
    assert reports.is_trouble(summary)
    assert "NOT backed up" in backups.sentence(summary["backup"])


@pytest.mark.parametrize("place", ["/nobody/has/mounted/this", "nonsense://x", "s3://bucket/x"])
def test_a_target_that_is_not_there_is_told_with_what_to_do(rig: Rig, source: Path, place: str) -> None:
    services = rig.services(place)
    summary = backup_of(services, rig.imported(services, source))
    assert place in summary["problem"]
    assert backups.is_trouble(summary)


def test_a_target_that_changes_bytes_is_found_out_and_keeps_no_bad_file(rig: Rig, source: Path) -> None:
    services = rig.services("rotten://backup")
    summary = backup_of(services, rig.imported(services, source))
    assert (summary["studies"], summary["failed"]) == (0, 2)
    assert Rotten.store == {}


def test_a_target_that_is_away_is_given_up_with_one_reason(rig: Rig, tmp_path: Path) -> None:
    for number in range(1, FAILURES_IN_A_ROW + 4):
        write(tmp_path / "source" / f"{number}.dcm", ct(patient=f"P{number}", study=number))
    Away.asked = 0
    services = rig.services("away://backup")
    summary = backup_of(services, rig.imported(services, tmp_path / "source"))
    assert Away.asked == FAILURES_IN_A_ROW
    assert summary["failed"] == FAILURES_IN_A_ROW + 3
    assert "Connection refused" in summary["problem"]


def test_one_study_that_fails_does_not_stop_the_others(
    rig: Rig, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = rig.services(tmp_path / "backup")
    full_for_the_first(monkeypatch)
    batch_id = rig.imported(services, source)
    summary = backup_of(services, batch_id)
    assert (summary["studies"], summary["failed"]) == (1, 1)
    assert "no room is left" in summary["problem"]
    table = backups.study_table(services, batch_id)
    assert list(table["problem"] != "") == [True, False]
    assert len(zips(tmp_path / "backup")) == 1


def test_what_failed_is_backed_up_when_asked_again_and_nothing_else(
    rig: Rig, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = rig.services(tmp_path / "backup")
    with monkeypatch.context() as patch:
        full_for_the_first(patch)
        batch_id = rig.imported(services, source)
    before = {place: place.stat().st_mtime_ns for place in zips(tmp_path / "backup")}
    backups.start_backup(services, batch_id)
    services.work(batch_id)
    summary = reports.import_summary(services, batch_id)
    assert summary["status"] == "finished"
    assert not reports.is_trouble(summary)
    assert summary["outcomes"] == {"stored": 12}
    after = {place: place.stat().st_mtime_ns for place in zips(tmp_path / "backup")}
    assert len(after) == 2
    assert before.items() <= after.items()


def test_a_backup_that_is_cancelled_leaves_the_import_done_and_is_not_green(
    rig: Rig, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = rig.services(tmp_path / "backup")
    after_the_first_study(monkeypatch, lambda batch_id: jobs.cancel(services.journal, batch_id))
    batch_id = rig.imported(services, source)
    summary = reports.import_summary(services, batch_id)
    assert summary["status"] == "finished"
    assert summary["backup"]["studies"] == 1
    assert "cancelled" in summary["backup"]["problem"]
    assert reports.is_trouble(summary)


def test_a_backup_that_is_paused_goes_on_where_it_was(
    rig: Rig, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = rig.services(tmp_path / "backup")
    with monkeypatch.context() as patch:
        after_the_first_study(patch, lambda batch_id: jobs.pause(services.journal, batch_id))
        batch_id = rig.imported(services, source)
    assert services.job(batch_id).status is Status.PAUSED
    assert backups.is_trouble(backup_of(services, batch_id))
    services.resume(batch_id)
    services.work(batch_id)
    assert services.job(batch_id).status is Status.FINISHED
    assert backup_of(services, batch_id)["studies"] == 2
    assert not reports.is_trouble(reports.import_summary(services, batch_id))


def test_a_kill_before_the_rename_leaves_no_file_under_the_final_name(tmp_path: Path) -> None:
    write(tmp_path / "one.dcm", ct())
    program = """
import os, signal, sys
from pathlib import Path
from fsspec.implementations.local import LocalFileSystem
from dicomcore.archive.folder import FolderArchive
from dicomcore.ingest.backup import keep_instance
from dicomcore.services import read_header
here = Path(sys.argv[1])
archive = FolderArchive(here / "archive", read_header)
receipt = archive.store(here / "one.dcm", (here / "one.dcm").read_bytes())
LocalFileSystem.mv = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
keep_instance(str(here / "backup"), archive, receipt.archive_id, "kept")
"""
    killed = subprocess.run([sys.executable, "-c", program, tmp_path], cwd=Path(__file__).parents[3], check=False)
    assert killed.returncode != 0
    backup = tmp_path / "backup"
    assert not list(backup.rglob("*.dcm"))
    (left,) = (backup / ".drafts").iterdir()
    archive = FolderArchive(tmp_path / "archive", read_header)
    (archive_id,) = archive.instances()
    assert Path(keep_instance(str(backup), archive, archive_id, "kept")).read_bytes() == archive.read(archive_id)
    assert not left.exists()


def test_a_password_in_the_url_is_never_shown(rig: Rig, source: Path) -> None:
    services = rig.services("sftp://me:verysecret@127.0.0.1:1/x")
    batch_id = rig.imported(services, source)
    assert "verysecret" not in json.dumps(reports.import_summary(services, batch_id)) + backups.shown_folder(services)


def test_half_a_path_is_refused() -> None:
    with pytest.raises(ValueError, match="whole path"):
        Settings(backup_dir="backups")


def test_a_backup_is_not_green_where_the_archive_has_lost_a_study_of_the_batch(
    rig: Rig, source: Path, tmp_path: Path
) -> None:
    batch_id = rig.imported(rig.services(), source)
    services = rig.services(tmp_path / "backup")
    lose(services.archive, 1)
    summary = backed_up(services, batch_id)
    assert (summary["studies"], summary["failed"]) == (1, 0)
    assert "does not have 6 instances" in summary["problem"]
    assert reports.is_trouble(reports.import_summary(services, batch_id))
    assert "6 instances" in jobs.alarm(services.journal, batch_id)


def test_a_backup_is_not_green_where_the_archive_has_lost_one_instance_of_a_study(
    rig: Rig, source: Path, tmp_path: Path
) -> None:
    services = rig.services(tmp_path / "backup")
    batch_id = rig.imported(services, source)
    lose(services.archive, 1, instances=1)
    summary = backed_up(services, batch_id)
    assert summary["studies"] == 2
    assert "does not have 1 instance " in summary["problem"]
    assert len(zips(tmp_path / "backup")) == 3


def test_a_backup_of_nothing_that_is_left_is_not_green(rig: Rig, source: Path, tmp_path: Path) -> None:
    batch_id = rig.imported(rig.services(), source)
    services = rig.services(tmp_path / "backup")
    lose(services.archive, 1)
    lose(services.archive, 2)
    summary = backed_up(services, batch_id)
    assert summary["studies"] == 0
    assert backups.is_trouble(summary)


def test_what_the_archive_loses_while_it_is_backed_up_is_not_green(
    rig: Rig, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = rig.services(tmp_path / "backup")
    last_study = iter([2])
    after_the_first_study(monkeypatch, lambda _: [lose(services.archive, study, instances=1) for study in last_study])
    assert "does not have 1 instance " in backup_of(services, rig.imported(services, source))["problem"]


@pytest.mark.parametrize("first", ["never backed up", "backed up"])
def test_a_backup_whose_job_fails_before_it_begins_is_not_green(
    rig: Rig, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    batch_id = rig.imported(rig.services(tmp_path / "backup" if first == "backed up" else ""), source)
    services = rig.services(tmp_path / "backup")
    with monkeypatch.context() as patch:
        patch.setattr(Services, "archive", property(out_of_order))
        summary = backed_up(services, batch_id)
    assert services.job(batch_id).status is Status.FAILED
    assert "did not come to its end" in summary["problem"]
    assert not backups.is_trouble(backed_up(services, batch_id))


def test_a_backup_that_is_damaged_since_is_written_anew_when_asked_again(
    rig: Rig, source: Path, tmp_path: Path
) -> None:
    services = rig.services(tmp_path / "backup")
    batch_id = rig.imported(services, source / "1")
    (damaged,) = zips(tmp_path / "backup")
    damaged.write_bytes(b"")
    assert not backups.is_trouble(backed_up(services, batch_id))
    kept, new = zips(tmp_path / "backup")
    assert (kept, kept.stat().st_size) == (damaged, 0)
    assert backups.study_table(services, batch_id)["file"][0] == f"{new.parent.name}/{new.name}"


def test_a_backup_is_red_as_soon_as_a_version_in_it_is_replaced(rig: Rig, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    two_versions(tmp_path)
    earlier = rig.imported(services, tmp_path / "old")
    batch_id = replaced(rig, services, tmp_path / "new")
    assert "has changed since" in backups.study_table(services, earlier)["problem"][0]
    assert "has changed since" in backup_of(services, earlier)["problem"]
    assert not backups.is_trouble(backed_up(services, batch_id))
    assert not backups.is_trouble(backed_up(services, earlier))


def test_a_batch_whose_backup_lacks_a_study_that_came_by_a_decision_is_red(rig: Rig, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    two_versions(tmp_path)
    rig.imported(services, tmp_path / "old")
    write_study(tmp_path / "new" / "other", patient="P2", study=2)
    batch_id = replaced(rig, services, tmp_path / "new")
    assert "has changed since" in backup_of(services, batch_id)["problem"]
    assert backed_up(services, batch_id)["studies"] == 2
    assert not backups.is_trouble(backup_of(services, batch_id))


def lose(archive: Archive, study: int, instances: int = 6) -> None:
    """The archive has so many of the instances of a study no more."""
    (there,) = archive.find("study", f"{ROOT}.{study}")
    for name in sorted(archive.instances_of(there))[:instances]:
        archive.remove(name)


def out_of_order(_: Services) -> Archive:
    raise ArchiveUnreachable("The built-in archive cannot be used: disk I/O error.")


def full_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that has no room for the first study, and then somebody frees some."""
    real, called = LocalFileSystem.mv, []

    def mv(self: LocalFileSystem, here: str, there: str, **how: Any) -> None:
        called.append(there)
        if len(called) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, here, there, **how)

    monkeypatch.setattr(LocalFileSystem, "mv", mv)


def after_the_first_study(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    real = rows.write

    def write_and_act(journal: Any, batch_id: str, studies: Any) -> None:
        real(journal, batch_id, studies)
        act(batch_id)

    monkeypatch.setattr(rows, "write", write_and_act)
