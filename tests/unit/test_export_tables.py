"""Tables of a selection: exactly its rows, in every format, under pseudonyms, noted, and ready for Jupyter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount
from typer.testing import CliRunner

from dicomcore import people
from dicomcore.api.app import make_api
from dicomcore.cli.app import app
from dicomcore.errors import AccessRefused, UnknownId, UsageError
from dicomcore.export import tables
from dicomcore.export.selection import Choice
from dicomcore.export.snippet import MOST_IDS, jupyter
from dicomcore.export.tables import Format, Table
from dicomcore.journal import audit
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from tests.factories import ct, write
from tests.one_process import OneProcess, imported
from tests.visitors import token_of

ADA = Visitor("ada", Role.ADMIN)
RITA = Visitor("rita", Role.RESEARCHER, "study-a")
READ = {"csv": pd.read_csv, "parquet": pd.read_parquet, "xlsx": pd.read_excel}
FORMULA = '=HYPERLINK("http://evil")'


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneProcess]:
    """P1 with two studies of two series of two images each, P2 with one image."""
    place = tmp_path_factory.mktemp("tables")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    for study in (1, 2):
        for series in (1, 2):
            for image in (1, 2):
                one = ct(study=study, series=series, image=image, StudyDescription=FORMULA)
                write(place / "cd" / f"{study}{series}{image}", one)
    write(place / "cd" / "other", ct(patient="P2", study=3, PatientName="Canary^Otto"))
    imported(services, place / "cd")
    services.refresh()
    yield services
    services.close()


def of_patient(engine: OneProcess, visitor: Visitor, patient_id: str = "") -> str:
    """The id of P1, or of the patient of this id."""
    rows = people.search_patients(engine, visitor).rows
    return str(rows["id"][rows["studies"] == 2].iloc[0] if not patient_id else rows.loc[0, "id"])


def table(engine: OneProcess, visitor: Visitor, choice: Choice, name: Table, format: Format = "parquet") -> Any:
    return READ[format](BytesIO(tables.selection_file(engine, visitor, choice, name, format)))


@pytest.mark.parametrize(("visitor", "format"), [(ADA, "csv"), (ADA, "xlsx"), (ADA, "parquet"), (RITA, "parquet")])
def test_exactly_the_rows_of_a_selection_leave(engine: OneProcess, visitor: Visitor, format: Format) -> None:
    whole = Choice(patients=(of_patient(engine, visitor),))
    names: tuple[Table, ...] = ("patients", "studies", "series", "instances")
    assert [len(table(engine, visitor, whole, name, format)) for name in names] == [1, 2, 4, 8]
    study = str(people.studies_of(engine, visitor, whole.patients[0])["id"][0])
    assert [len(table(engine, visitor, Choice(studies=(study,)), name, format)) for name in names] == [1, 1, 2, 4]
    one = str(people.series_of(engine, visitor, study)["id"][0])
    found = {name: table(engine, visitor, Choice(series=(one,)), name, format) for name in names}
    assert {name: len(rows) for name, rows in found.items()} == dict(zip(names, [1, 1, 1, 2], strict=True))
    assert (found["series"]["id"][0], found["studies"]["id"][0]) == (one, study)
    assert "search_text" not in found["patients"]


def test_a_table_of_a_selection_names_nobody_under_pseudonyms(engine: OneProcess) -> None:
    choice = Choice(patients=tuple(people.search_patients(engine, RITA).rows["id"]))
    told = "".join(table(engine, RITA, choice, name).to_string() for name in ("patients", "studies", "series"))
    assert "Subject " in told
    assert not [name for name in ("Muster", "Canary", "P1", "1.2.826", "HYPERLINK") if name in told]


def test_no_cell_of_a_csv_is_a_formula(engine: OneProcess) -> None:
    found = table(engine, ADA, Choice(patients=(of_patient(engine, ADA),)), "studies", "csv")
    assert set(found["study_description"]) == {f"'{FORMULA}"}


def test_it_is_noted_with_the_studies_and_how_many_rows(engine: OneProcess) -> None:
    choice = Choice(patients=(of_patient(engine, ADA),))
    table(engine, ADA, choice, "instances")
    detail = json.loads(audit.newest(engine.journal, 1)[0]["detail"])
    studies = set(people.studies_of(engine, ADA, choice.patients[0])["id"])
    assert (detail["rows of instances"], detail["studies"], set(detail["of"].split())) == (8, 2, studies)


def test_what_is_not_there_or_not_allowed_gives_no_table(engine: OneProcess) -> None:
    with pytest.raises(UnknownId):
        table(engine, ADA, Choice(studies=("nowhere",)), "studies")
    with pytest.raises(UnknownId):
        table(engine, RITA, Choice(patients=(of_patient(engine, ADA),)), "studies")
    with pytest.raises(AccessRefused):
        table(engine, Visitor("otto", Role.RESEARCHER, may_export=False), Choice(studies=("any",)), "studies")


def test_a_selection_too_long_for_a_sheet_says_so(engine: OneProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "EXCEL_ROWS", 7)
    choice = Choice(patients=(of_patient(engine, ADA),))
    with pytest.raises(UsageError, match="8 rows are too many for xlsx"):
        table(engine, ADA, choice, "instances", "xlsx")
    assert len(table(engine, ADA, choice, "series", "xlsx")) == 4


# ---- other programs


def client_of(engine: OneProcess, role: Role = Role.ADMIN, **more: Any) -> TestClient:
    served = Starlette(routes=[Mount("/api", make_api(lambda: engine))])
    return TestClient(served, headers={"Authorization": f"Bearer {token_of(engine, role, **more)}"})


def test_programs_ask_for_the_rows_of_a_selection(engine: OneProcess) -> None:
    client = client_of(engine)
    answer = client.post("/api/tables/instances.parquet", json={"patients": [of_patient(engine, ADA)]})
    assert answer.headers["content-disposition"] == 'attachment; filename="instances.parquet"'
    assert len(pd.read_parquet(BytesIO(answer.content))) == 8
    assert client.post("/api/tables/instances.parquet", json={}).status_code == 400
    assert client.post("/api/tables/instances.csv", json={"series": ["nowhere"]}).status_code == 404
    refused = client_of(engine, Role.RESEARCHER, name="only looks", may_export=False)
    assert refused.post("/api/tables/series.csv", json={"series": ["any"]}).status_code == 403


def test_the_command_line_writes_the_rows_of_a_selection(
    engine: OneProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = str(people.studies_of(engine, ADA, of_patient(engine, ADA))["id"][0])
    monkeypatch.setattr("dicomcore.cli.export.opened_services", lambda: _Given(engine))
    for suffix, read in READ.items():
        target = tmp_path / f"t.{suffix}"
        said = CliRunner().invoke(app, ["export", str(target), "--study", study, "--table", "series"])
        assert said.exit_code == 0, said.output
        assert set(read(target)["study"]) == {study}
        assert target.stat().st_mode & 0o077 == 0


class _Given:
    """The engine of the test instead of one of its own."""

    def __init__(self, services: OneProcess) -> None:
        self._services = services

    def __enter__(self) -> OneProcess:
        return self._services

    def __exit__(self, *_: object) -> None:
        """It lives on."""


# ---- Jupyter


def run(cell: str, requests: Any = None) -> dict[str, Any]:
    """The cell, executed; what it ends with is ``answer_of_duckdb``."""
    names: dict[str, Any] = {"requests": requests}
    lines = cell.replace("import requests\n", "").rstrip().rpartition("\nduckdb.sql(")
    exec(compile(f"{lines[0]}\nanswer_of_duckdb = duckdb.sql({lines[2]}.fetchall()", "cell", "exec"), names)
    return names


@pytest.mark.parametrize("name", ["patients", "studies", "series", "instances"])
def test_the_cell_reads_the_parquet_file_that_was_downloaded(
    engine: OneProcess, name: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    choice = Choice(patients=(of_patient(engine, ADA),))
    Path(f"{name}.parquet").write_bytes(tables.selection_file(engine, ADA, choice, name, "parquet"))
    for known in (choice, None):
        found = run(jupyter(name, known, "http://nowhere/api"))
        assert len(found[name]) == {"patients": 1, "studies": 2, "series": 4, "instances": 8}[name]
        assert found["answer_of_duckdb"][0][1] == len(found[name])


def test_the_cell_fetches_the_file_where_it_is_not_there(
    engine: OneProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = client_of(engine)
    monkeypatch.setenv("DICOM_TOKEN", client.headers["Authorization"].removeprefix("Bearer "))
    posted = SimpleNamespace(post=lambda url, **how: client.post(url, json=how["json"], headers=how["headers"]))
    study = str(people.studies_of(engine, ADA, of_patient(engine, ADA))["id"][0])
    found = run(jupyter("series", Choice(studies=(study,)), "http://testserver/api"), posted)
    assert set(found["series"]["study"]) == {study}


def test_the_cell_holds_only_literals_and_not_thousands_of_ids() -> None:
    hostile = Choice(studies=("'); import os; os.abort() #\n\\\u2028",))
    compile(jupyter("studies", hostile, "http://localhost/api"), "cell", "exec")
    assert jupyter("studies", hostile, "http://localhost/api").isascii()
    many = Choice(series=tuple(f"id-{number}" for number in range(MOST_IDS + 1)))
    assert "id-1" not in jupyter("series", many, "http://localhost/api")
