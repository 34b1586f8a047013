"""The commands as people and programs call them, with the built-in archive."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from dicomcore.cli.app import main
from tests.factories import ct, write, write_study

PROJECT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def settings_of_its_own(tmp_path: Path) -> dict[str, str]:
    """A data folder for this test alone."""
    return {
        "DVP_DATA_DIR": str(tmp_path / "data"),
        "DVP_LOG_DIR": str(tmp_path / "logs"),
        "DVP_ARCHIVE": "folder",
        "PYTHONPATH": str(PROJECT),
    }


@pytest.fixture
def run_apart(tmp_path: Path, settings_of_its_own: dict[str, str]) -> Run:
    """Runs a command as a process of its own, as people do."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dicomcore", *words]
        environment = os.environ | settings_of_its_own
        return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path, env=environment)

    return run


@pytest.fixture
def run(tmp_path: Path, settings_of_its_own: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same words in this process, which spares each command its start; its workers are real processes."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        out, err, code = StringIO(), StringIO(), 0
        with monkeypatch.context() as here, redirect_stdout(out), redirect_stderr(err):
            here.setattr(sys, "argv", ["dicomcore", *words])
            for name, value in (settings_of_its_own | more).items():
                here.setenv(name, value)
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return subprocess.CompletedProcess(list(words), code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_study(tmp_path / "source")
    write(tmp_path / "source" / "notes.txt", b"a note")
    return tmp_path / "source"


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one object on standard output."""
    said = json.loads(done.stdout)
    assert isinstance(said, dict)
    return said


def test_scan_tells_what_is_in_a_folder_and_sends_nothing(run_apart: Run, source: Path) -> None:
    done = run_apart("scan", str(source), "--json")
    said = answer(done)
    assert done.returncode == 0
    assert (said["root"], said["found"]) == (str(source), 7)
    assert said["outcomes"] == {"DICOM": 6, "not DICOM": 1}
    assert (said["patients"], said["studies"], said["series"]) == (1, 1, 2)
    assert said["bytes"] == sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    assert not (source.parent / "data" / "archive").exists() or not any((source.parent / "data" / "archive").glob("??"))


def test_scan_prints_a_csv_line_for_each_file(run: Run, source: Path) -> None:
    rows = list(csv.DictReader(run("scan", str(source), "--csv").stdout.splitlines()))
    assert len(rows) == 7
    assert {row["kind"] for row in rows} == {"DICOM", "not DICOM"}


def test_scan_can_leave_sub_folders_out(run: Run, source: Path) -> None:
    assert answer(run("scan", str(source), "--no-subfolders", "--json"))["found"] == 1


def test_import_waits_and_its_outcomes_add_up(run: Run, source: Path) -> None:
    done = run("import", str(source), "--json")
    said = answer(done)
    assert done.returncode == 0
    assert said["batch_id"].startswith("IMPORT_")
    assert said["outcomes"] == {"stored": 6, "not DICOM": 1}
    assert said["found"] == sum(said["outcomes"].values()) == 7


def test_after_an_import_the_patients_are_found_by_name(run: Run, source: Path) -> None:
    run("import", str(source))
    said = answer(run("patients", "ANNA muster", "--json"))
    assert said["total"] == 1
    assert said["patients"][0]["name"] == "Muster Anna"
    assert said["patients"][0]["birth_date"] == "1970-01-01"
    assert answer(run("patients", "nobody", "--json"))["total"] == 0


def test_a_second_import_sends_nothing(run: Run, source: Path) -> None:
    run("import", str(source))
    assert answer(run("import", str(source), "--json"))["outcomes"] == {"already stored": 6, "not DICOM": 1}


def test_a_dry_run_tells_the_plan_and_sends_nothing(run: Run, source: Path) -> None:
    assert answer(run("import", str(source), "--dry-run", "--json"))["plan"] == {"new": 6}
    assert answer(run("sync", "--json"))["instances"] == 0


def test_trouble_gives_exit_code_1_and_the_reason(run_apart: Run, source: Path) -> None:
    write(source / "conflict.dcm", ct(series=1, image=1, SeriesDescription="other bytes"))
    done = run_apart("import", str(source))
    assert done.returncode == 1
    assert "8 files found = 6 stored + 1 conflict + 1 not DICOM. Unaccounted for: 0." in done.stdout
    assert "same ids but other bytes" in done.stdout


def test_failures_are_grouped_by_cause_with_the_remedy(run: Run, source: Path) -> None:
    for at in (1, 2):
        write(source / f"no_uid_{at}.dcm", ct(study=9, image=at, StudyInstanceUID=""))
    told = run("import", str(source)).stdout
    assert "2 files: no UIDs" in told
    assert "For example no_uid_1.dcm: A study, series or SOP instance UID is missing" in told
    (cause,) = answer(run("import", str(source), "--json"))["causes"]
    assert (cause["cause"], cause["files"], cause["example"]) == ("no UIDs", 2, "no_uid_1.dcm")
    assert cause["remedy"]


def test_batches_are_searched_and_paged(run: Run, source: Path) -> None:
    write(source / "no_uid.dcm", ct(study=9, StudyInstanceUID=""))
    good = answer(run("import", str(source / "series1"), "--json"))["batch_id"]
    bad = answer(run("import", str(source), "--json"))["batch_id"]

    def ids(*words: str) -> list[str]:
        return [batch["batch_id"] for batch in answer(run("batches", *words, "--json"))["batches"]]

    assert ids() == [bad, good]
    assert ids("series1") == ids("--limit", "1", "--page", "2") == [good]
    assert ids("--trouble") == [bad]
    assert ids("--to", "2001-01-01") == []
    assert "page 1 of 2" in run("batches", "--limit", "1").stdout


def test_one_file_is_not_called_files(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "one" / "a.dcm", ct())
    assert "1 file found = 1 DICOM. 1 patient, 1 study, 1 series" in run("scan", str(tmp_path / "one")).stdout
    assert "1 file found = 1 stored." in run("import", str(tmp_path / "one")).stdout


def test_an_import_is_narrowed(run: Run, source: Path) -> None:
    said = answer(run("import", str(source), "--subfolder", "series1", "--json"))
    assert said["outcomes"] == {"stored": 3}


def test_a_detached_import_is_followed_by_its_id(run: Run, run_apart: Run, source: Path) -> None:
    batch_id = answer(run_apart("import", str(source), "--detach", "--json"))["batch_id"]
    for _ in range(100):
        said = answer(run("progress", batch_id, "--json"))
        if said["status"] == "finished":
            break
    assert (said["progress"], said["outcomes"]) == (100, {"stored": 6, "not DICOM": 1})
    assert [batch["batch_id"] for batch in answer(run("batches", "--json"))["batches"]] == [batch_id]


def test_what_is_over_can_be_neither_cancelled_nor_paused(run: Run, source: Path) -> None:
    batch_id = answer(run("import", str(source), "--json"))["batch_id"]
    for word in ("cancel", "pause"):
        done = run(word, batch_id)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{batch_id} has finished: there is nothing to {word}." in done.stderr


def test_a_dry_run_says_what_will_be_rejected(run: Run, source: Path) -> None:
    write(source / "no uid.dcm", ct(StudyInstanceUID=None))
    done = run("import", str(source), "--dry-run")
    assert "6 new (" in done.stdout
    assert ", 1 will be rejected (no UIDs) (" in done.stdout
    assert answer(run("import", str(source), "--dry-run", "--json"))["plan"] == {"new": 6, "rejected": 1}


def test_a_scan_says_its_troubles_right_above_the_sum(run: Run, source: Path) -> None:
    write(source / "b.dcm", ct(series=3, PatientName="Other^Name"))
    said = run("scan", str(source)).stdout
    assert said.index("By folder") < said.index("Not imported, and why") < said.index("Look at these first")
    assert said.index("Look at these first") < said.index("files found =")


def test_an_export_of_nothing_says_how_to_fill_the_cache(run: Run) -> None:
    said = run("export", "studies.csv").stdout
    assert said.startswith("0 rows written to studies.csv.")
    assert said.endswith("python3 run.py sync\n")


def test_sql_answers_one_select_and_refuses_anything_else(run: Run, source: Path) -> None:
    run("import", str(source))
    said = answer(run("sql", "SELECT count(*) AS n FROM cached_instances", "--json"))
    assert said["rows"] == [{"n": 6}]
    refused = run("sql", "DROP TABLE cached_patients")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr


def test_export_writes_the_studies_and_the_outcomes(run: Run, source: Path, tmp_path: Path) -> None:
    batch_id = answer(run("import", str(source), "--json"))["batch_id"]
    assert answer(run("export", "studies.csv", "--json"))["rows"] == 1
    assert answer(run("export", "outcomes.csv", "--batch", batch_id, "--json"))["rows"] == 7
    (study,) = csv.DictReader((tmp_path / "studies.csv").read_text("utf-8").splitlines())
    assert study["accession_number"] == "A1"


def test_a_cell_that_a_spreadsheet_would_run_is_made_text(run: Run, source: Path, tmp_path: Path) -> None:
    write(source / "formula.dcm", ct(patient="=1+1", study=9, StudyDescription="@SUM(A1)"))
    run("import", str(source))
    run("export", "out.csv", "--table", "patients")
    assert "'=1+1" in (tmp_path / "out.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("import", "/no/such/folder"), 2, "does not exist"),
        (("scan", __file__), 2, "is a file"),
        (("progress", "IMPORT_nope"), 2, "no scan or batch"),
        (("export", "x.csv", "--table", "users"), 2, "no table"),
        (("import", ".", "--date-from", "2024-02-01", "--date-to", "2024-01-01"), 2, "after"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(run: Run, words: tuple[str, ...], code: int, said: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_archive_that_does_not_answer_is_exit_code_3(run: Run) -> None:
    done = run("sync", DVP_ARCHIVE="orthanc", DVP_ORTHANC_URL="http://127.0.0.1:9", DVP_ORTHANC_PASSWORD="canary")
    assert done.returncode == 3
    assert "does not answer" in done.stderr
    assert "canary" not in done.stderr + done.stdout


def test_an_import_into_an_archive_that_does_not_answer_fails_with_the_remedy(run: Run, source: Path) -> None:
    done = run("import", str(source), "--json", DVP_ARCHIVE="orthanc", DVP_ORTHANC_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert answer(done)["outcomes"] == {"not DICOM": 1, "pending": 6}
    assert "does not answer" in answer(done)["message"]


def test_no_patient_name_is_in_the_logs(run_apart: Run, source: Path, tmp_path: Path) -> None:
    write(source / "bad.dcm", ct(PatientName="Canary^Carla", StudyInstanceUID=""))
    run_apart("import", str(source))
    logged = "".join(log.read_text("utf-8") for log in (tmp_path / "logs").iterdir())
    assert "IMPORT_" in logged
    assert "Canary" not in logged
    assert "Muster" not in logged
