"""The diagnosis of real installations: with a real Orthanc, with none that answers, and with things out of order."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from fastapi.testclient import TestClient

from dicomcore.api.app import make_api
from dicomcore.archive import examination
from dicomcore.archive.local import LocalOrthanc
from dicomcore.doctor import report, work
from dicomcore.doctor.archive import NAMES, archive
from dicomcore.doctor.check import Check, State
from dicomcore.doctor.report import Diagnosis, Part, diagnosis
from dicomcore.doctor.work import background_work
from dicomcore.errors import StoreError
from dicomcore.journal import jobs
from dicomcore.model import Selection
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Role
from tests.factories import write_study
from tests.one_process import OneProcess, imported
from tests.visitors import token_of

PROJECT = Path(__file__).parents[2]
CANARY = "canary-password"


@pytest.fixture
def built_in(settings: Settings) -> Iterator[OneProcess]:
    services = OneProcess(settings)
    yield services
    services.close()


def with_orthanc(folder: Path, url: str, user: str = "orthanc", password: str = CANARY) -> OneProcess:
    return OneProcess(
        Settings(
            data_dir=folder / "data",
            log_dir=folder / "logs",
            archive="orthanc",
            orthanc_url=url,
            orthanc_user=user,
            orthanc_password=password,
        )
    )


def line(checks: Diagnosis | list[Check], name: str) -> Check:
    return next(check for check in (checks.checks if isinstance(checks, Diagnosis) else checks) if check.name == name)


# ---- the archive


def test_all_is_told_of_an_orthanc_that_answers(module_orthanc: LocalOrthanc, tmp_path: Path) -> None:
    there = module_orthanc.ensure()
    services = with_orthanc(tmp_path, there.url, there.user, there.password)
    write_study(tmp_path / "cd")
    imported(services, tmp_path / "cd")
    before, after = line(archive(services), "Cache"), services.refresh()
    checks = archive(services)
    services.close()
    assert [check.name for check in checks] == list(NAMES)
    assert before.said == "not filled from this archive yet"
    assert line(checks, "Cache").state is State.OK
    assert f"{after.instances:,} instances" in line(checks, "Cache").said
    assert line(checks, "Archive's clock").state is State.OK
    assert line(checks, "Archive's version").said.startswith("Orthanc ")
    assert State.BAD not in {check.state for check in checks}


def test_a_wrong_password_breaks_the_chain_there_and_is_not_shown(module_orthanc: LocalOrthanc, tmp_path: Path) -> None:
    services = with_orthanc(tmp_path, module_orthanc.ensure().url)
    checks = archive(services)
    services.close()
    assert line(checks, "Archive").state is State.OK
    assert line(checks, "Archive's password").state is State.BAD
    assert {check.said for check in checks[3:]} == {"not asked"}
    assert CANARY not in repr(checks)


@pytest.mark.timeout(30)
def test_an_address_that_takes_connections_and_never_answers_does_not_hang_the_diagnosis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "SOON", urllib3.Timeout(connect=0.3, read=0.3))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        services = with_orthanc(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        checks = archive(services)
        services.close()
    assert line(checks, "Archive").state is State.BAD
    assert "does not answer" in line(checks, "Archive").said
    assert {check.said for check in checks[1:]} == {"not asked"}


def test_a_cache_that_is_behind_is_told(built_in: OneProcess, tmp_path: Path) -> None:
    built_in.refresh()
    write_study(tmp_path / "cd")
    imported(built_in, tmp_path / "cd")
    behind = line(archive(built_in), "Cache")
    assert (behind.state, "has 0 patients" in behind.said) == (State.NOTICE, True)


# ---- the rest of the house


def test_a_new_installation_is_not_bad_and_every_trouble_has_a_remedy(built_in: OneProcess) -> None:
    found = diagnosis(built_in)
    assert State.BAD not in {check.state for check in found.checks}, found
    for check in found.checks:
        assert bool(check.remedy) == (check.state is not State.OK), check


def test_nothing_is_left_behind(built_in: OneProcess, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    settings = built_in.settings.model_copy(update={"backup_dir": str(tmp_path / "backup")})
    built_in.settings = settings
    assert line(diagnosis(built_in), "Backup folder").state is State.OK
    assert list((tmp_path / "backup").iterdir()) == []


def test_a_journal_and_an_audit_that_somebody_has_changed_are_bad(settings: Settings) -> None:
    services = OneProcess(settings)
    token_of(services)
    with sqlite3.connect(services.journal.path) as by_hand:
        by_hand.execute("DROP TRIGGER audit_is_not_changed")
        by_hand.execute("UPDATE audit SET who = 'somebody else' WHERE audit_id = 1")
        by_hand.execute("INSERT INTO tokens SELECT 99, 'x', 4711, 'x', 'read', '', 0, 0, NULL, NULL")
    by_hand.close()
    found = diagnosis(services)
    services.close()
    assert line(found, "Journal").state is State.BAD
    assert line(found, "Audit").state is State.BAD
    assert found.state is State.BAD


def test_a_job_without_a_worker_is_named(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "START_SECONDS", 0.0)
    services = Services(settings)
    scan = jobs.create_scan(services.journal, tmp_path)
    batch = jobs.create_batch(services.journal, scan, Selection())
    told = line(background_work(services), "Background work")
    services.close()
    assert told.state is State.WARNING
    assert batch in told.said
    assert scan not in told.said  # the import goes on with it


def test_a_part_that_hangs_or_fails_is_one_line_and_the_others_go_on(built_in: OneProcess) -> None:
    never = threading.Event()

    def hangs(_: Services) -> list[Check]:
        never.wait(60)
        return []

    def breaks(_: Services) -> list[Check]:
        raise ZeroDivisionError("Patient DOE^JANE")

    def fails(_: Services) -> list[Check]:
        raise StoreError("The journal is in use.")

    parts = (Part("Hangs", 0.2, hangs), Part("Breaks", 5, breaks), Part("Fails", 5, fails), *report.PARTS[:1])
    found = diagnosis(built_in, parts)
    never.set()
    assert [(check.name, check.state) for check in found.checks] == [
        ("Hangs", State.UNKNOWN),
        ("Breaks", State.UNKNOWN),
        ("Fails", State.BAD),
        ("Program", State.OK),
    ]
    assert "DOE" not in repr(found)


# ---- asked by people and programs


def command(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dicomcore", *words],
        cwd=PROJECT,
        env={**os.environ, **settings},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def test_the_command_tells_beside_an_app_that_has_the_cache_and_says_so_in_its_exit_code(
    built_in: OneProcess,
) -> None:
    built_in.refresh()
    where = {"DVP_DATA_DIR": str(built_in.settings.data_dir), "DVP_LOG_DIR": str(built_in.settings.log_dir)}
    well = command("doctor", "--json", **where, DVP_ARCHIVE="folder")
    said = json.loads(well.stdout)
    assert well.returncode == 0, well.stderr
    assert set(said) == {"state", "checks"}
    assert all(set(check) == {"name", "state", "said", "remedy"} for check in said["checks"])
    held = next(check for check in said["checks"] if check["name"] == "Cache")
    assert (held["state"], "in use" in held["said"]) == ("unknown", True)
    bad = command("doctor", **where, DVP_ARCHIVE="folder", DVP_BACKUP_DIR="/nowhere/at/all")
    assert bad.returncode == 1
    assert "✗ bad" in bad.stdout
    assert "→ Mount it" in bad.stdout


def test_a_journal_that_cannot_be_opened_is_a_diagnosis_too(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"this is no database" * 100)
    done = command("doctor", "--json", DVP_DATA_DIR=str(tmp_path), DVP_LOG_DIR=str(tmp_path / "logs"))
    said = json.loads(done.stdout)
    assert (done.returncode, said["state"], said["checks"][0]["name"]) == (1, "bad", "Start")
    assert "Never delete the journal" in said["checks"][0]["said"]


def test_the_route_is_for_admins(built_in: OneProcess) -> None:
    client = TestClient(make_api(lambda: built_in))
    asked = {
        role: client.get("/doctor", headers={"Authorization": f"Bearer {token_of(built_in, role)}"}) for role in Role
    }
    assert asked[Role.ADMIN].status_code == 200
    assert asked[Role.ADMIN].json()["checks"]
    assert asked[Role.RESEARCHER].status_code == 403
    assert client.get("/doctor").status_code == 401
