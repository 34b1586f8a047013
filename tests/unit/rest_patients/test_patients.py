"""Patients, studies, series and pictures over the REST API: what is told, and in lists."""

from __future__ import annotations

import io
import json
import re
import shlex
from pathlib import Path
from typing import get_args

import httpx2
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from dicomcore.api import patients
from dicomcore.cache import queries
from dicomcore.scan.paths import printable
from tests.memory_archive import study
from tests.one_process import OneProcess
from tests.rest import client_of
from tests.unit.rest_patients.asking import (
    STUDY_UID,
    Running,
    body,
    ids,
    names,
)

PROJECT = Path(__file__).resolve().parents[3]


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
