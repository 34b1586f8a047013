"""Patients, their studies and pictures, clicked through."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.config import disable_value_validation
from pydicom.uid import BasicTextSRStorage
from streamlit.testing.v1 import AppTest

from dicomcore import reports
from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.settings import Settings
from pages.widgets import at_work
from tests.clicking import HOSTILE, cells, imported, markdown, page, pictures, press, scan, texts
from tests.factories import ct, write, write_study
from tests.one_process import OneProcess


def the_patient(engine: OneProcess) -> str:
    return str(queries.search_patients(engine.cache).rows["id"][0])


def test_the_url_finds_patients(engine: OneProcess, tree: Path) -> None:
    write_study(tree / "c", patient="P3", study=3, series=1, images=1)
    write(tree / "c" / "x.dcm", ct(patient="P4", study=4, PatientName="Nuñez^José"))
    imported(engine, tree)
    found = cells(page(q="jose nunez"))
    assert "P4" in found
    assert "P3" not in found
    assert not page(q="nobody").dataframe


def test_a_patient_leads_to_studies_series_and_pictures_of_slices(engine: OneProcess, tree: Path) -> None:
    imported(engine, tree / "a")
    app = page(patient=the_patient(engine))
    assert {"Study 1", "Series 1", "Series 2", "2024-03-18"} <= cells(app)
    assert pictures(app) == 6


def test_what_has_no_picture_says_what_it_is_and_the_page_lives(engine: OneProcess, tree: Path) -> None:
    report = ct(study=1, series=9, Modality="SR", SOPClassUID=BasicTextSRStorage, PixelData=None, Rows=None)
    write(tree / "a" / "report.dcm", report)
    write(tree / "a" / "short.dcm", ct(study=1, series=8, PixelData=b"\0\0"))
    imported(engine, tree / "a")
    app = page(patient=the_patient(engine))
    assert any("Structured report" in text for text in texts(app))
    assert pictures(app) == 6


def test_a_patient_who_is_gone_is_said(engine: OneProcess, tree: Path) -> None:
    imported(engine, tree)
    assert "Refresh" in page(patient="gone").error[0].value


def test_an_empty_app_says_that_its_archive_does_not_answer(engine: OneProcess, settings: Settings) -> None:
    engine.close()
    gone = OneProcess(settings.model_copy(update={"archive": "orthanc", "orthanc_url": "http://127.0.0.1:9"}))
    at_work.hand_over(gone)
    app = page()
    gone.close()
    assert "does not answer" in app.error[0].value
    assert "Error" not in app.error[0].value
    assert "No patients yet" in markdown(app)


def test_the_list_of_patients_is_had_as_csv_as_it_is_searched_with_all_its_pages(
    engine: OneProcess, tree: Path, tmp_path: Path
) -> None:
    for number in range(30):
        write(
            tmp_path / "more" / f"{number}.dcm", ct(patient="=1+1" if number == 7 else f"M{number}", study=100 + number)
        )
    imported(engine, tree)
    imported(engine, tmp_path / "more")
    (button,) = (found for found in page().get("download_button") if found.proto.label == "Download CSV")
    assert "All patients of this list" in button.proto.help
    everyone = reports.patients_csv(engine, PatientFilter(), "patient_id", False).splitlines()
    assert (len(everyone), everyone[1].split(",")[1]) == (33, "'=1+1")
    (_, found) = reports.patients_csv(engine, PatientFilter("P2"), "last_study", True).splitlines()
    assert ",P2," in found


def test_without_the_archive_the_tables_stay_and_the_pictures_say_why(
    engine: OneProcess, settings: Settings, tree: Path
) -> None:
    imported(engine, tree / "a")
    patient = the_patient(engine)
    engine.close()
    gone = OneProcess(settings.model_copy(update={"archive": "orthanc", "orthanc_url": "http://127.0.0.1:9"}))
    at_work.hand_over(gone)
    app = page(patient=patient)
    gone.close()
    assert {"P1", "Study 1", "Series 2"} <= cells(app)
    assert "does not answer" in app.error[0].value


def test_a_cache_that_another_process_holds_is_said(engine: OneProcess) -> None:
    file = str(engine.settings.data_dir / "cache.duckdb")
    hold = f"import duckdb; held = duckdb.connect({file!r}); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        app = page()
        holder.communicate(b"\n")
    assert len(app.error) == 1


@pytest.mark.parametrize("name", HOSTILE, ids=["picture", "script", "formula", "maths", "long"])
def test_a_hostile_name_is_shown_and_never_read_as_markdown(engine: OneProcess, tmp_path: Path, name: str) -> None:
    everywhere = dict.fromkeys(("PatientName", "StudyDescription", "SeriesDescription"), name)
    with disable_value_validation():
        write(tmp_path / "tree" / "x.dcm", ct(**everywhere))
    pages: list[Callable[[], AppTest]] = [
        lambda: scan(tmp_path / "tree"),
        lambda: press(page("hospital_config"), "Start Import"),
        lambda: page("import_studies"),
        lambda: page(patient=the_patient(engine)),
    ]
    for at, visit in enumerate(pages):
        if at == len(pages) - 1:
            engine.refresh()
        app = visit()
        assert name not in markdown(app)
    assert any(cell.startswith(name[:60]) for cell in cells(app))
    assert any(name[:60] in text for text in texts(app))
