"""The launcher for real: a small project with the real run.py makes and mends its .venv. Needs no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ENGINE = """
import os, sys
print("engine", os.getcwd(), *sys.argv[1:])
sys.exit(7)
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project that requires no packages and whose engine prints its words and ends with 7."""
    folder = tmp_path / "a project"
    (folder / "dicomcore").mkdir(parents=True)
    shutil.copy(PROJECT / "run.py", folder)
    (folder / "requirements.txt").write_text("# nothing\n")
    (folder / "dicomcore" / "__main__.py").write_text(ENGINE)
    return folder


def command(small: Path, *words: str) -> list[str]:
    return [sys.executable, str(small / "run.py"), *words]


def call(small: Path, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(small, *words), cwd=cwd or small, capture_output=True, text=True, timeout=120)


def test_words_go_to_the_engine_from_any_folder_and_its_exit_code_comes_back(small: Path, tmp_path: Path) -> None:
    done = call(small, "scan", "--json", "a folder", cwd=tmp_path)
    assert done.returncode == 7
    assert done.stdout == f"engine {tmp_path} scan --json a folder\n", done.stderr


def test_a_program_that_lies_in_the_current_folder_is_not_run(small: Path, tmp_path: Path) -> None:
    (tmp_path / "dicomcore.py").write_text("print('trapped')")
    (tmp_path / "os.py").write_text("print('trapped')")
    assert "trapped" not in call(small, "scan", cwd=tmp_path).stdout


def test_set_up_happens_once_and_again_when_the_requirements_changed(small: Path) -> None:
    assert "Installing requirements.txt" in call(small, "scan").stderr
    assert call(small, "scan").stderr == ""
    (small / "requirements.txt").write_text("# still nothing\n")
    again = call(small, "scan").stderr
    assert "Installing requirements.txt" in again
    assert "Setting up" not in again


def test_two_who_start_at_once_make_one_environment(small: Path) -> None:
    both = [
        subprocess.Popen(command(small, "scan"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [7, 7], said
    assert sum("Setting up" in err for _, err in said) == 1


@pytest.mark.skipif(os.name == "nt", reason="the folder is called Scripts there")
def test_a_broken_environment_and_an_interrupted_set_up_are_mended(small: Path) -> None:
    call(small, "scan")
    python = small / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert call(small, "scan").returncode == 7
    (small / ".venv" / "unfinished").touch()
    mended = call(small, "scan")
    assert "Setting up" in mended.stderr
    assert mended.returncode == 7


def test_help_sets_nothing_up(small: Path) -> None:
    assert "python run.py import FOLDER" in call(small, "--help").stdout
    assert not (small / ".venv").exists()
