"""REST: patients, studies, series and their pictures, as the caller may see them."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import httpx2
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount

from dicomcore import pictures
from dicomcore.api import patients
from dicomcore.api import pictures as picture_routes
from dicomcore.api.app import make_api
from dicomcore.cache import queries
from dicomcore.errors import ArchiveUnreachable, NotInArchive
from dicomcore.scan.paths import printable
from dicomcore.settings import Settings
from dicomcore.visitor import Role
from tests.factories import ct, write
from tests.memory_archive import MemoryArchive, study
from tests.one_process import OneProcess, imported
from tests.visitors import token_of

PROJECT = Path(__file__).resolve().parents[2]

NAME, PATIENT_ID, BIRTH_DATE = "Canaryfamily^Canarygiven", "CANARY-4711", "19610417"
STUDY_DATE, ACCESSION, STUDY_UID = "20210223", "ACC-998877", "1.2.826.0.1.3680043.8.498.4711"

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "Markdown": "![x](https://example.org/a.png)",
    "formula": '=HYPERLINK("https://example.org","x")',
    "bidi": "\u202egnp.exe\u2066",
    "quotes": "\"'\\ \x01 \u2028",
    "long": "L" * 10_000,
}

Client = Callable[..., TestClient]


def client_of(services: OneProcess, role: Role = Role.ADMIN, **more: Any) -> TestClient:
    """Calls as a program of such a user does, through the place where the API is mounted."""
    app = Starlette(routes=[Mount("/api", make_api(lambda: services))])
    return TestClient(app, headers={"Authorization": f"Bearer {token_of(services, role, **more)}"})


@dataclass
class Running:
    """An engine with one patient in it."""

    services: OneProcess
    admin: TestClient


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One patient with one study of two series: three slices, and an object without a picture."""
    place = tmp_path_factory.mktemp("rest")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    whose = {
        "PatientName": NAME,
        "PatientBirthDate": BIRTH_DATE,
        "StudyDate": STUDY_DATE,
        "AccessionNumber": ACCESSION,
        "StudyInstanceUID": STUDY_UID,
    }
    for image in (1, 2, 3):
        write(place / "cd" / f"{image}.dcm", ct(patient=PATIENT_ID, image=image, **whose))
    write(place / "cd" / "sr.dcm", ct(patient=PATIENT_ID, series=2, Modality="SR", PixelData=None, **whose))
    imported(services, place / "cd")
    services.refresh()
    yield Running(services, client_of(services))
    services.close()


@pytest.fixture
def given(settings: Settings) -> Iterator[OneProcess]:
    """An engine with an archive of the test's own, empty at first."""
    services = OneProcess(settings)
    services.given = MemoryArchive()
    yield services
    services.close()


def body(answer: httpx2.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = json.loads(answer.content, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert found["success"] is (status < 400)
    return found


def ids(client: TestClient) -> dict[str, str]:
    """The ids that this caller is told, one of each kind; the series is the one with slices."""
    (patient,) = body(client.get("/api/patients"))["patients"]
    (of_it,) = body(client.get(f"/api/patients/{patient['id']}/studies"))["studies"]
    series = body(client.get(f"/api/studies/{of_it['id']}/series"))["series"]
    return {"patients": patient["id"], "studies": of_it["id"], "series": series[0]["id"]}


def addresses(client: TestClient) -> list[str]:
    """Every GET of this part, with ids that this caller was told."""
    known = ids(client)
    found = []
    for router in (patients.router, picture_routes.router):
        for route in router.routes:
            assert isinstance(route, APIRoute)
            level = route.path.split("/")[1]
            found.append("/api" + route.path.format(id=known.get(level, ""), number=1))
    return found


# ---- what is told


def test_one_walks_from_a_patient_to_its_pictures(running: Running) -> None:
    (patient,) = body(running.admin.get("/api/patients"))["patients"]
    assert patient["name"] == "Canaryfamily Canarygiven"
    assert (patient["birth_date"], patient["last_study"], patient["studies"]) == ("1961-04-17", "2021-02-23", 1)
    assert patient["added"].endswith("Z")
    assert body(running.admin.get(f"/api/patients/{patient['id']}"))["patient"] == patient
    (of_it,) = body(running.admin.get(f"/api/patients/{patient['id']}/studies"))["studies"]
    assert (of_it["date"], of_it["time"], of_it["images"]) == ("2021-02-23", "10:11:12", 4)
    assert of_it["modalities"] == ["CT", "SR"]
    slices, report = body(running.admin.get(f"/api/studies/{of_it['id']}/series"))["series"]
    assert (slices["modality"], slices["images"], report["modality"]) == ("CT", 3, "SR")
    assert body(running.admin.get(f"/api/series/{slices['id']}"))["series"] == slices


def test_a_study_is_known_by_its_uid_too(running: Running) -> None:
    by_uid = body(running.admin.get(f"/api/studies/{STUDY_UID}"))
    assert by_uid == body(running.admin.get(f"/api/studies/{ids(running.admin)['studies']}"))
    assert len(body(running.admin.get(f"/api/studies/{STUDY_UID}/series"))["series"]) == 2


def test_each_thumbnail_has_an_address_that_gives_a_picture(running: Running) -> None:
    of = ids(running.admin)["series"]
    found = body(running.admin.get(f"/api/series/{of}/thumbnails?count=2&size=64"))["thumbnails"]
    assert [one["label"] for one in found] == ["image 1", "image 3"]
    for one in found:
        answer = running.admin.get(one["url"])
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).format == "JPEG"


def test_a_picture_is_not_sent_again_while_it_is_the_same(running: Running) -> None:
    address = f"/api/series/{ids(running.admin)['series']}/thumbnails/1"
    first = running.admin.get(address)
    assert first.headers["cache-control"] == "private, no-cache"
    again = running.admin.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert running.admin.get(address, headers={"If-None-Match": '"another"'}).content == first.content


def test_what_cannot_be_drawn_says_why(running: Running) -> None:
    study_id = ids(running.admin)["studies"]
    report = body(running.admin.get(f"/api/studies/{study_id}/series"))["series"][1]["id"]
    (told,) = body(running.admin.get(f"/api/series/{report}/thumbnails"))["thumbnails"]
    assert told["url"] is None
    assert told["reason"]
    assert body(running.admin.get(f"/api/series/{report}/thumbnails/1"), 422)["detail"] == told["reason"]


@pytest.mark.parametrize(("format", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_contact_sheet_is_a_file_to_keep(running: Running, format: str, begins: bytes) -> None:
    answer = running.admin.get(f"/api/series/{ids(running.admin)['series']}/contact-sheet?format={format}")
    assert answer.content.startswith(begins)
    assert answer.headers["content-disposition"] == f'attachment; filename="contact-sheet.{format}"'


def test_the_archive_is_described_without_its_password(running: Running) -> None:
    told = body(running.admin.get("/api/archive"))
    assert told["holds"] == told["cached"] == {"patients": 1, "studies": 1, "series": 2, "instances": 4}
    assert "password" not in json.dumps(told)


def test_sync_says_what_the_cache_holds_now(given: OneProcess) -> None:
    client = client_of(given)
    given.given.add(study("s1"), study("s2", patient="p2"))  # type: ignore[union-attr]
    told = body(client.post("/api/sync"))
    assert (told["patients"], told["studies"], told["instances"], told["added"]) == (2, 2, 4, 4)
    assert body(client.get("/api/patients"))["as_of"].endswith("Z")


# ---- lists


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    place = tmp_path_factory.mktemp("three")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    there = services.given = MemoryArchive()
    there.add(
        study("s1", patient="p1", name="Adler^Ada", patient_id="1", date="20240101", modalities=("CT", "SR")),
        study("s2", patient="p2", name="Bach^Bo", patient_id="2", date="20240201", modalities=("MR",)),
        study("s3", patient="p3", name="Curie^Cy", patient_id="3", date="", birth_date="", modalities=("CT",)),
    )
    services.refresh()
    yield client_of(services)
    services.close()


def names(client: TestClient, asked: str) -> list[str]:
    return [one["name"] for one in body(client.get(f"/api/patients{asked}"))["patients"]]


def test_whoever_follows_next_sees_every_patient_once(three: TestClient) -> None:
    address: str | None = "/api/patients?per_page=1&sort=name&order=asc&q="
    seen = []
    while address:
        page = body(three.get(address))
        seen += [one["name"] for one in page["patients"]]
        assert (page["total"], page["pages"], page["page"]) == (3, 3, len(seen))
        address = page["next"]
    assert seen == ["Adler Ada", "Bach Bo", "Curie Cy"]


@pytest.mark.parametrize(
    ("asked", "fit"),
    [
        ("?q=bach", ["Bach Bo"]),
        ("?modality=SR", ["Adler Ada"]),
        ("?date_from=2024-01-15", ["Bach Bo"]),
        ("?date_to=2024-01-15", ["Adler Ada"]),
        ("?date_from=2024-02-01&date_to=2024-01-01", []),
        ("?q=nobody", []),
    ],
)
def test_a_search_gives_those_that_fit(three: TestClient, asked: str, fit: list[str]) -> None:
    assert names(three, asked) == fit


def test_what_is_missing_is_null(three: TestClient) -> None:
    (found,) = body(three.get("/api/patients?q=curie"))["patients"]
    assert found["birth_date"] is None
    assert found["last_study"] is None


def test_patients_are_sorted_by_whatever_the_search_can() -> None:
    assert set(get_args(patients.Sort)) == set(queries.SORTS)


@pytest.mark.parametrize(
    "asked",
    [
        "per_page=201",
        "per_page=0",
        "page=0",
        "page=x",
        "page=99999999999999999999",
        "sort=id",
        "order=up",
        "date_from=0",
        "date_from=2024-02-30",
        "date_to=1e9",
        f"q={'x' * 1001}",
    ],
)
def test_what_cannot_be_asked_is_refused_without_an_echo(running: Running, asked: str) -> None:
    told = body(running.admin.get(f"/api/patients?{asked}"), 422)
    assert asked.split("=")[0] in told["detail"]
    assert "xxxx" not in told["detail"]


# ---- not there, or nobody can say


@pytest.mark.parametrize("level", ["patients", "studies", "series"])
@pytest.mark.parametrize("odd", ["unknown", "..%2f..%2fetc%2fpasswd", "%00", "a%00b", "Ω😀", "' OR 1=1 --", "%ff", "%"])
def test_an_id_that_is_none_is_not_there(running: Running, level: str, odd: str) -> None:
    address = quote(odd, safe="%")
    below = {"patients": ["", "/studies"], "studies": ["", "/series"], "series": ["", "/thumbnails", "/thumbnails/1"]}
    for more in below[level]:
        body(running.admin.get(f"/api/{level}/{address}{more}"), 404)
    body(running.admin.get(f"/api/{level}/{'x' * 501}"), 422)


def test_a_picture_beyond_the_last_is_not_there(running: Running) -> None:
    of = ids(running.admin)["series"]
    body(running.admin.get(f"/api/series/{of}/thumbnails/4"), 404)
    body(running.admin.get(f"/api/series/{of}/thumbnails/0"), 422)
    body(running.admin.get(f"/api/series/{of}/thumbnails?count=121"), 422)


def test_an_empty_archive_has_no_patients(given: OneProcess) -> None:
    client = client_of(given)
    told = body(client.get("/api/patients"))
    assert (told["patients"], told["total"], told["pages"], told["next"]) == ([], 0, 1, None)
    body(client.get("/api/patients/p1"), 404)
    assert client.get("/api/patients.csv").text.startswith("name,patient_id")


class AwayArchive(MemoryArchive):
    """Nobody answers."""

    def about(self) -> str:
        raise ArchiveUnreachable("The archive does not answer. Start it.")

    def read(self, archive_id: str) -> bytes:  # noqa: ARG002 - the name is given
        raise ArchiveUnreachable("The archive does not answer. Start it.")


def test_while_the_archive_is_away_an_empty_cache_never_says_not_there(given: OneProcess) -> None:
    given.given = AwayArchive()
    client = client_of(given)
    for asked in ("patients", "patients.csv", "patients/p1", "studies/s1/series", "series/s1-1/thumbnails"):
        assert "does not answer" in body(client.get(f"/api/{asked}"), 503)["detail"]


def test_while_the_archive_is_away_what_is_known_is_told_and_pictures_are_not_called_missing(given: OneProcess) -> None:
    away = given.given = AwayArchive()
    away.add(study("s1"))
    given.refresh()
    client = client_of(given)
    assert body(client.get("/api/patients"))["total"] == 1
    for asked in ("thumbnails", "thumbnails/1", "contact-sheet"):
        body(client.get(f"/api/series/s1-1/{asked}"), 503)


def test_a_cache_that_another_process_holds_is_said_to_be_held(settings: Settings) -> None:
    services = OneProcess(settings)
    holds = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    command = [sys.executable, "-c", holds, settings.data_dir / "cache.duckdb"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        for asked in ("patients", "patients/p1", "patients.csv"):
            assert "in use by" in body(client_of(services).get(f"/api/{asked}"), 409)["detail"]
        other.communicate(b"\n")
    services.close()


# ---- what others wrote


def test_hostile_words_are_told_as_they_are_and_run_nowhere(given: OneProcess) -> None:
    assert isinstance(given.given, MemoryArchive)
    for what, written in HOSTILE.items():
        given.given.add(study(what, patient=what, name=written, patient_id=written, description=written))
    given.refresh()
    client = client_of(given)
    answer = client.get("/api/patients")
    assert answer.headers["content-type"] == "application/json"
    assert {one["id"]: one["patient_id"] for one in body(answer)["patients"]} == HOSTILE
    for what, written in HOSTILE.items():
        (of_it,) = body(client.get(f"/api/patients/{what}/studies"))["studies"]
        assert of_it["description"] == written


def test_hostile_words_are_only_text_in_a_table_to_take_away(given: OneProcess) -> None:
    assert isinstance(given.given, MemoryArchive)
    for start in ("=", "+", "-", "@", "\t", "\r"):
        given.given.add(study(f"s{ord(start)}", patient=f"p{ord(start)}", name=f"{start}1+1", patient_id=f"{start}2"))
    given.refresh()
    header, *rows = csv.reader(io.StringIO(client_of(given).get("/api/patients.csv").text, newline=""))
    assert len(rows) == 6
    for row in rows:
        assert row[header.index("patient_id")][:2] in {"'=", "'+", "'-", "'@", "'\t", "'\r"}
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


# ---- who may


def test_a_table_to_take_away_has_a_name_and_is_kept_by_nobody(three: TestClient) -> None:
    answer = three.get("/api/patients.csv?modality=CT&sort=name&order=asc")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="patients.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert [row[0] for row in csv.reader(io.StringIO(answer.text))] == ["name", "Adler Ada", "Curie Cy"]


def test_who_may_not_export_looks_but_takes_no_files_away(running: Running) -> None:
    client = client_of(running.services, Role.RESEARCHER, name="only looks", may_export=False)
    of = ids(client)["series"]
    for export in ("patients.csv", f"series/{of}/contact-sheet"):
        assert "may not export" in body(client.get(f"/api/{export}"), 403)["detail"]
    assert client.get(f"/api/series/{of}/thumbnails/1").status_code == 200


def test_a_researcher_refreshes_but_is_not_told_about_the_archive(running: Running) -> None:
    client = client_of(running.services, Role.RESEARCHER)
    body(client.post("/api/sync"))
    body(client.get("/api/archive"), 403)


def test_a_token_that_may_only_read_does_not_refresh(running: Running) -> None:
    body(client_of(running.services, scope="read").post("/api/sync"), 403)


# ---- what the documentation shows


def examples() -> list[str]:
    """The curl commands of docs/rest-api.md, in their order."""
    text = (PROJECT / "docs" / "rest-api.md").read_text("utf-8")
    return re.findall(r"^curl .*$", text, re.MULTILINE)


def ask_as_curl(client: TestClient, command: str) -> httpx2.Response:
    """Only with the options that the documentation uses."""
    _, *rest, address = shlex.split(command.replace("$DICOM", "/api").replace("$AUTH", "X-Nothing: 1"))
    given = list(zip(rest[::2], rest[1::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in given if option == "-H")
    sent = {option: value for option, value in given if option != "-H"}
    assert set(sent) <= {"-d", "-X", "-o"}
    method = sent.get("-X", "POST" if "-d" in sent else "GET")
    return client.request(method, address, headers=headers, content=sent.get("-d"))


def test_every_example_of_the_documentation_works(running: Running) -> None:
    known = ids(running.admin)
    batch = running.services.batches()[0].job_id
    (folder,) = {Path(printable(job.root)) for job in running.services.batches()}
    real = {
        "BATCH": batch,
        "PATIENT": known["patients"],
        "STUDY": known["studies"],
        "SERIES": known["series"],
        "/mnt/disk": str(folder),
    }
    assert len(examples()) > 12
    for command in examples():
        meant = re.sub("|".join(real), lambda word: real[word[0]], command)
        answer = ask_as_curl(running.admin, meant)
        assert answer.status_code in (200, 202), f"{command}: {answer.text}"


# ---- pseudonyms: nothing that names the patient, in any answer of any route


def secrets_of(running: Running) -> set[bytes]:
    """All that would name the patient, as it may be spelt in an answer."""
    known = ids(running.admin)
    words = {"canary", PATIENT_ID, ACCESSION, STUDY_UID, *known.values()}
    for day in (BIRTH_DATE, STUDY_DATE):
        words |= {day, date.fromisoformat(day).isoformat()}
    return {word.lower().encode() for word in words}


@pytest.fixture
def pseudonymised(running: Running) -> TestClient:
    return client_of(running.services, Role.RESEARCHER, name="in a study", project="study-a")


def test_under_pseudonyms_no_route_names_the_patient(
    running: Running, pseudonymised: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles, drawn = [], pictures.contact_sheet

    def noted(*shown: Any, **how: Any) -> bytes:
        titles.append(how["title"])
        return drawn(*shown, **how)

    monkeypatch.setattr(pictures, "contact_sheet", noted)
    secrets = secrets_of(running)
    for address in addresses(pseudonymised):
        answer = pseudonymised.get(address)
        assert answer.status_code == 200, address
        told = answer.content + str(answer.headers.raw).encode() + address.encode() + " ".join(titles).encode()
        assert not [secret for secret in secrets if secret in told.lower()], address
    assert titles


def test_under_pseudonyms_a_picture_that_is_gone_does_not_name_the_archives_id(
    running: Running, pseudonymised: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(archive_id: str, *_: Any, **__: Any) -> bytes:
        raise NotInArchive(f"The archive has no instance {archive_id}.")

    monkeypatch.setattr(running.services.thumbnails, "get", gone)
    real = [one.id for one in queries.instances_of(running.services.cache, ids(running.admin)["series"])]
    address = f"/api/series/{ids(pseudonymised)['series']}/thumbnails"
    for one, status in ((address, 200), (f"{address}/1", 422)):
        answer = pseudonymised.get(one)
        assert answer.status_code == status
        assert not [archive_id for archive_id in real if archive_id in answer.text]


def test_under_pseudonyms_real_ids_and_names_open_and_find_nothing(running: Running, pseudonymised: TestClient) -> None:
    known = ids(running.admin)
    for address in (f"patients/{known['patients']}", f"studies/{known['studies']}", f"studies/{STUDY_UID}"):
        body(pseudonymised.get(f"/api/{address}"), 404)
    for more in ("", "/thumbnails", "/thumbnails/1", "/contact-sheet"):
        body(pseudonymised.get(f"/api/series/{known['series']}{more}"), 404)
    for word in ("canaryfamily", PATIENT_ID, ACCESSION):
        assert names(pseudonymised, f"?q={word}") == []
    assert names(pseudonymised, "?date_from=2021-02-23&date_to=2021-02-23") == []


def test_the_same_addresses_name_the_patient_to_an_admin(running: Running) -> None:
    told = b"".join(running.admin.get(address).content for address in addresses(running.admin))
    missing = {secret for secret in secrets_of(running) if secret not in told.lower()}
    assert missing == {BIRTH_DATE.encode(), STUDY_DATE.encode()}, "else the test above looks for nothing"
