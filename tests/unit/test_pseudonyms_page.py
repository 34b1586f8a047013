"""A researcher under pseudonyms clicks through the Patients page: nothing on it says who anybody is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image
from pydicom.uid import SecondaryCaptureImageStorage
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from dicomcore import accounts, people
from dicomcore.access import users
from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.cli.app import app as command_line
from dicomcore.errors import AccessRefused, UsageError
from dicomcore.imaging.nameless import NOT_SHOWN
from dicomcore.journal import audit
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from pages.widgets import at_work
from tests.clicking import everything
from tests.factories import ROOT, ct, write
from tests.one_process import OneProcess
from tests.visitors import signed_in

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
HOSTILE = "<script>alert(1)</script>"

SECRETS = ("muster", "anna", "pid-4711", "19700101", "1970-01-01", "20240318", "2024-03-18", "acc-0815", "klinikum")
SECRETS += ("station7", ROOT, "script>alert", "/tree/", "=cmd")

RESEARCHER = Visitor("rita", Role.RESEARCHER, "study-a")
ELSEWHERE = Visitor("otto", Role.RESEARCHER, "study-b")


@pytest.fixture
def engine(settings: Settings, tmp_path: Path) -> Iterator[OneProcess]:
    """A CT with a name in each place, a screenshot, one that says that it was written into, and a hostile patient."""
    st.cache_data.clear()
    services = OneProcess(settings)
    at_work.hand_over(services)
    telling = {
        "patient": "PID-4711",
        "AccessionNumber": "ACC-0815",
        "InstitutionName": "Klinikum",
        "StationName": "STATION7",
        "StudyDescription": "CT Thorax Muster Anna born 19700101",
        "SeriesDescription": "axial PID-4711",
    }
    tree = tmp_path / "tree"
    for image in (1, 2):
        write(tree / f"Muster_Anna_{image}.dcm", ct(image=image, **telling))
    written = telling | {"BurnedInAnnotation": "YES"}
    write(tree / "written.dcm", ct(series=2, **written))
    write(tree / "screen.dcm", ct(series=3, SOPClassUID=SecondaryCaptureImageStorage, **telling))
    write(tree / "odd.dcm", ct(study=2, patient="=cmd()", PatientName=HOSTILE, StudyDescription="=cmd()"))
    services.import_folder(str(tree))
    services.refresh()
    yield services
    at_work.hand_over(None)
    services.close()


def page(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.query_params.update(query)
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def secrets_of(engine: OneProcess) -> list[str]:
    ids = [one for table in ("patients", "studies", "series", "instances") for one in _ids(engine, table)]
    return [*SECRETS, *ids]


def _ids(engine: OneProcess, table: str) -> list[str]:
    return list(queries.whole_table(engine.cache, table)["id"])


def the_subject(engine: OneProcess, visitor: Visitor = RESEARCHER) -> str:
    found = people.search_patients(engine, visitor).rows
    ids = [one for one in found["id"] if len(people.series_of(engine, visitor, _study(engine, visitor, one))) == 3]
    return str(ids[0])


def _study(engine: OneProcess, visitor: Visitor, patient: str) -> str:
    return str(people.studies_of(engine, visitor, patient)["id"][0])


def test_the_whole_page_names_nobody(engine: OneProcess) -> None:
    with signed_in(engine, Role.RESEARCHER, "rita", project="study-a"):
        listed, opened = page(), page(patient=the_subject(engine))
    for app in (listed, opened):
        told = everything(app)
        assert [secret for secret in secrets_of(engine) if secret.lower() in told] == []
    assert "subject " in everything(opened)
    assert "study-a" in everything(listed)
    assert "where it came from" not in everything(opened)
    assert len(opened.image) == 1
    assert everything(opened).count(NOT_SHOWN.lower()) == 2


def test_an_admin_sees_all_of_it(engine: OneProcess) -> None:
    with signed_in(engine):
        patient = str(queries.search_patients(engine.cache, PatientFilter("4711")).rows["id"][0])
        told = everything(page(patient=patient))
    assert all(secret in told for secret in ("muster anna", "pid-4711", "1970-01-01", "acc-0815", "where it came from"))


def test_the_real_id_in_the_address_opens_nothing(engine: OneProcess) -> None:
    patient = _ids(engine, "patients")[0]
    with signed_in(engine, Role.RESEARCHER, "rita", project="study-a"):
        app = page(patient=patient)
    assert "not, or no more, in the archive" in everything(app)
    assert not app.image


@pytest.mark.parametrize("typed", ["Muster", "PID-4711", "ACC-0815", '"Muster Anna"', "klinikum", "cmd"])
def test_a_search_for_somebody_finds_nobody(engine: OneProcess, typed: str) -> None:
    with signed_in(engine, Role.RESEARCHER, "rita", project="study-a"):
        assert "No patient fits" in page(q=typed).info[0].value
    assert people.search_patients(engine, RESEARCHER, PatientFilter("thorax")).total == 1


def test_what_is_taken_away_names_nobody(engine: OneProcess) -> None:
    csv = people.patients_csv(engine, RESEARCHER, PatientFilter(), "name", False).lower()
    assert csv.count("subject ") == 2
    subject = people.patient(engine, RESEARCHER, the_subject(engine))
    assert subject
    study = _study(engine, RESEARCHER, subject["id"])
    series = str(people.series_of(engine, RESEARCHER, study)["id"][0])
    sheets = [people.sheet(engine, RESEARCHER, series, title=subject["name"], format=one) for one in ("png", "pdf")]
    told = [csv, *(sheet.decode("latin-1").lower() for sheet in sheets)]
    assert [secret for secret in secrets_of(engine) for one in told if secret.lower() in one] == []
    assert Image.open(BytesIO(sheets[0])).info.keys() <= {"dpi"}
    with pytest.raises(AccessRefused):
        people.patients_csv(
            engine, Visitor("rita", Role.RESEARCHER, "study-a", may_export=False), PatientFilter(), "name", False
        )


def test_what_sorts_by_the_day_of_arrival_is_refused(engine: OneProcess) -> None:
    with pytest.raises(UsageError):
        people.search_patients(engine, RESEARCHER, sort="added")


def test_without_the_right_to_export_there_is_nothing_to_download(engine: OneProcess) -> None:
    with signed_in(engine, Role.RESEARCHER, "rita", project="study-a", may_export=False):
        app = page(patient=the_subject(engine))
    assert not app.get("download_button")
    assert "Hospital Config" not in [button.label for button in app.button]


def test_two_projects_see_different_subjects_and_each_the_same_for_ever(engine: OneProcess, settings: Settings) -> None:
    names = {visitor: _names(engine, visitor) for visitor in (RESEARCHER, ELSEWHERE)}
    assert not names[RESEARCHER] & names[ELSEWHERE]
    engine.close()
    (settings.data_dir / "cache.duckdb").unlink()
    again = OneProcess(settings)
    again.refresh()
    assert {visitor: _names(again, visitor) for visitor in names} == names
    again.close()


def _names(services: OneProcess, visitor: Visitor) -> set[str]:
    return set(people.search_patients(services, visitor).rows["name"])


def test_a_user_moved_into_a_project_sees_pseudonyms_at_the_next_click(engine: OneProcess) -> None:
    with signed_in(engine, Role.RESEARCHER, "rita"):
        assert "muster" in everything(page())
        accounts.change_user(engine, "rita", role=Role.RESEARCHER, project="study-a", may_export=True)
        assert "muster" not in everything(page())
    assert users.user(engine.journal, "rita").project == "study-a"


def test_the_way_back_is_for_the_machine_alone_and_is_noted(
    engine: OneProcess, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (subject,) = [row for row in people.search_patients(engine, RESEARCHER).rows.to_dict("records") if row["sex"] and
                  row["id"] == the_subject(engine)]  # fmt: skip
    for written in (subject["name"], subject["patient_id"].lower(), subject["name"].split()[1]):
        assert people.behind(engine, written, "Study-A").patient_id == "PID-4711"
    with pytest.raises(UsageError, match="Nobody"):
        people.behind(engine, "S" + "0" * 12, "study-a")
    with pytest.raises(UsageError, match="reads like this"):
        people.behind(engine, "Muster", "study-a")
    with pytest.raises(UsageError, match="study-a"):
        people.behind(engine, subject["name"], "unknown")
    line = [line for line in audit.newest(engine.journal) if line["action"] == "pseudonym undone"][-1]
    assert line["about"] == subject["patient_id"]
    assert "4711" not in line["detail"]
    engine.close()
    monkeypatch.setenv("DVP_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("DVP_LOG_DIR", str(settings.log_dir))
    asked = CliRunner().invoke(command_line, ["pseudonym", subject["name"], "--project", "study-a", "--json"])
    assert json.loads(asked.stdout)["patient_id"] == "PID-4711"


def test_views_are_noted_by_the_archives_own_id(engine: OneProcess) -> None:
    study = _study(engine, RESEARCHER, the_subject(engine))
    people.series_of(engine, RESEARCHER, study)
    noted = {line["about"] for line in audit.newest(engine.journal) if line["action"] == audit.VIEW}
    assert noted <= set(_ids(engine, "studies"))
    assert noted
