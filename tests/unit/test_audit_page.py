"""The audit where people meet it: the page, the command line, REST, and the downloads that are noted in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result

from dicomcore import audit_log, people
from dicomcore.api.app import make_api
from dicomcore.cache.queries import PatientFilter
from dicomcore.cli.app import app
from dicomcore.errors import AccessRefused, NotSignedIn, UsageError
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.settings import load
from dicomcore.signing_in import sign_out
from dicomcore.visitor import Role, Visitor
from pages.widgets import download, visit
from tests.clicking import HOSTILE, lives, page, press
from tests.factories import write_study
from tests.one_process import OneProcess, imported
from tests.visitors import session_of, token_of

ANNA = Visitor("anna", Role.ADMIN)


def lines(services: Services) -> list[tuple[str, str, str]]:
    """who, action and about, newest first."""
    return [(line["who"], line["action"], line["about"]) for line in audit.newest(services.journal)]


def begin(engine: OneProcess, **query: str) -> AppTest:
    for number in range(1, 121):
        audit.note(engine.journal, "bert", "test", f"thing {number}")
    return page("audit", **query)


# ---- the page


def test_the_newest_lines_come_first_and_the_next_page_has_the_rest(engine: OneProcess) -> None:
    shown = begin(engine, words="bert thing")
    assert shown.dataframe[0].value["about"].iloc[0] == "thing 120"
    assert len(shown.dataframe[0].value) == 100
    assert any(said.value == "120 lines" for said in shown.caption)
    shown = page("audit", words="bert thing", page="2")
    assert list(shown.dataframe[0].value["about"])[-1] == "thing 1"


def test_an_action_is_chosen_among_those_that_occur(engine: OneProcess) -> None:
    shown = begin(engine)
    assert shown.selectbox(key="action").options == ["any", "test", "user added"]
    shown = lives(shown.selectbox(key="action").set_value("user added").run())
    assert set(shown.dataframe[0].value["action"]) == {"user added"}


def test_the_chain_is_checked_on_demand_and_gives_a_hash_to_note(engine: OneProcess) -> None:
    shown = press(begin(engine), "Check the chain")
    assert "none was changed, deleted or inserted" in shown.success[0].value
    assert shown.code[0].value == audit.newest(engine.journal, 1)[0]["hash"]


def test_tampering_is_shown_with_its_line(engine: OneProcess) -> None:
    shown = begin(engine)
    with engine.journal.transaction() as writing:
        writing.execute("DROP TRIGGER audit_is_not_deleted")
        writing.execute("DELETE FROM audit WHERE audit_id = 17")
    shown = press(shown, "Check the chain")
    assert "Line 17 is missing" in shown.error[0].value


def test_what_is_no_hash_is_told_so(engine: OneProcess) -> None:
    shown = begin(engine)
    shown.text_input(key="audit-noted").input("abc")
    shown = press(shown, "Check the chain")
    assert "64 digits" in shown.error[0].value


def test_hostile_text_is_shown_letter_by_letter(engine: OneProcess) -> None:
    for text in HOSTILE[:4]:
        audit.note(engine.journal, text, text, text, what=text)
    shown = page("audit")
    assert list(shown.dataframe[0].value["who"])[:4] == HOSTILE[3::-1]
    assert not any("evil" in said.value for said in [*shown.markdown, *shown.caption])


# ---- what people look at and take away


@pytest.fixture
def study(engine: OneProcess, tmp_path: Path) -> tuple[str, str]:
    """The archive's ids of a patient and a study."""
    write_study(tmp_path / "tree", patient="P1", study=1)
    imported(engine, tmp_path / "tree")
    engine.refresh()
    patient = people.search_patients(engine, ANNA).rows["id"].iloc[0]
    return patient, people.studies_of(engine, ANNA, patient)["id"].iloc[0]


def test_whoever_opens_a_study_is_noted_once(engine: OneProcess, study: tuple[str, str]) -> None:
    patient, opened = study
    for _ in range(2):
        page("patients", patient=patient, study=opened)
    assert [line for line in lines(engine) if line[1] == "view study"] == [("an admin", "view study", opened)]


def test_whoever_only_searches_has_opened_nothing(engine: OneProcess, study: tuple[str, str]) -> None:  # noqa: ARG001
    page("patients")
    assert not [line for line in lines(engine) if line[1] == "view study"]


def test_a_study_seen_through_one_of_its_series_is_noted(engine: OneProcess, study: tuple[str, str]) -> None:
    series = people.series_of(engine, Visitor("bert", Role.ADMIN), study[1])["id"].iloc[0]
    people.series(engine, ANNA, series)
    assert lines(engine)[0] == ("anna", "view study", study[1])


def test_a_contact_sheet_is_noted_as_an_export(engine: OneProcess, study: tuple[str, str]) -> None:
    series = people.series_of(engine, ANNA, study[1])["id"].iloc[0]
    people.sheet(engine, ANNA, series, title="x", format="png")
    assert lines(engine)[0][1:] == ("export", series)


def test_a_download_is_noted_in_the_name_of_the_visitor(engine: OneProcess, study: tuple[str, str]) -> None:  # noqa: ARG001
    secret = session_of(engine, Role.RESEARCHER, "bert")
    made = download.in_the_name_of(
        secret, lambda who: people.patients_csv(engine, who, PatientFilter(), "name", False).encode()
    )
    assert b"P1" in made()
    assert lines(engine)[0] == ("bert", "export", "patients")
    assert json.loads(audit.newest(engine.journal, 1)[0]["detail"]) == {"rows": 1}


def test_after_signing_out_an_open_page_gives_no_file(engine: OneProcess) -> None:
    secret = session_of(engine, Role.ADMIN, "bert")
    made = download.in_the_name_of(secret, lambda _: b"secret")
    sign_out(engine, secret)
    with pytest.raises(NotSignedIn):
        made()


def test_who_may_not_export_gets_no_file_and_sees_no_button(engine: OneProcess, study: tuple[str, str]) -> None:  # noqa: ARG001
    secret = session_of(engine, Role.RESEARCHER, "carla", may_export=False)
    with pytest.raises(AccessRefused):
        download.in_the_name_of(secret, lambda _: b"secret")()
    assert page("patients").get("download_button")
    visit.come_with(lambda: secret)
    assert not page("patients").get("download_button")


# ---- the command line and REST


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """A data folder that the command line uses too, with two lines in the audit."""
    for name, value in {"DATA_DIR": "data", "LOG_DIR": "logs", "ARCHIVE": "folder"}.items():
        monkeypatch.setenv(f"DVP_{name}", str(tmp_path / value) if name != "ARCHIVE" else value)
    services = Services(load())
    audit.note(services.journal, "anna", "import", "IMPORT_1", scan="SCAN_1")
    audit.note(services.journal, "bert", "sign in", "bert", address="10.0.0.7")
    yield services
    services.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


def test_the_command_line_lists_what_fits(there: Services) -> None:  # noqa: ARG001
    told = json.loads(run("list", "--json").stdout)
    assert [line["action"] for line in told["lines"]] == ["sign in", "import"]
    assert (told["total"], told["more"], told["pages"]) == (2, False, 1)
    assert told["lines"][1]["detail"] == {"scan": "SCAN_1"}
    (line,) = json.loads(run("list", "anna", "--action", "import", "--json").stdout)["lines"]
    assert line["about"] == "IMPORT_1"
    assert "No line fits." in run("list", "--to", "2000-01-01").stdout
    assert "IMPORT_1" in run("list").stdout


def test_the_command_line_writes_csv(there: Services) -> None:
    told = run("list", "--csv").stdout.splitlines()
    assert told[0] == "line,at,who,action,about,detail,hash"
    assert len(told) == 4
    assert lines(there)[0][1:] == ("export", "audit")


def test_the_command_line_checks_the_chain(there: Services) -> None:
    sound = run("check", "--json")
    found = json.loads(sound.stdout)
    assert (sound.exit_code, found["good"], found["lines"]) == (0, True, 2)
    assert json.loads(run("check", "--head", found["head"], "--json").stdout)["noted_in"] == 2
    assert run("check", "--head", "0" * 64).exit_code == 1
    assert isinstance(run("check", "--head", "abc").exception, UsageError)
    with there.journal.transaction() as writing:
        writing.execute("DROP TRIGGER audit_is_not_changed")
        writing.execute("UPDATE audit SET who = 'carla' WHERE audit_id = 1")
    broken = run("check")
    assert broken.exit_code == 1
    assert "Line 1 is not what was noted" in broken.stdout


def test_rest_gives_admins_a_page_of_lines_and_where_the_next_is(there: Services) -> None:
    client = TestClient(make_api(lambda: there))
    client.headers["Authorization"] = f"Bearer {token_of(there, Role.ADMIN, 'carla')}"
    first = client.get("/audit", params={"words": "bert", "per_page": 1}).json()
    assert first["success"]
    assert [line["detail"] for line in first["lines"]] == [{"address": "10.0.0.7"}]
    assert first["next"] is None
    total = audit_log.search(there).total
    pages, found = 0, client.get("/audit", params={"per_page": 2}).json()
    while True:
        pages += 1
        if not found["next"]:
            break
        found = client.get("/audit", params=parse_qsl(urlsplit(found["next"]).query)).json()
    assert pages == -(-total // 2)
    assert client.get("/audit", params={"from": "yesterday"}).status_code == 422
