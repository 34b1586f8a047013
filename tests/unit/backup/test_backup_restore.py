"""A backup is checked, and brought back: all of it, or one instance."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from dicomcore import backups
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.errors import BackupDamaged, BackupFailed, UsageError
from dicomcore.ingest.backup import keep_instance
from dicomcore.ingest.backup_folder import BackupFolder
from dicomcore.journal import audit
from dicomcore.services import read_header
from tests.factories import ct, encoded, write
from tests.unit.backup.rig import Rig, backed_up, backup_of, flip_a_byte, replaced, two_versions, zips


def md5s(archive: Archive) -> dict[str, str]:
    return {name: archive.md5(name) for name in archive.instances()}


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


def archive_of_one(tmp_path: Path) -> tuple[Archive, str]:
    archive = FolderArchive(tmp_path / "archive", read_header)
    file = write(tmp_path / "one.dcm", ct())
    return archive, archive.store(file, file.read_bytes()).archive_id


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
