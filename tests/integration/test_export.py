"""Exports out of a real Orthanc: what arrives is what was sent, and the command line writes it whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dicomcore.archive.local import LocalOrthanc
from dicomcore.cache import queries
from dicomcore.settings import Settings
from tests.factories import write_study
from tests.one_process import OneProcess, imported

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def place(module_orthanc: LocalOrthanc, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose archive, a real Orthanc, holds one study of two series."""
    here = tmp_path_factory.mktemp("export")
    write_study(here / "cd")
    services = OneProcess(Settings(**_settings(module_orthanc, here)))
    imported(services, here / "cd")
    services.refresh()
    (here / "study").write_text(queries.whole_table(services.cache, "studies")["id"][0])
    services.close()
    return here


def _settings(orthanc: LocalOrthanc, here: Path) -> dict[str, Any]:
    at = orthanc.ensure()
    return {
        "data_dir": here / "data",
        "log_dir": here / "logs",
        "archive": "orthanc",
        "orthanc_url": at.url,
        "orthanc_user": at.user,
        "orthanc_password": at.password,
    }


def run(orthanc: LocalOrthanc, place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {f"DVP_{name.upper()}": str(value) for name, value in _settings(orthanc, place).items()}
    command = [sys.executable, "-m", "dicomcore", "export", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


def test_a_study_comes_out_of_orthanc_byte_for_byte(module_orthanc: LocalOrthanc, place: Path) -> None:
    target = place / "out.zip"
    said = run(module_orthanc, place, str(target), "--study", (place / "study").read_text(), "--json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["instances"] == 6
    with zipfile.ZipFile(target) as archive:
        found = sorted(archive.read(name) for name in archive.namelist() if name.endswith(".dcm"))
    assert found == sorted(file.read_bytes() for file in (place / "cd").rglob("*.dcm"))
    assert target.stat().st_mode & 0o077 == 0


def test_an_unknown_study_leaves_no_file(module_orthanc: LocalOrthanc, place: Path) -> None:
    said = run(module_orthanc, place, str(place / "none.zip"), "--study", "nowhere", "--as", "deidentified")
    assert said.returncode == 2
    assert not list(place.glob("none.zip*"))


def test_the_ending_of_the_file_chooses_the_format(module_orthanc: LocalOrthanc, place: Path) -> None:
    assert run(module_orthanc, place, str(place / "t.parquet"), "--table", "instances").returncode == 0
    assert (place / "t.parquet").read_bytes()[:4] == b"PAR1"
