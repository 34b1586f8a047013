"""Pseudonyms: nothing that names the patient, in any answer of any route."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from dicomcore import pictures
from dicomcore.api import patients
from dicomcore.api import pictures as picture_routes
from dicomcore.cache import queries
from dicomcore.errors import NotInArchive
from dicomcore.visitor import Role
from tests.rest import client_of
from tests.unit.rest_patients.asking import (
    ACCESSION,
    BIRTH_DATE,
    PATIENT_ID,
    STUDY_DATE,
    STUDY_UID,
    Running,
    body,
    ids,
    names,
)


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
