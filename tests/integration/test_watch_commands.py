"""`watch`, as it is typed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dicomcore.cli.app import app
from dicomcore.errors import UsageError
from tests.factories import ct, write, write_study

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"DVP_DATA_DIR": tmp_path / "data", "DVP_LOG_DIR": tmp_path / "logs", "DVP_ARCHIVE": "folder"}
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_study(tmp_path / "incoming", series=1)
    return tmp_path / "incoming"


def watch(*words: object) -> Any:
    return CliRunner().invoke(app, ["watch", *map(str, words)])


def test_once_imports_what_is_there_and_ends_with_the_exit_code_of_an_import(folder: Path) -> None:
    write(folder / "other.dcm", ct(PatientName="Other^Name"))
    done = watch("run", folder, "--once", "--quiet-seconds", 0, "--json")
    assert done.exit_code == 1
    (batch,) = json.loads(done.stdout)["batches"]
    assert batch["outcomes"] == {"stored": 3, "conflict": 1}


def test_to_add_a_folder_once_more_says_that_only_the_wait_is_new(folder: Path) -> None:
    assert watch("add", folder).stdout == f"{folder} is watched whenever the app runs.\n"
    assert watch("add", folder, "--quiet-seconds", 5).stdout == f"{folder} was watched already; it now waits 5 s.\n"


def _ctrl_c_is_heard() -> None:
    """Whoever runs the tests in the background of a shell has it ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_watch_goes_on_until_it_is_interrupted(folder: Path) -> None:
    watch = subprocess.Popen(
        [sys.executable, "-u", "-m", "dicomcore", "watch", "run", str(folder), "--quiet-seconds", "0"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        preexec_fn=_ctrl_c_is_heard,
    )
    assert watch.stdout
    assert "3 files found = 3 stored" in watch.stdout.readline()
    write(folder / "new.dcm", ct(study=2))
    assert "4 files found = 1 stored + 3 already stored" in watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    said, _ = watch.communicate(timeout=30)
    assert (said, watch.returncode) == ("", 0)


def test_folders_for_the_app_are_added_listed_and_removed(folder: Path) -> None:
    assert watch("add", folder).exit_code == 0
    (listed,) = json.loads(watch("list", "--json").stdout)["watches"]
    assert listed["folder"] == str(folder.resolve())
    assert "not running" in listed["state"]
    assert watch("remove", folder).exit_code == 0
    assert "No folder is watched" in watch("list").stdout
    assert isinstance(watch("remove", folder).exception, UsageError)
