"""A backup: what is written, and where."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from dicomcore.journal import jobs
from dicomcore.model import Selection, Status
from tests.factories import ROOT, ct, encoded, write
from tests.unit.backup.rig import Rig, backup_of, flip_a_byte, zips


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
