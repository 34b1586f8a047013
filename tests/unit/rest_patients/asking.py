"""A study behind the API, and who asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from tests.one_process import OneProcess

NAME, PATIENT_ID, BIRTH_DATE = "Canaryfamily^Canarygiven", "CANARY-4711", "19610417"
STUDY_DATE, ACCESSION, STUDY_UID = "20210223", "ACC-998877", "1.2.826.0.1.3680043.8.498.4711"


Client = Callable[..., TestClient]


@dataclass
class Running:
    """An engine with one patient in it."""

    services: OneProcess
    admin: TestClient


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


def names(client: TestClient, asked: str) -> list[str]:
    return [one["name"] for one in body(client.get(f"/api/patients{asked}"))["patients"]]
