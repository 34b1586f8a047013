"""The logs: a JSON object a line, and no word of what is in a file or of how it is called."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from dicomcore import crashes, logs

PROJECT = Path(__file__).resolve().parents[2]
CANARY = "Canary^Anna"

WRITER = """
import sys
from pathlib import Path
from dicomcore import logs
with logs.kept_in(Path(sys.argv[1]), most_bytes=20_000, older=2):
    for number in range(600):
        logs.logger("dicomcore.writer").info("a line", writer=sys.argv[2], number=number)
"""

CRASHER = """
import faulthandler, os, sys, warnings
from dicomcore.crashes import only_crashes_are_told
only_crashes_are_told()
print("Canary^Anna")
warnings.warn("Canary^Anna")
os.system("echo Canary^Anna >&2")
faulthandler._sigsegv()
"""


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_a_line_says_when_how_grave_what_and_of_which_job(tmp_path: Path) -> None:
    log = logs.logger("dicomcore.test")
    with logs.kept_in(tmp_path / "app.log"), logs.about(job_id="IMPORT_1"):
        log.info("stage", stage="scanning", counts={"stored": 3})
        log.debug("not told")
    (line,) = lines(tmp_path / "app.log")
    assert list(line)[:3] == ["time", "level", "event"]
    assert line["time"].endswith("Z")
    del line["time"]
    assert line == {
        "level": "info",
        "event": "stage",
        "stage": "scanning",
        "counts": {"stored": 3},
        "job_id": "IMPORT_1",
        "logger": "dicomcore.test",
    }


@pytest.mark.parametrize("given", ["exc_info", "exception"])
def test_of_an_exception_only_its_type_and_its_way_are_told(tmp_path: Path, given: str) -> None:
    log = logs.logger("dicomcore.test")
    with logs.kept_in(tmp_path / "app.log"):
        try:
            raise ValueError(CANARY) from RuntimeError(CANARY)
        except ValueError as error:
            if given == "exc_info":
                log.error("a fault", exc_info=error)
            else:
                log.exception("a fault")
    (line,) = lines(tmp_path / "app.log")
    assert line["error"] == "ValueError"
    assert line["places"][0].startswith("test_logs.py:")
    assert CANARY not in (tmp_path / "app.log").read_text("utf-8")


def test_of_a_library_only_the_words_in_its_source_are_told(tmp_path: Path) -> None:
    with logs.kept_in(tmp_path / "app.log"):
        logging.getLogger("urllib3.connectionpool").warning("Retrying %s", CANARY)
        logging.getLogger("somebody").warning(f"Odd: {CANARY}")
        logging.getLogger("somebody").info("Not told")
        logging.getLogger("pydicom").error("Invalid %s", CANARY)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"Invalid value {CANARY}", UserWarning, stacklevel=1)
        try:
            raise KeyError(CANARY)
        except KeyError:
            logging.getLogger("asyncio").exception("Task %s", CANARY)
    found = lines(tmp_path / "app.log")
    assert [line["event"] for line in found] == ["Retrying %s", *["a message of a library"] * 3, "Task %s"]
    assert found[-1]["error"] == "KeyError"
    assert CANARY not in (tmp_path / "app.log").read_text("utf-8")


def test_two_processes_write_and_turn_one_log(tmp_path: Path) -> None:
    log = tmp_path / "import.log"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(log), name], cwd=PROJECT) for name in ("one", "two")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    files = sorted(tmp_path.glob("import.log*"))
    assert [file.name for file in files] == ["import.log", "import.log.1", "import.log.2"]
    assert all(file.stat().st_size < 20_000 + 200 for file in files)  # one line more
    told = [line for file in reversed(files) for line in lines(file)]
    for name in ("one", "two"):
        numbers = [line["number"] for line in told if line["writer"] == name]
        assert not numbers or numbers == list(range(numbers[0], 600))


def test_after_a_crash_it_is_known_where_it_stood_and_nothing_that_was_printed(tmp_path: Path) -> None:
    with crashes.crash_log(tmp_path) as out:
        crashed = subprocess.run([sys.executable, "-c", CRASHER], cwd=PROJECT, stdout=out, stderr=out, check=False)
    assert crashed.returncode != 0
    said = (tmp_path / "crash.log").read_text("utf-8")
    assert "Segmentation fault" in said
    assert CANARY not in said


def test_a_process_that_cannot_start_says_why_in_the_crash_log_which_keeps_its_bounds(tmp_path: Path) -> None:
    for _ in range(3):
        (tmp_path / "crash.log").write_bytes(b"x" * (crashes.MOST_BYTES + 1))
        with crashes.crash_log(tmp_path) as out:
            subprocess.run([sys.executable, "-c", "import nothing_of_that_name"], stderr=out, check=False)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["crash.1.log", "crash.log"]
    assert (tmp_path / "crash.log").stat().st_size < 10_000
    assert "nothing_of_that_name" in (tmp_path / "crash.log").read_text("utf-8")
