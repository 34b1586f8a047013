"""Trouble as people meet it: the tab of a scan, and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom.config import disable_value_validation
from typer.testing import CliRunner

from dicomcore.cli.app import app
from dicomcore.services import Services
from pages.widgets.troubles import TITLE
from tests.clicking import scan
from tests.factories import ct, write
from tests.one_process import OneProcess

HOSTILE = "![x](http://evil/x.png)^<script>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One PatientID with two names, one of them hostile, and a gap between two images."""
    for image in (1, 2, 3, 5, 6, 7):
        write(tmp_path / "scan" / f"{image}.dcm", ct(image=image))
    with disable_value_validation():
        write(tmp_path / "scan" / "other.dcm", ct(study=2, PatientName=HOSTILE))
    return tmp_path / "scan"


def test_trouble_has_a_tab_of_its_own_before_the_others(engine: OneProcess, folder: Path) -> None:  # noqa: ARG001
    shown = scan(folder)
    assert [tab.label.split(" :")[0] for tab in shown.tabs][:2] == [TITLE, "By sub-folder"]
    assert [box.label.split(" :")[0] for box in shown.tabs[0].expander] == [
        "One PatientID, several names or birth dates",
        "Gaps in the image numbers",
        "Uneven slice spacing",
    ]
    assert not any("evil" in said.value for said in [*shown.markdown, *shown.caption])


def test_a_sound_scan_says_so_in_one_line(engine: OneProcess, folder: Path) -> None:  # noqa: ARG001
    for file in ("5.dcm", "6.dcm", "7.dcm", "other.dcm"):
        (folder / file).unlink()
    shown = scan(folder)
    assert TITLE not in shown.tabs[0].label
    assert any("Nothing stands out" in said.value for said in shown.caption)


def test_the_command_line_tells_people_and_programs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"DATA_DIR": "data", "LOG_DIR": "logs"}.items():
        monkeypatch.setenv(f"DVP_{name}", str(tmp_path / value))
    monkeypatch.setattr(Services, "start_worker", lambda services, job_id: services.work(job_id))
    told = CliRunner().invoke(app, ["scan", str(folder), "--json"])
    troubles = {one["what"]: one for one in json.loads(told.stdout)["troubles"]}
    assert troubles["Gaps in the image numbers"]["examples"][0]["found"] == "1 of 7 numbers missing: 4"
