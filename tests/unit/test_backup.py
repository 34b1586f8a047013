"""Backups: what is written is what the archive holds, what fails is never green, and restore brings it all back."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from zipfile import ZIP_STORED, ZipFile

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from dicomcore import backups, conflicts, reports
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.errors import ArchiveUnreachable, BackupDamaged, BackupFailed, UsageError
from dicomcore.ingest.backup import FAILURES_IN_A_ROW, keep_instance
from dicomcore.ingest.backup_folder import BackupFolder
from dicomcore.journal import audit, jobs
from dicomcore.journal import backups as rows
from dicomcore.model import Selection, Status
from dicomcore.services import Services, read_header
from dicomcore.settings import Settings
from tests.factories import ROOT, ct, encoded, write, write_study


class Rotten(MemoryFileSystem):
    """A store that keeps other bytes than it is given."""

    protocol = "rotten"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    def put_file(self, lpath: str, rpath: str, **_: Any) -> None:  # type: ignore[override]
        body = bytearray(Path(lpath).read_bytes())
        body[len(body) // 3] ^= 1
        self.pipe_file(rpath, bytes(body))

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return MemoryFileSystem._strip_protocol(path.replace("rotten://", "memory://"))


class Away(MemoryFileSystem):
    """A store that does not answer, and counts how often it was asked what it holds."""

    protocol = "away"
    asked = 0

    def info(self, _place: str, **_: Any) -> dict[str, Any]:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    def ls(self, _place: str, **_: Any) -> list[Any]:
        type(self).asked += 1
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


@pytest.fixture(autouse=True, scope="module")
def _stores() -> None:
    fsspec.register_implementation("rotten", Rotten, clobber=True)
    fsspec.register_implementation("away", Away, clobber=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two studies of six images."""
    for number in (1, 2):
        write_study(tmp_path / "source" / str(number), patient=f"P{number}", study=number)
    return tmp_path / "source"


class Rig:
    """Services with the built-in archive whose jobs run in this process, one data folder for each name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Services] = []

    def services(self, backup_dir: str | Path = "", name: str = "here") -> Services:
        data = self._folder / name
        settings = Settings(data_dir=data, log_dir=data / "logs", archive="folder", backup_dir=str(backup_dir))
        services = Services(settings)
        services.start_worker = lambda _: None  # type: ignore[method-assign]
        self._made.append(services)
        return services

    def imported(self, services: Services, folder: Path) -> str:
        batch_id = services.import_folder(str(folder), free=True)
        services.work(batch_id)
        return batch_id

    def close(self) -> None:
        for services in self._made:
            services.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def md5s(archive: Archive) -> dict[str, str]:
    return {name: archive.md5(name) for name in archive.instances()}


def zips(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.zip"))


def backup_of(services: Services, batch_id: str) -> dict[str, Any]:
    summary = reports.import_summary(services, batch_id)["backup"]
    assert isinstance(summary, dict)
    return summary


# ---- what is written


def test_each_study_is_one_zip_of_the_very_bytes_with_its_manifest_last(rig: Rig, source: Path, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    batch_id = rig.imported(services, source)
    summary = backup_of(services, batch_id)
    assert summary == {"studies": 2, "instances": 12, "bytes": summary["bytes"], "failed": 0, "problem": ""}
    assert len(zips(tmp_path / "backup")) == 2
    for place in zips(tmp_path / "backup"):
        with ZipFile(place) as file:
            *members, last = file.infolist()
            manifest = json.loads(file.read(last))
            assert last.filename == "manifest.json"
            assert [member.filename for member in members] == [entry["file"] for entry in manifest["instances"]]
            assert all(member.compress_type == ZIP_STORED for member in members)
            for entry in manifest["instances"]:
                body = file.read(entry["file"])
                assert body == Path(entry["source"]).read_bytes() == services.archive.read(entry["archive_id"])
                assert hashlib.sha256(body).hexdigest() == entry["sha256"]
                assert entry["batch"] == batch_id


def test_names_in_the_backup_folder_are_ids_and_uids(rig: Rig, source: Path, tmp_path: Path) -> None:
    uid, hostile = f"{ROOT}.3\0".encode(), b"../../../../tmp/Doe^Jane/x".ljust(len(ROOT) + 3)
    write(source / "odd" / "odd.dcm", encoded(ct(patient="Doe", study=3)).replace(uid, hostile))
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source)
    for place in zips(tmp_path / "backup"):
        assert place.is_relative_to(tmp_path / "backup")
        assert set(place.relative_to(tmp_path / "backup").as_posix()) <= set("0123456789abcdef-._/zip")
    assert len(zips(tmp_path / "backup")) == 3


def test_an_unchanged_study_is_not_written_twice_and_a_changed_one_beside_the_old(
    rig: Rig, source: Path, tmp_path: Path
) -> None:
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source)
    before = {place: place.stat().st_mtime_ns for place in zips(tmp_path / "backup")}
    assert backup_of(services, rig.imported(services, source))["studies"] == 2
    assert {place: place.stat().st_mtime_ns for place in zips(tmp_path / "backup")} == before
    write(source / "1" / "more.dcm", ct(patient="P1", study=1, series=1, image=9))
    assert backup_of(services, rig.imported(services, source))["instances"] == 13
    after = {place: place.stat().st_mtime_ns for place in zips(tmp_path / "backup")}
    assert len(after) == 3
    assert before.items() <= after.items()


def test_a_damaged_backup_is_left_alone_and_a_good_one_written_beside_it(
    rig: Rig, source: Path, tmp_path: Path
) -> None:
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source / "1")
    (damaged,) = zips(tmp_path / "backup")
    flip_a_byte(damaged)
    body = damaged.read_bytes()
    assert backup_of(services, rig.imported(services, source / "1"))["studies"] == 1
    assert damaged.read_bytes() == body
    assert len(zips(tmp_path / "backup")) == 2
    assert zips(tmp_path / "backup")[0] == damaged


def test_a_batch_that_wants_none_and_one_without_a_folder_are_not_backed_up(
    rig: Rig, source: Path, tmp_path: Path
) -> None:
    nowhere = rig.services(name="nowhere")
    assert backup_of(nowhere, rig.imported(nowhere, source))["studies"] == 0
    services = rig.services(tmp_path / "backup")
    scan_id = jobs.create_scan(services.journal, source)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection(), auto_backup=False)
    services.work(batch_id)
    assert services.job(batch_id).status is Status.FINISHED
    assert not (tmp_path / "backup").exists()


# ---- what fails is never green


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
    killed = subprocess.run([sys.executable, "-c", program, tmp_path], cwd=Path(__file__).parents[2], check=False)
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


# ---- restore and check


def test_restore_brings_everything_into_an_empty_archive(rig: Rig, source: Path, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source)
    empty = rig.services(tmp_path / "backup", "empty")
    found = backups.restore_backups(empty)
    assert (found["found"], found["outcomes"], found["problems"]) == (12, {"stored": 12}, [])
    assert md5s(empty.archive) == md5s(services.archive)
    assert backups.restore_backups(empty)["outcomes"] == {"already stored": 12}
    assert audit.newest(empty.journal)[0]["action"] == "restore"


def test_a_store_without_folders_works_as_well(rig: Rig, source: Path) -> None:
    MemoryFileSystem.store.clear()
    services = rig.services("memory://backup/here")
    assert backup_of(services, rig.imported(services, source))["studies"] == 2
    assert list(backups.backup_table(services)["instances"]) == [6, 6]
    empty = rig.services(name="empty")
    assert backups.restore_backups(empty, url="memory://backup/here")["outcomes"] == {"stored": 12}
    assert md5s(empty.archive) == md5s(services.archive)


def test_restore_takes_the_newest_version_of_a_study_or_one_study(rig: Rig, source: Path, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source)
    write(source / "1" / "more.dcm", ct(patient="P1", study=1, series=1, image=9))
    rig.imported(services, source)
    make_older(tmp_path / "backup", 7)  # by a clock that was set back
    one = rig.services(tmp_path / "backup", "one")
    uid = backups.backup_table(services)["study_instance_uid"][0]
    assert backups.restore_backups(one, study=uid)["found"] == 7
    assert backups.restore_backups(one)["outcomes"] == {"stored": 6, "already stored": 7}
    with pytest.raises(UsageError, match="backup list"):
        backups.restore_backups(one, study="1.2.3")


def test_restore_brings_the_version_that_was_backed_up_last_though_its_bytes_lay_there_before(
    rig: Rig, tmp_path: Path
) -> None:
    services = rig.services(tmp_path / "backup")
    old, _ = two_versions(tmp_path)
    rig.imported(services, tmp_path / "old")
    backed_up(services, replaced(rig, services, tmp_path / "new"))
    backed_up(services, replaced(rig, services, tmp_path / "old"))
    empty = rig.services(tmp_path / "backup", "empty")
    backups.restore_backups(empty)
    assert list(md5s(empty.archive).values()) == [hashlib.md5(old.read_bytes()).hexdigest()]


def test_restore_never_overwrites_and_names_the_conflict(rig: Rig, source: Path, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source / "1")
    other = rig.services(tmp_path / "backup", "other")
    changed = write(tmp_path / "changed.dcm", ct(patient="P1", study=1, StudyDescription="Other"))
    receipt = other.archive.store(changed, changed.read_bytes())
    found = backups.restore_backups(other)
    assert found["outcomes"] == {"stored": 5, "conflict": 1}
    assert [line["instance"] for line in found["problems"]] == [receipt.archive_id]
    assert other.archive.read(receipt.archive_id) == changed.read_bytes()


def test_a_damaged_member_is_named_and_the_others_are_restored(rig: Rig, source: Path, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source)
    flip_a_byte(zips(tmp_path / "backup")[0])
    checked = backups.check(services)
    assert (checked["backups"], checked["instances"], len(checked["damaged"])) == (2, 12, 1)
    empty = rig.services(tmp_path / "backup", "empty")
    found = backups.restore_backups(empty)
    assert found["outcomes"] == {"stored": 11, "unreadable": 1}
    assert found["problems"][0]["instance"] == checked["damaged"][0]["instance"]


def test_ids_in_a_manifest_lead_out_of_no_folder(rig: Rig, source: Path, tmp_path: Path) -> None:
    rig.imported(rig.services(tmp_path / "backup"), source / "1")
    place = zips(tmp_path / "backup")[0]
    with ZipFile(place) as file:
        instances = json.loads(file.read("manifest.json"))["instances"]
    victim = write(tmp_path / "victim.dcm", ct(study=9))
    instances[0]["archive_id"] = str(victim.with_suffix(""))
    rewrite_manifest(place, instances=instances)
    found = backups.restore_backups(rig.services(tmp_path / "backup", "empty"))
    assert found["outcomes"] == {"stored": 6}
    assert victim.read_bytes() == encoded(ct(study=9))


def test_what_is_no_backup_is_named_and_the_others_are_restored(rig: Rig, source: Path, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source)
    cut = zips(tmp_path / "backup")[0]
    cut.write_bytes(cut.read_bytes()[:-200])
    assert len(backups.check(services)["damaged"]) == 1
    found = backups.restore_backups(rig.services(tmp_path / "backup", "empty"))
    assert found["outcomes"] == {"stored": 6}
    assert [line["file"] for line in found["unreadable"]] == [cut.relative_to(tmp_path / "backup").as_posix()]


def test_a_member_that_the_manifest_does_not_list_is_damage(rig: Rig, source: Path, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source / "1")
    (place,) = zips(tmp_path / "backup")
    with ZipFile(place) as file:
        bodies = {name: file.read(name) for name in file.namelist()}
    with ZipFile(place, "w") as file:
        file.writestr("../../smuggled.dcm", encoded(ct(image=99)))
        for name, body in bodies.items():
            file.writestr(name, body)
    assert len(backups.check(services)["damaged"]) == 1


def test_a_backup_of_a_newer_version_is_refused_as_that(rig: Rig, source: Path, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "backup")
    rig.imported(services, source / "1")
    rewrite_manifest(zips(tmp_path / "backup")[0], format=2)
    assert "newer version" in backups.check(services)["damaged"][0]["reason"]


def test_a_folder_that_is_away_never_reads_as_an_empty_one(rig: Rig, tmp_path: Path) -> None:
    services = rig.services(tmp_path / "not mounted")
    for act in (backups.backup_table, backups.check, lambda services: backups.restore_backups(services)):
        with pytest.raises(BackupFailed, match="no such"):
            act(services)
    with pytest.raises(BackupFailed, match="refused"):
        backups.check(services, "away://x")
    with pytest.raises(UsageError, match="DVP_BACKUP_DIR"):
        backups.check(rig.services(name="none"))


# ---- one instance


def test_one_instance_is_kept_with_its_bytes_once(tmp_path: Path) -> None:
    archive, archive_id = archive_of_one(tmp_path)
    place = keep_instance(str(tmp_path / "backup"), archive, archive_id, "replaced")
    assert Path(place).read_bytes() == archive.read(archive_id)
    assert keep_instance(str(tmp_path / "backup"), archive, archive_id, "replaced") == place
    flip_a_byte(Path(place))
    other = keep_instance(str(tmp_path / "backup"), archive, archive_id, "replaced")
    assert other != place
    assert Path(other).read_bytes() == archive.read(archive_id)


def test_one_instance_that_does_not_arrive_whole_is_an_error(tmp_path: Path) -> None:
    archive, archive_id = archive_of_one(tmp_path)
    with pytest.raises(BackupDamaged):
        keep_instance("rotten://backup", archive, archive_id, "replaced")
    with pytest.raises(BackupFailed, match="refused"):
        keep_instance("away://backup", archive, archive_id, "replaced")


def test_files_on_their_way_are_not_listed(tmp_path: Path) -> None:
    write(tmp_path / ".drafts" / "x.zip", b"half")
    write(tmp_path / "1.2" / "x.zip", b"whole")
    assert list(BackupFolder(str(tmp_path)).names(".zip")) == ["1.2/x.zip"]


# ---- what the tests above do to a backup


def backed_up(services: Services, batch_id: str) -> dict[str, Any]:
    """What is said of the backup of a batch after it was asked for once more."""
    backups.start_backup(services, batch_id)
    services.work(batch_id)
    return backups.batch_summary(services, batch_id)


def lose(archive: Archive, study: int, instances: int = 6) -> None:
    """The archive has so many of the instances of a study no more."""
    (there,) = archive.find("study", f"{ROOT}.{study}")
    for name in sorted(archive.instances_of(there))[:instances]:
        archive.remove(name)


def out_of_order(_: Services) -> Archive:
    raise ArchiveUnreachable("The built-in archive cannot be used: disk I/O error.")


def two_versions(folder: Path) -> tuple[Path, Path]:
    """One image in ``old`` and in ``new``, with other bytes."""
    return write(folder / "old" / "a.dcm", ct()), write(folder / "new" / "a.dcm", ct(PatientName="New^Name"))


def replaced(rig: Rig, services: Services, folder: Path) -> str:
    """Import a folder with one conflict, and have its version replace the archive's; returns the batch."""
    batch_id = rig.imported(services, folder)
    (file_id,) = conflicts.conflicts_of(services, batch_id)["file_id"]
    conflicts.replace(services, batch_id, file_id)
    return batch_id


def archive_of_one(tmp_path: Path) -> tuple[Archive, str]:
    archive = FolderArchive(tmp_path / "archive", read_header)
    file = write(tmp_path / "one.dcm", ct())
    return archive, archive.store(file, file.read_bytes()).archive_id


def flip_a_byte(place: Path) -> None:
    """In the pixels of the first instance."""
    body = bytearray(place.read_bytes())
    body[1200] ^= 1
    place.write_bytes(body)


def rewrite_manifest(place: Path, **changes: Any) -> None:
    with ZipFile(place) as file:
        bodies = {name: file.read(name) for name in file.namelist()}
    manifest = json.loads(bodies.pop("manifest.json")) | changes
    with ZipFile(place, "w") as file:
        for name, body in bodies.items():
            file.writestr(name, body)
        file.writestr("manifest.json", json.dumps(manifest))


def make_older(folder: Path, instances: int) -> None:
    """Backups of so many instances were made last year."""
    for place in zips(folder):
        with ZipFile(place) as file:
            manifest = json.loads(file.read("manifest.json"))
        if len(manifest["instances"]) == instances:
            rewrite_manifest(place, made_at="2025-11-24T00:00:00Z")


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
