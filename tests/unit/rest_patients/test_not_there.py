"""What is not there, what nobody can say, what others wrote, and who may ask."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from dicomcore.errors import ArchiveUnreachable
from dicomcore.settings import Settings
from dicomcore.visitor import Role
from tests.memory_archive import MemoryArchive, study
from tests.one_process import OneProcess
from tests.rest import client_of
from tests.unit.rest_patients.asking import Running, body, ids

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "Markdown": "![x](https://example.org/a.png)",
    "formula": '=HYPERLINK("https://example.org","x")',
    "bidi": "\u202egnp.exe\u2066",
    "quotes": "\"'\\ \x01 \u2028",
    "long": "L" * 10_000,
}


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
