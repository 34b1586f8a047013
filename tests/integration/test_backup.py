"""Backups with a real Orthanc, and by the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dicomcore import backups, reports
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.local import LocalOrthanc
from dicomcore.cli.app import app
from dicomcore.errors import DicomViewerError
from dicomcore.services import Services, read_header
from dicomcore.settings import Settings
from tests.factories import ROOT, ct, write, write_study


def services_with(orthanc: LocalOrthanc, data: Path, backup: Path) -> Services:
    endpoint = orthanc.ensure()
    settings = Settings(
        data_dir=data,
        log_dir=data / "logs",
        archive="orthanc",
        orthanc_url=endpoint.url,
        orthanc_user=endpoint.user,
        orthanc_password=endpoint.password,
        backup_dir=str(backup),
    )
    services = Services(settings)
    services.start_worker = lambda _: None  # type: ignore[method-assign]
    return services


def md5s(archive: Archive) -> dict[str, str]:
    return {name: archive.md5(name) for name in archive.instances()}


def test_from_orthanc_into_a_backup_and_into_an_empty_orthanc(
    orthanc_factory: Callable[[Path], LocalOrthanc], tmp_path: Path
) -> None:
    for study in (1, 2, 3):
        write_study(tmp_path / "source" / str(study), patient=f"P{study}", study=study)
    write(tmp_path / "source" / "name.dcm", ct(patient="Ä1", study=4, SpecificCharacterSet="ISO_IR 100"))
    large = ct(study=5, Rows=2048, Columns=8192, PixelData=bytes(2048 * 8192 * 2))
    write(tmp_path / "source" / "large.dcm", large)
    full = services_with(orthanc_factory(tmp_path / "full"), tmp_path / "data", tmp_path / "backup")
    empty = services_with(orthanc_factory(tmp_path / "empty"), tmp_path / "other", tmp_path / "backup")
    try:
        batch_id = full.import_folder(str(tmp_path / "source"), free=True)
        full.work(batch_id)
        summary = reports.import_summary(full, batch_id)
        assert (summary["backup"]["studies"], summary["backup"]["instances"]) == (5, 20)
        assert not reports.is_trouble(summary)
        assert backups.check(full)["damaged"] == []
        assert backups.restore_backups(empty)["outcomes"] == {"stored": 20}
        assert md5s(empty.archive) == md5s(full.archive)
        assert backups.restore_backups(empty)["outcomes"] == {"already stored": 20}
    finally:
        full.close()
        empty.close()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, dict[str, Any]]]:
    """The command line with the built-in archive and a backup folder: exit code and the JSON it prints."""

    def call(*words: str, data: str = "data") -> tuple[int, dict[str, Any]]:
        mine = {"DATA_DIR": tmp_path / data, "LOG_DIR": tmp_path / "logs", "BACKUP_DIR": tmp_path / "backup"}
        for name, value in mine.items():
            monkeypatch.setenv(f"DVP_{name}", str(value))
        monkeypatch.setenv("DVP_ARCHIVE", "folder")
        done = CliRunner().invoke(app, [*words, "--json"])
        if isinstance(done.exception, DicomViewerError):
            return done.exception.exit_code, {"error": str(done.exception)}
        return done.exit_code, json.loads(done.stdout)

    return call


def test_the_command_line_backs_up_checks_and_restores(
    run: Callable[..., tuple[int, dict[str, Any]]], tmp_path: Path
) -> None:
    write_study(tmp_path / "source")
    write(tmp_path / "backup", b"in the way of the folder")
    code, imported = run("import", str(tmp_path / "source"))
    assert (code, imported["status"], imported["backup"]["failed"]) == (1, "finished", 1)
    assert run("backup", "list")[0] == 6
    (tmp_path / "backup").unlink()
    code, again = run("backup", "run", imported["batch_id"])
    assert (code, again["backup"]["studies"], again["backup"]["problem"]) == (0, 1, "")
    code, listed = run("backup", "list")
    assert (code, [line["instances"] for line in listed["backups"]]) == (0, [6])
    assert run("backup", "check") == (0, {"backups": 1, "instances": 6, "bytes": imported["bytes"], "damaged": []})
    code, restored = run("backup", "restore", data="empty")
    assert (code, restored["outcomes"]) == (0, {"stored": 6})
    (place,) = (tmp_path / "backup").rglob("*.zip")
    place.write_bytes(place.read_bytes()[:-1])
    assert run("backup", "check")[0] == 1
    code, restored = run("backup", "restore", data="third")
    assert (code, restored["found"], len(restored["unreadable"])) == (1, 0, 1)


def test_a_backup_of_what_the_archive_has_lost_or_that_never_began_exits_with_1(
    run: Callable[..., tuple[int, dict[str, Any]]], tmp_path: Path
) -> None:
    write_study(tmp_path / "source", images=1)
    _, imported = run("import", str(tmp_path / "source"))
    archive = FolderArchive(tmp_path / "data" / "archive", read_header)
    (lost,) = archive.find("instance", f"{ROOT}.1.1.1")
    archive.remove(lost)
    code, again = run("backup", "run", imported["batch_id"])
    assert (code, again["status"]) == (1, "finished")
    assert "1 instance " in again["backup"]["problem"]
    (tmp_path / "data" / "archive").rename(tmp_path / "elsewhere")
    write(tmp_path / "data" / "archive", b"in the way of the archive")
    code, again = run("backup", "run", imported["batch_id"])
    assert (code, again["status"]) == (1, "failed")
    assert "did not come to its end" in again["backup"]["problem"]
